"""Signs people in by the password or PIN of their local account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from services.console.signin.accounts import MOST_PASSWORD_LETTERS, AccountFile, hash_password, matches
from services.console.signin.credential import MintedCredential, Person, TokenMint
from services.console.signin.throttle import Throttle

AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Refused:
    """A sign-in that failed. `wait_seconds` [s] is how long the account accepts no attempt; 0: name or password."""

    wait_seconds: float = 0.0


class LocalSignIn:
    """Checks passwords and makes credentials. A wrong name and a wrong password are told apart by nothing."""

    def __init__(
        self,
        accounts: AccountFile,
        mint: TokenMint,
        throttle: Throttle,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._accounts, self._mint, self._throttle, self._clock = accounts, mint, throttle, clock
        self._nobody = hash_password("the password of nobody")
        self._hashing = asyncio.Semaphore(AT_ONCE)  # each needs 64 MiB

    async def check(self, name: str, password: str) -> tuple[Person, MintedCredential] | Refused:
        """Returns the person and their credential, or why not."""
        async with self._hashing:  # asked inside: of many attempts at once only the first few are ever tried
            if wait := self._throttle.seconds_to_wait(name):
                return Refused(wait)
            account = self._accounts.find(name)
            known = account.hash if account else self._nobody
            right = await asyncio.to_thread(matches, known, password[:MOST_PASSWORD_LETTERS])
            if account is None or not right or len(password) > MOST_PASSWORD_LETTERS:
                self._throttle.failed(name)
                return Refused(self._throttle.seconds_to_wait(name))
            self._throttle.succeeded(name)
        person = Person(person=account.person, name=account.name, clinic=account.clinic, roles=frozenset(account.roles))
        return person, MintedCredential(
            self._mint, person, self._clock(), lambda: self._accounts.find(account.person) == account
        )

    def colleagues(self, clinic: str) -> tuple[Person, ...]:
        """Returns the people of a clinic, for whoever has to name one of them."""
        return tuple(
            Person(person=each.person, name=each.name, clinic=each.clinic, roles=frozenset(each.roles))
            for each in self._accounts.of_clinic(clinic)
        )
