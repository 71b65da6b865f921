"""Checks of time, order, positions, doses and loads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from knowledge.model import Dose, Muscle
from services.planner.check.findings import HANDS_ON, TREATMENT, Finding, Subject
from services.planner.domain.plan import STEP_SECONDS, Phase, Step
from services.planner.domain.reasons import Rule
from services.planner.domain.sides import Side

_ORDER = {Phase.ARRIVAL: 0, Phase.CLOSE: 3}
_UPRIGHT = {"standing", "seated"}
_LOADS = ("thumb", "wrist", "elbow", "tool")
# The rules of order that a person may set aside; everything else is safety.
_PREFERENCES = {"key_before_satellite", "superficial_before_deep", "proximal_before_distal", "checks_before_work"}


def minutes_add_up(subject: Subject) -> Iterator[Finding]:
    """Planned and free time are the budget, planned time is the sum of the steps."""
    plan = subject.plan
    if not 0 < plan.time_budget_seconds <= 60 * subject.number("session_minutes_most"):
        yield Finding(rule="budget", message=f"the budget is {plan.time_budget_seconds} s")
    if plan.slack_seconds < 0 or plan.planned_seconds > plan.time_budget_seconds:
        yield Finding(rule="budget", message="the steps take longer than the budget")
    if plan.planned_seconds + plan.slack_seconds != plan.time_budget_seconds:
        yield Finding(rule="budget", message="planned and free time are not the budget")
    if sum(step.duration_seconds for step in plan.steps) != plan.planned_seconds:
        yield Finding(rule="sum", message="the planned time is not the sum of the steps")


def steps_join(subject: Subject) -> Iterator[Finding]:
    """Each step begins where the one before ends, and lasts a multiple of half a minute."""
    end = 0
    for step in subject.plan.steps:
        if step.start_seconds != end:
            yield Finding(rule="offset", step=step.id, message=f"begins at {step.start_seconds} s, not at {end} s")
        if step.duration_seconds <= 0 or step.duration_seconds % STEP_SECONDS:
            yield Finding(rule="grid", step=step.id, message=f"lasts {step.duration_seconds} s")
        end = step.start_seconds + step.duration_seconds


def steps_have_names(subject: Subject) -> Iterator[Finding]:
    """Every step has an id of its own that begins with its phase, an instruction and a reason."""
    seen: set[str] = set()
    for step in subject.plan.steps:
        if step.id in seen:
            yield Finding(rule="id", step=step.id, message="is there twice")
        seen.add(step.id)
        if not step.id.startswith(step.phase.value):
            yield Finding(rule="id", step=step.id, message=f"is a step of phase {step.phase.value}")
        if not step.instruction or not step.reasons:
            yield Finding(rule="reason", step=step.id, message="has no instruction or no reason")


def phases_in_order(subject: Subject) -> Iterator[Finding]:
    """Arrival comes first, the joining strokes after all work, the close last; there is one of each at most."""
    places = [
        (_ORDER.get(step.phase, 2 if step.phase is Phase.INTEGRATE and not step.muscle else 1), step)
        for step in subject.plan.steps
        # A re-test and the turn to it may stand between work and close wherever the motion can be measured.
        if step.phase not in {Phase.RETEST, Phase.TURN}
    ]
    for (one, _), (other, step) in pairwise(places):
        if one > other:
            yield Finding(rule="phase", step=step.id, message="comes too late in the session")
    begun = [place for place, step in enumerate(subject.plan.steps) if step.phase in TREATMENT]
    for place, step in enumerate(subject.plan.steps):
        if step.phase is Phase.RETEST and (not begun or place < begun[0]):
            yield Finding(rule="phase", step=step.id, message="comes before all work")
    for phase in (Phase.ARRIVAL, Phase.CLOSE):
        found = [step for step in subject.plan.steps if step.phase is phase]
        if len(found) > 1:
            yield Finding(rule="phase", step=found[1].id, message="is a second one")


def positions_and_turns(subject: Subject) -> Iterator[Finding]:
    """A change of position is a turn with the minutes of the table; there are no more turns than the session allows."""
    changes = {frozenset(change.between): change.seconds for change in subject.base.position_changes}
    current = ""
    for step in subject.plan.steps:
        if step.position and step.position not in subject.base.positions:
            yield Finding(rule="position", step=step.id, message=f"there is no position {step.position}")
        elif step.phase is Phase.TURN:
            needed = changes.get(frozenset({current, step.position}))
            if needed is None or step.duration_seconds != -(-needed // STEP_SECONDS) * STEP_SECONDS:
                yield Finding(rule="turn", step=step.id, message="is not the turn of the table")
        elif not step.position and step.phase is not Phase.ARRIVAL:
            yield Finding(rule="position", step=step.id, message="has no position")
        elif current and step.position != current:
            yield Finding(rule="turn", step=step.id, message=f"is {step.position} without a turn from {current}")
        current = step.position or current
    turns = sum(step.phase is Phase.TURN for step in subject.plan.steps)
    limit = _turn_limit(subject)
    if turns > limit:
        yield Finding(rule="turn", message=f"{turns} turns, at most {limit}")


def _turn_limit(subject: Subject) -> int:
    minutes = subject.plan.time_budget_seconds / 60
    for most in (60, 90):
        if minutes <= most:
            return int(subject.number(f"turn_limit_up_to_{most}_minutes"))
    return int(subject.number("turn_limit_above_90_minutes"))


def muscles_are_reached(subject: Subject) -> Iterator[Finding]:
    """A step names a muscle that exists, on a side that it has, in a position that reaches it there."""
    for step in subject.plan.steps:
        if step.muscle and step.muscle not in subject.base.muscles:
            yield Finding(rule="muscle", step=step.id, message=f"there is no muscle {step.muscle}")
    for _, step, muscle in subject.on_muscles():
        sides = {Side.LEFT, Side.RIGHT} if muscle.paired else {Side.MIDLINE}
        if step.side not in sides:
            yield Finding(rule="side", step=step.id, message=f"{step.side} is not a side of {muscle.id}")
        elif step.position not in _positions(subject, step, muscle):
            yield Finding(rule="access", step=step.id, message=f"{muscle.id} is not reached {step.position}")


def _positions(subject: Subject, step: Step, muscle: Muscle) -> set[str]:
    """Returns where hands reach the muscle or, for a lengthening, where the joint can lengthen it if that is known."""
    accesses = {access.position.value for access in muscle.access}
    if step.phase in {Phase.LENGTHEN, Phase.INTEGRATE}:
        freed = {
            word.value
            for edge in subject.base.limits_motion
            if edge.muscle == muscle.id and edge.mechanism.value == "shortened"
            for word in edge.lengthened_in or subject.base.motions[edge.motion].moved_in
        }
        accesses = freed or accesses
    return {_lying(word, step.side, one) for word in accesses for one in ("left", "right")}


def _lying(access: str, side: Side | None, midline: str) -> str:
    """Returns the position id of an access for a treated side; a midline muscle may have either side up."""
    if not access.startswith("side_lying"):
        return access
    treated = midline if side is Side.MIDLINE or side is None else side.value
    below = treated if access.endswith("down") else {"left": "right", "right": "left"}[treated]
    return f"side_lying_{below}"


def techniques_fit(subject: Subject) -> Iterator[Finding]:
    """A step uses a technique of its phase, on a muscle it is used on, at a dose it has, within its pressure."""
    uses = {(use.muscle, use.technique) for use in subject.base.treated_by}
    for step in subject.plan.steps:
        if step.phase is not Phase.TURN and step.technique not in subject.base.techniques:
            yield Finding(rule="technique", step=step.id, message=f"there is no technique {step.technique!r}")
    for _, step, technique in subject.techniques():
        if technique.phase.value != step.phase.value:
            yield Finding(rule="technique", step=step.id, message=f"{technique.id} is not for this phase")
        if step.muscle and (step.muscle, technique.id) not in uses:
            yield Finding(rule="technique", step=step.id, message=f"{technique.id} is not used on {step.muscle}")
        if step.pressure_level is not None and not (
            1 <= step.pressure_level <= min(technique.pressure.max, technique.pressure.usual)
        ):
            yield Finding(rule="pressure", step=step.id, message=f"pressure {step.pressure_level} of {technique.id}")
        yield from _dose_fits(subject, step)


def _dose_fits(subject: Subject, step: Step) -> Iterator[Finding]:
    dose = _dose(subject, step)
    if dose is None:
        yield Finding(rule="dose", step=step.id, message="has a dose that its technique does not have")
        return
    muscle = subject.base.muscles.get(step.muscle)
    setups = [access.setup_seconds for access in muscle.access] if muscle else []
    longest = dose.seconds + max(setups, default=0) + STEP_SECONDS - 1
    wanted = subject.set_duration(step)
    if wanted is not None:
        doses = [one.seconds for one in subject.base.techniques[step.technique].doses]
        most = max(doses) + max(setups, default=0) + STEP_SECONDS - 1
        if step.duration_seconds != wanted:
            yield Finding(rule="set_duration", step=step.id, message=f"lasts {step.duration_seconds} s, not {wanted} s")
        if not min(doses) <= step.duration_seconds <= most or step.duration_seconds > longest:
            yield Finding(rule="dose", step=step.id, message=f"lasts {step.duration_seconds} s, which is no dose of it")
        return
    if not dose.seconds <= step.duration_seconds <= longest:
        yield Finding(rule="dose", step=step.id, message=f"lasts {step.duration_seconds} s at {dose.seconds} s of dose")


def _dose(subject: Subject, step: Step) -> Dose | None:
    level = step.dose.level if step.dose else ""
    return next((dose for dose in subject.base.techniques[step.technique].doses if dose.level == level), None)


def needs_are_met(subject: Subject) -> Iterator[Finding]:
    """What a technique needs has been done before, on the muscle itself or on its region and side."""
    for place, step, technique in subject.techniques():
        if step.phase not in HANDS_ON or not technique.needs or (not step.muscle):
            continue
        earlier = subject.plan.steps[:place]
        met = any(
            other.technique in technique.needs
            and (
                (other.muscle == step.muscle and other.side is step.side)
                or (not other.muscle and other.region == subject.region_of(step) and other.side in {None, step.side})
            )
            for other in earlier
        )
        if not met:
            yield Finding(rule="needs", step=step.id, message=f"nothing that {technique.id} needs comes before it")


def work_in_order(subject: Subject) -> Iterator[Finding]:
    """On one muscle: check, release, lengthen, full movement. Each of them once.

    A muscle that fingers reach from outside is released there before it is released inside the mouth.
    """
    gloved = _gloved(subject)
    stages = {Phase.CONFIRM: 0, Phase.RELEASE: 1, Phase.LENGTHEN: 2, Phase.INTEGRATE: 3}
    last: dict[tuple[str, Side | None], float] = {}
    for step in subject.plan.steps:
        if step.muscle and step.phase in stages:
            key = (step.muscle, step.side)
            stage: float = stages[step.phase]
            if step.phase is Phase.RELEASE and step.technique in gloved:
                inner = subject.base.muscles[step.muscle].handling.value == "intraoral"
                if not inner and last.get(key) != stage:
                    yield Finding(rule="order", step=step.id, message="is inside the mouth before any work outside")
                stage += 0.5
            if last.get(key, -1) >= stage:
                yield Finding(rule="order", step=step.id, message="comes after what it should come before")
            last[key] = stage


def muscles_in_order(subject: Subject) -> Iterator[Finding]:
    """A positive key before its satellite, superficial before deep, unless such rules contradict each other."""
    treated = subject.treated()
    named = {*treated, *((candidate.muscle, candidate.side) for candidate in subject.plan.candidates)}
    spots = {spot for spot in named if spot[0] in subject.base.muscles}
    keys, layers = _key_pairs(subject, spots), _layer_pairs(subject, spots)
    followers: dict[Spot, set[Spot]] = {}
    for first, then in keys | layers | _mouth_pairs(subject, spots):
        followers.setdefault(first, set()).add(then)
    for first, then in sorted(keys | layers, key=str):
        both = first in treated and then in treated
        rules = [
            name
            for name, pairs in (("key_before_satellite", keys), ("superficial_before_deep", layers))
            if (first, then) in pairs
        ]
        # A pair of two rules is free only if a person set both aside.
        waived = all(subject.overridden(rule, {first, then}) for rule in rules)
        # Rules that run in a circle cannot all hold; which of them does is the planner's choice.
        wrong = both and treated[first][0] > treated[then][0] and not _leads(followers, then, first)
        if wrong and not waived:
            yield Finding(rule="sequence", message=f"{then[0]} {then[1]} is treated before {first[0]} {first[1]}")


def demanded_order_is_kept(subject: Subject) -> Iterator[Finding]:
    """What a person wants first comes first, unless such demands contradict each other, and that is told."""
    places: dict[tuple[str, Side | None, str], int] = {}
    for place, step in enumerate(subject.plan.steps):
        places.setdefault((step.muscle, step.side, step.technique), place)
    for one in subject.plan.constraints.sequences:
        first = places.get((one.first.muscle, one.first.side, one.first.technique))
        then = places.get((one.then.muscle, one.then.side, one.then.technique))
        if first is not None and then is not None and first > then and not subject.plan.conflicts:
            yield Finding(rule="set_order", step=subject.plan.steps[then].id, message="comes too early")


def overrides_say_why(subject: Subject) -> Iterator[Finding]:
    """Only preferences are set aside, with a reason in words where the code says none, and the plan tells it."""
    for one in subject.plan.constraints.overrides:
        if one.rule not in _PREFERENCES:
            yield Finding(rule="override", message=f"{one.rule or 'nothing'} cannot be set aside")
        if one.reason.value == "other" and not one.comment.strip():
            yield Finding(rule="override", message=f"{one.rule} is set aside without a reason in words")
        hands_on = subject.plan.disposition.hands_on
        if hands_on and not any(caution.rule == one.rule for caution in subject.plan.cautions):
            yield Finding(rule="override", message=f"{one.rule} is set aside, and no caution says so")


Spot = tuple[str, Side | None]


def _key_pairs(subject: Subject, spots: set[Spot]) -> set[tuple[Spot, Spot]]:
    positive = subject.positive() or spots
    by_muscle = _by_muscle(spots)
    return {
        (key, satellite)
        for edge in subject.base.satellite_of
        for satellite in by_muscle.get(edge.muscle, ())
        for key in by_muscle.get(edge.key, ())
        if key in positive and key != satellite and _sides_fit(edge.side.value, satellite[1], key[1])
    }


def _layer_pairs(subject: Subject, spots: set[Spot]) -> set[tuple[Spot, Spot]]:
    by_muscle = _by_muscle(spots)
    return {
        (upper, lower)
        for edge in subject.base.overlies
        for upper in by_muscle.get(edge.muscle, ())
        for lower in by_muscle.get(edge.deeper, ())
        if _sides_fit("same", upper[1], lower[1])
    }


def _mouth_pairs(subject: Subject, spots: set[Spot]) -> set[tuple[Spot, Spot]]:
    """Muscles that can be worked inside the mouth come after those of the same region that cannot."""
    base = subject.base
    inner = {muscle.id for muscle in base.muscles.values() if muscle.handling.value == "intraoral"}
    gloved = _gloved(subject)
    inside = inner | {use.muscle for use in base.treated_by if use.technique in gloved}
    regions = {base.muscles[muscle].region for muscle in inside}
    outer = {spot for spot in spots if spot[0] not in inside and base.muscles[spot[0]].region in regions}
    return {(one, other) for one in outer for other in spots if other[0] in inside}


def _gloved(subject: Subject) -> set[str]:
    """Returns the techniques inside the mouth."""
    base = subject.base
    inner = {muscle.id for muscle in base.muscles.values() if muscle.handling.value == "intraoral"}
    return {use.technique for use in base.treated_by if use.muscle in inner and base.techniques[use.technique].consent}


def _by_muscle(spots: set[Spot]) -> dict[str, list[Spot]]:
    found: dict[str, list[Spot]] = {}
    for spot in spots:
        found.setdefault(spot[0], []).append(spot)
    return found


def _sides_fit(relation: str, one: Side | None, other: Side | None) -> bool:
    if Side.MIDLINE in {one, other} or relation == "both":
        return True
    return (one is other) == (relation == "same")


def _leads(followers: dict[Spot, set[Spot]], start: Spot, end: Spot) -> bool:
    reached, waiting = {start}, [start]
    while waiting:
        for then in followers.get(waiting.pop(), set()) - reached:
            reached.add(then)
            waiting.append(then)
    return end in reached


def loads_are_bearable(subject: Subject) -> Iterator[Finding]:
    """Deep work stays below the caps of the session and of each region, the therapist's hands below theirs."""
    tissue: dict[str, int] = {}
    hands = dict.fromkeys(_LOADS, 0)
    for _, step, technique in subject.techniques():
        dose = _dose(subject, step)
        region = subject.region_of(step)
        tissue[region] = tissue.get(region, 0) + (dose.tissue_load if dose else 0)
        for name in _LOADS:
            hands[name] += getattr(technique.hand_load, name)
    if sum(tissue.values()) > subject.number("tissue_load_cap_session"):
        yield Finding(rule="tissue_load", message="more deep work than the session allows")
    for region, load in tissue.items():
        if load > subject.number("tissue_load_cap_region"):
            yield Finding(rule="tissue_load", message=f"more deep work than {region or 'the body'} can digest")
    used = subject.plan.constraints.hand_load_used_today
    longer = max(1.0, subject.plan.time_budget_seconds / 60 / subject.number("hand_load_cap_minutes"))
    for name, load in hands.items():
        today = getattr(used, name) if used else 0
        if load and (
            load > longer * subject.number(f"hand_load_cap_{name}_session")
            or load + today > subject.number(f"hand_load_cap_{name}_day")
        ):
            yield Finding(rule="hand_load", message=f"more load on the {name} than the hands should take")


