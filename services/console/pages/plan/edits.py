"""What a tap on the plan page means as edits of the plan, and which edits take the last ones back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from google.protobuf.duration_pb2 import Duration

from knowledge.model import KnowledgeBase
from myoplan.planner.v1.edit_pb2 import MoveStep, PlanEdit, Refit, SetDuration, SetTechnique
from myoplan.planner.v1.plan_pb2 import Override, Plan, Side, Step, Target
from services.console.wording import SECONDS, side_number

MINUTE = SECONDS
HALF_MINUTE = SECONDS // 2
MOST_MINUTES = 180
LONGER_SESSIONS = (5, 10, 15, 20, 30)
"""By how many minutes a session is made longer when what is wanted does not fit and no exact length is known."""
MOST_WAYS = 4
REASONS: Mapping[str, Override.ReasonCode.ValueType] = {
    Override.ReasonCode.Name(number): number
    for number in (
        Override.CLIENT_WISH,
        Override.FINDING_TODAY,
        Override.WORKED_BEFORE,
        Override.THERAPIST_HANDS,
        Override.TEACHING,
        Override.OTHER,
    )
}
_Key = tuple[str, int, str]
_ENOUGH = re.compile(r"session of (\d+(?:\.5)?) minutes")


class EditUnreadable(Exception):
    """A form says nothing that this plan could do; `key` is the text that says why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def edits_of(form: Mapping[str, str], plan: Plan, base: KnowledgeBase) -> tuple[PlanEdit, ...]:
    """Returns the edits that a form asks for, with the overrides that it brings. Raises EditUnreadable."""
    edits = list(_edits(form, plan, base))
    overrides = list(_overrides(form))
    edits += [edits[-1]] * (len(overrides) - len(edits))  # an edit carries one, and made twice it changes no more
    carrying = [_copy(edit) for edit in edits]
    for edit, override in zip(carrying, overrides, strict=False):
        edit.override.CopyFrom(override)
    return (*loosening(form.get("loosen", "")), *carrying)


def _copy(edit: PlanEdit) -> PlanEdit:
    copied = PlanEdit()
    copied.CopyFrom(edit)
    return copied


def _edits(form: Mapping[str, str], plan: Plan, base: KnowledgeBase) -> Sequence[PlanEdit]:
    kind = form.get("edit", "")
    if kind in _ON_SESSION:
        return [_ON_SESSION[kind](form)]
    if kind != "move" and kind not in _ON_STEP:
        raise EditUnreadable("plan.edit.no_edit")
    step = next((each for each in plan.steps if each.id == form.get("step") and each.muscle), None)
    if step is None:
        raise EditUnreadable("plan.edit.no_step")
    return _dropped(form, plan, step, base) if kind == "move" else [_ON_STEP[kind](form, plan, step)]


def _overrides(form: Mapping[str, str]) -> Iterator[Override]:
    """Yields the overrides that were given before, then the one that is given now."""
    for line in given_overrides(form).splitlines():
        rule, code, comment = f"{line}  ".split(" ", 2)
        yield Override(rule=rule, reason_code=REASONS.get(code, Override.OTHER), comment=comment.strip())


def given_overrides(form: Mapping[str, str]) -> str:
    """Returns every override of a form, one a line: the rule, the code of the reason, the comment.

    An edit can go against more than one preference, and each is asked for when the one before it is answered.
    """
    lines = form.get("overrides", "").splitlines()
    if (code := form.get("reason_code", "")) in REASONS:
        lines.append(f"{form.get('rule', '')} {code} {' '.join(form.get('comment', '').split())}".rstrip())
    return "\n".join(lines)


def _position(form: Mapping[str, str]) -> PlanEdit:
    if not form.get("position"):
        raise EditUnreadable("plan.edit.no_position")
    return PlanEdit(mark_position_unavailable=form["position"])


def _lasting(form: Mapping[str, str], step: Step, sign: int) -> PlanEdit:
    seconds = step.duration.seconds + sign * (HALF_MINUTE if form.get("by") == "half" else MINUTE)
    if seconds <= 0:
        raise EditUnreadable("plan.edit.too_short")
    return PlanEdit(set_duration=SetDuration(step=step.id, duration=Duration(seconds=seconds)))


