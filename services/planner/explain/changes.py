"""Says how two plans differ, in the sentences a therapist reads: what comes in, what goes, what takes how long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from services.planner.domain.plan import Disposition, OmissionKind, Phase, PlanContent, Step
from services.planner.domain.problem import HALF_MINUTE_SECONDS
from services.planner.domain.reasons import Rule
from services.planner.domain.sides import Side, with_side
from services.planner.explain.compare import Difference, StepDifference, compare, omission_of
from services.planner.graph.index import KnowledgeGraph
from services.planner.session.words import capital, left_over, minutes

NOTHING = "Nothing changes."

_DISPOSITIONS: Mapping[Disposition, str] = {
    Disposition.TREAT: "Treatment is possible.",
    Disposition.TREAT_WITH_CAUTION: "Treatment is possible with cautions.",
    Disposition.DO_NOT_TREAT: "No treatment today.",
    Disposition.REFER: "No treatment today; somebody else has to see the client.",
}
_KINDS: Mapping[OmissionKind, str] = {
    OmissionKind.OVER_BUDGET: "the time is used",
    OmissionKind.EXCLUDED_BY_PERSON: "it is not wanted",
    OmissionKind.CONTRAINDICATED: "a safety rule, or a consent that was not given, forbids it",
    OmissionKind.POSITION_UNAVAILABLE: "the client cannot be in a position that reaches it",
    OmissionKind.DOMINATED: "nobody asks for it any more",
    OmissionKind.MISSING_PREREQUISITE: "something that has to come first is not possible",
}
_RULES: Mapping[str, str] = {
    Rule.EXCLUDED_BY_PERSON: "it was taken out",
    Rule.TURN_LIMIT: "no turn is left for it",
    Rule.MUSCLE_LIMIT: "the session treats as many muscles as its time can do justice to",
    Rule.TISSUE_LOAD_CAP: "the tissue has had as much deep work as it can digest",
    Rule.HAND_LOAD_CAP: "the therapist's hands have done as much as they should",
}


def sentences(
    earlier: PlanContent, later: PlanContent, graph: KnowledgeGraph, *, delivered: bool = False
) -> tuple[str, ...]:
    """Returns the differences, one sentence each; one that says so where there is none.

    `delivered`: the later one is what was done in a session: what it lacks was not done, whatever the reason.
    """
    return tuple(_words(earlier, later, graph, delivered=delivered).all()) or (NOTHING,)


def muscle_sentences(earlier: PlanContent, later: PlanContent, graph: KnowledgeGraph) -> tuple[str, ...]:
    """Returns only what differs about the work on muscles."""
    return tuple(_words(earlier, later, graph).muscles())


def _words(earlier: PlanContent, later: PlanContent, graph: KnowledgeGraph, *, delivered: bool = False) -> _Words:
    return _Words(earlier, later, compare(earlier, later).steps, graph, delivered)


@dataclass(frozen=True, slots=True)
class _Words:
    earlier: PlanContent
    later: PlanContent
    differences: tuple[StepDifference, ...]
    graph: KnowledgeGraph
    delivered: bool

    def all(self) -> Iterator[str]:
        yield from self._session()
        yield from self.muscles()
        yield from self._shared()
        before, after = (
            self.earlier.slack_seconds // HALF_MINUTE_SECONDS,
            self.later.slack_seconds // HALF_MINUTE_SECONDS,
        )
        if before != after and not self.delivered:
            left = left_over(after).replace(" left", " free") if after else "no minute is free"
            yield f"{capital(left)} ({before / 2:g} before)."

    def muscles(self) -> Iterator[str]:
        for spot in self._spots():
            own = [one for one in self.differences if _spot(one) == spot]
            yield from self._muscle(spot, own)

    def _session(self) -> Iterator[str]:
        if self.earlier.disposition is not self.later.disposition:
            yield _DISPOSITIONS[self.later.disposition]
        if self.earlier.time_budget_seconds != self.later.time_budget_seconds:
            before = self.earlier.time_budget_seconds / (2 * HALF_MINUTE_SECONDS)
            yield f"The session {before:g} → {minutes(self.later.time_budget_seconds // HALF_MINUTE_SECONDS)}."

    def _spots(self) -> Iterable[tuple[str, Side | None]]:
        """Returns every muscle of either plan, in the order of the later one, then what only the earlier one has."""
        steps = (*self.later.steps, *self.earlier.steps)
        return dict.fromkeys((step.muscle, step.side) for step in steps if step.muscle)

    # --- work on a muscle ---

    def _muscle(self, spot: tuple[str, Side | None], differences: list[StepDifference]) -> Iterator[str]:
        before, after = _on(spot, self.earlier), _on(spot, self.later)
        name = with_side(self._name(spot[0]), spot[1])
        if not before:
            check = all(step.phase is Phase.CONFIRM for step in after)
            yield f"{name} {'is checked' if check else 'comes in'}: {_sum(after)}."
        elif not after:
            yield f"{name} was not done." if self.delivered else f"{name} left out: {self._why(spot)}."
        else:
            yield from self._techniques(name, differences)
            if _seconds(before) != _seconds(after):
                yield f"{name} {_seconds(before) / (2 * HALF_MINUTE_SECONDS):g} → {_sum(after)}."
            yield from self._manner(name, spot, differences)
        pinned = any(step.pinned for step in before), any(step.pinned for step in after)
        if pinned != (False, False) and after and pinned[0] is not pinned[1]:
            yield f"{name} is pinned." if pinned[1] else f"{name} is not pinned any more."

    def _techniques(self, name: str, differences: list[StepDifference]) -> Iterator[str]:
        """Yields what is done instead of what, then what is done no more, then what is new."""
        added = {one.later.phase: one.later for one in differences if Difference.ADDED in one.differences and one.later}
        for one in differences:
            if Difference.REMOVED in one.differences and one.earlier:
                old = self._technique(one.earlier)
                new = added.pop(one.earlier.phase, None)
                if new:
                    yield f"{name}: {self._technique(new)} instead of {old}."
                else:
                    yield f"{name}: {old} was not done." if self.delivered else f"{name}: no {old} any more."
        for step in added.values():
            yield f"{name}: {self._technique(step)} comes in."

    def _manner(self, name: str, spot: tuple[str, Side | None], differences: list[StepDifference]) -> Iterator[str]:
        both = [
            (one.differences, one.earlier, one.later) for one in differences if one.earlier is not None and one.later
        ]
        positions = dict.fromkeys(later.position for found, _, later in both if Difference.POSITION in found)
        if positions:
            yield f"{name} now {' and '.join(self.graph.base.positions[one].names[0] for one in positions)}."
        told: dict[str, None] = {}
        for found, earlier, later in both:
            if Difference.PRESSURE in found:
                told[f"{name}: pressure {earlier.pressure_level} → {later.pressure_level}."] = None
            if Difference.ORDER in found:
                told[self._moved(name, spot, later)] = None
        yield from told

    def _moved(self, name: str, spot: tuple[str, Side | None], step: Step) -> str:
        """Says before which other muscle a step now stands, or after which where it is the last of its kind."""
        steps = self.later.steps
        place = steps.index(step)
        alike = [s.phase is step.phase and bool(s.muscle) and (s.muscle, s.side) != spot for s in steps]
        for word, places in (("before", range(place + 1, len(steps))), ("after", range(place - 1, -1, -1))):
            near = next((steps[n] for n in places if alike[n]), None)
            if near:
                return f"{name} now {word} {with_side(self._name(near.muscle), near.side)}."
        return f"{name} now stands elsewhere."

    def _why(self, spot: tuple[str, Side | None]) -> str:
        omission = omission_of(spot[0], spot[1], "", self.later)
        if omission is None:
            return "no finding points to it"
        rules = [reason.rule for reason in omission.reasons]
        told = next((_RULES[rule] for rule in rules if rule in _RULES), "")
        return told or _KINDS[omission.kind]

    # --- what the session needs beside it ---

    def _shared(self) -> Iterator[str]:
        shared = [one for one in self.differences if not _step(one).muscle]
        arrivals = [one for one in shared if _step(one).phase is Phase.ARRIVAL]
        if len(arrivals) > 1:
            # The same step with another motion to measure.
            motion = next(one.later.motion for one in arrivals if one.later)
            yield f"The arrival measures {self.graph.base.motions[motion].names[0] if motion else 'no motion'} now."
        for one in shared:
            if one not in arrivals or len(arrivals) == 1:
                yield from self._other(one, _step(one))

    def _other(self, difference: StepDifference, step: Step) -> Iterator[str]:
        what = self._what(step)
        turn = step.phase is Phase.TURN
        if Difference.ADDED in difference.differences:
            yield f"One more {what}." if turn else f"New: {what}, {_sum([step])}."
        elif Difference.REMOVED in difference.differences and self.delivered:
            yield f"{capital(what)} was not done."
        elif Difference.REMOVED in difference.differences:
            yield f"One {what} less." if turn else f"No {what} any more."
        elif Difference.DURATION in difference.differences and difference.earlier:
            before = difference.earlier.duration_seconds / (2 * HALF_MINUTE_SECONDS)
            yield f"{capital(what)} {before:g} → {_sum([step])}."

    def _what(self, step: Step) -> str:
        base = self.graph.base
        where = with_side(base.regions[step.region].names[0], step.side) if step.region else ""
        words = {
            Phase.ARRIVAL: "arrival",
            Phase.WARM_UP: f"warm-up of the {where}",
            Phase.INTEGRATE: f"joining strokes on the {where}",
            Phase.CLOSE: "rest at the end",
            Phase.TURN: f"turn ({base.positions[step.position].names[0]})" if step.position else "turn",
        }
        if step.phase is Phase.RETEST and step.motion:
            return f"re-test of {with_side(base.motions[step.motion].names[0], step.side)}"
        return words.get(step.phase, step.phase.value)

    def _name(self, muscle: str) -> str:
        return self.graph.base.muscles[muscle].names[0]

    def _technique(self, step: Step) -> str:
        return self.graph.base.techniques[step.technique].names[0]


def _step(difference: StepDifference) -> Step:
    step = difference.later or difference.earlier
    if step is None:
        raise AssertionError("A difference is about a step.")
    return step


def _spot(difference: StepDifference) -> tuple[str, Side | None]:
    step = _step(difference)
    return step.muscle, step.side


def _on(spot: tuple[str, Side | None], content: PlanContent) -> list[Step]:
    return [step for step in content.steps if (step.muscle, step.side) == spot]


def _seconds(steps: Iterable[Step]) -> int:
    return sum(step.duration_seconds for step in steps)


def _sum(steps: Iterable[Step]) -> str:
    return minutes(_seconds(steps) // HALF_MINUTE_SECONDS)
