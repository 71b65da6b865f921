"""The handlers about review and approval: parse, call, render."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.empty_pb2 import Empty

from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import review_pb2
from myoplan.planner.v1.planner_service_pb2_grpc import PlannerServiceServicer
from services.planner.api import parse_review, render, render_queue, render_review
from services.planner.api.parse import Parser
from services.planner.review.table import Action
from services.planner.usecases.comments import Comments
from services.planner.usecases.create import Planning
from services.planner.usecases.queue import list_overrides, list_review_queue, list_usable_plans
from services.planner.usecases.review import Reviewing, decide
from services.planner.usecases.suggestions import take_suggestion
from services.runtime.callers import current_actor
from services.runtime.identity import current_caller

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ReviewMethods(PlannerServiceServicer):
    """The part of PlannerService in which people decide on plans and talk about them."""

    _parse: Parser
    _planning: Planning
    _reviewing: Reviewing
    _comments: Comments

    async def SignPlan(self, request: review_pb2.SignPlanRequest, context: Any) -> pb.Plan:
        """Signs one's own draft."""
        return await self._decide("SignPlan", Action.SIGN, request)

    async def ApprovePlan(self, request: review_pb2.ApprovePlanRequest, context: Any) -> pb.Plan:
        """Releases a plan."""
        return await self._decide("ApprovePlan", Action.APPROVE, request)

    async def CosignPlan(self, request: review_pb2.CosignPlanRequest, context: Any) -> pb.Plan:
        """Releases what a trainee signed."""
        return await self._decide("CosignPlan", Action.COSIGN, request)

    async def ReturnPlan(self, request: review_pb2.ReturnPlanRequest, context: Any) -> pb.Plan:
        """Sends a plan back."""
        return await self._decide("ReturnPlan", Action.RETURN, request)

    async def WithdrawPlan(self, request: review_pb2.WithdrawPlanRequest, context: Any) -> pb.Plan:
        """Takes a signed plan back."""
        return await self._decide("WithdrawPlan", Action.WITHDRAW, request)

    async def DiscardPlan(self, request: review_pb2.DiscardPlanRequest, context: Any) -> pb.Plan:
        """Gives a plan up."""
        return await self._decide("DiscardPlan", Action.DISCARD, request)

    async def ReassignCosigner(self, request: review_pb2.ReassignCosignerRequest, context: Any) -> pb.Plan:
        """Names another person to co-sign."""
        return await self._decide("ReassignCosigner", Action.REASSIGN, request)

    async def AmendPlan(self, request: review_pb2.AmendPlanRequest, context: Any) -> pb.Plan:
        """Begins a new version of an approved plan."""
        return await self._decide("AmendPlan", Action.AMEND, request)

    async def ReattestPlan(self, request: review_pb2.ReattestPlanRequest, context: Any) -> pb.Plan:
        """Releases an approved plan again on the inputs of today."""
        return await self._decide("ReattestPlan", Action.REATTEST, request)

    async def AddAddendum(self, request: review_pb2.AddAddendumRequest, context: Any) -> pb.Plan:
        """Adds a remark to an approved plan."""
        return await self._decide("AddAddendum", Action.ADDENDUM, request)

    async def MarkPlanEnteredInError(self, request: review_pb2.MarkPlanEnteredInErrorRequest, context: Any) -> pb.Plan:
        """Marks a plan as wrong for ever."""
        return await self._decide("MarkPlanEnteredInError", Action.MARK_ENTERED_IN_ERROR, request)

    async def AcknowledgeFlag(self, request: review_pb2.AcknowledgeFlagRequest, context: Any) -> pb.Plan:
        """Says that a flag has been read."""
        return await self._decide("AcknowledgeFlag", Action.ACKNOWLEDGE_FLAG, request)

    async def _decide(self, method: str, action: Action, request: Any) -> pb.Plan:
        command = parse_review.decide(current_actor(), _auth_micros(), method, action, request)
        return render.plan(await decide(self._reviewing, command))

    # --- comments ---

    async def CreateComment(self, request: review_pb2.CreateCommentRequest, context: Any) -> review_pb2.Comment:
        """Writes a draft of a comment."""
        command = parse_review.create_comment(self._parse, current_actor(), request)
        return render_review.comment(await self._comments.create(command))

    async def DeleteComment(self, request: review_pb2.DeleteCommentRequest, context: Any) -> Empty:
        """Takes a draft back."""
        await self._comments.delete(parse_review.delete_comment(current_actor(), request))
        return Empty()

    async def PublishComments(
        self, request: review_pb2.PublishCommentsRequest, context: Any
    ) -> review_pb2.ListCommentsResponse:
        """Publishes drafts as one batch."""
        stored = await self._comments.publish(parse_review.publish_comments(current_actor(), request))
        return render_review.published(stored)

    async def ListComments(
        self, request: review_pb2.ListCommentsRequest, context: Any
    ) -> review_pb2.ListCommentsResponse:
        """Lists comments."""
        actor = current_actor()
        page = await self._comments.list(parse_review.list_comments(actor, request))
        return render_review.comment_page(actor, request, page)

    async def ResolveComment(self, request: review_pb2.ResolveCommentRequest, context: Any) -> review_pb2.Comment:
        """Resolves a comment."""
        command = parse_review.resolve_comment(current_actor(), request)
        return render_review.comment(await self._comments.resolve(command))

    async def TakeSuggestion(self, request: review_pb2.TakeSuggestionRequest, context: Any) -> pb.Plan:
        """Makes the edits that a comment suggests."""
        command = parse_review.take_suggestion(current_actor(), request)
        return render.plan(await take_suggestion(self._planning, command))

    # --- lists ---

    async def ListReviewQueue(
        self, request: review_pb2.ListReviewQueueRequest, context: Any
    ) -> review_pb2.ListReviewQueueResponse:
        """Lists the plans that wait for somebody."""
        actor = current_actor()
        query = parse_review.list_of("ListReviewQueue", actor, request)
        return render_queue.review_queue(actor, request, await list_review_queue(self._planning.plans, query))

    async def ListUsablePlans(
        self, request: review_pb2.ListUsablePlansRequest, context: Any
    ) -> review_pb2.ListUsablePlansResponse:
        """Lists what a treatment room may use."""
        actor = current_actor()
        query = parse_review.list_of("ListUsablePlans", actor, request)
        return render_queue.usable_plans(actor, request, await list_usable_plans(self._planning.plans, query))

    async def ListOverrides(
        self, request: review_pb2.ListOverridesRequest, context: Any
    ) -> review_pb2.ListOverridesResponse:
        """Lists which preferences were overridden."""
        actor = current_actor()
        query = parse_review.list_of("ListOverrides", actor, request)
        return render_queue.overrides(actor, request, await list_overrides(self._planning.plans, query))


def _auth_micros() -> int | None:
    """Returns when the caller last proved who they are."""
    proven = current_caller().auth_time
    return None if proven is None else (proven - _EPOCH) // timedelta(microseconds=1)
