"""What the planner can answer instead of a plan: classes with facts. `api/errors.py` turns them into statuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from services.planner.domain.constraints import Target
from services.planner.domain.plan import Conflict


class PlannerError(Exception):
    """Base of everything the planner refuses."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing that is wrong with one field of a request; `field` is its path."""

    field: str
    problem: str


class RequestInvalid(PlannerError):
    """The request breaks the contract; every problem is named."""

    def __init__(self, problems: tuple[FieldProblem, ...]) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.problem}" for problem in problems))
        self.problems = problems


class ResourceMissing(PlannerError):
    """The caller's clinic has no such resource."""

    def __init__(self, resource: str) -> None:
        super().__init__(f"{resource} does not exist")
        self.resource = resource


class PlanExists(PlannerError):
    """The plan id is taken."""

    def __init__(self, resource: str) -> None:
        super().__init__(f"{resource} exists already")
        self.resource = resource


class AssessmentStateForbids(PlannerError):
    """The state of the assessment does not allow the plan."""

    REASON: ClassVar[str] = "STATE_FORBIDS"

    def __init__(self, assessment: str, state: str, needed: str) -> None:
        super().__init__(f"{assessment} is {state}; a plan needs it {needed}")
        self.assessment, self.state, self.needed = assessment, state, needed


class DemandUnsafe(PlannerError):
    """A demand is forbidden by a safety rule or a consent that was not given; `rule` is the first of them."""

    def __init__(self, sentences: tuple[str, ...], rule: str = "") -> None:
        super().__init__("; ".join(sentences))
        self.sentences, self.rule = sentences, rule


class EditUnsafe(DemandUnsafe):
    """An edit goes against a rule of safety; nothing overrides it. One entry in the audit trail names `REASON`."""

    REASON: ClassVar[str] = "DEMAND_UNSAFE"


class EditNeedsOverride(PlannerError):
    """An edit, or a demanded order, goes against a rule of preference and brings no override of it.

    `targets` are the two muscles whose order it is about.
    """

    def __init__(self, rule: str, sentence: str, targets: tuple[Target, ...] = ()) -> None:
        super().__init__(sentence)
        self.rule, self.sentence, self.targets = rule, sentence, targets


class EditsConflict(PlannerError):
    """The demands cannot hold together."""

    def __init__(self, conflicts: tuple[Conflict, ...]) -> None:
        super().__init__("; ".join(" + ".join(conflict.demands) for conflict in conflicts))
        self.conflicts = conflicts


class EditInvalid(RequestInvalid):
    """Edits that say nothing that this plan could do; every problem is named."""


class AssessmentUnavailable(PlannerError):
    """The assessment service cannot be reached or did not answer."""


class KnowledgeDiffers(PlannerError):
    """The assessment service works with another revision of the knowledge base."""

    def __init__(self, theirs: str, ours: str) -> None:
        super().__init__("the two services work with different knowledge")
        self.theirs, self.ours = theirs, ours


class AssessmentRefused(PlannerError):
    """The assessment service refuses this caller."""


class DeadlinePassed(PlannerError):
    """The deadline of the call passed before the assessment was read."""


class ResourceDamaged(PlannerError):
    """What is stored does not match its seal."""

    def __init__(self, resource: str) -> None:
        super().__init__(f"{resource} does not match its seal")
        self.resource = resource


class PlanBroken(PlannerError):
    """The checker found a plan of our own to be wrong: a bug, never the caller's fault."""

    def __init__(self, findings: tuple[str, ...]) -> None:
        super().__init__("; ".join(findings))
        self.findings = findings


class BreakGlassNeeded(PlannerError):
    """The caller reads records of this client only with a grant of emergency access that has not ended."""

    def __init__(self, client: str) -> None:
        super().__init__(f"{client} needs a grant of emergency access")
        self.client = client


class Refused(PlannerError):
    """A rule of permission or approval says no: one entry in the audit trail names `REASON`, and nothing changes."""

    REASON: ClassVar[str]


class PlanStateForbids(Refused):
    """The state of the plan does not allow the action; `needed` names the states that do."""

    REASON = "STATE_FORBIDS"

    def __init__(self, resource: str, state: str, needed: str) -> None:
        super().__init__(f"{resource} is {state}; this needs {needed}")
        self.resource, self.state, self.needed = resource, state, needed


class ActorLacksRight(Refused):
    """The roles of the person, or what they are to this plan, do not allow the action."""

    REASON = "ROLE_LACKS_RIGHT"

    def __init__(self, resource: str, action: str, roles: tuple[str, ...]) -> None:
        super().__init__(f"{' and '.join(roles) or 'nobody'} may not {action} {resource}")
        self.resource, self.action, self.roles = resource, action, roles


class OwnWork(Refused):
    """Nobody releases what they did as a trainee, and under strict four-eyes nothing that they contributed to."""

    REASON = "OWN_WORK"

    def __init__(self, resource: str) -> None:
        super().__init__(f"{resource} is the person's own work; another licensed person has to release it")
        self.resource = resource


class PlanChanged(Refused):
    """The plan has changed since its etag was read."""

    REASON = "ETAG_MISMATCH"

    def __init__(self, resource: str) -> None:
        super().__init__(f"{resource} has changed since it was read; read it again and decide again")
        self.resource = resource


class DigestDiffers(Refused):
    """The content is not the one whose digest the person saw."""

    REASON = "DIGEST_MISMATCH"

    def __init__(self, resource: str) -> None:
        super().__init__(f"the digest is not that of {resource} as it is; read it again and decide again")
        self.resource = resource


class InputsChanged(Refused):
    """The assessment is not the one that the plan was made from any more."""

    REASON = "INPUTS_CHANGED"

    def __init__(self, resource: str) -> None:
        super().__init__(f"{resource} has changed since the plan was made; rebase the plan by editing it")
        self.resource = resource


class ReleaseBlocked(Refused):
    """Comments that must be fixed are open, or flags are unread; every one is named."""

    REASON = "RELEASE_BLOCKED"

    def __init__(self, resource: str, open_must_fix: tuple[str, ...], unread_flags: tuple[str, ...]) -> None:
        super().__init__(f"{resource} cannot be released yet")
        self.resource, self.open_must_fix, self.unread_flags = resource, open_must_fix, unread_flags


class SignInTooOld(PlannerError):
    """Signing needs a credential proven within the last `most_seconds` [s]. Nothing is written about it."""

    def __init__(self, most_seconds: int) -> None:
        super().__init__(f"signing needs a sign-in within the last {most_seconds} seconds; sign in again")
        self.most_seconds = most_seconds


class LimitReached(PlannerError):
    """A documented limit: there are `most` already."""

    def __init__(self, limit: str, most: int) -> None:
        super().__init__(f"there are at most {most} {limit.replace('_', ' ')}")
        self.limit, self.most = limit, most


class PredictionOpen(PlannerError):
    """The caller predicts on the assessment: nothing that was made from it is shown until the prediction is locked."""

    def __init__(self, assessment: str) -> None:
        super().__init__(f"a prediction on {assessment} is open; lock it first")
        self.assessment = assessment


class PredictionForbidden(Refused):
    """The prediction cannot be made, locked, shown or marked as things stand; `needed` says what it takes."""

    REASON = "STATE_FORBIDS"

    def __init__(self, resource: str, state: str, needed: str) -> None:
        super().__init__(f"{resource} is {state}; this needs {needed}")
        self.resource, self.state, self.needed = resource, state, needed
