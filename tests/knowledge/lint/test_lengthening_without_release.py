"""A muscle is released before it is lengthened."""

from __future__ import annotations

from knowledge.lint.lengthening_without_release import check
from knowledge.model import Phase
from tests.support.literal_knowledge import knowledge, technique


def test_a_release_first_is_right() -> None:
    base = knowledge(technique("press"), technique("stretch", phase=Phase.LENGTHEN, needs=("press",)))
    assert list(check(base)) == []


def test_a_stretch_of_a_warmed_muscle_only_is_found() -> None:
    base = knowledge(
        technique("warm", phase=Phase.WARM_UP), technique("stretch", phase=Phase.LENGTHEN, needs=("warm",))
    )
    assert [finding.subject for finding in check(base)] == ["stretch"]