def muscles_get_their_time(subject: Subject) -> Iterator[Finding]:
    """No more muscles than the time can do justice to; what a person demands is not counted out."""
    treated = set(subject.treated())
    minutes = subject.plan.time_budget_seconds / 60
    most = max(1, int(subject.number("muscles_per_hour_most") * minutes / 60))
    if len(treated - subject.demanded()) > most:
        yield Finding(rule="muscle_limit", message=f"{len(treated)} muscles, at most {most}")
    work: dict[Spot, int] = {}
    timed = {(one.target.muscle, one.target.side) for one in subject.plan.constraints.durations}
    for step in subject.plan.steps:
        if step.phase in TREATMENT:
            work[step.muscle, step.side] = work.get((step.muscle, step.side), 0) + step.duration_seconds
    for (muscle, side), seconds in work.items():
        asked = (muscle, side) in subject.demanded() or (muscle, side) in timed
        if seconds > 60 * subject.number("minutes_per_muscle_most") and not asked:
            yield Finding(rule="muscle_minutes", message=f"{muscle} {side} gets {seconds} s")


def retests_are_of_treated_motions(subject: Subject) -> Iterator[Finding]:
    """A re-test measures a motion that was found reduced, after the work on it, in a position where it is measured."""
    treated = {muscle for muscle, _ in subject.treated()}
    for place, step in enumerate(subject.plan.steps):
        if step.phase is not Phase.RETEST:
            continue
        tests = [t for t in subject.plan.snapshot.rom_tests if t.motion == step.motion and t.side is step.side]
        if not any(test.verdict.value == "reduced" for test in tests):
            yield Finding(rule="retest", step=step.id, message="the motion was not found reduced")
        limiting = {edge.muscle for edge in subject.base.limits_motion if edge.motion == step.motion}
        if not limiting & treated:
            yield Finding(rule="retest", step=step.id, message="no muscle that limits the motion was treated")
        measured = subject.base.motions[step.motion].tested_in if step.motion in subject.base.motions else ()
        if measured and step.position not in measured:
            yield Finding(rule="retest", step=step.id, message=f"the motion is not measured {step.position}")
        later = subject.plan.steps[place:]
        about = {test.id for test in tests}
        if any(_works_on(other, about) for other in later):
            yield Finding(rule="retest", step=step.id, message="a muscle that limits the motion is treated after it")


