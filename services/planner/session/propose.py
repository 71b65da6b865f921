"""The planner as one pure function: from what was read to a plan. The same input gives the same plan, byte for byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from knowledge.model import Evidence, Mimic, Urgency
from services.planner.domain.constraints import Constraints, OverrideReason, Target
from services.planner.domain.plan import (
    Aftercare,
    Candidate,
    Caution,
    FollowUp,
    KeptStep,
    Omission,
    OmissionKind,
    Optimality,
    Phase,
    PlanContent,
    Step,
)
from services.planner.domain.problem import HALF_MINUTE_SECONDS, Cap, LeftOut
from services.planner.domain.reasons import Reason, Rule
from services.planner.domain.sides import Side, with_side
from services.planner.domain.snapshot import Snapshot
from services.planner.formulate.formulation import Formulation, formulate
from services.planner.formulate.precedence import ORDER_RULES
from services.planner.graph.index import KnowledgeGraph
from services.planner.optimise import solve
from services.planner.screen.limits import Limits
from services.planner.screen.rules import Screening, screen
from services.planner.session.conflicts import conflicts
from services.planner.session.keep import keep, kept_companions, shortened
from services.planner.session.slack import shared_steps
from services.planner.session.steps import Layout, steps, touched
from services.planner.session.words import capital, left_over, minutes
from services.planner.walk.candidates import walk, within_bounds

_DAY_SECONDS = 86_400
_URGENT = (Urgency.EMERGENCY, Urgency.SAME_DAY)
_HANDS_ON = {Phase.WARM_UP, Phase.CONFIRM, Phase.RELEASE, Phase.LENGTHEN, Phase.INTEGRATE}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What a plan is made from. `time_budget_seconds` is in (0, 10800] [s].

    `kept` is what the plan before did, which is to change as little as possible; empty: a plan is made anew.
    """

    assessment: str
    assessment_etag: str
    snapshot: Snapshot
    constraints: Constraints
    time_budget_seconds: int
    kept: tuple[KeptStep, ...] = ()


def propose(request: PlanRequest, graph: KnowledgeGraph) -> PlanContent:
    """Returns the plan, with the demands that cannot hold together.

    Raises DemandUnsafe if a safety rule or a missing consent forbids what a person demands, and EditNeedsOverride if a
    demanded order goes against a preference.
    """
    content = outline(request, graph)
    if not content.disposition.hands_on:
        return content
    return replace(content, conflicts=conflicts(content, graph))


def outline(request: PlanRequest, graph: KnowledgeGraph) -> PlanContent:
    """Returns the plan without looking for the demands that clash; see `propose`."""
    screening = screen(request.snapshot.health_flags, graph.base, request.snapshot.age_years)
    found = walk(request.snapshot, graph)
    candidates = within_bounds(found)
    limits = _limits(request, screening, graph)
    if screening.disposition.hands_on:
        content = _session(request, screening, candidates, limits, graph)
    else:
        content = _refusal(request, screening, candidates, graph)
    unlisted = _unlisted(len(found) - len(candidates))
    content = replace(content, cautions=(*content.cautions, *unlisted))
    reviewed = all(fact.reviewed_by for fact in _facts(content, graph))
    return replace(content, knowledge_reviewed=reviewed)


def formulation_of(request: PlanRequest, graph: KnowledgeGraph) -> Formulation:
    """Returns the problem behind a plan; it says what each step is worth. Raises what `propose` raises."""
    screening = screen(request.snapshot.health_flags, graph.base, request.snapshot.age_years)
    candidates = within_bounds(walk(request.snapshot, graph))
    return _formulation(request, candidates, _limits(request, screening, graph), graph)


def _limits(request: PlanRequest, screening: Screening, graph: KnowledgeGraph) -> Limits:
    return Limits(
        graph=graph,
        screening=screening,
        preferences=request.snapshot.preferences,
        constraints=request.constraints,
    )


def _formulation(
    request: PlanRequest, candidates: tuple[Candidate, ...], limits: Limits, graph: KnowledgeGraph
) -> Formulation:
    return formulate(
        candidates, limits, request.constraints, request.snapshot, request.time_budget_seconds, graph, request.kept
    )


def _unlisted(count: int) -> tuple[Caution, ...]:
    if count <= 0:
        return ()
    message = f"The findings point to {count} more muscles, all less strongly; they are not listed."
    return (Caution(message=message, rule=Rule.FURTHER_CANDIDATES, source=""),)


