"""The words of `expect`: each is the function below whose name is the word after `expect_`.

A line that names a step (`{muscle: soleus, side: LEFT}`) may also name technique, position, region, motion or phase.
"Treated" is released or lengthened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from myoplan.planner.v1.plan_pb2 import Omission, Plan, Side, Step, Urgency

HANDS_ON = {Step.WARM_UP, Step.CONFIRM, Step.RELEASE, Step.LENGTHEN, Step.INTEGRATE}
TREATMENT = {Step.RELEASE, Step.LENGTHEN}
ENUMS = {"side": Side, "phase": Step.Phase}


def problems(plan: Plan, expect: dict[str, Any]) -> list[str]:
    """Returns what of a plan is not as expected."""
    return [problem for word, value in expect.items() for problem in EXPECTATIONS[word](plan, value)]


def summary(plan: Plan) -> Iterator[str]:
    """Yields the plan in lines, to read beside a failure."""
    yield f"disposition {Plan.Disposition.Name(plan.disposition)}"
    for step in plan.steps:
        yield (
            f"{step.start_offset.seconds // 60:3} {step.duration.seconds / 60:4.1f} {Step.Phase.Name(step.phase):9} "
            f"{Side.Name(step.side):8} {step.muscle or step.region or step.motion} {step.technique} {step.position}"
        )
    for omission in plan.omissions:
        yield f"out {Side.Name(omission.side)} {omission.muscle} {omission.technique} {omission.message}"
    yield from (f"caution {caution.rule}: {caution.message}" for caution in plan.cautions)


# --- what is treated ----------------------------------------------------------------------------------------------


def expect_must_include(plan: Plan, wanted: list[dict[str, Any]]) -> Iterator[str]:
    """Every one of these is treated."""
    yield from (f"does not treat {one}" for one in wanted if not _treats(plan, one))


def expect_must_include_one_of(plan: Plan, wanted: list[dict[str, Any]]) -> Iterator[str]:
    """At least one of these is treated."""
    if not any(_treats(plan, one) for one in wanted):
        yield f"treats none of {wanted}"


def expect_must_not_include(plan: Plan, wanted: list[dict[str, Any]]) -> Iterator[str]:
    """No step of the plan, of whatever phase, is one of these."""
    yield from (f"has {one}" for one in wanted if any(_matches(step, one) for step in plan.steps))


def expect_has_step(plan: Plan, wanted: list[dict[str, Any]]) -> Iterator[str]:
    """A step of whatever phase is there."""
    yield from (f"has no {one}" for one in wanted if not any(_matches(step, one) for step in plan.steps))


def expect_retest(plan: Plan, wanted: list[dict[str, Any]]) -> Iterator[str]:
    """These motions are measured again at the end."""
    yield from expect_has_step(plan, [{"phase": "RETEST", **one} for one in wanted])


def expect_checked_first(plan: Plan, wanted: list[dict[str, Any]]) -> Iterator[str]:
    """These muscles, which nobody has palpated, are palpated before anything is done to them."""
    yield from expect_has_step(plan, [{"phase": "CONFIRM", **one} for one in wanted])


def expect_no_hands_on_step(plan: Plan, wanted: bool) -> Iterator[str]:
    """No hand touches the client."""
    if any(step.phase in HANDS_ON for step in plan.steps) == wanted:
        yield "hands are on the client" if wanted else "no hand is on the client"


def expect_no_treatment(plan: Plan, wanted: bool) -> Iterator[str]:
    """No muscle is treated."""
    if any(step.phase in TREATMENT for step in plan.steps) == wanted:
        yield "a muscle is treated" if wanted else "no muscle is treated"


def expect_muscles_between(plan: Plan, wanted: list[int]) -> Iterator[str]:
    """So many muscles are treated, each side counted."""
    count = len({(step.muscle, step.side) for step in plan.steps if step.phase in TREATMENT})
    if not wanted[0] <= count <= wanted[1]:
        yield f"treats {count} muscles"


def expect_points_first_to(plan: Plan, wanted: list[dict[str, Any]]) -> Iterator[str]:
    """The findings point to these muscles more than to any other, in whatever order among themselves."""
    first = [(candidate.muscle, Side.Name(candidate.side)) for candidate in plan.candidates[: len(wanted)]]
    if sorted(first) != sorted((one["muscle"], one["side"]) for one in wanted):
        yield f"the findings point first to {first}"


# --- in which order, where and how long ---------------------------------------------------------------------------


def expect_order(plan: Plan, wanted: list[str]) -> Iterator[str]:
    """The first step of each phase comes in this order."""
    phases = [Step.Phase.Name(step.phase) for step in plan.steps]
    missing = [phase for phase in wanted if phase not in phases]
    if missing:
        yield f"has no {', '.join(missing)}"
    elif sorted(wanted, key=phases.index) != wanted:
        yield f"phases come as {list(dict.fromkeys(phases))}"


def expect_first_then(plan: Plan, wanted: list[list[dict[str, Any]]]) -> Iterator[str]:
    """If both are treated, the first is begun before the second."""
    for first, then in wanted:
        earlier, later = _treats(plan, first), _treats(plan, then)
        if earlier and later and min(later) < min(earlier):
            yield f"{then} comes before {first}"


def expect_minutes_between(plan: Plan, wanted: list[float]) -> Iterator[str]:
    """So many minutes of the budget are planned."""
    planned = plan.planned_duration.seconds / 60
    if not wanted[0] <= planned <= wanted[1]:
        yield f"{planned:g} minutes are planned"


def expect_minutes_on(plan: Plan, wanted: list[dict[str, Any]]) -> Iterator[str]:
    """One muscle is treated for so many minutes, release and lengthening together."""
    for one in wanted:
        named = {name: value for name, value in one.items() if name != "between"}
        minutes = sum(plan.steps[place].duration.seconds for place in _treats(plan, named)) / 60
        if not one["between"][0] <= minutes <= one["between"][1]:
            yield f"{named} gets {minutes:g} minutes"


def expect_positions_only(plan: Plan, wanted: list[str]) -> Iterator[str]:
    """The client is in no other position than these."""
    others = {step.position for step in plan.steps if step.position} - set(wanted)
    if others:
        yield f"the client is {', '.join(sorted(others))}"


def expect_turns_at_most(plan: Plan, wanted: int) -> Iterator[str]:
    """The client turns at most so often."""
    turns = sum(step.phase == Step.TURN for step in plan.steps)
    if turns > wanted:
        yield f"the client turns {turns} times"


def expect_pressure_at_most(plan: Plan, wanted: int) -> Iterator[str]:
    """No step presses harder."""
    yield from (f"{step.id}: pressure {step.pressure_level}" for step in plan.steps if step.pressure_level > wanted)


# --- what is left out and why -------------------------------------------------------------------------------------


def expect_left_out(plan: Plan, wanted: list[dict[str, Any]]) -> Iterator[str]:
    """The plan says of what it leaves out which kind of reason it has, and, where named, which rule."""
    for one in wanted:
        found = [omission for omission in plan.omissions if _is_left_out(omission, one)]
        if not found:
            yield f"does not say {one}"


def _is_left_out(omission: Omission, wanted: dict[str, Any]) -> bool:
    return (
        all(getattr(omission, name) == wanted[name] for name in ("muscle", "technique") if name in wanted)
        and ("side" not in wanted or Side.Name(omission.side) == wanted["side"])
        and ("kind" not in wanted or Omission.Kind.Name(omission.kind) == wanted["kind"])
        and ("rule" not in wanted or wanted["rule"] in [reason.rule for reason in omission.rationale.reasons])
    )


def expect_left_out_for_time(plan: Plan, wanted: bool) -> Iterator[str]:
    """Something does not fit the time, and the plan says how many minutes it would need."""
    found = [omission for omission in plan.omissions if omission.kind == Omission.OVER_BUDGET]
    if bool(found) != wanted:
        yield "nothing is left out for time" if wanted else "something is left out for time"
    yield from (f"{o.muscle}: minutes not said" for o in found if not o.HasField("minutes_needed"))


def expect_reason(plan: Plan, wanted: list[dict[str, Any]]) -> Iterator[str]:
    """A step has a reason of this rule."""
    for one in wanted:
        named = {name: value for name, value in one.items() if name != "rule"}
        rules = {reason.rule for step in plan.steps if _matches(step, named) for reason in step.rationale.reasons}
        if one["rule"] not in rules:
            yield f"{named} has no reason {one['rule']}, but {sorted(rules)}"


# --- what to respect, ask and say ---------------------------------------------------------------------------------


def expect_disposition(plan: Plan, wanted: str) -> Iterator[str]:
    """What the health flags allow."""
    found = Plan.Disposition.Name(plan.disposition)
    if found != wanted:
        yield f"disposition is {found}, not {wanted}"


def expect_caution_about(plan: Plan, wanted: str | list[str]) -> Iterator[str]:
    """A caution of the whole plan has these words in its sentence, or is of the rule of this name."""
    for words in [wanted] if isinstance(wanted, str) else wanted:
        if not any(words in f"{caution.rule} {caution.message}".lower() for caution in plan.cautions):
            yield f"no caution about {words}: {[caution.message for caution in plan.cautions]}"


def expect_no_caution_of(plan: Plan, wanted: list[str]) -> Iterator[str]:
    """No caution of the whole plan is of one of these rules."""
    rules = {caution.rule for caution in plan.cautions}
    yield from (f"a caution of {rule}" for rule in wanted if rule in rules)


def expect_changed(plan: Plan, wanted: list[str]) -> Iterator[str]:
    """The edits say so: each of these is in a sentence about what changed."""
    said = list(plan.change.sentences)
    yield from (f"does not say {words!r}, but {said}" for words in wanted if not any(words in one for one in said))


def expect_clash_of(plan: Plan, wanted: list[str]) -> Iterator[str]:
    """Demands clash, and each of these is in one of them."""
    said = [demand for conflict in plan.conflicts for demand in conflict.demands]
    yield from (f"no clash of {words!r}, but {said}" for words in wanted if not any(words in one for one in said))


def expect_would_help(plan: Plan, wanted: list[str]) -> Iterator[str]:
    """The plan says what would loosen a clash."""
    said = [loosening for conflict in plan.conflicts for loosening in conflict.loosenings]
    yield from (f"nothing about {words!r}, but {said}" for words in wanted if not any(words in one for one in said))


def expect_pinned(plan: Plan, wanted: list[dict[str, Any]]) -> Iterator[str]:
    """These steps carry a pin."""
    for one in wanted:
        if not any(step.pinned for step in plan.steps if _matches(step, one)):
            yield f"{one} is not pinned"


def expect_step_caution_about(plan: Plan, wanted: list[dict[str, Any]]) -> Iterator[str]:
    """A step says these words among what to respect."""
    for one in wanted:
        named = {name: value for name, value in one.items() if name != "about"}
        told = [caution.message.lower() for step in plan.steps if _matches(step, named) for caution in step.cautions]
        if not any(one["about"] in message for message in told):
            yield f"{named} has no caution about {one['about']}: {told}"


def expect_question_about(plan: Plan, wanted: list[str]) -> Iterator[str]:
    """The plan asks about these conditions."""
    asked = {question.condition for question in plan.unanswered_questions}
    yield from (f"does not ask about {condition}" for condition in wanted if condition not in asked)


def expect_referral(plan: Plan, wanted: dict[str, str]) -> Iterator[str]:
    """Somebody else should see the client, so soon."""
    found = [Urgency.Name(referral.urgency) for referral in plan.referrals]
    if wanted["urgency"] not in found:
        yield f"refers {found}, not {wanted['urgency']}"


def expect_carried_over(plan: Plan, wanted: list[dict[str, Any]]) -> Iterator[str]:
    """What did not fit would come at the next visit."""
    carried = [(target.muscle, Side.Name(target.side)) for target in plan.follow_up.carry_over]
    yield from (f"does not carry over {one}" for one in wanted if (one["muscle"], one["side"]) not in carried)


# --- steps --------------------------------------------------------------------------------------------------------


def _matches(step: Step, wanted: dict[str, Any]) -> bool:
    """Whether a step is what a line of a scenario names."""
    return all(
        getattr(step, name) == (ENUMS[name].Value(value) if name in ENUMS else value) for name, value in wanted.items()
    )


def _treats(plan: Plan, wanted: dict[str, Any]) -> list[int]:
    return [place for place, step in enumerate(plan.steps) if step.phase in TREATMENT and _matches(step, wanted)]


EXPECTATIONS: dict[str, Callable[[Plan, Any], Iterator[str]]] = {
    name.removeprefix("expect_"): function for name, function in list(globals().items()) if name.startswith("expect_")
}
