"""Wires the planner together and serves it: `python -m services.planner`."""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from knowledge.load import KnowledgeInvalid
from knowledge.model import KnowledgeBase
from knowledge.overlay import in_use
from myoplan.planner.v1.knowledge_service_pb2_grpc import add_KnowledgeServiceServicer_to_server
from myoplan.planner.v1.planner_service_pb2_grpc import add_PlannerServiceServicer_to_server
from services.planner.api.callers import current_reader
from services.planner.api.errors import explain
from services.planner.api.knowledge_service import KnowledgeService
from services.planner.api.parse import Parser
from services.planner.api.planner_service import PlannerService
from services.planner.api.rights import KNOWLEDGE, PLANNER, RIGHTS
from services.planner.clients.assessment import GrpcAssessments
from services.planner.clients.follow import Follower, tokens_in
from services.planner.config import PlannerSettings
from services.planner.graph.index import compile_graph
from services.planner.graph.numbers import KnowledgeIncomplete
from services.planner.ports import Assessments, Clock, NewId
from services.planner.storage.comment_drafts import JsonCommentDrafts
from services.planner.storage.documents import JsonDocuments
from services.planner.storage.json_records import (
    cursor_documents,
    grant_documents,
    prediction_documents,
    session_documents,
)
from services.planner.usecases.blind import BlindAssessments, Blindfold, BlindStore
from services.planner.usecases.comments import Comments
from services.planner.usecases.create import Planning
from services.planner.usecases.emergency import GrantedStore
from services.planner.usecases.grants import Grants
from services.planner.usecases.inputs import Cursors
from services.planner.usecases.plans import USUAL_EXPIRY_HOURS, Plans
from services.planner.usecases.predictions import Predicting, Predictions
from services.planner.usecases.review import Reviewing
from services.planner.usecases.sessions import Sessions, Working
from services.runtime.access_log import AccessLog
from services.runtime.boundary import OnRead
from services.runtime.client import open_channel
from services.runtime.config import SettingsInvalid, load_settings
from services.runtime.identity import KeySet, TokenVerifier, current_caller
from services.runtime.key_set import KeySetUnreadable
from services.runtime.lifecycle import serve_until_signalled
from services.runtime.logs import capture_process_logs, make_logger
from services.runtime.reads import NotedStore
from services.runtime.server import Registration, RunningServer, ServerInvalid, ServerOptions, build_server
from services.store.model import RecordStore
from services.store.redis import RedisStore
from services.store.seals import Sealer

STORE_PREFIX = "planner"
ANNOUNCED = "myoplan.planner.v1"


def build(
    *,
    options: ServerOptions,
    store: RecordStore,
    assessments: Assessments,
    verifier: TokenVerifier,
    knowledge: KnowledgeBase,
    logger: FilteringBoundLogger,
    on_read: OnRead | None = None,
    strict_four_eyes: frozenset[str] = frozenset(),
    expire_after_hours: int = USUAL_EXPIRY_HOURS,
    clock: Clock = lambda: time.time_ns() // 1000,
    new_id: NewId = lambda: str(uuid.uuid4()),
) -> RunningServer:
    """Returns the service, bound to its port. Its health is NOT_SERVING until it is set.

    Raises ServerInvalid, and KnowledgeIncomplete if the knowledge base lacks a number that every plan needs.
    """
    blindfold = Blindfold(store=store, reader=current_reader)
    grants = Grants(store=store, documents=grant_documents(), clock=clock, new_id=new_id)
    store = BlindStore(GrantedStore(NotedStore(store), grants, current_reader), blindfold)
    graph = compile_graph(knowledge)
    parser = Parser(knowledge)
    plans = Plans(
        store=store,
        documents=JsonDocuments(),
        clock=clock,
        new_id=new_id,
        expire_after_hours=expire_after_hours,
    )
    sessions = Sessions(store=store, documents=session_documents(), clock=clock)
    planning = Planning(plans=plans, assessments=BlindAssessments(assessments, blindfold), graph=graph)
    planner = PlannerService(
        parser,
        planning,
        Reviewing(planning=planning, strict_four_eyes=strict_four_eyes),
        Comments(plans=plans, documents=JsonCommentDrafts()),
        grants,
        Working(plans=plans, sessions=sessions, graph=graph),
        Predicting(
            predictions=Predictions(store=store, documents=prediction_documents(), clock=clock),
            plans=plans,
            sessions=sessions,
            assessments=assessments,
            blindfold=blindfold,
            graph=graph,
        ),
    )
    reader = KnowledgeService(parser, graph)
    add_planner: Callable[..., None] = add_PlannerServiceServicer_to_server
    add_reader: Callable[..., None] = add_KnowledgeServiceServicer_to_server
    return build_server(
        options,
        [
            Registration(service_name=PLANNER, add=lambda server: add_planner(planner, server)),
            Registration(service_name=KNOWLEDGE, add=lambda server: add_reader(reader, server)),
        ],
        RIGHTS,
        verifier,
        explain,
        logger,
        on_denied=planner.on_denied,
        on_read=on_read,
    )