# --- with a session -----------------------------------------------------------------------------------------------


def _session(
    request: PlanRequest,
    screening: Screening,
    candidates: tuple[Candidate, ...],
    limits: Limits,
    graph: KnowledgeGraph,
) -> PlanContent:
    formulation = _formulation(request, candidates, limits, graph)
    companions = None
    if request.kept:
        companions = kept_companions(formulation.problem, request.kept, graph)
        formulation = shortened(formulation, companions)
        solution = keep(formulation, request.kept, companions, request.constraints)
    else:
        solution = solve(formulation.problem)
    layout = Layout(
        formulation=formulation,
        solution=solution,
        shared=shared_steps(formulation, solution, limits, graph, companions),
        limits=limits,
        constraints=request.constraints,
        snapshot=request.snapshot,
        graph=graph,
    )
    session = steps(layout)
    planned = sum(step.duration_seconds for step in session)
    left_out = list(_left_out(layout, formulation.seconds - planned))
    omissions = (*formulation.omissions, *_only_confirmed(layout), *_not_measured_again(layout), *left_out)
    return _content(
        request,
        screening,
        graph,
        steps=session,
        omissions=omissions,
        cautions=(
            *screening.cautions,
            *_mimic_cautions(request.snapshot, graph),
            *formulation.cautions,
            *_unmet_cautions(layout),
            *_override_cautions(request.constraints, graph),
            *_free_minutes(layout, formulation.seconds - planned),
            *_emptiness(session, candidates, request.constraints),
        ),
        candidates=candidates,
        aftercare=_aftercare(session, layout),
        follow_up=_follow_up(session, left_out, graph),
        optimality=Optimality(objective=solution.objective, upper_bound=solution.upper_bound, proven=solution.proven),
    )


def _left_out(layout: Layout, slack_seconds: int) -> Iterator[Omission]:
    """Says of every muscle that was weighed and not chosen what is missing: minutes, or room under a cap."""
    shortest = layout.limits.longest_session()
    for left in sorted(layout.solution.left_out, key=lambda left: _rank(left, layout)):
        candidate = layout.formulation.subjects[left.package]
        if left.cap is None and left.half_minutes * HALF_MINUTE_SECONDS <= slack_seconds:
            # Only an edited plan leaves out what there is room for: an edit changes nothing that it does not touch.
            yield Omission(
                kind=OmissionKind.DOMINATED,
                reasons=(Reason(rule=Rule.LEFT_AS_IT_WAS),),
                message=f"There is room for it, about {minutes(left.half_minutes)}. An edit changes only what it "
                "touches; include it, or plan anew.",
                muscle=candidate.muscle,
                side=candidate.side,
            )
        elif left.cap is None:
            reasons = [Reason(rule=Rule.OVER_BUDGET)]
            if shortest and shortest[0] * 60 == layout.formulation.seconds:
                found = shortest[1]
                reasons.append(Reason(rule=found.rule.id, findings=found.findings))
            yield Omission(
                kind=OmissionKind.OVER_BUDGET,
                reasons=tuple(reasons),
                message=f"It would add {minutes(left.half_minutes)}, warm-up and turns included; "
                f"{left_over(max(0, slack_seconds) // 30)}.",
                muscle=candidate.muscle,
                side=candidate.side,
                minutes_needed=left.half_minutes / 2,
            )
        else:
            rule, message = _CAP_WORDS[left.cap]
            if left.cap is Cap.TURNS and not _treats(left, layout):
                message = "The check would need a turn of its own; it waits for another session."
            yield Omission(
                kind=OmissionKind.LOAD_CAP,
                reasons=(Reason(rule=rule),),
                message=message,
                muscle=candidate.muscle,
                side=candidate.side,
            )


_CAP_WORDS: Mapping[Cap, tuple[Rule, str]] = {
    Cap.TURNS: (Rule.TURN_LIMIT, "It would need another turn, and the session has as many as a client should make."),
    Cap.MUSCLES: (Rule.MUSCLE_LIMIT, "The session already treats as many muscles as this time can do justice to."),
    Cap.TISSUE_LOAD: (Rule.TISSUE_LOAD_CAP, "The region or the session has had as much deep work as it can digest."),
    Cap.HAND_LOAD: (Rule.HAND_LOAD_CAP, "The therapist's hands have done as much as they should."),
}


