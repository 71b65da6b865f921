"""Sessions between sign-in and sign-out, in the memory of this process. The browser holds a signed opaque id only."""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from itsdangerous import BadSignature, Signer

from services.console.signin.credential import Credential, Person

MOST_SESSIONS = 5_000
MOST_ASSESSMENTS = 200
MOST_UNPROVEN = 8
UNDO_DEPTH = 20
TOKEN_BYTES = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldEntry:
    """A form that was sent while the session was locked: where to and with what. It is offered again afterwards."""

    path: str
    fields: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(slots=True, kw_only=True)
class UnprovenForm:
    """A form whose person went to the identity provider to prove who they are before it is done.

    `told` is what came of that: `proven`, `cancelled` (they came back without), `not_anew` or `another`.
    """

    fields: tuple[tuple[str, str], ...] = field(repr=False)
    told: str = "cancelled"


@dataclass(slots=True)
class AssessmentMemory:
    """Which sections of an assessment were looked at, and the writes that can be undone: revision and findings."""

    looked: set[str] = field(default_factory=set)
    undo: deque[tuple[int, tuple[str, ...]]] = field(default_factory=lambda: deque(maxlen=UNDO_DEPTH))


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """One person at one browser. `auth_time` is when they last proved who they are."""

    id: str
    person: Person
    credential: Credential = field(repr=False)
    auth_time: datetime
    secret: bytes = field(repr=False)
    opened: float
    used: float
    locked: bool = False
    why_locked: str = ""
    """The cause of the credential's end; empty: nobody used the session, or somebody locked it."""
    handed: frozenset[str] = frozenset()
    """While the tablet is in the client's hands: the only addresses that may be asked for. Empty: it is not."""
    held: HeldEntry | None = None
    _unproven: OrderedDict[str, UnprovenForm] = field(default_factory=OrderedDict)
    _assessments: OrderedDict[str, AssessmentMemory] = field(default_factory=OrderedDict)

    def at(self, assessment: str) -> AssessmentMemory:
        """Returns what this session remembers of an assessment."""
        memory = self._assessments.setdefault(assessment, AssessmentMemory())
        self._assessments.move_to_end(assessment)
        while len(self._assessments) > MOST_ASSESSMENTS:
            self._assessments.popitem(last=False)
        return memory

    def shut(self, path: str) -> bool:
        """Says whether the credential has to be entered again before `path` is answered."""
        return self.locked or bool(self.handed and path not in self.handed)

    def keep(self, page: str, form: UnprovenForm) -> None:
        """Keeps a form for the page it is on until that page is shown again."""
        self._unproven[page] = form
        self._unproven.move_to_end(page)
        while len(self._unproven) > MOST_UNPROVEN:
            self._unproven.popitem(last=False)

    def tell(self, page: str, told: str) -> None:
        """Says to the form of a page, if one is kept, what came of the proof."""
        if page in self._unproven:
            self._unproven[page].told = told

    def kept(self, page: str) -> UnprovenForm | None:
        """Returns the form that was kept for a page, once."""
        return self._unproven.pop(page, None)

    def form_token(self) -> str:
        """Returns a token for a form. Masked anew each time: a compressed page then tells nothing about the secret."""
        mask = secrets.token_bytes(TOKEN_BYTES)
        return base64.urlsafe_b64encode(mask + _mixed(mask, self.secret)).decode()

    def accepts(self, token: str) -> bool:
        """Says whether a form token is of this session."""
        try:
            raw = base64.urlsafe_b64decode(token.encode())
        except ValueError:
            return False
        if len(raw) != 2 * TOKEN_BYTES:
            return False
        return hmac.compare_digest(_mixed(raw[:TOKEN_BYTES], raw[TOKEN_BYTES:]), self.secret)


def _mixed(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


class Sessions:
    """All sessions of this console. `idle_seconds` [s] without use locks one; `life_seconds` [s] ends it.

    They live in memory on purpose: a restart of the console signs everybody out and leaves no token on a disk.
    """

    def __init__(
        self, *, idle_seconds: float, life_seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.idle_seconds, self._life_seconds, self._monotonic = idle_seconds, life_seconds, monotonic
        self._signer = Signer(secrets.token_bytes(32), salt="myoplan.session")
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def open(self, person: Person, credential: Credential, auth_time: datetime) -> Session:
        """Opens a session under a new id."""
        now = self._monotonic()
        session = Session(
            id=secrets.token_urlsafe(24),
            person=person,
            credential=credential,
            auth_time=auth_time,
            secret=secrets.token_bytes(TOKEN_BYTES),
            opened=now,
            used=now,
        )
        self._sessions[session.id] = session
        while len(self._sessions) > MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return session

    def cookie(self, session: Session) -> str:
        """Returns the value of the browser's cookie."""
        return self._signer.sign(session.id.encode()).decode()

    def find(self, cookie: str) -> Session | None:
        """Returns the session of a cookie, locked if it has been idle for too long; None if there is none."""
        try:
            identifier = self._signer.unsign(cookie.encode()).decode()
        except (BadSignature, ValueError):
            return None
        session = self._sessions.get(identifier)
        if session is None:
            return None
        now = self._monotonic()
        if now - session.opened >= self._life_seconds:
            self.close(session)
            return None
        if now - session.used >= self.idle_seconds:
            session.locked = True
        return session

    def holds(self, session: Session) -> bool:
        """Says whether a session goes on: it can be ended while one of its requests waits."""
        return self._sessions.get(session.id) is session

    def use(self, session: Session) -> None:
        """Counts as use: the time until the lock begins anew."""
        session.used = self._monotonic()
        self._sessions.move_to_end(session.id)

    def unlock(self, session: Session, credential: Credential, auth_time: datetime) -> None:
        """Goes on with a session whose person has proved again who they are; it gets a new id."""
        self._sessions.pop(session.id, None)
        session.id = secrets.token_urlsafe(24)
        session.credential, session.auth_time, session.locked = credential, auth_time, False
        session.why_locked = ""
        session.handed = frozenset()
        self._sessions[session.id] = session
        self.use(session)

    def close(self, session: Session) -> None:
        """Ends a session."""
        self._sessions.pop(session.id, None)
