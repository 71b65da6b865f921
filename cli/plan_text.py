"""Plans, traces and screenings in words, for the terminal. Prose is made here from the typed reasons of the plan."""

from __future__ import annotations

import os

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from myoplan.planner.v1.knowledge_service_pb2 import (
    FiredRule,
    Role,
    ScreenHealthResponse,
    TraceMotionResponse,
    TraceZoneResponse,
)
from myoplan.planner.v1.plan_pb2 import Omission, Plan, Rationale, Reason, Side, Step, Urgency

NOT_REVIEWED = "Not clinically reviewed: no clinician has checked the knowledge in this version."
DISPOSITIONS = {
    Plan.TREAT: "Treat",
    Plan.TREAT_WITH_CAUTION: "Treat with caution",
    Plan.DO_NOT_TREAT: "DO NOT TREAT today",
    Plan.REFER: "DO NOT TREAT: refer",
}
HANDS_OFF = {Plan.DO_NOT_TREAT, Plan.REFER}
URGENCIES = {
    Urgency.EMERGENCY: "NOW (emergency)",
    Urgency.SAME_DAY: "today",
    Urgency.SOON: "within days",
    Urgency.ROUTINE: "at the next opportunity",
}
MOST_OMISSIONS = 8
MIMIC = "serious_mimic"
# Cautions that the plan tells in a place of their own: what was never asked, and what only looks muscular.
TOLD_BELOW = {MIMIC, "safety_not_asked"}
PLAIN_WIDTH = 132
# The planner's rules in a few words; docs/planning.md explains each. Any other rule of a reason is a safety rule.
SENTENCES = {
    "referral_to_pain_zone": "refers to the {zone}",
    "lies_under_pain_zone": "lies under the {zone}",
    "palpation_positive": "positive when pressed",
    "palpation_confirms": "palpation confirms it",
    "palpation_unremarkable": "unremarkable when pressed",
    "limits_reduced_motion": "limits {motion}, which is reduced",
    "limits_painful_motion": "hurts in {motion}",
    "key_of_satellite": "keeps {muscle} alive",
    "functional_partner": "works with {muscle}",
    "further_evidence": "further findings point to it, each a little",
    "client_focus": "the client asked for this place",
    "pinned_by_person": "pinned by a person",
    "must_include": "demanded by a person",
    "excluded_by_person": "excluded by a person",
    "max_pressure": "the firmest pressure allowed",
    "confirm_before_work": "checked before it is treated",
    "release_before_lengthening": "released before it is lengthened",
    "outside_before_inside_the_mouth": "outside before inside the mouth",
    "key_before_satellite": "key muscles before their satellites",
    "superficial_before_deep": "superficial before deep",
    "proximal_before_distal": "from the trunk outwards",
    "checks_before_work": "checks before work",
    "pressure_tolerance": "the client's pressure tolerance",
    "pressure_not_asked": "nobody asked how firm it may be",
    "avoided_by_client": "the client does not want it",
    "region_not_to_touch": "the client does not allow this region",
    "intraoral_consent": "work in the mouth is not allowed",
    "position_unavailable": "the client cannot take a position for it",
    "refer_only": "never by hand here: refer",
    "endangerment_site": "near a place that can be hurt",
    "no_technique": "no technique is left for it",
    "technique_consent": "needs the client's consent",
    "stop_when": "when to stop",
    "safety_not_asked": "a safety question was never asked",
    "serious_mimic": "something serious can hurt here",
    "arrival": "every session begins so",
    "key_motion": "the motion that is measured again at the end",
    "warm_up_before_deep_work": "warms up before deep work",
    "confirm_before_treatment": "nobody has palpated it yet",
    "release_of_candidate": "the findings point to it",
    "lengthen_after_release": "lengthens what was released",
    "retest_of_treated_motion": "measures the reduced motion again",
    "integrate_after_deep_work": "joins the region up again",
    "close": "every session ends so",
    "turn_to_reach": "the next step needs it",
    "not_palpated": "nobody has palpated it",
    "stronger_checked_first": "stronger candidates are checked first",
    "weak_evidence": "the findings hardly point to it",
    "over_budget": "does not fit the time",
    "turn_limit": "needs one turn too many",
    "muscle_limit": "enough muscles for one session",
    "tissue_load_cap": "enough deep work",
    "hand_load_cap": "enough for the therapist's hands",
    "missing_prerequisite": "what has to come first is not possible",
    "free_minutes": "minutes are kept free",
    "further_candidates": "the findings point to further muscles",
    "left_as_it_was": "nobody asked for it when the plan was edited",
    "no_finding": "no finding points to a muscle",
    "nothing_fits": "nothing fits",
}