def _treats(left: LeftOut, layout: Layout) -> bool:
    return next(package.counts for package in layout.problem.packages if package.id == left.package)


def _rank(left: LeftOut, layout: Layout) -> int:
    return next(package.rank for package in layout.problem.packages if package.id == left.package)


def _only_confirmed(layout: Layout) -> Iterator[Omission]:
    """A muscle that the session only checks is not treated, and the plan says why."""
    treated = touched(layout)
    chosen: dict[str, None] = {}
    for placement in layout.solution.placements:
        task = layout.problem.tasks.get(placement.id)
        if task and task.package not in treated:
            chosen.setdefault(task.package)
    for package in chosen:
        candidate = layout.formulation.subjects[package]
        yield Omission(
            kind=OmissionKind.MISSING_PREREQUISITE,
            reasons=(Reason(rule=Rule.NOT_PALPATED),),
            message="Nobody has palpated it, so the session checks it and does not treat it yet. "
            "If the check finds it tender or the pain familiar, plan again.",
            muscle=candidate.muscle,
            side=candidate.side,
        )


def _not_measured_again(layout: Layout) -> Iterator[Omission]:
    """A re-test that has no place in the session is left out, and the plan says where it belongs."""
    base = layout.graph.base
    for identifier in layout.solution.unplaced:
        companion = layout.problem.companions[identifier]
        motion = base.motions[companion.motion]
        side = "" if companion.side in {None, Side.MIDLINE} else f" ({companion.side.name})"
        where = " or ".join(base.positions[position].names[0] for position in motion.tested_in)
        yield Omission(
            kind=OmissionKind.MISSING_PREREQUISITE,
            reasons=(
                Reason(
                    rule=Rule.RETEST_OF_TREATED_MOTION,
                    findings=tuple(
                        test.id
                        for test in layout.snapshot.rom_tests
                        if (test.motion, test.side) == (companion.motion, companion.side)
                    ),
                ),
            ),
            message=f"No re-test of {motion.names[0]}{side}: it is measured {where}, and the session has no turn or "
            "time left for that. Measure it at the next visit.",
            technique=companion.technique,
        )


def _free_minutes(layout: Layout, slack_seconds: int) -> Iterator[Caution]:
    """If checks are planned and time for a muscle is left, that time is for what they confirm; the rest is free."""
    checked = [
        layout.graph.base.muscles[omission.muscle].names[0] + f" ({omission.side.name})"
        for omission in _only_confirmed(layout)
        if omission.side
    ]
    if checked and slack_seconds >= 60 * layout.graph.numbers.minutes_per_muscle_least:
        usual = layout.graph.numbers.minutes_per_muscle_usual
        yield Caution(
            message=f"{left_over(slack_seconds // 30)} for what the checks confirm ({', '.join(checked)}), about "
            f"{usual:g} for each muscle, the likeliest first. Record what they find and plan again; if they confirm "
            "nothing, the session may end earlier.",
            rule=Rule.FREE_MINUTES,
            source="",
        )


def _unmet_cautions(layout: Layout) -> Iterator[Caution]:
    """A demand that was possible and did not fit says so at the top of the plan, too."""
    demanded = {package.id for package in layout.problem.packages if package.demanded}
    for left in layout.solution.left_out:
        if left.package in demanded:
            candidate = layout.formulation.subjects[left.package]
            name = layout.graph.base.muscles[candidate.muscle].names[0]
            fits_not = f"It would add {minutes(left.half_minutes)}, and that does not fit."
            why = _CAP_WORDS[left.cap][1] if left.cap else fits_not
            yield Caution(
                message=f"Asked for but not planned: {name} ({candidate.side.name}). {why}",
                rule=_CAP_WORDS[left.cap][0] if left.cap else Rule.OVER_BUDGET,
                source="",
            )


def _override_cautions(constraints: Constraints, graph: KnowledgeGraph) -> Iterator[Caution]:
    """What a person set aside stands at the top of the plan, with their reason."""
    for override in constraints.overrides:
        about = ", ".join(
            with_side(graph.base.muscles[target.muscle].names[0], target.side) for target in override.targets
        )
        who = f" by {override.display_name}" if override.display_name else ""
        why = _OVERRIDE_WORDS[override.reason] + (f": {override.comment}" if override.comment else "")
        yield Caution(
            message=f"Set aside{who}{f' for {about}' if about else ''}: {ORDER_RULES[override.rule].sentence} "
            f"Reason: {why}.",
            rule=override.rule,
            source="",
        )