async def serve(settings: PlannerSettings) -> int:
    """Serves until a signal and returns the exit code."""
    logger = make_logger(settings.log_level)
    capture_process_logs(logger, settings.log_level)
    key_set = KeySet(settings.key_set, logger=logger)
    await key_set.load()
    seal = settings.seal_key()

    def follow_store(problem: str | None) -> None:
        server.health.set(PLANNER, problem is None)

    store = RedisStore(
        settings.redis_url.get_secret_value(),
        STORE_PREFIX,
        Sealer(seal.key_id, seal.key),
        throwaway=settings.throwaway_store,
        on_problem=follow_store,
        anchor_file=settings.anchor(logger),
        accepted_losses=settings.accepted_losses(),
    )
    access_log = AccessLog(store.note, logger)
    channel = open_channel(
        settings.assessment_address,
        authority=str(settings.assessment_ca or ""),
        token_source=lambda: current_caller().token,
    )
    knowledge = in_use(settings.knowledge_overlay)
    server = build(
        options=ServerOptions(address=settings.address, tls=settings.tls(), reflection=settings.reflection),
        store=store,
        assessments=GrpcAssessments(channel, knowledge.revision),
        verifier=TokenVerifier(key_set, settings.issuer),
        knowledge=knowledge,
        logger=logger,
        on_read=access_log.add,
        strict_four_eyes=settings.strict_clinics(),
        expire_after_hours=settings.plan_expiry_hours,
    )
    # Knowledge is in memory; it can be read whatever the store does.
    server.health.set(KNOWLEDGE, serving=True)
    background = [access_log.run()]
    if settings.follow_tokens:
        if not tokens_in(settings.follow_tokens):
            logger.warning("assessments are not followed as long as the file of MYOPLAN_FOLLOW_TOKENS holds no token")
        background.append(_follower(settings, settings.follow_tokens, store, knowledge, logger).run())
    else:
        logger.warning("assessments are not followed: MYOPLAN_FOLLOW_TOKENS is not set")
    async with store, channel:
        return await serve_until_signalled(
            server, announce=ANNOUNCED, close=_nothing, logger=logger, background=background
        )


def _follower(
    settings: PlannerSettings, tokens: Path, store: RecordStore, knowledge: KnowledgeBase, logger: FilteringBoundLogger
) -> Follower:
    """Returns what follows the assessments of every clinic that there is a token for."""

    def clock() -> int:
        return time.time_ns() // 1000

    return Follower(
        open_channel=lambda token: open_channel(
            settings.assessment_address, authority=str(settings.assessment_ca or ""), token_source=token
        ),
        tokens=lambda: tokens_in(tokens),
        plans=Plans(
            store=store,
            documents=JsonDocuments(),
            clock=clock,
            new_id=lambda: str(uuid.uuid4()),
            expire_after_hours=settings.plan_expiry_hours,
        ),
        cursors=Cursors(store=store, documents=cursor_documents(), clock=clock),
        base=knowledge,
        logger=logger,
    )


async def _nothing() -> None:
    """Store and channel close with their block."""


def main() -> int:
    """Returns the exit code: 2 if the service cannot start as it is set up."""
    try:
        return asyncio.run(serve(load_settings(PlannerSettings)))
    except (SettingsInvalid, ServerInvalid, KnowledgeInvalid, KnowledgeIncomplete) as problem:
        print(problem, file=sys.stderr)
        return 2
    except KeySetUnreadable as problem:
        print(f"MYOPLAN_KEY_SET: {problem}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
