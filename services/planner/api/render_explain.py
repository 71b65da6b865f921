"""Turns explanations, comparisons, findings and replays into messages."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.duration_pb2 import Duration

from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as service_pb
from services.planner.api import render
from services.planner.check import Finding
from services.planner.explain.compare import StepDifference
from services.planner.explain.omission import Change, Explanation
from services.planner.explain.replay import Replay
from services.planner.usecases.explain import Comparison


def explanation(found: Explanation) -> service_pb.Explanation:
    """Returns the message of an explanation."""
    message = service_pb.Explanation(
        included=found.included,
        message=found.message,
        omissions=map(render.omission, found.omissions),
        changes=map(_change, found.changes),
        reason_not_replayable=found.reason_not_replayable,
    )
    if found.candidate:
        message.candidate.CopyFrom(render.candidate(found.candidate))
    return message


def _change(change: Change) -> service_pb.Explanation.Change:
    message = service_pb.Explanation.Change(
        kind=service_pb.Explanation.Kind.Value(change.kind.name), targets=map(render.target, change.targets)
    )
    if change.time_budget_seconds is not None:
        message.time_budget.CopyFrom(Duration(seconds=change.time_budget_seconds))
    return message


def comparison(found: Comparison) -> service_pb.PlanDiff:
    """Returns the message of a comparison."""
    earlier, later = found.earlier.plan.content, found.later.plan.content
    return service_pb.PlanDiff(
        identical=found.difference.identical,
        steps=map(_step_difference, found.difference.steps),
        earlier_disposition=pb.Plan.Disposition.Value(earlier.disposition.name),
        later_disposition=pb.Plan.Disposition.Value(later.disposition.name),
        earlier_time_budget=Duration(seconds=earlier.time_budget_seconds),
        later_time_budget=Duration(seconds=later.time_budget_seconds),
        sentences=found.sentences,
    )


def _step_difference(found: StepDifference) -> service_pb.StepDiff:
    message = service_pb.StepDiff(
        differences=[service_pb.StepDiff.Difference.Value(one.name) for one in found.differences]
    )
    if found.earlier:
        message.earlier.CopyFrom(render.step(found.earlier))
    if found.later:
        message.later.CopyFrom(render.step(found.later))
    if found.omission:
        message.omission.CopyFrom(render.omission(found.omission))
    return message


def findings(found: Iterable[Finding]) -> service_pb.CheckPlanResponse:
    """Returns the message of what a check found."""
    return service_pb.CheckPlanResponse(
        findings=[service_pb.PlanFinding(rule=one.rule, message=one.message, step=one.step) for one in found]
    )


def replay(found: Replay) -> service_pb.ReplayPlanResponse:
    """Returns the message of a replay."""
    return service_pb.ReplayPlanResponse(
        identical=found.identical,
        first_difference=found.first_difference,
        reason_not_replayable=found.reason_not_replayable,
    )
