"""Lists the revisions of an assessment."""

from __future__ import annotations

from dataclasses import dataclass

from services.assessment.usecases.read import PAGE_BYTES
from services.assessment.usecases.records import Records
from services.store.model import Entry

ENTRY_BYTES = 1024  # of an entry as a message, changes and reason not counted


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRevisions:
    """A page of revisions below revision `after`, None for the newest."""

    clinic: str
    name: str
    page_size: int
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionPage:
    """Entries, newest first. `next_after`: where the next page begins, None at the end."""

    entries: tuple[Entry, ...]
    next_after: int | None


async def list_revisions(records: Records, query: ListRevisions) -> RevisionPage:
    """Returns a page, shorter than asked for when it would grow too large. Raises AssessmentMissing."""
    entries: list[Entry] = []
    page_bytes = 0
    for entry in await records.history(query.clinic, query.name, query.page_size, query.after):
        page_bytes += ENTRY_BYTES + len(entry.reason.encode()) + sum(len(change) + 8 for change in entry.changes)
        if page_bytes > PAGE_BYTES and entries:
            break
        entries.append(entry)
    last = entries[-1].revision if entries else 1
    return RevisionPage(entries=tuple(entries), next_after=last if last > 1 else None)