_ON_SESSION: Mapping[str, Callable[[Mapping[str, str]], PlanEdit]] = {
    "refit": lambda _: PlanEdit(refit=Refit()),
    "minutes": lambda form: PlanEdit(set_time_budget=_session(form.get("minutes", ""))),
    "position": _position,
    "include": lambda form: PlanEdit(
        include=_target(form.get("muscle", ""), form.get("side", ""), form.get("technique", ""))
    ),
}
_ON_STEP: Mapping[str, Callable[[Mapping[str, str], Plan, Step], PlanEdit]] = {
    "earlier": lambda _, plan, step: PlanEdit(move=_move(plan, step, earlier=True)),
    "later": lambda _, plan, step: PlanEdit(move=_move(plan, step, earlier=False)),
    "shorter": lambda form, _, step: _lasting(form, step, -1),
    "longer": lambda form, _, step: _lasting(form, step, 1),
    "technique": lambda form, _, step: PlanEdit(
        set_technique=SetTechnique(step=step.id, technique=form.get("technique", ""))
    ),
    "pin": lambda _, __, step: PlanEdit(pin=Target(muscle=step.muscle, side=step.side, technique=step.technique)),
    "unpin": lambda _, plan, step: PlanEdit(
        unpin=Target(muscle=step.muscle, side=step.side, technique=_pinned_technique(plan, step))
    ),
    "out": lambda _, __, step: PlanEdit(exclude=excluding(step)),
}
"""What a button of the page is called -> the edit that it stands for."""


def excluding(step: Step) -> Target:
    """Returns what goes when a step is left out: its muscle; of a lengthening only that."""
    technique = step.technique if step.phase == Step.LENGTHEN else ""
    return Target(muscle=step.muscle, side=step.side, technique=technique)


def _pinned_technique(plan: Plan, step: Step) -> str:
    """Returns the technique that the pin of a step names; empty: it is on the muscle as a whole."""
    pins = [each for each in plan.constraints.pinned if (each.muscle, each.side) == (step.muscle, step.side)]
    return step.technique if any(each.technique == step.technique for each in pins) else ""


def _move(plan: Plan, step: Step, *, earlier: bool) -> MoveStep:
    other = neighbour(plan, step, earlier=earlier)
    if other is None:
        raise EditUnreadable("plan.edit.first" if earlier else "plan.edit.last")
    return MoveStep(step=step.id, before=other.id) if earlier else MoveStep(step=step.id, after=other.id)


def _dropped(form: Mapping[str, str], plan: Plan, step: Step, base: KnowledgeBase) -> Sequence[PlanEdit]:
    """Returns the moves that bring a step next to where it was dropped: before the step `before`, or after `after`.

    One for each muscle that it passed, the nearest first: a single one next to the last of them would leave the
    planner free to bring that one here instead. What may not be is moved all the same: the planner names the rule.
    """
    steps = list(plan.steps)
    earlier = bool(form.get("before"))
    here = steps.index(step)
    there = next((n for n, each in enumerate(steps) if each.id == (form.get("before") or form.get("after"))), here)
    over = steps[there:here][::-1] if earlier else steps[here + 1 : there + 1]
    over = [each for each in over if each.muscle or (earlier and _warms(each, step, base))]
    if not earlier:  # what belongs to the muscle goes along
        over = [each for each in over if _spot(each) != _spot(step)] or over
    if over and over[-1].muscle:  # the warm-up goes along, unless the step was dropped right before it
        over = [each for each in over if each.muscle]
    # Of a muscle the farthest is enough, its own steps keep their order; but an older move may say the opposite.
    told = [(_key(each.first), _key(each.then)) for each in plan.constraints.sequences]
    named = [
        each
        for n, each in enumerate(over)
        if _spot(each) not in map(_spot, over[n + 1 :])
        or ((_key_of(each), _key_of(step)) if earlier else (_key_of(step), _key_of(each))) in told
    ]
    if not named:
        raise EditUnreadable("plan.edit.no_place")
    return [
        PlanEdit(move=MoveStep(step=step.id, before=each.id) if earlier else MoveStep(step=step.id, after=each.id))
        for each in named
    ]


def _spot(step: Step) -> tuple[str, int]:
    return step.muscle, step.side


def _warms(warm_up: Step, step: Step, base: KnowledgeBase) -> bool:
    """Whether a step is a warm-up that another one needs."""
    muscle, technique = base.muscles.get(step.muscle), base.techniques.get(step.technique)
    is_warm_up = warm_up.phase == Step.WARM_UP and warm_up.side in {Side.SIDE_UNSPECIFIED, step.side}
    needed = technique is not None and warm_up.technique in technique.needs
    return is_warm_up and needed and muscle is not None and muscle.region == warm_up.region


