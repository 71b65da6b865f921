"""The console in this process, over both production services, asked as a browser asks."""

from __future__ import annotations

import io
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
from itsdangerous import Signer

from cli.local.accounts import ISSUER, LocalKeys
from services.console.app import build
from services.console.bodychart_files import read_chart
from services.console.clients import connected
from services.console.config import ConsoleSettings
from services.console.signin.accounts import Account, AccountFile, hash_password, write_accounts
from services.console.signin.credential import Person, TokenMint
from services.console.signin.local import LocalSignIn
from services.console.signin.sessions import Sessions
from services.console.signin.throttle import Throttle
from services.console.templating import Templates
from services.console.texts import read_texts
from services.console.vocabulary import Vocabulary
from services.console.web import Console
from services.runtime.logs import make_logger
from services.store.memory import MemoryStore
from tests.support.planner import load_once
from tests.support.planner_service import Running, both_services
from tests.support.store import SEALER, new_clinic
from tests.support.tokens import TokenIssuer

ORIGIN = "http://127.0.0.1:8000"
PASSWORD = "a password of the tests"
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """A credential whose tokens the services of the tests trust."""

    issuer: TokenIssuer = field(repr=False)
    person: Person

    async def token(self) -> str:
        return self.issuer.token(person=self.person.person, clinic=self.person.clinic, roles=tuple(self.person.roles))


@dataclass(slots=True)
class Asking:
    """Somebody who asks the console, signed in or not."""

    console: Console
    services: Running
    client: httpx.AsyncClient
    log: io.StringIO
    accounts: Path

    def sign_in(self, roles: frozenset[str] = frozenset({"therapist"}), clinic: str = "") -> None:
        """Opens a session without the form."""
        person = Person(person="tess", name="Tess", clinic=clinic or self.services.clinic, roles=roles)
        session = self.console.sessions.open(person, IssuedCredential(self.services.issuer, person), datetime.now(UTC))
        self.client.cookies.set("session-8000", self.console.sessions.cookie(session))

    def token(self) -> str:
        """Returns a form token of the session."""
        session = self.console.sessions.find(self.client.cookies.get("session-8000") or "")
        assert session is not None
        return session.form_token()

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=headers)

    async def post(self, path: str, form: dict[str, str], **headers: str) -> httpx.Response:
        """Sends a form as a page of the console does."""
        return await self.client.post(
            path, data={"form_token": self.token(), **form}, headers={**SAME_ORIGIN, **headers}
        )


@asynccontextmanager
async def asking_console(tmp_path: Path) -> AsyncIterator[Asking]:
    """Runs the console over both services for the length of a with block."""
    async with AsyncExitStack() as ends:
        services = await ends.enter_async_context(both_services(tmp_path, MemoryStore(SEALER, "planner"), new_clinic()))
        keys = LocalKeys(tmp_path / "keys")
        write_accounts(
            keys.accounts_file,
            [Account(person="tess", name="Tess", clinic="demo", roles=("therapist",), hash=hash_password(PASSWORD))],
        )
        accounts = AccountFile(keys.accounts_file)
        accounts.load()
        log, texts = io.StringIO(), read_texts()
        settings = ConsoleSettings(
            accounts=keys.accounts_file,
            signing_key_file=keys.private_key_file,
            issuer=ISSUER,
            assessment_address=services.assessment_server.address,
            planner_address=services.planner_address,
        )
        console = Console(
            settings=settings,
            origin=ORIGIN,
            services=await ends.enter_async_context(
                connected(services.assessment_server.address, services.planner_address)
            ),
            vocabulary=Vocabulary(load_once()),
            chart=read_chart(),
            texts=texts,
            templates=Templates(texts),
            sessions=Sessions(idle_seconds=600, life_seconds=3600),
            local=LocalSignIn(accounts, TokenMint(keys.private_key_file, ISSUER), Throttle()),
            provider=None,
            visits=Signer(secrets.token_bytes(32)),
            zone=None,
            clock=lambda: datetime.now(UTC),
            logger=make_logger(stream=log),
        )
        transport = httpx.ASGITransport(app=build(console))
        client = await ends.enter_async_context(httpx.AsyncClient(transport=transport, base_url=ORIGIN))
        yield Asking(console=console, services=services, client=client, log=log, accounts=keys.accounts_file)
