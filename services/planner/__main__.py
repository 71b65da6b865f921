"""Wires the planner together and serves it: `python -m services.planner`."""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from knowledge.load import KnowledgeInvalid
from knowledge.model import KnowledgeBase
from knowledge.overlay import in_use
from myoplan.planner.v1.knowledge_service_pb2_grpc import add_KnowledgeServiceServicer_to_server
from myoplan.planner.v1.planner_service_pb2_grpc import add_PlannerServiceServicer_to_server
from services.planner.api.errors import explain
from services.planner.api.knowledge_service import KnowledgeService
from services.planner.api.parse import Parser
from services.planner.api.planner_service import PlannerService
from services.planner.api.rights import KNOWLEDGE, PLANNER, RIGHTS
from services.planner.clients.assessment import GrpcAssessments
from services.planner.config import PlannerSettings
from services.planner.graph.index import compile_graph
from services.planner.graph.numbers import KnowledgeIncomplete
from services.planner.ports import Assessments, Clock, NewId
from services.planner.storage.documents import JsonDocuments
from services.planner.usecases.create import Planning
from services.planner.usecases.plans import Plans
from services.runtime.client import open_channel
from services.runtime.config import SettingsInvalid, load_settings
from services.runtime.identity import KeySet, TokenVerifier, current_caller
from services.runtime.key_set import KeySetUnreadable
from services.runtime.lifecycle import serve_until_signalled
from services.runtime.logs import capture_process_logs, make_logger
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
    clock: Clock = lambda: time.time_ns() // 1000,
    new_id: NewId = lambda: str(uuid.uuid4()),
) -> RunningServer:
    """Returns the service, bound to its port. Its health is NOT_SERVING until it is set.

    Raises ServerInvalid, and KnowledgeIncomplete if the knowledge base lacks a number that every plan needs.
    """
    graph = compile_graph(knowledge)
    parser = Parser(knowledge)
    plans = Plans(store=store, documents=JsonDocuments(), clock=clock, new_id=new_id)
    planner = PlannerService(parser, Planning(plans=plans, assessments=assessments, graph=graph))
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
        on_durability=follow_store,
    )
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
    )
    # Knowledge is in memory; it can be read whatever the store does.
    server.health.set(KNOWLEDGE, serving=True)
    async with store, channel:
        return await serve_until_signalled(server, announce=ANNOUNCED, close=_nothing, logger=logger)


async def _nothing() -> None:
    """Store and channel close with their block."""


def main() -> int:
    """Returns the exit code: 2 if the service cannot start as it is set up."""
    try:
        return asyncio.run(serve(load_settings(PlannerSettings)))
    except (SettingsInvalid, ServerInvalid, KnowledgeInvalid, KnowledgeIncomplete, KeySetUnreadable) as problem:
        print(problem, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
