"""A muscle that is worked from inside the mouth must have an access with a gloved finger."""

from __future__ import annotations

from knowledge.lint.mouth_muscle_without_glove import check
from knowledge.model import Handling
from tests.support.literal_knowledge import ACCESS, GLOVED, knowledge, muscle


def test_a_gloved_access_is_enough() -> None:
    base = knowledge(muscle("a", handling=Handling.INTRAORAL, access=(GLOVED,)))
    assert list(check(base)) == []


def test_other_muscles_may_have_one_too() -> None:
    base = knowledge(muscle("a", access=(ACCESS, GLOVED)))
    assert list(check(base)) == []


def test_a_bare_hand_in_the_mouth_is_found() -> None:
    base = knowledge(muscle("a", handling=Handling.INTRAORAL))
    assert [finding.subject for finding in check(base)] == ["a"]


def test_a_glove_for_a_muscle_never_worked_on_is_found() -> None:
    base = knowledge(muscle("a", handling=Handling.REFER_ONLY, access=(GLOVED,)))
    assert [finding.subject for finding in check(base)] == ["a"]
