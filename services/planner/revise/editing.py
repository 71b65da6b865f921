"""Turns edits into what a plan is made from: demands, the time, and the session that is to change as little as it can.

A later edit stands against an earlier demand. What an edit shapes, it also pins: a moved step, a step with set minutes
or with a chosen technique stays in the plan until its pin is taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from knowledge.model import Technique
from services.planner.domain.constraints import Constraints, Target, TargetDuration
from services.planner.domain.constraints import Sequence as Order
from services.planner.domain.edits import Edit, EditKind
from services.planner.domain.errors import EditInvalid, EditUnsafe, FieldProblem
from services.planner.domain.plan import STEP_SECONDS, KeptStep, Phase, PlanContent, Step
from services.planner.domain.reasons import Rule
from services.planner.domain.sides import with_side
from services.planner.formulate.doses import half_minutes
from services.planner.formulate.packages import package_id
from services.planner.formulate.precedence import ORDER_RULES
from services.planner.graph.index import KnowledgeGraph
from services.planner.session.keep import kept_steps

_MINUTE_SECONDS = 60
_MOST_DEMANDS = 64
_SHAPED = {Phase.RELEASE, Phase.LENGTHEN, Phase.INTEGRATE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """What the edited plan is made from. `kept` is the plan before, in the order that the edits give it.

    `next_to` are the steps that something was moved next to: they have to stay. `refit`: the plan is made anew.
    """

    constraints: Constraints
    time_budget_seconds: int
    kept: tuple[KeptStep, ...]
    next_to: tuple[Target, ...]
    refit: bool


def applied(content: PlanContent, edits: Sequence[Edit], graph: KnowledgeGraph) -> Edited:
    """Returns what the edits make of a plan's demands.

    Raises EditInvalid with every edit that this plan cannot take, and EditUnsafe for one that safety forbids outright.
    """
    editing = _Editing(content, graph)
    for number, edit in enumerate(edits):
        editing.take(f"edits[{number}]", edit)
    editing.finish(edits)
    return Edited(
        constraints=editing.constraints,
        time_budget_seconds=editing.seconds,
        kept=tuple(editing.kept),
        next_to=tuple(editing.next_to),
        refit=editing.refit,
    )


def dose_range(step: Step, technique: Technique, graph: KnowledgeGraph) -> tuple[int, int]:
    """Returns how short and how long a step on a muscle can be [s], its set-up included."""
    setup = max((access.setup_seconds for access in graph.base.muscles[step.muscle].access), default=0)
    doses = [dose.seconds for dose in technique.doses]
    return half_minutes(min(doses)) * STEP_SECONDS, half_minutes(max(doses) + setup) * STEP_SECONDS


@dataclass(slots=True)
class _Editing:
    content: PlanContent
    graph: KnowledgeGraph
    constraints: Constraints = field(init=False)
    seconds: int = field(init=False)
    kept: list[KeptStep] = field(init=False)
    next_to: list[Target] = field(default_factory=list)
    refit: bool = False
    _steps: dict[str, Step] = field(init=False)
    _problems: list[FieldProblem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.constraints = self.content.constraints
        self.seconds = self.content.time_budget_seconds
        self.kept = list(kept_steps(self.content.steps))
        self._steps = {step.id: step for step in self.content.steps}

    def take(self, path: str, edit: Edit) -> None:
        """Takes one edit into account, or notes what is wrong with it."""
        self._check_override(path, edit)
        takes: dict[EditKind, Callable[[str, Edit], None]] = {
            EditKind.PIN: self._pin,
            EditKind.UNPIN: self._unpin,
            EditKind.EXCLUDE: self._exclude,
            EditKind.INCLUDE: self._include,
            EditKind.MOVE: self._move,
            EditKind.SET_DURATION: self._set_duration,
            EditKind.SET_TECHNIQUE: self._set_technique,
            EditKind.SET_TIME_BUDGET: self._set_time_budget,
            EditKind.MARK_POSITION_UNAVAILABLE: self._mark_position,
            EditKind.REFIT: self._refit,
        }
        takes[edit.kind](f"{path}.{edit.kind}", edit)

    def finish(self, edits: Sequence[Edit]) -> None:
        """Raises EditInvalid if anything is wrong, edits that take each other back included."""
        for number, edit in enumerate(edits):
            if edit.target is None or edit.kind is EditKind.UNPIN:
                continue
            wanted = {
                EditKind.PIN: self.constraints.pinned,
                EditKind.INCLUDE: self.constraints.must_include,
                EditKind.EXCLUDE: self.constraints.excluded,
            }[edit.kind]
            if edit.target not in wanted and not self._problems:
                self._tell(f"edits[{number}].{edit.kind}", "is taken back by a later edit")
        for name in ("pinned", "must_include", "excluded", "durations", "sequences", "overrides"):
            if len(getattr(self.constraints, name)) > _MOST_DEMANDS:
                self._tell("edits", f"would leave more than {_MOST_DEMANDS} {name}")
        if self._problems:
            raise EditInvalid(tuple(self._problems))

    def _tell(self, path: str, problem: str) -> None:
        self._problems.append(FieldProblem(path, problem))

    def _check_override(self, path: str, edit: Edit) -> None:
        override = edit.override
        if override is None or not override.rule:
            return
        rule = ORDER_RULES.get(override.rule)
        if rule is None:
            preferences = ", ".join(name for name, one in ORDER_RULES.items() if not one.safety)
            self._tell(f"{path}.override.rule", f"is not a rule of preference: {preferences}")
        elif rule.safety:
            raise EditUnsafe((f"{rule.sentence} That is a rule of safety; nothing overrides it.",), rule=override.rule)

    # --- what is in and out ---

    def _pin(self, path: str, edit: Edit) -> None:
        if target := self._target(path, edit):
            self._take_back_exclusion(target)
            self._add("pinned", target)

    def _include(self, path: str, edit: Edit) -> None:
        if target := self._target(path, edit):
            self._take_back_exclusion(target)
            self._add("must_include", target)

    def _unpin(self, path: str, edit: Edit) -> None:
        target = self._target(path, edit)
        if target is None:
            return
        left = tuple(one for one in self.constraints.pinned if not _covers(target, one))
        if left == self.constraints.pinned:
            self._tell(path, "is not pinned")
        self.constraints = replace(self.constraints, pinned=left)

    def _exclude(self, path: str, edit: Edit) -> None:
        target = self._target(path, edit)
        if target is None:
            return
        self._forget(target)
        self._add("excluded", target)

    def _forget(self, target: Target) -> None:
        """Takes back everything that was demanded about it."""
        before = self.constraints
        self.constraints = replace(
            before,
            pinned=tuple(one for one in before.pinned if not _covers(target, one)),
            must_include=tuple(one for one in before.must_include if not _covers(target, one)),
            durations=tuple(one for one in before.durations if not _covers(target, one.target)),
            sequences=tuple(
                one for one in before.sequences if not _covers(target, one.first) and not _covers(target, one.then)
            ),
            overrides=tuple(
                one
                for one in before.overrides
                if not one.targets or not all(_covers(target, other) for other in one.targets)
            ),
        )

    def _take_back_exclusion(self, target: Target) -> None:
        left = tuple(one for one in self.constraints.excluded if not _covers(one, target))
        self.constraints = replace(self.constraints, excluded=left)

    def _add(self, name: str, value: Target) -> None:
        values = getattr(self.constraints, name)
        if value not in values:
            changes: dict[str, Any] = {name: (*values, value)}
            self.constraints = replace(self.constraints, **changes)

    def _target(self, path: str, edit: Edit) -> Target | None:
        target = edit.target
        muscle = self.graph.base.muscles.get(target.muscle) if target else None
        if target is None or muscle is None:
            self._tell(f"{path}.muscle", "is not a muscle")
            return None
        if target.technique and target.technique not in self._techniques_on(target.muscle):
            self._tell(f"{path}.technique", f"{target.technique} is not used on {target.muscle}")
            return None
        return target

    def _techniques_on(self, muscle: str) -> set[str]:
        return {use.technique for use in self.graph.treatments_of.get(muscle, ())}

    # --- steps ---

    def _step(self, path: str, identifier: str) -> Step | None:
        """Returns a step on a muscle, or None after noting that there is none."""
        step = self._steps.get(identifier)
        if step is None:
            self._tell(path, f"the plan has no step {identifier!r}")
            return None
        if not step.muscle or step.side is None:
            self._tell(path, f"{identifier} is not work on a muscle; it follows from the rest of the session")
            return None
        return step

    def _move(self, path: str, edit: Edit) -> None:
        place = "before" if edit.before else "after"
        anchor_id = edit.before or edit.after
        step = self._step(f"{path}.step", edit.step)
        warm_up = self._steps.get(edit.before)
        if step and warm_up and self._warms(warm_up, step):
            rule = ORDER_RULES[Rule.WARM_UP_BEFORE_DEEP_WORK.value]
            raise EditUnsafe((rule.sentence,), rule=rule.rule.value)
        anchor = self._step(f"{path}.{place}", anchor_id)
        if step is None or anchor is None:
            return
        if step.id == anchor.id:
            self._tell(f"{path}.{place}", "is the step itself")
            return
        moved, other = _target_of(step), _target_of(anchor)
        order = Order(first=moved, then=other) if edit.before else Order(first=other, then=moved)
        rest = tuple(one for one in self.constraints.sequences if {one.first, one.then} != {moved, other})
        self.constraints = replace(self.constraints, sequences=(*rest, order))
        self.next_to.append(other)
        self._shape(step)
        kept = next((one for one in self.kept if one.task == step.id), None)
        if kept:
            self.kept.remove(kept)
            places = [one.task for one in self.kept]
            self.kept.insert(places.index(anchor.id) + (place == "after"), kept)

    def _warms(self, warm_up: Step, step: Step) -> bool:
        """Whether a step cannot be done before a warm-up."""
        same_region = warm_up.region == self.graph.base.muscles[step.muscle].region
        needed = warm_up.technique in self.graph.base.techniques[step.technique].needs
        return warm_up.phase is Phase.WARM_UP and same_region and warm_up.side in {None, step.side} and needed

    def _set_duration(self, path: str, edit: Edit) -> None:
        step = self._step(f"{path}.step", edit.step)
        seconds = edit.duration_seconds or 0
        if step is None:
            return
        low, high = dose_range(step, self.graph.base.techniques[step.technique], self.graph)
        if seconds % STEP_SECONDS or not low <= seconds <= high:
            name = self.graph.base.techniques[step.technique].names[0]
            self._tell(
                f"{path}.duration",
                f"{name} on {self._named(step)} takes {low / _MINUTE_SECONDS:g} to {high / _MINUTE_SECONDS:g} minutes, "
                "in half minutes",
            )
            return
        target = _target_of(step)
        rest = tuple(one for one in self.constraints.durations if one.target != target)
        timed = TargetDuration(target=target, duration_seconds=seconds)
        self.constraints = replace(self.constraints, durations=(*rest, timed))
        self._shape(step)

    def _set_technique(self, path: str, edit: Edit) -> None:
        step = self._step(f"{path}.step", edit.step)
        technique = self.graph.base.techniques.get(edit.technique)
        if technique is None:
            self._tell(f"{path}.technique", f"there is no technique {edit.technique!r}")
        if step is None or technique is None:
            return
        if technique.id not in self._techniques_on(step.muscle) or technique.phase.value != step.phase.value:
            fitting = [
                one
                for one in sorted(self._techniques_on(step.muscle))
                if self.graph.base.techniques[one].phase.value == step.phase.value and one != step.technique
            ]
            self._tell(
                f"{path}.technique",
                f"{technique.id} cannot take the place of {step.technique} on {step.muscle}; "
                f"{' or '.join(fitting) or 'nothing else'} can",
            )
            return
        if technique.id != step.technique:
            self._replace_technique(step, technique)
        self._shape(self._steps[edit.step])

    def _replace_technique(self, step: Step, technique: Technique) -> None:
        """Puts a step with the other technique in its place; what was demanded of the old one holds for the new one."""
        old = _target_of(step)
        new = replace(old, technique=technique.id)
        low, high = dose_range(step, technique, self.graph)

        def instead(target: Target) -> Target:
            return new if target == old else target

        before = self.constraints
        self._take_back_exclusion(new)
        self.constraints = replace(
            self.constraints,
            pinned=tuple(dict.fromkeys(map(instead, before.pinned))),
            must_include=tuple(dict.fromkeys(map(instead, before.must_include))),
            durations=tuple(
                replace(one, target=instead(one.target))
                for one in before.durations
                if one.target != old or low <= one.duration_seconds <= high
            ),
            sequences=tuple(Order(first=instead(one.first), then=instead(one.then)) for one in before.sequences),
        )
        package = package_id(step.muscle, old.side)
        changed = replace(step, id=f"{step.phase.value}-{package}-{technique.id}", technique=technique.id)
        self._steps[step.id] = changed
        self.kept = [replace(one, task=changed.id) if one.task == step.id else one for one in self.kept]

    def _shape(self, step: Step) -> None:
        """Pins what an edit shaped. A check stays a check: to pin it would be to treat the muscle."""
        if step.phase in _SHAPED:
            self._take_back_exclusion(_target_of(step))
            self._add("pinned", _target_of(step))

    def _named(self, step: Step) -> str:
        return with_side(self.graph.base.muscles[step.muscle].names[0], step.side)

    # --- the session ---

    def _set_time_budget(self, path: str, edit: Edit) -> None:
        seconds, most = edit.duration_seconds or 0, int(self.graph.numbers.session_minutes_most) * _MINUTE_SECONDS
        if not 0 < seconds <= most or seconds % STEP_SECONDS:
            self._tell(path, f"is not more than 0 and at most {most // _MINUTE_SECONDS} minutes, in half minutes")
            return
        self.seconds = seconds

    def _mark_position(self, path: str, edit: Edit) -> None:
        if edit.position not in self.graph.base.positions:
            self._tell(path, f"there is no position {edit.position!r}")
        elif edit.position not in self.constraints.unavailable_positions:
            positions = (*self.constraints.unavailable_positions, edit.position)
            self.constraints = replace(self.constraints, unavailable_positions=positions)

    def _refit(self, path: str, edit: Edit) -> None:  # noqa: ARG002 - it has no options
        self.refit = True


def _target_of(step: Step) -> Target:
    if step.side is None:
        raise AssertionError("Work on a muscle has a side.")
    return Target(muscle=step.muscle, side=step.side, technique=step.technique)


def _covers(wide: Target, narrow: Target) -> bool:
    """Whether one target is the same as, or a part of, another."""
    same = (wide.muscle, wide.side) == (narrow.muscle, narrow.side)
    return same and wide.technique in {"", narrow.technique}