def movable(plan: Plan, step: Step) -> bool:
    """Whether a step can be put elsewhere: work on a muscle, beside that on another one."""
    return bool(step.muscle) and any(each.muscle and _spot(each) != _spot(step) for each in plan.steps)


def neighbour(plan: Plan, step: Step, *, earlier: bool) -> Step | None:
    """Returns what a step can change places with: the next of its phase on another muscle; None: there is none.

    What belongs to a muscle (its lengthening after its release) moves with it.
    """
    steps = list(plan.steps)
    place = next(number for number, each in enumerate(steps) if each.id == step.id)
    rest = reversed(steps[:place]) if earlier else iter(steps[place + 1 :])
    spot = (step.muscle, step.side)
    alike = (each for each in rest if each.muscle and each.phase == step.phase and (each.muscle, each.side) != spot)
    return next(alike, None)


def _session(text: str) -> Duration:
    try:
        halves = float(text.strip().replace(",", ".")) * 2
    except ValueError:
        raise EditUnreadable("plan.edit.minutes_number") from None
    if not 0 < halves <= 2 * MOST_MINUTES or halves != int(halves):
        raise EditUnreadable("plan.edit.minutes_number")
    return Duration(seconds=int(halves) * HALF_MINUTE)


def _target(muscle: str, side: str, technique: str = "") -> Target:
    return Target(muscle=muscle, side=side_number(side), technique=technique)  # type: ignore[arg-type]


# --- loosening what clashes ---------------------------------------------------------------------------------------


def loosenings(plan: Plan, wanted: Sequence[PlanEdit], told: Sequence[str]) -> Iterator[str]:
    """Yields what could make room for edits, least first, as `loosening` reads it; each is worth trying.

    First the length of session that the refusal names, then longer ones, then one demand less.
    """
    now = plan.time_budget.seconds
    if not any(edit.WhichOneof("edit") == "set_time_budget" for edit in wanted):
        named = [round(float(found) * MINUTE) for text in told for found in _ENOUGH.findall(text)]
        for seconds in dict.fromkeys((*named, *(now + more * MINUTE for more in LONGER_SESSIONS))):
            if now < seconds <= MOST_MINUTES * MINUTE:
                yield f"minutes {seconds}"
    for target in (*plan.constraints.pinned, *plan.constraints.must_include):
        yield f"without {target.muscle} {target.side} {target.technique}".rstrip()


def loosening(text: str) -> tuple[PlanEdit, ...]:
    """Returns the edits that a loosening stands for. Raises EditUnreadable."""
    kind, _, rest = text.partition(" ")
    words = rest.split()
    if not text:
        return ()
    if kind == "minutes" and rest.isascii() and rest.isdigit():
        return (PlanEdit(set_time_budget=Duration(seconds=min(int(rest), MOST_MINUTES * MINUTE))),)
    if kind == "without" and len(words) in {2, 3} and words[1] in {"1", "2", "3"}:
        target = Target(muscle=words[0], side=int(words[1]), technique="".join(words[2:]))  # type: ignore[arg-type]
        return (PlanEdit(exclude=target),)
    raise EditUnreadable("plan.edit.no_edit")


# --- taking back ----------------------------------------------------------------------------------------------------


def taking_back(before: Plan, now: Plan) -> tuple[PlanEdit, ...]:
    """Returns the edits that lead from a plan back to the one before it; empty: no edits do.

    They are made from what people demanded then and now. A position that is not possible and a plan made anew cannot
    be taken back so.
    """
    was, demands = before.constraints, now.constraints
    if set(demands.unavailable_positions) != set(was.unavailable_positions):
        return ()
    edits: list[PlanEdit] = []
    if before.time_budget.seconds != now.time_budget.seconds:
        edits.append(PlanEdit(set_time_budget=before.time_budget))
    edits += _other_technique(before, now)
    edits += _other_minutes(before, now)
    edits += _other_order(before, now)
    swapped = {edit.set_technique.step for edit in edits if edit.WhichOneof("edit") == "set_technique"}
    steps = {step.id: step for step in now.steps}
    gone = {(steps[each].muscle, steps[each].side, steps[each].technique) for each in swapped}
    edits += [PlanEdit(include=one) for one in _only(was.must_include, demands.must_include)]
    edits += [PlanEdit(include=one) for one in _only(demands.excluded, was.excluded)]
    edits += [PlanEdit(exclude=one) for one in _only(demands.must_include, was.must_include)]
    edits += [PlanEdit(exclude=one) for one in _only(was.excluded, demands.excluded)]
    pins = [one for one in _only(was.pinned, demands.pinned) if one not in was.excluded]
    edits += [PlanEdit(pin=one) for one in pins if not swapped]
    edits += [PlanEdit(unpin=one) for one in _only(demands.pinned, was.pinned) if _key(one) not in gone]
    if gone:  # what is put back brings its pin with it; it goes where there was none
        old = {(step.muscle, step.side): step.technique for step in before.steps if step.muscle}
        edits += [
            PlanEdit(unpin=Target(muscle=muscle, side=side, technique=old[muscle, side]))
            for muscle, side, _ in gone
            if (muscle, side) in old and not any((one.muscle, one.side) == (muscle, side) for one in was.pinned)
        ]
    return tuple(edits)