_OVERRIDE_WORDS: Mapping[OverrideReason, str] = {
    OverrideReason.CLIENT_WISH: "the client wants it so",
    OverrideReason.FINDING_TODAY: "a finding of today speaks for it",
    OverrideReason.WORKED_BEFORE: "it worked at an earlier visit",
    OverrideReason.THERAPIST_HANDS: "it spares the therapist's hands",
    OverrideReason.TEACHING: "it is done for teaching",
    OverrideReason.OTHER: "another one",
}


def _emptiness(
    session: tuple[Step, ...], candidates: tuple[Candidate, ...], constraints: Constraints
) -> Iterator[Caution]:
    if not candidates and not constraints.demanded:
        yield Caution(
            message="No finding points to a muscle, so there is nothing to plan. Assess first.",
            rule=Rule.NO_FINDING,
            source="",
        )
    elif not session:
        yield Caution(
            message="Nothing can be planned under these conditions; what was left out says why.",
            rule=Rule.NOTHING_FITS,
            source="",
        )


def _mimic_cautions(snapshot: Snapshot, graph: KnowledgeGraph) -> Iterator[Caution]:
    """Where something serious typically hurts, the plan says what would give it away.

    The most urgent first, of equals those that hurt in more of the client's painful areas; the others are named.
    """
    flagged = [area for area in snapshot.pain_areas if graph.base.zones[area.zone].serious_mimics]
    found = [
        (mimic, areas)
        for mimic in graph.base.mimics.values()
        if mimic.urgency in _URGENT
        and _can_concern(mimic, snapshot)
        and (areas := tuple(area.id for area in flagged if area.zone in mimic.zones))
    ]
    found.sort(key=lambda one: (_URGENT.index(one[0].urgency), -len(one[1])))
    most = int(graph.numbers.mimic_cautions_most)
    for mimic, areas in found[:most]:
        when = "at once" if mimic.urgency is Urgency.EMERGENCY else "the same day"
        yield Caution(
            message=f"Not muscular if it looks like this; then to a doctor {when}. "
            f"{capital(mimic.names[0])}: {mimic.warning}",
            rule=Rule.SERIOUS_MIMIC,
            source=mimic.source,
            findings=areas,
        )
    if others := found[most:]:
        yield Caution(
            message="Less often, pain in these places comes from something else that a doctor has to see soon: "
            f"{', '.join(mimic.names[0] for mimic, _ in others)}.",
            rule=Rule.SERIOUS_MIMIC,
            source=others[0][0].source,
            findings=tuple(dict.fromkeys(area for _, areas in others for area in areas)),
        )


def _can_concern(mimic: Mimic, snapshot: Snapshot) -> bool:
    """Whether sex and age, as far as they are known, leave a mimic possible."""
    age = snapshot.age_years
    other_sex = bool(mimic.sex) and snapshot.sex in {"female", "male"} and snapshot.sex != mimic.sex
    too_young = age is not None and mimic.age_min is not None and age < mimic.age_min
    too_old = age is not None and mimic.age_max is not None and age > mimic.age_max
    return not (other_sex or too_young or too_old)


def _aftercare(session: tuple[Step, ...], layout: Layout) -> tuple[Aftercare, ...]:
    """Returns the advice of the techniques used, then that for the muscles treated."""
    base = layout.graph.base
    wanted: dict[str, None] = {}
    for step in session:
        if step.technique:
            wanted.update(dict.fromkeys(base.techniques[step.technique].aftercare))
    treated = {candidate.muscle for candidate in touched(layout).values()}
    for advice in base.advice.values():
        if advice.kind in {"home_care", "self_stretch"} and treated & set(advice.muscles):
            wanted.setdefault(advice.id)
    return tuple(
        Aftercare(text=base.advice[one].text, source=base.advice[one].source) for one in wanted if one in base.advice
    )


