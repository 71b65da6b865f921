"""Edited plans, explorations and clashes in words, for the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from cli.plan_text import print_plan, words
from myoplan.planner.v1.edit_pb2 import Exploration
from myoplan.planner.v1.plan_pb2 import Plan


def print_revised(plan: Plan, console: Console) -> None:
    """Prints what an edit changed, then the plan as it is now."""
    for sentence in plan.change.sentences:
        console.print(f"* {escape(sentence)}")
    print_plan(plan, title=plan.name or "preview", console=console)
    if plan.name:
        console.print(f"Version {plan.version}, {Plan.State.Name(plan.state)}.")


def print_exploration(found: Exploration, console: Console) -> None:
    """Prints other plans, other lengths of the session and what the benefit rests on."""
    if found.reason_not_replayable:
        console.print(f"Nothing could be tried: {escape(found.reason_not_replayable)}.")
        return
    if not found.alternatives:
        console.print("No other choice of muscles is nearly as good.")
    for number, one in enumerate(found.alternatives, start=1):
        console.print(f"[bold]Instead {number}[/bold]")
        for sentence in one.sentences:
            console.print(f"  {escape(sentence)}")
    for change in found.minutes:
        console.print(escape(change.message))
    whole = sum(share.benefit for share in found.benefit_by_rule)
    for share in found.benefit_by_rule:
        console.print(f"{100 * share.benefit / whole if whole else 0:3.0f} % {words(share.rule)}")
