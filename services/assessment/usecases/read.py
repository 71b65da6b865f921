"""Reads one assessment, or a page of them."""

from __future__ import annotations

from dataclasses import dataclass

from services.assessment.domain.assessment import State
from services.assessment.ports import StoredAssessment
from services.assessment.usecases.records import Records

PAGE_BYTES = 3 * 1024 * 1024  # clients receive 4 MiB unless told otherwise
BATCH = 16
MOST_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Get:
    """One assessment of a clinic; `revision` None: the newest."""

    clinic: str
    name: str
    revision: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """A page of assessments under `parent` behind position `after`; `state` None: in any state."""

    clinic: str
    parent: str
    state: State | None
    page_size: int
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentPage:
    """Assessments, newest first. `next_after`: where the next page begins, None at the end."""

    assessments: tuple[StoredAssessment, ...]
    next_after: int | None


async def get_assessment(records: Records, query: Get) -> StoredAssessment:
    """Returns an assessment. Raises AssessmentMissing."""
    return await records.read(query.clinic, query.name, query.revision)


async def list_assessments(records: Records, query: List) -> AssessmentPage:
    """Returns a page. It is shorter than asked for when it would grow too large, or few of many are in the state."""
    found: list[StoredAssessment] = []
    page_bytes, looked_at, after = 0, 0, query.after
    while True:
        room = min(BATCH, query.page_size - len(found))
        page = await records.page(query.clinic, query.parent, room, after)
        for index, revision in enumerate(page.revisions):
            if query.state is not None and revision.entry.facts["state"] != query.state:
                continue
            stored = records.stored(revision)
            page_bytes += records.message_bytes(stored)
            if page_bytes > PAGE_BYTES and found:
                # The position in front of this one is known to the store only.
                before = await records.page(query.clinic, query.parent, index, after) if index else None
                return AssessmentPage(assessments=tuple(found), next_after=before.next_after if before else after)
            found.append(stored)
        looked_at += len(page.revisions)
        after = page.next_after
        if after is None or len(found) >= query.page_size or looked_at >= MOST_LOOKED_AT:
            return AssessmentPage(assessments=tuple(found), next_after=after)
