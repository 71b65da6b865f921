"""Wires the assessment service together and serves it: `python -m services.assessment`."""

from __future__ import annotations

import asyncio
import sys
import uuid
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial

from structlog.typing import FilteringBoundLogger

from knowledge.load import KnowledgeInvalid
from knowledge.model import KnowledgeBase
from knowledge.overlay import in_use
from myoplan.assessment.v1.assessment_service_pb2_grpc import add_AssessmentServiceServicer_to_server
from services.assessment.api.errors import explain
from services.assessment.api.parse import Parser
from services.assessment.api.render import message_bytes
from services.assessment.api.rights import RIGHTS, SERVICE
from services.assessment.api.service import AssessmentService
from services.assessment.config import AssessmentSettings
from services.assessment.ports import Clock, NewId
from services.assessment.storage.documents import JsonDocuments
from services.assessment.usecases.records import Records
from services.runtime.access_log import AccessLog
from services.runtime.boundary import OnRead
from services.runtime.config import SettingsInvalid, load_settings
from services.runtime.identity import KeySet, TokenVerifier
from services.runtime.key_set import KeySetUnreadable
from services.runtime.lifecycle import serve_until_signalled
from services.runtime.logs import capture_process_logs, make_logger
from services.runtime.reads import NotedStore
from services.runtime.server import Registration, RunningServer, ServerInvalid, ServerOptions, build_server
from services.store.model import RecordStore
from services.store.redis import RedisStore
from services.store.seals import Sealer

STORE_PREFIX = "assessment"
ANNOUNCED = "myoplan.assessment.v1"


def build(
    *,
    options: ServerOptions,
    store: RecordStore,
    verifier: TokenVerifier,
    knowledge: KnowledgeBase,
    logger: FilteringBoundLogger,
    on_read: OnRead | None = None,
    clock: Clock = lambda: datetime.now(UTC),
    new_id: NewId = lambda: str(uuid.uuid4()),
) -> RunningServer:
    """Returns the service, bound to its port. Its health is NOT_SERVING until it is set. Raises ServerInvalid."""
    records = Records(
        store=NotedStore(store),
        documents=JsonDocuments(),
        vocabulary=knowledge,
        clock=clock,
        new_id=new_id,
        message_bytes=message_bytes,
    )
    service = AssessmentService(Parser(knowledge), records, knowledge.revision)
    return build_server(
        options,
        [Registration(service_name=SERVICE, add=partial(add_AssessmentServiceServicer_to_server, service))],
        RIGHTS,
        verifier,
        explain,
        logger,
        on_denied=service.on_denied,
        on_read=on_read,
    )


async def serve(settings: AssessmentSettings) -> int:
    """Serves until a signal and returns the exit code."""
    logger = make_logger(settings.log_level)
    capture_process_logs(logger, settings.log_level)
    key_set = KeySet(settings.key_set, logger=logger)
    await key_set.load()
    seal = settings.seal_key()
    store = RedisStore(
        settings.redis_url.get_secret_value(),
        STORE_PREFIX,
        Sealer(seal.key_id, seal.key),
        throwaway=settings.throwaway_store,
        on_problem=lambda problem: server.health.set(SERVICE, problem is None),
        anchor_file=settings.anchor(logger),
        accepted_losses=settings.accepted_losses(),
    )
    access_log = AccessLog(store.note, logger)
    server = build(
        options=ServerOptions(address=settings.address, tls=settings.tls(), reflection=settings.reflection),
        store=store,
        verifier=TokenVerifier(key_set, settings.issuer),
        knowledge=in_use(settings.knowledge_overlay),
        logger=logger,
        on_read=access_log.add,
    )
    async with AsyncExitStack() as ends:
        await ends.enter_async_context(store)
        return await serve_until_signalled(
            server, announce=ANNOUNCED, close=ends.aclose, logger=logger, background=[access_log.run()]
        )


def main() -> int:
    """Returns the exit code: 2 if the service cannot start as it is set up."""
    try:
        return asyncio.run(serve(load_settings(AssessmentSettings)))
    except (SettingsInvalid, ServerInvalid, KnowledgeInvalid) as problem:
        print(problem, file=sys.stderr)
        return 2
    except KeySetUnreadable as problem:
        print(f"MYOPLAN_KEY_SET: {problem}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
