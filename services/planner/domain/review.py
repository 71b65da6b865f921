"""What people do with a plan: sign, comment, add, acknowledge. Times are microseconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.planner.domain.edits import Edit


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member of the clinic's staff, as the credential names them."""

    id: str
    display_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewer:
    """Who acts on a plan, as the credential says now; the planner itself has the role `planner`, which no token has.

    `auth_micros`: when they last proved who they are, in microseconds since the epoch; None: the credential is silent.
    """

    id: str
    display_name: str
    roles: tuple[str, ...]
    clinic: str
    auth_micros: int | None = None

    @property
    def person(self) -> Person:
        """Whom a plan remembers."""
        return Person(id=self.id, display_name=self.display_name)

    @property
    def trainee(self) -> bool:
        """Whether what they contribute is a trainee's work; another role beside it does not change that."""
        return TRAINEE in self.roles


TRAINEE, THERAPIST, SUPERVISOR, PLANNER = "trainee", "therapist", "supervisor", "planner"


class Meaning(StrEnum):
    """What a signature means."""

    AUTHORED = "authored"
    APPROVED = "approved"
    COSIGNED = "cosigned"
    RETURNED = "returned"


class Attestation(StrEnum):
    """What a signer attests; a bare countersignature is not accepted. NONE: nothing."""

    NONE = "none"
    PRESENT = "present"
    EXAMINED_PATIENT = "examined_patient"
    REVIEWED_AND_AGREE = "reviewed_and_agree"
    AGREE_EXCEPT = "agree_except"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Signs one version of one plan: bound to its content by the digest."""

    plan: str
    version: int
    digest: str
    signer: Person
    role: str
    meaning: Meaning
    attestation: Attestation
    text: str
    time_micros: int
    clinic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributor:
    """Who edited or signed content since the last approved version; `trainee` stays true after a promotion."""

    person: Person
    trainee: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Addendum:
    """A remark on an approved plan."""

    text: str
    author: Person
    role: str
    time_micros: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """A caution or referral that has to be read before release; `person` None: nobody has read it yet."""

    rule: str
    person: Person | None = None
    time_micros: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionChange:
    """What an edit changed, one sentence each."""

    from_version: int
    reason: str
    sentences: tuple[str, ...]
    person: Person


class CommentKind(StrEnum):
    """What a comment wants; an open MUST_FIX blocks the release."""

    QUESTION = "question"
    NOTE = "note"
    MUST_FIX = "must_fix"


class CommentStatus(StrEnum):
    """What has become of a comment."""

    DRAFT = "draft"
    OPEN = "open"
    RESOLVED = "resolved"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment on a step (`step` empty: on the plan) of a version; `suggestion` can be taken over in one call."""

    id: str
    step: str
    kind: CommentKind
    text: str
    suggestion: tuple[Edit, ...]
    version: int
    author: Person
    reply_to: str = ""
    publish_micros: int | None = None
    status: CommentStatus = CommentStatus.DRAFT
    resolution: str = ""
    resolver: Person | None = None
    resolve_micros: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentDrafts:
    """What a person has written about a plan and not published. A comment that the plan has is no draft any more."""

    plan: str
    person: str
    comments: tuple[Comment, ...]
