"""A muscle that lies over another is not of a deeper layer than that one."""

from __future__ import annotations

from knowledge.lint.overlies_against_depth import check
from knowledge.model import Depth
from tests.support.literal_knowledge import knowledge, muscle, overlies


def test_deeper_below_is_right() -> None:
    base = knowledge(muscle("a"), muscle("b", depth=Depth.DEEP), overlies("a", "b"))
    assert list(check(base)) == []


def test_one_layer_may_overlap_itself() -> None:
    base = knowledge(muscle("a"), muscle("b"), overlies("a", "b"))
    assert list(check(base)) == []


def test_a_deep_muscle_on_top_is_found() -> None:
    base = knowledge(muscle("a", depth=Depth.DEEP), muscle("b", depth=Depth.INTERMEDIATE), overlies("a", "b"))
    assert [finding.subject for finding in check(base)] == ["overlies a -> b"]