def _works_on(step: Step, tests: set[str]) -> bool:
    """Whether a step treats a muscle because it limits a motion that one of these tests found reduced."""
    return step.phase in TREATMENT and any(
        reason.rule == Rule.LIMITS_REDUCED_MOTION and tests & set(reason.findings) for reason in step.reasons
    )


def arrival_measures_what_it_can(subject: Subject) -> Iterator[Finding]:
    """The key motion is measured where it can be: before the client lies down, or in the first position."""
    for step in subject.plan.steps:
        if step.phase is Phase.ARRIVAL and step.motion in subject.base.motions:
            measured = set(subject.base.motions[step.motion].tested_in)
            here = {step.position} if step.position else _UPRIGHT
            if measured and not measured & here:
                yield Finding(rule="arrival", step=step.id, message="the key motion cannot be measured there")


def checks_come_before_work(subject: Subject) -> Iterator[Finding]:
    """Between two turns all checks come before all treatment, except that the mouth is entered last.

    A person may set that aside for the muscle that is checked or for one that is treated before.
    """
    gloved = _gloved(subject)
    worked: set[Spot] = set()
    for step in subject.plan.steps:
        if step.phase is Phase.TURN:
            worked = set()
        elif step.phase in TREATMENT:
            worked.add((step.muscle, step.side))
        inside = step.technique in gloved or step.muscle in _inside_only(subject)
        waived = subject.overridden("checks_before_work", {*worked, (step.muscle, step.side)})
        if step.phase is Phase.CONFIRM and worked and not inside and not waived:
            yield Finding(rule="check", step=step.id, message="comes after a treatment in the same position")


def no_turn_for_a_check(subject: Subject) -> Iterator[Finding]:
    """Wherever the client turns to, something else than a check is done, unless a person asks for the check."""
    spots = subject.demanded() | set(subject.treated())
    stays: list[list[Step]] = [[]]
    for step in subject.plan.steps:
        if step.phase is Phase.TURN:
            stays.append([])
        stays[-1].append(step)
    for stay in stays:
        checks = [step for step in stay if step.phase is Phase.CONFIRM]
        others = any(step.phase in TREATMENT | {Phase.RETEST, Phase.WARM_UP} or _moves(step) for step in stay)
        wanted = any((step.muscle, step.side) in spots for step in checks)
        if len(stays) > 1 and checks and not others and not wanted:
            yield Finding(rule="check", step=checks[0].id, message="makes the client turn only for a check")


def _moves(step: Step) -> bool:
    return step.phase is Phase.INTEGRATE and bool(step.muscle)


def _inside_only(subject: Subject) -> set[str]:
    return {muscle.id for muscle in subject.base.muscles.values() if muscle.handling.value == "intraoral"}
