"""A rule is weaker when it fires less, stops less, sends on later or cuts less; nothing else makes it so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from knowledge.model import Cuts, Handling, SafetyRule, Scope, Tier, Urgency, When
from knowledge.strictness import Weakening, lost, weakenings
from tests.support.literal_knowledge import (
    condition,
    cuts,
    knowledge,
    mimic,
    muscle,
    rule,
    site,
    technique,
    zone,
)

RULE = rule(
    "r",
    "fever",
    "cough",
    scope=Scope.LOCAL,
    urgency=Urgency.SOON,
    when=(When(parameter="days", at_least=3, below=10), When(parameter="stage", is_one_of=("early",))),
    cuts=Cuts(muscles=("a", "b"), families=("friction",), flagged_zone=True, max_pressure=3, max_minutes=60),
    only_in=("neck", "torso"),
)
EARLY = RULE.when[1]
WEAKER: dict[str, dict[str, Any]] = {
    "a condition less": {"conditions": ("fever",)},
    "more conditions needed": {"at_least": 2},
    "a narrower span": {"when": (When(parameter="days", at_least=5, below=10), EARLY)},
    "a new test": {"when": (*RULE.when, When(parameter="agreed", is_true=False))},
    "another choice": {"when": (RULE.when[0], When(parameter="stage", is_one_of=("late",)))},
    "a milder scope": {"scope": Scope.MODIFY},
    "a later referral": {"urgency": Urgency.ROUTINE},
    "no referral": {"urgency": None},
    "no cuts": {"cuts": None},
    "a muscle less": {"cuts": replace(RULE.cuts, muscles=("a",))},  # type: ignore[type-var]
    "no flagged zone": {"cuts": replace(RULE.cuts, flagged_zone=False)},  # type: ignore[type-var]
    "more pressure": {"cuts": replace(RULE.cuts, max_pressure=4)},  # type: ignore[type-var]
    "no limit of minutes": {"cuts": replace(RULE.cuts, max_minutes=None)},  # type: ignore[type-var]
    "fewer regions": {"only_in": ("neck",)},
}
AS_STRICT: dict[str, dict[str, Any]] = {
    "another message": {"message": "Stop."},
    "a condition more": {"conditions": ("fever", "cough", "chill")},
    "a wider span": {"when": (When(parameter="days", at_least=1), EARLY)},
    "a test less": {"when": (EARLY,)},
    "one more choice": {"when": (RULE.when[0], When(parameter="stage", is_one_of=("early", "late")))},
    "a stop in place of a cut": {"scope": Scope.ABSOLUTE, "cuts": None},
    "a sooner referral": {"urgency": Urgency.EMERGENCY},
    "less pressure": {"cuts": replace(RULE.cuts, max_pressure=1)},  # type: ignore[type-var]
    "everywhere": {"only_in": ()},
}


@pytest.mark.parametrize("case", WEAKER)
def test_this_makes_a_rule_weaker(case: str) -> None:
    assert list(lost(RULE, replace(RULE, **WEAKER[case])))


@pytest.mark.parametrize("case", AS_STRICT)
def test_this_does_not(case: str) -> None:
    assert list(lost(RULE, replace(RULE, **AS_STRICT[case]))) == []


def test_a_referral_that_lets_the_plan_stand_is_weaker_than_one_that_does_not() -> None:
    stop: SafetyRule = rule("r", "fever", scope=Scope.REFER, urgency=Urgency.SOON)
    assert list(lost(stop, replace(stop, refer_and_treat=True))) == ["leaves the plan standing"]


def test_everywhere_is_more_than_one_region() -> None:
    everywhere = rule("r", "fever", cuts=cuts(max_pressure=2))
    assert list(lost(everywhere, replace(everywhere, only_in=("neck",)))) == ["holds only in neck"]


def test_what_guards_a_client_is_compared_too() -> None:
    before = knowledge(
        condition("fever", ask_always=True),
        condition("gone"),
        zone("z", serious_mimics=True),
        muscle("a", handling=Handling.REFER_ONLY, tier=Tier.REFER, lies_in=("z",)),
        site("artery", "z", "a", max_pressure=2, no_techniques=("press",)),
        mimic("clot", Urgency.EMERGENCY, "z"),
        technique("press", pregnancy_ok=False, consent="gloves", needs=("press",)),
    )
    after = knowledge(
        condition("fever"),
        zone("z"),
        muscle("a"),
        site("artery", "z", "a"),
        mimic("clot", Urgency.SOON),
        technique("press", family="friction", pain_ceiling=9),
    )
    assert list(weakenings(before, after)) == [
        Weakening("condition", "fever", "is no longer asked of everybody"),
        Weakening("condition", "gone", "is gone"),
        Weakening("endangerment_site", "artery", "no_techniques: press left out"),
        Weakening("endangerment_site", "artery", "max_pressure: no limit instead of 2"),
        Weakening("mimic", "clot", "zones: z left out"),
        Weakening("mimic", "clot", "refers soon instead of emergency"),
        Weakening("muscle", "a", "is handled as normal instead of refer_only"),
        Weakening("muscle", "a", "is of the tier must instead of refer"),
        Weakening("muscle", "a", "lies_in: z left out"),
        Weakening("technique", "press", "left the family pressure_release, which rules may cut"),
        Weakening("technique", "press", "may hurt up to 9 instead of 5"),
        Weakening("technique", "press", "counts as fit for pregnancy"),
        Weakening("technique", "press", "needs nothing before it any more"),
        Weakening("technique", "press", "no longer asks for consent"),
        Weakening("zone", "z", "no longer warns of serious mimics"),
    ]
    assert list(weakenings(after, after)) == []


def test_a_muscle_that_is_gone_can_do_no_harm() -> None:
    assert list(weakenings(knowledge(muscle("a")), knowledge())) == []
