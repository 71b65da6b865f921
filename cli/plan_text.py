"""Plans, traces and screenings in words, for the terminal. Prose is made here from the typed reasons of the plan."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from myoplan.planner.v1.knowledge_service_pb2 import FiredRule, Role, ScreenHealthResponse, TraceZoneResponse
from myoplan.planner.v1.plan_pb2 import Omission, Plan, Rationale, Reason, Side, Step, Urgency

NOT_REVIEWED = "Not clinically reviewed: no clinician has checked the knowledge in this version."
DISPOSITIONS = {
    Plan.TREAT: "Treat",
    Plan.TREAT_WITH_CAUTION: "Treat with caution",
    Plan.DO_NOT_TREAT: "DO NOT TREAT today",
    Plan.REFER: "DO NOT TREAT: refer",
}
URGENCIES = {
    Urgency.EMERGENCY: "NOW (emergency)",
    Urgency.SAME_DAY: "today",
    Urgency.SOON: "within days",
    Urgency.ROUTINE: "at the next opportunity",
}
MOST_OMISSIONS = 8


def print_plan(plan: Plan, *, title: str, console: Console) -> None:
    """Prints a plan on one screen: the session, what was left out, what to watch, what to ask."""
    budget = _minutes(plan.time_budget.ToTimedelta().total_seconds())
    console.print(f"[bold]{escape(title)}[/bold]  {DISPOSITIONS.get(plan.disposition, '?')}, {budget} min")
    if not plan.knowledge_reviewed:
        console.print(f"[italic]{NOT_REVIEWED}[/italic]")
    for referral in plan.referrals:
        console.print(f"[bold]REFER {URGENCIES.get(referral.urgency, '')}:[/bold] {escape(referral.message)}")
    for caution in plan.cautions:
        console.print(f"Caution: {escape(caution.message)}")
    if plan.steps:
        console.print(_session(plan))
        used = _minutes(plan.planned_duration.ToTimedelta().total_seconds())
        slack = _minutes(plan.slack.ToTimedelta().total_seconds())
        console.print(f"{used} min planned, {slack} min free")
    _print_omissions(plan, console)
    for question in plan.unanswered_questions:
        console.print(f"Ask: {escape(question.question)} (until answered: {escape(question.assumption)})")
    if plan.name:
        console.print(f"Plan {plan.name}, proposed; a person approves it, the machine never does.")


def print_why(step: Step, plan: Plan, console: Console) -> None:
    """Prints every reason of one step with its path and source."""
    console.print(f"[bold]{escape(_what(step))}[/bold]")
    console.print(escape(step.instruction))
    for caution in step.cautions:
        console.print(f"Caution: {escape(caution.message)} [{caution.source}]")
    _print_reasons(step.rationale, console)
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
    for heading, justify in (("#", "right"), ("at", "right"), ("min", "right"), ("", "left"), ("what", "left")):
        table.add_column(heading, justify=justify, no_wrap=heading != "what")  # type: ignore[arg-type]
    table.add_column("position", no_wrap=True)
    table.add_column("press.", justify="right")
    table.add_column("why")
    for number, step in enumerate(plan.steps, 1):
        table.add_row(
            str(number),
            _clock(step.start_offset.ToTimedelta().total_seconds()),
            _minutes(step.duration.ToTimedelta().total_seconds()),
            side_word(step.side),
            escape(_what(step)),
            words(step.position),
            f"{step.pressure_level}/5" if step.HasField("pressure_level") else "",
            escape(_short_why(step)),
            style="dim" if step.phase == Step.TURN else "",
        )
    return table


def _what(step: Step) -> str:
    if step.phase == Step.TURN:
        return f"turn to {words(step.position)}"
    place = words(step.muscle or step.motion or step.region)
    technique = words(step.technique)
    return f"{place}: {technique}" if place else technique


def _short_why(step: Step) -> str:
    return reason_sentence(step.rationale.reasons[0]) if step.rationale.reasons else ""


def _print_omissions(plan: Plan, console: Console) -> None:
    if not plan.omissions:
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


def _print_reasons(rationale: Rationale, console: Console) -> None:
    for reason in rationale.reasons:
        share = f" ({reason.contribution:+.2f})" if reason.HasField("contribution") else ""
        console.print(f"  {escape(reason_sentence(reason))}{share}")
        for edge in reason.path:
            console.print(
                f"      {_node(getattr(edge, 'from'))} -{edge.edge}-> {_node(edge.to)} [{edge.source}]",
                markup=False,
            )


def reason_sentence(reason: Reason) -> str:
    """Returns a typed reason as one sentence."""
    nodes = _nodes(reason)
    about = ", ".join(dict.fromkeys(nodes))
    return f"{words(reason.rule)}: {about}" if about else words(reason.rule)


def _nodes(reason: Reason) -> Iterable[str]:
    for edge in reason.path:
        yield _node(edge.to)


def _node(name: str) -> str:
    return words(name.partition("/")[2] or name)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g}"
