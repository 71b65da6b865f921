"""What the use cases need from outside: words, time, ids, documents, and the size of a message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from knowledge.model import Condition, Motion, Muscle, MuscleGroup, PlanningNumber, Position, Region, Technique, Zone
from services.assessment.domain.assessment import Assessment

Clock = Callable[[], datetime]
"""Says what time it is, in UTC."""

NewId = Callable[[], str]
"""Makes an id (UUID4) that nothing else has."""


class Vocabulary(Protocol):
    """The words of the body, by id. A `KnowledgeBase` is one."""

    @property
    def muscles(self) -> Mapping[str, Muscle]: ...  # noqa: D102
    @property
    def muscle_groups(self) -> Mapping[str, MuscleGroup]: ...  # noqa: D102
    @property
    def zones(self) -> Mapping[str, Zone]: ...  # noqa: D102
    @property
    def motions(self) -> Mapping[str, Motion]: ...  # noqa: D102
    @property
    def conditions(self) -> Mapping[str, Condition]: ...  # noqa: D102
    @property
    def techniques(self) -> Mapping[str, Technique]: ...  # noqa: D102
    @property
    def positions(self) -> Mapping[str, Position]: ...  # noqa: D102
    @property
    def regions(self) -> Mapping[str, Region]: ...  # noqa: D102
    @property
    def planning(self) -> Mapping[str, PlanningNumber]: ...  # noqa: D102


class Documents(Protocol):
    """Turns an assessment into the bytes that are kept, and back."""

    def encode(self, assessment: Assessment) -> bytes:
        """Returns the canonical bytes of an assessment."""
        ...

    def decode(self, document: bytes) -> Assessment:
        """Returns the assessment in a document of any version ever written."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAssessment:
    """An assessment as one revision holds it. `update_time` is when that revision was written, in UTC."""

    assessment: Assessment
    etag: str
    revision: int
    update_time: datetime


MessageBytes = Callable[[StoredAssessment], int]
"""Says how many bytes an assessment has as a message."""
