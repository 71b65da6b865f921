"""Turns lists over the plans of a clinic into messages."""

from __future__ import annotations

from typing import Any

from myoplan.planner.v1 import plan_pb2
from myoplan.planner.v1 import review_pb2 as pb
from services.planner.api import render
from services.planner.api.pages import page_token
from services.planner.api.parse_review import queue_scope
from services.planner.api.render_edit import override
from services.planner.api.render_review import person, timestamp
from services.planner.domain.review import Meaning
from services.planner.usecases.queue import Overrides, ReviewItem, ReviewQueue, UsablePlans
from services.store.model import Actor


def review_queue(actor: Actor, request: pb.ListReviewQueueRequest, page: ReviewQueue) -> pb.ListReviewQueueResponse:
    """Returns the message of a page of the review queue."""
    return pb.ListReviewQueueResponse(
        items=map(_item, page.items), next_page_token=_token("ListReviewQueue", actor, request, page.next_after)
    )


def _item(item: ReviewItem) -> pb.ReviewItem:
    plan = item.stored.plan
    signers = [one.signer for one in plan.signatures if one.meaning is Meaning.AUTHORED]
    message = pb.ReviewItem(
        plan=render.plan(item.stored, full=False),
        whose_turn=item.turn.people,
        your_turn=item.your_turn,
        since=timestamp(item.turn.since_micros),
        reason=item.turn.reason,
        flags=[one.rule for one in plan.acknowledgements],
        author=person(signers[-1] if signers else plan.author),
        changed_steps=item.changed_steps,
    )
    if plan.scheduled_micros is not None:
        message.scheduled_time.CopyFrom(timestamp(plan.scheduled_micros))
    return message


def usable_plans(actor: Actor, request: pb.ListUsablePlansRequest, page: UsablePlans) -> pb.ListUsablePlansResponse:
    """Returns the message of a page of plans that may be used."""
    return pb.ListUsablePlansResponse(
        plans=map(render.plan, page.plans),
        next_page_token=_token("ListUsablePlans", actor, request, page.next_after),
    )


def overrides(actor: Actor, request: pb.ListOverridesRequest, page: Overrides) -> pb.ListOverridesResponse:
    """Returns the message of a page of overrides."""
    return pb.ListOverridesResponse(
        rules=[
            pb.ListOverridesResponse.RuleCount(
                rule=rule, reason_code=plan_pb2.Override.ReasonCode.Value(reason.name), count=count
            )
            for rule, reason, count in page.counts
        ],
        overrides=[
            pb.ListOverridesResponse.PlanOverride(plan=one.plan, version=one.version, override=override(one.override))
            for one in page.overrides
        ],
        next_page_token=_token("ListOverrides", actor, request, page.next_after),
    )


def _token(method: str, actor: Actor, request: Any, next_after: int | None) -> str:
    return page_token(queue_scope(method, actor, request), None if next_after is None else str(next_after))
