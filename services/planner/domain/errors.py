"""What the planner can answer instead of a plan: classes with facts. `api/errors.py` turns them into statuses."""

from __future__ import annotations

from dataclasses import dataclass


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

    def __init__(self, assessment: str, state: str, needed: str) -> None:
        super().__init__(f"{assessment} is {state}; a plan needs it {needed}")
        self.assessment, self.state, self.needed = assessment, state, needed


class DemandUnsafe(PlannerError):
    """A pin or must-have is forbidden by a safety rule or a consent that was not given."""

    def __init__(self, sentences: tuple[str, ...]) -> None:
        super().__init__("; ".join(sentences))
        self.sentences = sentences


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
