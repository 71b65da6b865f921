"""Writes the table of what may be done to a plan as a page shows it, so that the page cannot say anything else."""

from __future__ import annotations

from services.planner.domain.plan import State
from services.planner.review.table import TABLE, Relation, Row


def table_as_text() -> str:
    """Returns the table in Markdown, a line for each row."""
    head = ["| action | in the state | who | needs | then |", "|---|---|---|---|---|"]
    return "\n".join([*head, *map(_line, TABLE)])


def _line(row: Row) -> str:
    states = ", ".join(state.name for state in row.states)
    about = f"{states}; a version in force" if row.in_force else states
    who = ", ".join(
        role if relation is Relation.ANYONE else f"{role} ({relation.value})" for role, relation in row.who.items()
    )
    needs = ", ".join(need.value for need in row.needs)
    return f"| {row.action.name} | {about} | {who} | {needs} | {_then(row)} |"


def _then(row: Row) -> str:
    end = row.to.name if row.to else "as before"
    new = ", a new version without signatures" if row.new_version and row.to is not State.APPROVED else ""
    new = ", a new version" if row.new_version and row.to is State.APPROVED else new
    back = "; APPROVED again if a version is in force" if row.falls_back else ""
    return f"{end}{new}{back}"