def _key(target: Target) -> _Key:
    return target.muscle, target.side, target.technique


def _only(one: Sequence[Target], other: Sequence[Target]) -> list[Target]:
    return [target for target in one if target not in other]


def _other_technique(before: Plan, now: Plan) -> Iterator[PlanEdit]:
    old = {(step.muscle, step.side, step.phase): step for step in before.steps if step.muscle}
    ids = {step.id for step in before.steps}
    for step in now.steps:
        was = old.get((step.muscle, step.side, step.phase))
        demanded = any(_key(one) == (step.muscle, step.side, step.technique) for one in now.constraints.pinned)
        if step.muscle and was is not None and step.id not in ids and demanded:
            yield PlanEdit(set_technique=SetTechnique(step=step.id, technique=was.technique))


def _other_minutes(before: Plan, now: Plan) -> Iterator[PlanEdit]:
    old = {step.id: step for step in before.steps}
    told = {_key(each.target): each.duration.seconds for each in before.constraints.durations}
    for each in now.constraints.durations:
        if told.get(_key(each.target)) == each.duration.seconds:
            continue
        step = next((one for one in now.steps if _key(each.target) == (one.muscle, one.side, one.technique)), None)
        if step is not None and step.id in old:
            yield PlanEdit(set_duration=SetDuration(step=step.id, duration=old[step.id].duration))


def _other_order(before: Plan, now: Plan) -> Iterator[PlanEdit]:
    """Yields the moves that turn each new order round, then the one that brings what was moved back to its place."""
    ids = {_key_of(step): step.id for step in now.steps if step.muscle}
    new = [
        (_key(each.first), _key(each.then))
        for each in now.constraints.sequences
        if each not in before.constraints.sequences and _key(each.first) in ids and _key(each.then) in ids
    ]
    turned = [pair for pair in new if _stood_after(before, ids[pair[0]], ids[pair[1]])]
    moved = _moved(before, now, turned)
    edits = [
        MoveStep(step=ids[then], before=ids[first]) if then == moved else MoveStep(step=ids[first], after=ids[then])
        for first, then in turned
    ]
    if moved is not None:
        edits += _back_in_place(before, moved, ids)
    yield from (PlanEdit(move=each) for n, each in enumerate(edits) if each not in edits[:n])


def _moved(before: Plan, now: Plan, turned: Sequence[tuple[_Key, _Key]]) -> _Key | None:
    """Returns the step that every new order is about, rather one that the move pinned; None: there is none."""
    common = set.intersection(*map(set, turned)) if turned else set()
    pinned = {_key(one) for one in _only(now.constraints.pinned, before.constraints.pinned)}
    return next(iter(sorted(common & pinned) or sorted(common)), None)


def _back_in_place(before: Plan, moved: _Key, ids: Mapping[_Key, str]) -> Iterator[MoveStep]:
    """Yields the move next to what stood beside it: the step of another muscle ahead of it, else the one behind."""
    order = [_key_of(step) for step in before.steps if step.muscle]
    place = order.index(moved)
    others = [
        [each for each in side if each in ids and each[:2] != moved[:2]]
        for side in (order[:place][::-1], order[place:])
    ]
    if others[0]:
        yield MoveStep(step=ids[moved], after=ids[others[0][0]])
    elif others[1]:
        yield MoveStep(step=ids[moved], before=ids[others[1][0]])


def _key_of(step: Step) -> _Key:
    return step.muscle, step.side, step.technique


def _stood_after(plan: Plan, first: str, then: str) -> bool:
    order = [step.id for step in plan.steps if step.id in {first, then}]
    return any(pair == (then, first) for pair in pairwise(order))
