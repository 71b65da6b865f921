"""Sessions in a few words: begun, partly worked, and what is left of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from services.planner.check.findings import Finding
from services.planner.check.remainder import check_remainder
from services.planner.domain.plan import PlanContent, Step
from services.planner.domain.session import SessionStep, StepStatus
from services.planner.graph.index import KnowledgeGraph
from services.planner.session.refit import Refit, refit
from tests.support.planner import real_graph

DONE, PENDING, SKIPPED, DROPPED = StepStatus.DONE, StepStatus.PENDING, StepStatus.SKIPPED, StepStatus.DROPPED


def begun(content: PlanContent) -> tuple[SessionStep, ...]:
    """Returns the session of a plan as it begins."""
    return tuple(SessionStep(step=step, approved_seconds=step.duration_seconds) for step in content.steps)


def after(content: PlanContent, count: int) -> tuple[SessionStep, ...]:
    """Returns the session after the first `count` steps, each worked as long as planned."""
    return tuple(
        replace(one, status=DONE, delivered_seconds=one.approved_seconds) if place < count else one
        for place, one in enumerate(begun(content))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A re-fit with what it was made from."""

    content: PlanContent
    session: tuple[SessionStep, ...]
    seconds: int
    unavailable: tuple[str, ...]
    graph: KnowledgeGraph
    found: Refit

    @property
    def rest(self) -> list[Step]:
        """The steps that are still to come."""
        return steps(self.found.steps, PENDING)

    def findings(self, rest: Iterable[Step] | None = None) -> tuple[Finding, ...]:
        """Returns what the independent checker says of the rest, or of another one in its place."""
        return check_remainder(
            self.content,
            steps(self.session, DONE),
            self.rest if rest is None else list(rest),
            self.seconds,
            self.unavailable,
            self.graph.base,
        )


def steps(session: Iterable[SessionStep], *statuses: StepStatus) -> list[Step]:
    """Returns the steps with one of these statuses."""
    return [one.step for one in session if one.status in statuses]


def tried(
    content: PlanContent,
    session: tuple[SessionStep, ...],
    lost: float = 0,
    unavailable: tuple[str, ...] = (),
    graph: KnowledgeGraph | None = None,
) -> Tried:
    """Re-fits a session that is on time, with `lost` minutes."""
    elapsed = sum(one.delivered_seconds or 0 for one in session)
    used = graph or real_graph()
    found = refit(
        content,
        session,
        elapsed_seconds=elapsed,
        lost_seconds=round(60 * lost),
        unavailable_positions=unavailable,
        graph=used,
    )
    return Tried(
        content=content,
        session=session,
        seconds=max(0, content.time_budget_seconds - round(60 * lost) - elapsed),
        unavailable=unavailable,
        graph=used,
        found=found,
    )
