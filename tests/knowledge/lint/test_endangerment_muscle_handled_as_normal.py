"""A muscle at a place where a vessel, nerve or organ can be hurt must not be handled like any other."""

from __future__ import annotations

from knowledge.lint.endangerment_muscle_handled_as_normal import check
from knowledge.model import Handling
from tests.support.literal_knowledge import knowledge, muscle, site, zone


def test_careful_handling_is_enough() -> None:
    base = knowledge(
        muscle("a", handling=Handling.NEAR_ENDANGERMENT), zone("z"), site("artery", "z", "a", max_pressure=2)
    )
    assert list(check(base)) == []


def test_a_site_without_pressure_limit_leaves_the_belly_alone() -> None:
    base = knowledge(muscle("a"), zone("z"), site("edge", "z", "a"))
    assert list(check(base)) == []


def test_a_limit_to_firm_is_no_danger() -> None:
    base = knowledge(muscle("a"), zone("z"), site("bone", "z", "a", max_pressure=4))
    assert list(check(base)) == []


def test_normal_handling_at_a_guarded_place_is_found() -> None:
    base = knowledge(muscle("a"), zone("z"), site("artery", "z", "a", max_pressure=3))
    assert [finding.subject for finding in check(base)] == ["artery -> a"]
