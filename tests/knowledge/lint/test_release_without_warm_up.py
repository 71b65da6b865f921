"""Deep release work comes only after the tissue was warmed."""

from __future__ import annotations

from knowledge.lint.release_without_warm_up import check
from knowledge.model import Phase
from tests.support.literal_knowledge import dose, knowledge, technique


def test_deep_work_after_a_warm_up_is_right() -> None:
    base = knowledge(
        technique("warm", phase=Phase.WARM_UP), technique("strip", doses=(dose("usual", 90, 0.8, 2),), needs=("warm",))
    )
    assert list(check(base)) == []


def test_light_work_needs_none() -> None:
    base = knowledge(technique("hold", doses=(dose("usual", 90, 0.8, 1),)))
    assert list(check(base)) == []


def test_deep_work_without_it_is_found() -> None:
    base = knowledge(technique("strip", doses=(dose("usual", 90, 0.8, 2),)))
    assert [finding.subject for finding in check(base)] == ["strip"]
