"""Explores a plan: what else it could be, what more or fewer minutes change, and what its benefit rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from services.planner.check import check
from services.planner.domain.constraints import Target
from services.planner.domain.errors import DemandUnsafe, EditNeedsOverride
from services.planner.domain.plan import Candidate, OmissionKind, Phase, PlanContent
from services.planner.domain.problem import HALF_MINUTE_SECONDS
from services.planner.domain.reasons import Rule
from services.planner.domain.sides import with_side
from services.planner.explain.changes import muscle_sentences
from services.planner.explain.replay import reason_not_replayable, request_of
from services.planner.formulate.formulation import Formulation
from services.planner.graph.index import KnowledgeGraph
from services.planner.session.propose import PlanRequest, formulation_of, outline
from services.planner.session.words import minutes
from services.planner.walk.candidates import has_positive_palpation

USUAL_ALTERNATIVES = 3
MOST_ALTERNATIVES = 5
# A convention of this explanation and no clinical number: an alternative has at least nine tenths of the best benefit.
_LEAST_TENTHS = 9
_OTHER_MINUTES = (-10, -5, 5, 10)
_MINUTE_SECONDS = 60
# Planning again takes time; a long session has many muscles to leave out or to bring in.
_MOST_TRIES = 16
_NO_ROOM = {OmissionKind.OVER_BUDGET, OmissionKind.LOAD_CAP}
_TREATMENT = {Phase.RELEASE, Phase.LENGTHEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another plan under the same demands: its benefit in thousandths, and what it treats otherwise."""

    objective: int
    added: tuple[Target, ...]
    removed: tuple[Target, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MinutesChange:
    """The plan for another length of the session [s]: its benefit in thousandths, and what it treats otherwise."""

    time_budget_seconds: int
    objective: int
    added: tuple[Target, ...]
    removed: tuple[Target, ...]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleShare:
    """What a rule contributes to the benefit, in thousandths."""

    rule: str
    benefit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """What was found. With a `reason_not_replayable` nothing was tried."""

    alternatives: tuple[Alternative, ...] = ()
    minutes: tuple[MinutesChange, ...] = ()
    benefit_by_rule: tuple[RuleShare, ...] = ()
    reason_not_replayable: str = ""


def explore(content: PlanContent, most: int, graph: KnowledgeGraph) -> Exploration:
    """Returns at most `most` alternatives, the effect of other lengths of the session, and the benefit by rule."""
    reason = reason_not_replayable(content, graph)
    if reason:
        return Exploration(reason_not_replayable=reason)
    if not content.disposition.hands_on:
        return Exploration()
    return Exploration(
        alternatives=tuple(_alternatives(content, most, graph)),
        minutes=tuple(_minutes(content, graph)),
        benefit_by_rule=benefit_by_rule(content, graph),
    )


# --- alternatives -------------------------------------------------------------------------------------------------


def _alternatives(content: PlanContent, most: int, graph: KnowledgeGraph) -> list[Alternative]:
    """Returns plans that treat another set of muscles, best first.

    Each was made by planning anew without one muscle of the plan, or with one that it leaves out for want of room.
    """
    request = replace(request_of(content), kept=())
    found: dict[frozenset[Target], PlanContent] = {}
    best = 0
    for tried in _tries(content, request):
        other = _made(tried, graph)
        if other is None:
            continue
        best = max(best, other.optimality.objective)
        muscles = frozenset(treated(other))
        known = found.get(muscles)
        if known is None or known.optimality.objective < other.optimality.objective:
            found[muscles] = other
    least = max(best, content.optimality.objective) * _LEAST_TENTHS
    found.pop(frozenset(treated(content)), None)
    nearly = [one for one in found.values() if 10 * one.optimality.objective >= least and not check(one, graph.base)]
    nearly.sort(key=lambda one: (-one.optimality.objective, [(t.muscle, t.side) for t in treated(one)]))
    return [
        Alternative(
            objective=one.optimality.objective,
            added=_missing(one, content),
            removed=_missing(content, one),
            sentences=tuple(_sentences(content, one, graph)),
        )
        for one in nearly[:most]
    ]


def _tries(content: PlanContent, request: PlanRequest) -> Iterator[PlanRequest]:
    yield request
    constraints = request.constraints
    demanded = {(target.muscle, target.side) for target in constraints.demanded}
    out = [target for target in treated(content) if (target.muscle, target.side) not in demanded]
    # What nobody has palpated is checked, not treated, where the hands found something elsewhere.
    found = has_positive_palpation(content.snapshot)
    unchecked = {(one.muscle, one.side) for one in content.candidates if one.to_confirm and found}
    inside = [
        Target(muscle=one.muscle, side=one.side)
        for one in content.omissions
        if one.kind in _NO_ROOM and one.muscle and one.side and (one.muscle, one.side) not in unchecked
    ]
    for target in out[:_MOST_TRIES]:
        yield replace(request, constraints=replace(constraints, excluded=(*constraints.excluded, target)))
    for target in inside[: max(0, _MOST_TRIES - len(out))]:
        yield replace(request, constraints=replace(constraints, must_include=(*constraints.must_include, target)))


def _made(request: PlanRequest, graph: KnowledgeGraph) -> PlanContent | None:
    try:
        return outline(request, graph)
    except (DemandUnsafe, EditNeedsOverride):
        return None


def treated(content: PlanContent) -> tuple[Target, ...]:
    """Returns the muscles that a plan treats, in order."""
    return tuple(
        dict.fromkeys(
            Target(muscle=step.muscle, side=step.side)
            for step in content.steps
            if step.phase in _TREATMENT and step.side
        )
    )


def _missing(content: PlanContent, other: PlanContent) -> tuple[Target, ...]:
    there = set(treated(other))
    return tuple(target for target in treated(content) if target not in there)


def _sentences(content: PlanContent, other: PlanContent, graph: KnowledgeGraph) -> Iterator[str]:
    """Yields what differs about the muscles, all but why something is out: here it was only tried."""
    for sentence in muscle_sentences(content, other, graph):
        name, out, _ = sentence.partition(" left out: ")
        yield f"{name} left out." if out else sentence


# --- minutes ------------------------------------------------------------------------------------------------------


def _minutes(content: PlanContent, graph: KnowledgeGraph) -> Iterator[MinutesChange]:
    """Yields what a plan made anew for a shorter or longer session treats otherwise than this one."""
    most = int(graph.numbers.session_minutes_most) * _MINUTE_SECONDS
    for more in _OTHER_MINUTES:
        seconds = content.time_budget_seconds + more * _MINUTE_SECONDS
        if not 0 < seconds <= most:
            continue
        other = _made(replace(request_of(content), kept=(), time_budget_seconds=seconds), graph)
        if other is not None:
            added, removed = _missing(other, content), _missing(content, other)
            yield MinutesChange(
                time_budget_seconds=seconds,
                objective=other.optimality.objective,
                added=added,
                removed=removed,
                message=_said(more, added, removed, other, content, graph),
            )


def _said(
    more: int,
    added: Iterable[Target],
    removed: Iterable[Target],
    other: PlanContent,
    content: PlanContent,
    graph: KnowledgeGraph,
) -> str:
    """Says what other minutes change, in a sentence."""
    length = f"{minutes(2 * abs(more))} {'more' if more > 0 else 'fewer'}"

    def named(targets: Iterable[Target]) -> str:
        return ", ".join(with_side(graph.base.muscles[one.muscle].names[0], one.side) for one in targets)

    parts = [f"{named(targets)} {word}" for word, targets in (("in", added), ("out", removed)) if named(targets)]
    if parts:
        return f"{length}: {'; '.join(parts)}."
    if other.optimality.objective == content.optimality.objective:
        return f"{length}: the same muscles, no less and no more for them."
    better = "more" if other.optimality.objective > content.optimality.objective else "less"
    return f"{length}: the same muscles, {better} for them."


# --- benefit ------------------------------------------------------------------------------------------------------


def benefit_by_rule(content: PlanContent, graph: KnowledgeGraph) -> tuple[RuleShare, ...]:
    """Returns what each rule contributes to the benefit of a plan, most first; the parts add up to the objective.

    The benefit of a muscle is shared out among the reasons that point to it, in proportion to what each adds to its
    score. What is lost by rounding goes to the largest remainders.
    """
    formulation = formulation_of(request_of(content), graph)
    shares: dict[str, int] = {}
    for package, benefit in _benefits(content, formulation).items():
        for rule, part in _split(benefit, formulation.subjects[package]).items():
            shares[rule] = shares.get(rule, 0) + part
    return tuple(
        RuleShare(rule=rule, benefit=benefit)
        for rule, benefit in sorted(shares.items(), key=lambda one: (-one[1], one[0]))
        if benefit
    )


def _benefits(content: PlanContent, formulation: Formulation) -> dict[str, int]:
    """Returns the benefit of each muscle of a plan, by the variant that its steps are."""
    done: dict[str, set[tuple[str, int]]] = {}
    for step in content.steps:
        task = formulation.problem.tasks.get(step.id)
        for place, option in enumerate(task.options if task else ()):
            same = step.dose is not None and option.level == step.dose.level
            if task and same and option.half_minutes * HALF_MINUTE_SECONDS == step.duration_seconds:
                done.setdefault(task.package, set()).add((task.id, place))
    return {
        package.id: max(variant.benefit for variant in package.variants if set(variant.choices) == done[package.id])
        for package in formulation.problem.packages
        if package.id in done
    }


def _split(benefit: int, candidate: Candidate) -> dict[str, int]:
    parts = [(reason.rule, reason.contribution) for reason in candidate.reasons if reason.contribution]
    whole = sum(part for _, part in parts)
    if whole <= 0:
        # Only a person asks for it.
        rule = candidate.reasons[0].rule if candidate.reasons else Rule.MUST_INCLUDE.value
        return {rule: benefit}
    exact = [benefit * part / whole for _, part in parts]
    floors = [int(one // 1) for one in exact]
    largest = sorted(range(len(parts)), key=lambda place: (floors[place] - exact[place], place))
    for place in largest[: benefit - sum(floors)]:
        floors[place] += 1
    shares: dict[str, int] = {}
    for (rule, _), part in zip(parts, floors, strict=True):
        shares[rule] = shares.get(rule, 0) + part
    return shares
