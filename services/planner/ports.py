"""What the use cases need from outside: plans as documents, the assessment service, the clock, fresh ids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from services.planner.domain.plan import Plan
from services.planner.domain.review import CommentDrafts
from services.planner.domain.snapshot import Snapshot

Clock = Callable[[], int]
"""Returns the time in microseconds since the epoch."""

NewId = Callable[[], str]
"""Returns a fresh UUID4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAssessment:
    """An assessment as the planner sees it. `state` is the word of the contract (`COMPLETED`)."""

    name: str
    etag: str
    state: str
    snapshot: Snapshot
    scheduled_micros: int | None


class Assessments(Protocol):
    """Assessments, read as the person who calls."""

    async def read(self, name: str) -> ReadAssessment:
        """Returns the newest revision.

        Raises ResourceMissing, AssessmentUnavailable, AssessmentRefused, ResourceDamaged, DeadlinePassed.
        """
        ...


class Documents(Protocol):
    """Plans as stored documents; every version ever written can be read."""

    def encode(self, plan: Plan) -> bytes:
        """Returns the document of a plan."""
        ...

    def decode(self, document: bytes, *, details: bool = True) -> Plan:
        """Returns the plan in a document. Raises ValueError if it is none.

        Without `details` the plan has no steps, omissions, candidates and aftercare: for lists, never to be stored.
        """
        ...

    def size(self, document: bytes) -> int:
        """Returns how many bytes the document has when it is unpacked: about those of the whole message."""
        ...


class DraftDocuments(Protocol):
    """Unpublished comments as stored documents."""

    def encode(self, drafts: CommentDrafts) -> bytes:
        """Returns the document of the drafts."""
        ...

    def decode(self, document: bytes) -> CommentDrafts:
        """Returns the drafts in a document. Raises ValueError if it holds none."""
        ...


Kept = TypeVar("Kept")


class DocumentsOf(Protocol[Kept]):
    """Values of one kind as stored documents."""

    def encode(self, kept: Kept) -> bytes:
        """Returns the document of a value."""
        ...

    def decode(self, document: bytes) -> Kept:
        """Returns the value in a document. Raises ValueError if it holds none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlan:
    """A plan with what the store says about its revision; a preview has an empty `etag` and revision 0."""

    plan: Plan
    etag: str = ""
    revision: int = 0
