"""What the service can answer instead of a result: classes with facts. `api/errors.py` turns them into statuses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class AssessmentError(Exception):
    """Base of everything the service refuses."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing that is wrong with a request: the path of the field (`rom_tests[2].side`) and a sentence about it."""

    field: str
    problem: str


class RequestInvalid(AssessmentError):
    """The request breaks the contract; every problem is named."""

    def __init__(self, problems: Iterable[FieldProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{problem.field}: {problem.problem}" for problem in self.problems))


class AssessmentMissing(AssessmentError):
    """The caller's clinic has no such assessment, or the assessment no such revision."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not exist")
        self.name = name


class FindingsMissing(AssessmentError):
    """The assessment has no findings with these ids."""

    def __init__(self, name: str, ids: tuple[str, ...]) -> None:
        super().__init__(f"{name} has no finding {', '.join(ids)}")
        self.name, self.ids = name, ids


class AssessmentExists(AssessmentError):
    """The assessment id is taken."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} exists already")
        self.name = name


class StateForbids(AssessmentError):
    """The state of the assessment does not allow what was asked; `needed` is the state that does."""

    def __init__(self, name: str, state: str, needed: str) -> None:
        super().__init__(f"{name} is {state}; it has to be {needed}")
        self.name, self.state, self.needed = name, state, needed


class EtagStale(AssessmentError):
    """The assessment changed since it was read."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} changed since it was read")
        self.name = name


class LimitReached(AssessmentError):
    """The assessment would hold more than a documented limit allows."""

    def __init__(self, name: str, limit: str, most: int) -> None:
        super().__init__(f"{name} would hold more than {most} {limit}")
        self.name, self.limit, self.most = name, limit, most


class AssessmentDamaged(AssessmentError):
    """What is stored of a resource does not match its seal."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not match its seal")
        self.name = name
