"""Follows the assessments of every clinic over gRPC, with the planner's own identity, and acts on what it learns.

A clinic is followed by one task: it streams events behind the stored cursor, acts on each, and notes how far it came
only after that. Whatever breaks (either service, the store, a token that ended) ends the stream; the task waits a
little and goes on behind the cursor it noted. Acting twice on one event does nothing the second time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import jwt
from structlog.typing import FilteringBoundLogger

from knowledge.model import KnowledgeBase
from myoplan.assessment.v1 import assessment_service_pb2 as pb
from myoplan.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceStub
from services.planner.clients.assessment import GrpcAssessments
from services.planner.domain.errors import PlannerError
from services.planner.usecases.inputs import Cursors, Learning, learn
from services.planner.usecases.plans import Plans
from services.runtime.identity import CLINIC
from services.store.model import StoreError

EVERY_CLIENT = "clients/-"
# An event that changes nothing is not worth a write of its own; after a stop it is looked at once more.
NOTED_AFTER_EVENTS = 64
LONGEST_ACTING_SECONDS = 60.0
_MOST_WAIT_SECONDS = 5.0

Tokens = Callable[[], Mapping[str, str]]
"""Returns a token of the planner for each clinic, by clinic."""


def tokens_in(path: Path) -> dict[str, str]:
    """Returns the tokens of a file, one a line, by the clinic that each names. What is no token is passed over.

    The file is read whenever a token is needed: whoever renews the tokens writes it anew.
    """
    tokens: dict[str, str] = {}
    try:
        lines = path.read_text().split()
    except OSError:
        return {}
    for token in lines:
        try:
            # The assessment service verifies it; here it only says which clinic it is for.
            clinic = jwt.decode(token, options={"verify_signature": False}).get("clinic")
        except jwt.PyJWTError:
            continue
        if isinstance(clinic, str) and CLINIC.fullmatch(clinic):
            tokens[clinic] = token
    return tokens


@dataclass(slots=True, kw_only=True)
class Follower:
    """Follows every clinic that there is a token for.

    `open_channel` opens a channel to the assessment service that asks its argument for the token of each call.
    `wait_seconds` [s] is how long it waits after the first break, doubled up to 5 s; `look_seconds` [s] is how often it
    looks for tokens of further clinics.
    """

    open_channel: Callable[[Callable[[], str]], grpc.aio.Channel]
    tokens: Tokens
    plans: Plans
    cursors: Cursors
    base: KnowledgeBase
    logger: FilteringBoundLogger
    wait_seconds: float = 0.2
    look_seconds: float = 30.0
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self) -> None:
        """Follows until it is cancelled."""
        try:
            while True:
                for clinic in self.tokens():
                    if clinic not in self._tasks:
                        self._tasks[clinic] = asyncio.create_task(self._follow(clinic))
                for task in self._tasks.values():
                    if task.done():
                        task.result()  # it ends only by a fault, and that must not go unnoticed
                await asyncio.sleep(self.look_seconds)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _follow(self, clinic: str) -> None:
        wait = self.wait_seconds
        from_the_start = False
        while True:
            try:
                async with self._channel(clinic) as channel:
                    if await _Stream(self, clinic, channel).follow(from_the_start=from_the_start):
                        wait = self.wait_seconds
                from_the_start = False
            except grpc.aio.AioRpcError as error:
                # A cursor that the assessment service never gave: its store was put back. Everything is looked at anew.
                from_the_start = error.code() is grpc.StatusCode.INVALID_ARGUMENT
                self.logger.warning("following assessments broke off", clinic=clinic, code=error.code().name)
            except (StoreError, PlannerError, KeyError, TimeoutError) as error:
                self.logger.warning("following assessments broke off", clinic=clinic, problem=type(error).__name__)
            await asyncio.sleep(wait)
            wait = min(2 * wait, _MOST_WAIT_SECONDS)

    @asynccontextmanager
    async def _channel(self, clinic: str) -> AsyncIterator[grpc.aio.Channel]:
        channel = self.open_channel(lambda: self.tokens()[clinic])
        try:
            yield channel
        finally:
            await channel.close()


class _Stream:
    """One stream of one clinic, from the stored cursor until it ends."""

    def __init__(self, follower: Follower, clinic: str, channel: grpc.aio.Channel) -> None:
        self._follower, self._clinic = follower, clinic
        self._stub: Any = AssessmentServiceStub(channel)
        self._learning = Learning(
            plans=follower.plans,
            assessments=GrpcAssessments(channel, follower.base.revision),
            base=follower.base,
        )
        self._noted, self._reached, self._since = "", "", 0
        self._etag: str | None = None
        # Assessments that this stream saw being created and not yet sealed: nobody can have planned from them.
        self._unsealed: set[str] = set()

    async def follow(self, *, from_the_start: bool) -> bool:
        """Follows until the stream ends; returns whether any event came."""
        self._noted, self._etag = await self._follower.cursors.read(self._clinic)
        self._reached = "" if from_the_start else self._noted
        request = pb.WatchAssessmentsRequest(parent=EVERY_CLIENT, cursor=self._reached)
        events = self._stub.WatchAssessments(request)
        came = False
        try:
            async for event in events:
                came = True
                async with asyncio.timeout(LONGEST_ACTING_SECONDS):
                    await self._take(event)
        finally:
            events.cancel()
        await self._note()
        return came

    async def _take(self, event: pb.AssessmentEvent) -> None:
        acted = False
        if event.action == pb.Action.CREATED:
            self._unsealed.add(event.assessment)
        elif event.action in {pb.Action.COMPLETED, pb.Action.VOIDED, pb.Action.AMENDED}:
            self._unsealed.discard(event.assessment)
        if event.assessment not in self._unsealed:
            acted = await learn(self._learning, self._clinic, event.assessment)
        self._reached = event.cursor
        self._since += 1
        if acted or self._since >= NOTED_AFTER_EVENTS:
            await self._note()

    async def _note(self) -> None:
        """Stores how far it came, after everything up to there was acted on."""
        if self._reached != self._noted:
            self._etag = await self._follower.cursors.move(self._clinic, self._reached, self._etag)
            self._noted, self._since = self._reached, 0
