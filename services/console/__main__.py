"""Wires the console together and serves it: `python -m services.console`."""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import uvicorn
from itsdangerous import Signer
from structlog.typing import FilteringBoundLogger

from knowledge.load import KnowledgeInvalid
from knowledge.overlay import in_use
from services.console.app import build
from services.console.bodychart_files import read_chart
from services.console.clients import Services, connected
from services.console.config import ConsoleSettings, is_loopback
from services.console.signin.accounts import AccountFile, AccountsUnreadable
from services.console.signin.credential import SigningKeyUnusable, TokenMint
from services.console.signin.local import LocalSignIn
from services.console.signin.sessions import Sessions
from services.console.signin.throttle import Throttle
from services.console.templating import Templates
from services.console.texts import read_texts
from services.console.vocabulary import Vocabulary
from services.console.web import Console
from services.runtime.config import SettingsInvalid, load_settings
from services.runtime.logs import capture_process_logs, make_logger

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from services.console.signin.provider import ProviderSignIn

DRAIN_SECONDS = 5
MOST_HEADER_BYTES = 32 * 1024


async def serve(settings: ConsoleSettings) -> int:
    """Serves until a signal and returns the exit code."""
    logger = make_logger(settings.log_level)
    capture_process_logs(logger, settings.log_level)
    with listening(settings.address) as listener:
        origin = origin_of(settings, listener)
        authority = str(settings.services_ca or "")
        async with connected(settings.assessment_address, settings.planner_address, authority) as services:
            server = server_of(build(wired(settings, origin, services, logger)), settings)
            print(f"serving myoplan.console on {origin}", flush=True)
            await server.serve(sockets=[listener])
    return 0


def wired(settings: ConsoleSettings, origin: str, services: Services, logger: FilteringBoundLogger) -> Console:
    """Returns what the pages share, as it is set up."""
    texts = read_texts()
    return Console(
        settings=settings,
        origin=origin,
        services=services,
        vocabulary=Vocabulary(in_use(settings.knowledge_overlay)),
        chart=read_chart(),
        texts=texts,
        templates=Templates(texts),
        sessions=Sessions(idle_seconds=settings.idle_minutes * 60, life_seconds=settings.session_hours * 3600),
        local=_local(settings),
        provider=_provider(settings, origin, logger),
        visits=Signer(secrets.token_bytes(32), salt="myoplan.visit"),
        zone=ZoneInfo(settings.time_zone) if settings.time_zone else None,
        clock=lambda: datetime.now(UTC),
        logger=logger,
    )


def server_of(application: ASGIApp, settings: ConsoleSettings) -> uvicorn.Server:
    """Returns the server of an application."""
    return uvicorn.Server(
        uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            lifespan="off",
            proxy_headers=False,
            h11_max_incomplete_event_size=MOST_HEADER_BYTES,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            ssl_certfile=settings.tls_certificate,
            ssl_keyfile=settings.tls_key,
        )
    )


def origin_of(settings: ConsoleSettings, listener: socket.socket) -> str:
    """Returns the address that people type. Raises SettingsInvalid where only plain http would protect a session."""
    host, port = listener.getsockname()[:2]
    scheme = "https" if settings.tls_certificate else "http"
    if not settings.origin and scheme == "http" and not is_loopback(host):
        raise SettingsInvalid(["MYOPLAN_ORIGIN: is needed, https: this address can be reached from other machines"])
    return settings.origin or f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def listening(address: str) -> socket.socket:
    """Returns a socket that listens on `HOST:PORT`."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, int(port)), family=family, backlog=128)


def _local(settings: ConsoleSettings) -> LocalSignIn | None:
    if settings.accounts is None or settings.signing_key_file is None:
        return None
    accounts = AccountFile(settings.accounts)
    accounts.load()
    return LocalSignIn(accounts, TokenMint(settings.signing_key_file, settings.issuer), Throttle())


def _provider(settings: ConsoleSettings, origin: str, logger: FilteringBoundLogger) -> ProviderSignIn | None:
    if not settings.client_id:
        return None
    # Only here: most installations have no identity provider, and its client takes its time to load.
    from services.console.signin.provider import ProviderSettings, ProviderSignIn  # noqa: PLC0415

    return ProviderSignIn(
        ProviderSettings(
            issuer=settings.issuer,
            client_id=settings.client_id,
            client_secret=settings.client_secret.get_secret_value(),
            sent=settings.sent_token,
            origin=origin,
            offline=settings.offline_access,
        ),
        logger,
    )


def main() -> int:
    """Returns the exit code: 2 if the console cannot start as it is set up."""
    try:
        return asyncio.run(serve(load_settings(ConsoleSettings)))
    except (SettingsInvalid, KnowledgeInvalid, AccountsUnreadable, SigningKeyUnusable) as problem:
        print(problem, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
