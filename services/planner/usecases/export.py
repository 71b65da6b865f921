"""Reads what a printed sheet is made from: the revision asked for, and the newest, which says if it may be used."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.planner.ports import StoredPlan
from services.planner.usecases.plans import Plans
from services.planner.usecases.read import GetPlan, get_plan


class DocumentKind(StrEnum):
    """Kinds of printed sheet."""

    PDF = "pdf"
    HTML = "html"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPlan:
    """One plan of a clinic as a document; `revision` None: the newest."""

    clinic: str
    name: str
    revision: int | None
    kind: DocumentKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What to print. `newest` is the same plan as it is now: a sheet of an earlier revision says so."""

    shown: StoredPlan
    newest: StoredPlan
    kind: DocumentKind


async def export_plan(plans: Plans, query: ExportPlan) -> Export:
    """Returns what to print. Raises ResourceMissing."""
    shown = await get_plan(plans, GetPlan(clinic=query.clinic, name=query.name, revision=query.revision))
    newest = shown if query.revision is None else await plans.read(query.clinic, query.name, None)
    return Export(shown=shown, newest=newest, kind=query.kind)