def _follow_up(session: tuple[Step, ...], left_out: list[Omission], graph: KnowledgeGraph) -> FollowUp | None:
    carried = tuple(
        Target(muscle=omission.muscle, side=omission.side)
        for omission in left_out
        if omission.kind is OmissionKind.OVER_BUDGET and omission.side
    )
    worked = any(step.phase in _HANDS_ON for step in session)
    if not carried and not worked:
        return None
    number = graph.base.planning["follow_up_days_usual"]
    return FollowUp(
        carry_over=carried,
        suggested_interval_seconds=int(number.value * _DAY_SECONDS) if worked else None,
        source=number.source if worked else "",
    )


# --- without one --------------------------------------------------------------------------------------------------


def _refusal(
    request: PlanRequest, screening: Screening, candidates: tuple[Candidate, ...], graph: KnowledgeGraph
) -> PlanContent:
    """No step at all: every muscle that would have been a candidate names the rules that forbid the session."""
    stopping = [found for found in screening.rules if _stops(found.rule.scope.value, found.rule.refer_and_treat)]
    reasons = tuple(Reason(rule=found.rule.id, findings=found.findings) for found in stopping)
    message = stopping[0].rule.message
    muscles = dict.fromkeys((candidate.muscle, candidate.side) for candidate in candidates)
    muscles.update(dict.fromkeys((target.muscle, target.side) for target in request.constraints.demanded))
    return _content(
        request,
        screening,
        graph,
        steps=(),
        omissions=tuple(
            Omission(kind=OmissionKind.CONTRAINDICATED, reasons=reasons, message=message, muscle=muscle, side=side)
            for muscle, side in muscles
        ),
        cautions=(*screening.cautions, *_mimic_cautions(request.snapshot, graph)),
        candidates=candidates,
        aftercare=(),
        follow_up=None,
        optimality=Optimality(objective=0),
    )


def _stops(scope: str, refer_and_treat: bool) -> bool:
    return scope == "absolute" or (scope == "refer" and not refer_and_treat)


# --- both ---------------------------------------------------------------------------------------------------------


def _content(
    request: PlanRequest,
    screening: Screening,
    graph: KnowledgeGraph,
    *,
    steps: tuple[Step, ...],
    omissions: tuple[Omission, ...],
    cautions: tuple[Caution, ...],
    candidates: tuple[Candidate, ...],
    aftercare: tuple[Aftercare, ...],
    follow_up: FollowUp | None,
    optimality: Optimality,
) -> PlanContent:
    planned = sum(step.duration_seconds for step in steps)
    return PlanContent(
        assessment=request.assessment,
        assessment_etag=request.assessment_etag,
        snapshot=request.snapshot,
        constraints=request.constraints,
        time_budget_seconds=request.time_budget_seconds,
        disposition=screening.disposition,
        planned_seconds=planned,
        slack_seconds=request.time_budget_seconds - planned,
        steps=steps,
        omissions=omissions,
        cautions=tuple(dict.fromkeys(cautions)),
        questions=screening.questions,
        referrals=screening.referrals,
        candidates=candidates,
        aftercare=aftercare,
        follow_up=follow_up,
        optimality=optimality,
        knowledge_revision=graph.base.revision,
        knowledge_reviewed=False,
        kept=request.kept,
    )


def _facts(content: PlanContent, graph: KnowledgeGraph) -> Iterable[Evidence]:
    """Yields every fact that the plan rests on: what was weighed and what was asked, not only what was chosen."""
    base = graph.base
    muscles = {step.muscle for step in content.steps} | {candidate.muscle for candidate in content.candidates}
    techniques = {step.technique for step in content.steps}
    zones = {area.zone for area in content.snapshot.pain_areas}
    motions = {test.motion for test in content.snapshot.rom_tests}
    return chain(
        base.planning.values(),
        base.conditions.values(),
        base.rules.values(),
        (base.muscles[muscle] for muscle in sorted(muscles - {""})),
        (base.techniques[technique] for technique in sorted(techniques - {""})),
        (edge for edge in base.refers_to if edge.zone in zones),
        (edge for edge in base.limits_motion if edge.motion in motions),
        (edge for edge in base.satellite_of if edge.muscle in muscles),
        (edge for edge in base.treated_by if edge.muscle in muscles),
        (edge for edge in base.overlies if edge.muscle in muscles),
        (site for muscle in sorted(muscles) for site in graph.sites_of.get(muscle, ())),
        base.position_changes,
        base.mimics.values(),
        base.advice.values(),
    )
