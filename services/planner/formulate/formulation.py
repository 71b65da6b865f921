"""Formulates: what of the candidates and demands can be done at all, as a problem; and what cannot, with why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from knowledge.model import Muscle, Technique
from knowledge.model import Phase as KnowledgePhase
from services.planner.domain.constraints import Constraints, HandLoad
from services.planner.domain.errors import DemandUnsafe
from services.planner.domain.plan import Candidate, Caution, KeptStep, Omission, OmissionKind, Phase
from services.planner.domain.problem import HALF_MINUTE_SECONDS, Companion, HandLoads, Package, Problem
from services.planner.domain.reasons import Reason, Rule
from services.planner.domain.sides import OFF_THE_TABLE, SIDE_LYING_LEFT, SIDE_LYING_RIGHT, Side, with_side
from services.planner.domain.snapshot import Snapshot
from services.planner.formulate.doses import (
    WHOLE,
    SessionTechniques,
    framed,
    joining_strokes,
    longest_within,
    session_frame,
)
from services.planner.formulate.order import Treated
from services.planner.formulate.packages import Setting, Wish, Work, package_id, work_on
from services.planner.formulate.precedence import precedence, proximal_rank
from services.planner.graph.index import KnowledgeGraph
from services.planner.screen.limits import Cut, Limits
from services.planner.walk.candidates import has_positive_palpation, lead_of
from services.planner.walk.lines import Spot, is_positive, motion_finding

_MINUTE_SECONDS = 60
_HOUR_SECONDS = 3600
# Cuts that are about one muscle and not about a technique as such.
_OF_ONE_MUSCLE = {Rule.ENDANGERMENT_SITE, Rule.EXCLUDED_BY_PERSON, Rule.INTRAORAL_CONSENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Formulation:
    """The problem, what it is about, and what is out before anything is solved.

    `subjects` holds the candidate behind each package (a demanded muscle without findings has one of score 0).
    `seconds` [s] is the session that a safety rule may have made shorter than the budget. `key_motions` are the motions
    that say something, the one that says most first. `treated` and `rank` are what the order of work follows from.
    """

    problem: Problem
    subjects: Mapping[str, Candidate]
    omissions: tuple[Omission, ...]
    cautions: tuple[Caution, ...]
    seconds: int
    treated: Treated
    rank: Mapping[Spot, int]
    key_motions: tuple[tuple[str, Side], ...] = ()


@dataclass(frozen=True, slots=True)
class _Subject:
    candidate: Candidate
    demanded: bool
    techniques: tuple[str, ...]

    @property
    def spot(self) -> Spot:
        return Spot(self.candidate.muscle, self.candidate.side)


def formulate(
    candidates: Sequence[Candidate],
    limits: Limits,
    constraints: Constraints,
    snapshot: Snapshot,
    budget_seconds: int,
    graph: KnowledgeGraph,
    kept: Sequence[KeptStep] = (),
) -> Formulation:
    """Returns the problem. What `kept` did, the steps of the plan before, stays among what can be chosen.

    Raises DemandUnsafe if a safety rule or a missing consent forbids what a person demands, and, unless something is
    `kept`, EditNeedsOverride if a demanded order goes against a preference. With something kept, only the steps of the
    session have to be in order, which are fewer.
    """
    seconds = session_seconds(limits, budget_seconds)
    subjects = _subjects(candidates, constraints)
    regions = _open_regions(subjects, limits, graph)
    techniques, cut = _session_techniques(limits, regions, graph)
    setting = Setting(
        graph=graph,
        limits=limits,
        constraints=constraints,
        budget_seconds=seconds,
        retests=_retests(techniques.retest, snapshot, limits, graph),
        integration=joining_strokes(techniques, graph.numbers, seconds, _regions_cap(regions, limits)),
        lead=lead_of(snapshot),
    )
    sorting = _Sorting(snapshot, setting, kept)
    works = {subject.spot: work for subject in subjects if (work := sorting.work(subject))}
    _refuse_unsafe(works, subjects)
    possible = {spot: work for spot, work in works.items() if not work.blocked}
    key_motions = _key_motions(snapshot, graph)
    frame = tuple(
        replace(companion, positions=_arrived_in(key_motions, limits, graph))
        if companion.phase is Phase.ARRIVAL
        else companion
        for companion in session_frame(techniques, graph.numbers, seconds, next(iter(key_motions), None))
    )
    rank = {subject.spot: place for place, subject in enumerate(subjects)}
    treated = Treated(
        tasks={spot: work.tasks for spot, work in possible.items()},
        positive=frozenset(possible) if sorting.provisional else sorting.positive,
        graph=graph,
    )
    pairs = precedence(treated, rank, constraints, strict=not kept)
    demanded = {subject.spot for subject in subjects if subject.demanded}
    problem = _problem(possible, rank, demanded, pairs, setting, frame)
    return Formulation(
        problem=problem,
        subjects={package_id(s.spot.muscle, s.spot.side): s.candidate for s in subjects if s.spot in possible},
        omissions=(
            *_blocked_omissions(works),
            *sorting.omissions,
            *_technique_omissions(works.values(), cut),
            *_position_omissions(works.values(), setting),
        ),
        cautions=_demand_cautions(works, subjects),
        seconds=seconds,
        treated=treated,
        rank=rank,
        key_motions=key_motions,
    )


def session_seconds(limits: Limits, budget_seconds: int) -> int:
    """Returns how long the session may be [s]: the budget, or less where a safety rule shortens it."""
    shortest = limits.longest_session()
    return min(budget_seconds, shortest[0] * _MINUTE_SECONDS) if shortest else budget_seconds


# --- what is asked of each muscle ---------------------------------------------------------------------------------


def _subjects(candidates: Sequence[Candidate], constraints: Constraints) -> tuple[_Subject, ...]:
    """Demands first, as they were made, then candidates, best first; each muscle once."""
    known = {Spot(candidate.muscle, candidate.side): candidate for candidate in candidates}
    wanted: dict[Spot, tuple[str, ...]] = {}
    for target in constraints.demanded:
        spot = Spot(target.muscle, target.side)
        wanted[spot] = (*wanted.get(spot, ()), *([target.technique] if target.technique else []))
    demanded = [
        _Subject(known.get(spot) or _unfound(spot, constraints), demanded=True, techniques=techniques)
        for spot, techniques in wanted.items()
    ]
    others = [_Subject(known[spot], demanded=False, techniques=()) for spot in known if spot not in wanted]
    return (*demanded, *others)


def _unfound(spot: Spot, constraints: Constraints) -> Candidate:
    pinned = any(target.muscle == spot.muscle and target.side is spot.side for target in constraints.pinned)
    reason = Reason(rule=Rule.PINNED_BY_PERSON if pinned else Rule.MUST_INCLUDE)
    return Candidate(muscle=spot.muscle, side=spot.side, score=0.0, reasons=(reason,), to_confirm=True)


class _Sorting:
    """Sorts the muscles: to treat, to confirm, or neither. What the hands found is treated, the rest confirmed first.

    If the hands found nothing anywhere, the likeliest muscles are confirmed and treated right after: the session would
    be empty otherwise, and the step says to treat only what proves tender or familiar.
    """

    def __init__(self, snapshot: Snapshot, setting: Setting, kept: Sequence[KeptStep]) -> None:
        self._setting = setting
        self._kept = {step.task: step for step in kept}
        self.provisional = not has_positive_palpation(snapshot)
        self.positive = frozenset(Spot(found.muscle, found.side) for found in snapshot.palpations if is_positive(found))
        self._confirming = 0
        self.omissions: list[Omission] = []

    def work(self, subject: _Subject) -> Work | None:
        """Returns the work on a muscle, or None after noting why nothing is asked of it."""
        candidate = subject.candidate
        if subject.demanded or subject.spot in self.positive:
            return self._do(subject, treat=True, confirm=candidate.to_confirm)
        if candidate.to_confirm and self._setting.limits.muscle_cuts(self._muscle(subject), candidate.side):
            return self._do(subject, treat=True, confirm=True)
        silent = self._not_asked(candidate)
        if silent:
            self._leave(candidate, *silent)
            return None
        work = self._do(subject, treat=self.provisional, confirm=True)
        self._confirming += not work.blocked
        return work

    def _not_asked(self, candidate: Candidate) -> tuple[Rule, str] | None:
        """Says why a muscle without a positive palpation is not even checked; None: it is."""
        numbers = self._setting.graph.numbers
        if not candidate.to_confirm:
            return Rule.PALPATION_UNREMARKABLE, "The hands found nothing in it."
        if candidate.score < numbers.confirm_score_least:
            return Rule.WEAK_EVIDENCE, "The findings point to it only weakly."
        hours = max(1.0, self._setting.budget_seconds / _HOUR_SECONDS)
        if self._kept_on(candidate):
            return None
        if not self.provisional and self._confirming >= int(numbers.confirm_steps_most * hours):
            return Rule.STRONGER_CHECKED_FIRST, "Nobody has palpated it, and stronger candidates are checked first."
        return None

    def _do(self, subject: _Subject, *, treat: bool, confirm: bool) -> Work:
        candidate = subject.candidate
        muscle = self._muscle(subject)
        techniques = [self._setting.graph.base.techniques[technique] for technique in subject.techniques]
        checked = any(technique.phase is KnowledgePhase.CONFIRM for technique in techniques)
        wish = Wish(
            treat=treat,
            confirm=confirm or checked,
            priority=max(1, round(WHOLE * candidate.score)),
            findings=tuple(
                finding
                for reason in candidate.reasons
                if reason.rule == Rule.LIMITS_REDUCED_MOTION
                for finding in reason.findings
            ),
            techniques=subject.techniques,
            kept=self._kept_on(candidate),
        )
        work = work_on(muscle, candidate.side, wish, self._setting)
        if work.blocked and confirm and treat and subject.demanded and not work.blocked.safety:
            # A person asks for it and fingers cannot confirm it: their word stands in for the palpation.
            return work_on(muscle, candidate.side, replace(wish, confirm=checked), self._setting)
        return work

    def _kept_on(self, candidate: Candidate) -> dict[str, KeptStep]:
        """Returns what the plan before did on a muscle."""
        own = f"-{package_id(candidate.muscle, candidate.side)}-"
        return {identifier: step for identifier, step in self._kept.items() if own in identifier}

    def _leave(self, candidate: Candidate, rule: Rule, message: str) -> None:
        told = [reason for reason in candidate.reasons if reason.rule == rule]
        findings = tuple(dict.fromkeys(finding for reason in told for finding in reason.findings))
        self.omissions.append(
            Omission(
                kind=OmissionKind.DOMINATED,
                reasons=(Reason(rule=rule, findings=findings),),
                message=message,
                muscle=candidate.muscle,
                side=candidate.side,
            )
        )

    def _muscle(self, subject: _Subject) -> Muscle:
        return self._setting.graph.base.muscles[subject.candidate.muscle]


# --- the problem --------------------------------------------------------------------------------------------------


def _problem(
    possible: Mapping[Spot, Work],
    rank: Mapping[Spot, int],
    demanded: set[Spot],
    pairs: frozenset[tuple[str, str]],
    setting: Setting,
    frame: tuple[Companion, ...],
) -> Problem:
    graph = setting.graph
    packages = tuple(_package(spot, work, rank[spot], spot in demanded, setting) for spot, work in possible.items())
    companions = {companion.id: companion for work in possible.values() for companion in work.companions}
    changes = {
        pair: -(-change.seconds // HALF_MINUTE_SECONDS)
        for change in graph.base.position_changes
        for pair in (change.between, change.between[::-1])
    }
    minutes = setting.budget_seconds / _MINUTE_SECONDS
    return Problem(
        half_minutes=setting.budget_seconds // HALF_MINUTE_SECONDS,
        frame=frame,
        tasks={task.id: task for work in possible.values() for task in work.tasks},
        companions=dict(sorted(companions.items(), key=lambda item: (item[1].order, *_retest_rank(item[0], setting)))),
        packages=packages,
        before=pairs,
        position_changes=changes,
        position_order=_position_order(graph, setting.lead),
        turn_limit=graph.numbers.turn_limit(minutes),
        muscle_limit=max(1, int(graph.numbers.muscles_per_hour_most * minutes / _MINUTE_SECONDS)),
        tissue_load_cap=int(graph.numbers.tissue_load_cap_session),
        region_load_cap=int(graph.numbers.tissue_load_cap_region),
        hand_load_cap=_hand_load_cap(setting.constraints.hand_load_used_today, minutes, graph),
    )


def _retest_rank(identifier: str, setting: Setting) -> tuple[int, str]:
    """Re-tests in the order of their deficit, everything else by id."""
    order = [companion.id for companion in setting.retests.values()]
    return (order.index(identifier) if identifier in order else -1, identifier)


def _package(spot: Spot, work: Work, rank: int, demanded: bool, setting: Setting) -> Package:
    graph, region = setting.graph, work.muscle.region
    treats = any(task.phase is not Phase.CONFIRM for task in work.tasks)
    return Package(
        id=package_id(spot.muscle, spot.side),
        muscle=spot.muscle,
        side=spot.side,
        region=region,
        rank=rank,
        order=(
            graph.region_rank[region],
            int(spot.side not in {Side.MIDLINE, setting.lead}),
            1 + treats,
            _proximal_rank(work.muscle, graph),
            rank,
        ),
        counts=treats,
        demanded=demanded,
        variants=work.variants,
    )


def _proximal_rank(muscle: Muscle, graph: KnowledgeGraph) -> int:
    """In a limb, work goes from the trunk outwards: by the first zone under which the muscle lies."""
    return proximal_rank(muscle.lies_in, graph) if muscle.region in graph.limb_regions else 0


def _position_order(graph: KnowledgeGraph, lead: Side) -> tuple[str, ...]:
    """The order of the file; lying on the right goes before lying on the left where the right side leads."""
    if lead is Side.LEFT:
        return tuple(graph.base.positions)
    swapped = {SIDE_LYING_LEFT: SIDE_LYING_RIGHT, SIDE_LYING_RIGHT: SIDE_LYING_LEFT}
    return tuple(swapped.get(position, position) for position in graph.base.positions)


def _hand_load_cap(used_today: HandLoad | None, minutes: float, graph: KnowledgeGraph) -> HandLoads:
    """The cap of a session of this length [min], or what the day has left where that is less."""
    numbers = graph.numbers
    longer = max(1.0, minutes / numbers.hand_load_cap_minutes)
    session = (
        numbers.hand_load_cap_thumb_session,
        numbers.hand_load_cap_wrist_session,
        numbers.hand_load_cap_elbow_session,
        numbers.hand_load_cap_tool_session,
    )
    day = (
        numbers.hand_load_cap_thumb_day,
        numbers.hand_load_cap_wrist_day,
        numbers.hand_load_cap_elbow_day,
        numbers.hand_load_cap_tool_day,
    )
    used = used_today.values() if used_today else (0, 0, 0, 0)
    thumb, wrist, elbow, tool = (
        max(0, int(min(cap * longer, whole - done))) for cap, whole, done in zip(session, day, used, strict=True)
    )
    return (thumb, wrist, elbow, tool)


# --- motions ------------------------------------------------------------------------------------------------------


def _retests(
    technique: Technique | None, snapshot: Snapshot, limits: Limits, graph: KnowledgeGraph
) -> dict[str, Companion]:
    """Returns the re-test of each of the most reduced motions, by the ids of the findings behind it."""
    if technique is None:
        return {}
    dose = longest_within(technique.doses, graph.numbers.retest_seconds)
    retests: dict[str, Companion] = {}
    companions: dict[tuple[str, Side], Companion] = {}
    for _, _, order in sorted(_motion_findings(snapshot, graph)):
        test = snapshot.rom_tests[order]
        motion = (test.motion, test.side)
        if motion_finding(test, graph.numbers)[0] is not Rule.LIMITS_REDUCED_MOTION:
            continue
        if motion not in companions and len(companions) < int(graph.numbers.retest_motions_most):
            shared = framed(Phase.RETEST, technique, dose, motion=test.motion, side=test.side)
            companions[motion] = Companion(
                id=f"retest-{test.motion}-{test.side}",
                phase=shared.phase,
                technique=shared.technique,
                level=shared.level,
                half_minutes=shared.half_minutes,
                motion=test.motion,
                side=test.side,
                positions=tested_in(test.motion, limits, graph),
            )
        if motion in companions:
            retests[test.id] = companions[motion]
    return retests


def tested_in(motion: str, limits: Limits, graph: KnowledgeGraph) -> tuple[str, ...] | None:
    """Returns the positions in which a motion is measured and the client can be; None: any."""
    positions = graph.base.motions[motion].tested_in
    return tuple(one for one in positions if not limits.position_cuts(one)) if positions else None


def _arrived_in(motions: Sequence[tuple[str, Side]], limits: Limits, graph: KnowledgeGraph) -> tuple[str, ...] | None:
    """Returns where the session should begin so that a key motion can be measured; None: anywhere, on arrival."""
    positions: dict[str, None] = {}
    for motion, _ in motions:
        tested = tested_in(motion, limits, graph)
        if tested is None or set(tested) & set(OFF_THE_TABLE):
            return None
        positions.update(dict.fromkeys(tested))
    return tuple(positions) or None


def _key_motions(snapshot: Snapshot, graph: KnowledgeGraph) -> tuple[tuple[str, Side], ...]:
    """Returns the motions that say something, most reduced first, then most painful."""
    tests = [snapshot.rom_tests[order] for _, _, order in sorted(_motion_findings(snapshot, graph))]
    return tuple(dict.fromkeys((test.motion, test.side) for test in tests))


def _motion_findings(snapshot: Snapshot, graph: KnowledgeGraph) -> list[tuple[bool, float, int]]:
    """Returns (only painful, minus its share, place in the assessment) of every motion that says something."""
    found = []
    for order, test in enumerate(snapshot.rom_tests):
        rule, share = motion_finding(test, graph.numbers)
        if rule is not None:
            found.append((rule is not Rule.LIMITS_REDUCED_MOTION, -share, order))
    return found


# --- what belongs to the session ----------------------------------------------------------------------------------


def _open_regions(subjects: Sequence[_Subject], limits: Limits, graph: KnowledgeGraph) -> list[str]:
    """Returns the regions in which work may be done."""
    regions = {graph.base.muscles[subject.candidate.muscle].region for subject in subjects}
    return sorted(region for region in regions if not limits.region_cuts(region))


def _regions_cap(regions: Sequence[str], limits: Limits) -> int:
    """Returns the firmest pressure that is allowed in all of these regions."""
    return min([limits.pressure_cap(region, "").level for region in regions or ("",)])


def _session_techniques(
    limits: Limits, regions: Sequence[str], graph: KnowledgeGraph
) -> tuple[SessionTechniques, list[tuple[Technique, Cut]]]:
    """Returns the techniques of the session that are allowed wherever work may be done, and the cuts of the others."""
    cuts: list[tuple[Technique, Cut]] = []

    def allowed(phase: KnowledgePhase, where: Sequence[str]) -> Technique | None:
        of_session = [
            t for t in graph.techniques_in[phase] if phase is not KnowledgePhase.INTEGRATE or t.acts_on == "region"
        ]
        for technique in of_session:
            found = [cut for region in where or ("",) for cut in limits.technique_cuts(technique, region, "", None)]
            if not found:
                return technique
            cuts.extend((technique, cut) for cut in found)
        return None

    techniques = SessionTechniques(
        arrival=allowed(KnowledgePhase.ARRIVAL, ()),
        retest=allowed(KnowledgePhase.RETEST, ()),
        integration=allowed(KnowledgePhase.INTEGRATE, regions),
        close=allowed(KnowledgePhase.CLOSE, ()),
    )
    return techniques, cuts


# --- what is out --------------------------------------------------------------------------------------------------


def _refuse_unsafe(works: Mapping[Spot, Work], subjects: Sequence[_Subject]) -> None:
    sentences, rules = [], []
    for subject in subjects:
        work = works.get(subject.spot)
        if subject.demanded and work and work.blocked and work.blocked.safety:
            # Which rule it is would tell the client's health in an error text; the plan without the demand names it.
            sentences.append(
                f"{with_side(work.muscle.names[0], subject.spot.side)}: a safety rule or a consent that was not given "
                "forbids it; without the demand the plan says which"
            )
            rules.append(work.blocked.reasons[0].rule)
    if sentences:
        raise DemandUnsafe(tuple(sentences), rule=rules[0])


def _blocked_omissions(works: Mapping[Spot, Work]) -> list[Omission]:
    return [
        Omission(
            kind=work.blocked.kind,
            reasons=work.blocked.reasons,
            message=work.blocked.message,
            muscle=spot.muscle,
            side=spot.side,
        )
        for spot, work in works.items()
        if work.blocked
    ]


def _technique_omissions(works: Iterable[Work], of_session: Iterable[tuple[Technique, Cut]]) -> list[Omission]:
    """A technique that is cut for everybody is told once; one that is cut on a muscle is told there."""
    told: dict[tuple[str, str, str, Side | None], Omission] = {}
    spots: list[tuple[str, Side | None, Iterable[tuple[Technique, Cut]]]] = [("", None, of_session)]
    spots += [(work.muscle.id, work.side, work.cuts) for work in works]
    for name, where, cuts in spots:
        for technique, cut in cuts:
            muscle, side = (name, where) if cut.reason.rule in _OF_ONE_MUSCLE else ("", None)
            told.setdefault(
                (technique.id, cut.reason.rule, muscle, side),
                Omission(
                    kind=cut.kind,
                    reasons=(cut.reason,),
                    message=cut.message,
                    muscle=muscle,
                    side=side,
                    technique=technique.id,
                ),
            )
    return list(told.values())


def _position_omissions(works: Iterable[Work], setting: Setting) -> list[Omission]:
    """A position that nobody can use today is told once, if there is work at all."""
    if not any(True for _ in works):
        return []
    cuts: list[tuple[str, Cut]] = [
        (position, cut)
        for position in _position_order(setting.graph, setting.lead)
        for cut in setting.limits.position_cuts(position)
    ]
    return [
        Omission(
            kind=cut.kind,
            reasons=(cut.reason,),
            message=f"No work {setting.graph.base.positions[position].names[0]}: {cut.message}",
        )
        for position, cut in cuts
    ]


def _demand_cautions(works: Mapping[Spot, Work], subjects: Sequence[_Subject]) -> tuple[Caution, ...]:
    """A demand that cannot be met says so at the top of the plan, too."""
    return tuple(
        Caution(
            message=f"Asked for but not planned: {work.muscle.names[0]} ({subject.spot.side.name}). "
            + work.blocked.message,
            rule=work.blocked.reasons[0].rule,
            source="",
        )
        for subject in subjects
        if subject.demanded and (work := works.get(subject.spot)) and work.blocked
    )