def console() -> Console:
    """Returns the console for data: as wide as the terminal, and of a fixed width when piped."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal or os.environ.get("COLUMNS") else Console(highlight=False, width=PLAIN_WIDTH)


def print_plan(plan: Plan, *, title: str, console: Console) -> None:
    """Prints a plan: what to respect first, then the session, what was left out, what to ask, what to look out for."""
    budget = _minutes(plan.time_budget.ToTimedelta().total_seconds())
    console.print(f"[bold]{escape(title)}[/bold]  {DISPOSITIONS.get(plan.disposition, '?')}, {budget} min")
    if not plan.knowledge_reviewed:
        console.print(f"[italic]{NOT_REVIEWED}[/italic]")
    for referral in plan.referrals:
        console.print(f"[bold]REFER {URGENCIES.get(referral.urgency, '')}:[/bold] {escape(referral.message)}")
    told = {referral.message for referral in plan.referrals}
    for caution in plan.cautions:
        if caution.rule not in TOLD_BELOW and caution.message not in told:
            console.print(f"Caution: {escape(caution.message)}")
    for conflict in plan.conflicts:
        console.print(f"[bold]These cannot hold together:[/bold] {escape(' '.join(conflict.demands))}")
        for loosening in conflict.loosenings:
            console.print(f"  What would help: {escape(loosening)}")
    if plan.steps:
        console.print(_session(plan))
        used = _minutes(plan.planned_duration.ToTimedelta().total_seconds())
        slack = _minutes(plan.slack.ToTimedelta().total_seconds())
        console.print(f"{used} min planned, {slack} min free")
    _print_omissions(plan, console)
    _print_questions(plan, console)
    _print_mimics(plan, console)
    if plan.name:
        console.print(f"Plan {plan.name}, proposed; a person approves it, the machine never does.")


def print_why(step: Step, plan: Plan, console: Console) -> None:
    """Prints every reason of one step with its path and source."""
    console.print(f"[bold]{escape(what(step))}[/bold]")
    console.print(escape(step.instruction))
    for caution in step.cautions:
        console.print(f"Caution: {escape(caution.message)} [{caution.source}]")
    print_reasons(step.rationale, console)
    if not plan.knowledge_reviewed:
        console.print(f"[italic]{NOT_REVIEWED}[/italic]")


def print_trace(zone: str, answer: TraceZoneResponse, console: Console) -> None:
    """Prints the muscles that refer pain to a zone."""
    table = Table(title=words(zone), title_justify="left", box=None, pad_edge=False)
    for heading in ("muscle", "side", "role", "confidence", "source"):
        table.add_column(heading)
    for muscle in answer.muscles:
        role = Role.Name(muscle.role).lower()
        table.add_row(words(muscle.muscle), side_word(muscle.side), role, muscle.confidence, muscle.source)
    console.print(table)


def print_motion(motion: str, answer: TraceMotionResponse, console: Console) -> None:
    """Prints the muscles that limit a motion."""
    table = Table(title=words(motion), title_justify="left", box=None, pad_edge=False)
    for heading in ("muscle", "side", "mechanism", "tested", "confidence", "source"):
        table.add_column(heading)
    for muscle in answer.muscles:
        table.add_row(
            words(muscle.muscle),
            side_word(muscle.side),
            words(muscle.mechanism),
            words(muscle.test_variant),
            muscle.confidence,
            muscle.source,
        )
    console.print(table)


def print_screening(answer: ScreenHealthResponse, console: Console) -> None:
    """Prints what health flags mean for a session."""
    console.print(f"[bold]{DISPOSITIONS.get(answer.disposition, '?')}[/bold]")
    for rule in answer.rules:
        scope = FiredRule.Scope.Name(rule.scope)
        urgency = f", see {URGENCIES[rule.urgency]}" if rule.urgency in URGENCIES else ""
        console.print(f"{scope}{urgency}: {escape(rule.message)} [{rule.evidence.source}]", markup=False)
        for cut in rule.cuts:
            console.print(f"  {escape(cut)}")
    for question in answer.questions:
        console.print(f"Ask: {escape(question.question)} (until answered: {escape(question.assumption)})")
    console.print(f"[italic]{NOT_REVIEWED}[/italic]")


def words(identifier: str) -> str:
    """Returns an id as words: `upper_trapezius` as `upper trapezius`."""
    return identifier.replace("_", " ")


def side_word(side: Side.ValueType) -> str:
    """Returns a side as the word that is always written: LEFT, RIGHT or midline."""
    return {Side.LEFT: "LEFT", Side.RIGHT: "RIGHT", Side.MIDLINE: "midline"}.get(side, "")


def _session(plan: Plan) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False)
    for heading in ("#", "at", "min"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("side", no_wrap=True)
    table.add_column("where", ratio=4)
    table.add_column("what, pressure 1-5", ratio=4)
    table.add_column("position", no_wrap=True)
    table.add_column("why", ratio=6)
    for number, step in enumerate(plan.steps, 1):
        pressure = f", {step.pressure_level}" if step.HasField("pressure_level") else ""
        turn = step.phase == Step.TURN
        table.add_row(
            str(number),
            _clock(step.start_offset.ToTimedelta().total_seconds()),
            _minutes(step.duration.ToTimedelta().total_seconds()),
            side_word(step.side),
            words(step.muscle or step.motion or step.region),
            "turn the client" if turn else words(step.technique) + pressure,
            words(step.position),
            escape(_short_why(step)),
            style="dim" if turn else "",
        )
    return table


def what(step: Step) -> str:
    """Returns what a step does: where, and by which technique."""
    if step.phase == Step.TURN:
        return f"turn to {words(step.position)}"
    place = " ".join(part for part in (side_word(step.side), words(step.muscle or step.motion or step.region)) if part)
    return f"{place}: {words(step.technique)}" if place else words(step.technique)


def _short_why(step: Step) -> str:
    """Returns the two reasons that weigh most, or the rule that put the step there."""
    weighing = [reason for reason in step.rationale.reasons if reason.HasField("contribution")]
    chosen = sorted(weighing, key=lambda reason: -reason.contribution)[:2] or step.rationale.reasons[:1]
    return "; ".join(reason_sentence(reason) for reason in chosen)


def _print_omissions(plan: Plan, console: Console) -> None:
    if not plan.omissions:
        return
    if plan.disposition in HANDS_OFF:
        console.print(f"Left out: everything, {len(plan.omissions)} entries; the reason is above.")
        return
    console.print("Left out:")
    for omission in plan.omissions[:MOST_OMISSIONS]:
        console.print(f"  {escape(_omission(omission))}")
    if len(plan.omissions) > MOST_OMISSIONS:
        console.print(f"  and {len(plan.omissions) - MOST_OMISSIONS} more (`myoplan show PLAN --json` has them all)")


def _omission(omission: Omission) -> str:
    thing = " ".join(
        part for part in (side_word(omission.side), words(omission.muscle), words(omission.technique)) if part
    )
    price = f" (needs {omission.minutes_needed:g} min)" if omission.HasField("minutes_needed") else ""
    return f"{thing or 'the session'}: {omission.message}{price}"


def _print_questions(plan: Plan, console: Console) -> None:
    if plan.unanswered_questions:
        console.print("Ask before the session:")
    for question in plan.unanswered_questions:
        console.print(f"  {escape(question.question)} {escape(question.assumption)}")


def _print_mimics(plan: Plan, console: Console) -> None:
    looks = [caution for caution in plan.cautions if caution.rule == MIMIC]
    if looks and plan.steps:
        console.print("Not muscular, and for a doctor, if it looks like this:")
        for caution in looks:
            console.print(f"  {escape(caution.message.partition('. ')[2] or caution.message)}")


def print_reasons(rationale: Rationale, console: Console) -> None:
    """Prints every reason with its share, its path and its sources."""
    for reason in rationale.reasons:
        share = f" ({reason.contribution:+.2f})" if reason.HasField("contribution") else ""
        console.print(f"  {escape(reason_sentence(reason))}{share}")
        for edge in reason.path:
            start, end = (" ".join(_node(node)) for node in (getattr(edge, "from"), edge.to))
            console.print(f"      {start} -{edge.edge}-> {end} [{edge.source}]", markup=False)


def reason_sentence(reason: Reason) -> str:
    """Returns a typed reason as one sentence, made from its rule and its path."""
    if reason.rule not in SENTENCES:
        return f"safety rule {words(reason.rule)}"
    ends = dict.fromkeys(_node(node) for edge in reason.path for node in (getattr(edge, "from"), edge.to))
    of_kind = {
        kind: [end for found, end in ends if found == kind] for kind in ("zone", "motion", "muscle", "technique")
    }
    return SENTENCES[reason.rule].format(**{kind: ", ".join(found) or "it" for kind, found in of_kind.items()})


def _node(name: str) -> tuple[str, str]:
    kind, _, identifier = name.partition("/")
    return kind, words(identifier)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g}"
