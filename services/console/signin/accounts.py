"""Local accounts of an installation without an identity provider: one JSON file of people and argon2 hashes."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.runtime.identity import CLINIC, Role

# The parameters are those of RFC 9106 for memory-constrained machines: 64 MiB, three passes.
HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
MOST_PASSWORD_LETTERS = 256


class AccountsUnreadable(Exception):
    """The file of accounts cannot be used; the text says why, without quoting it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person who signs in at this console. `hash` is the argon2 hash of the password or PIN."""

    person: str
    name: str
    clinic: str
    roles: tuple[str, ...]
    hash: str = field(repr=False)


def hash_password(password: str) -> str:
    """Returns the hash that an account keeps of a password."""
    return HASHER.hash(password)


def matches(account_hash: str, password: str) -> bool:
    """Says whether `password` is the one that was hashed. Takes tens of milliseconds on purpose."""
    try:
        return HASHER.verify(account_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def write_accounts(path: Path, accounts: Iterable[Account]) -> None:
    """Writes the file; a reader never sees half of it. Who could read it can read it still; a new one is its owner's.

    A console in a container reads it as another user: what it could not read any more would be changed in vain.
    """
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o600
    text = json.dumps({"accounts": [asdict(account) for account in accounts]}, indent=1, ensure_ascii=False) + "\n"
    beside = path.with_suffix(".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
    beside.replace(path)


def read_accounts(path: Path) -> tuple[Account, ...]:
    """Returns the accounts of a file. Raises AccountsUnreadable."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["accounts"]
        accounts = tuple(_account(row) for row in rows)
    except OSError as error:
        raise AccountsUnreadable(f"the file of accounts cannot be opened: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise AccountsUnreadable("the file of accounts is not a list of person, name, clinic, roles and hash") from None
    people = [account.person for account in accounts]
    if len(set(people)) < len(people):
        raise AccountsUnreadable("two accounts have the same person id")
    return accounts


def _account(row: dict[str, Any]) -> Account:
    roles = tuple(row["roles"])
    if not roles or not set(roles) <= set(Role) or not CLINIC.fullmatch(row["clinic"]):
        raise ValueError
    texts = (row["person"], row["name"], row["hash"])
    if not all(isinstance(text, str) and text for text in texts):
        raise ValueError
    return Account(person=texts[0], name=texts[1], clinic=row["clinic"], roles=roles, hash=texts[2])


class AccountFile:
    """The accounts in use: read again whenever the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._accounts: dict[str, Account] = {}

    def load(self) -> None:
        """Reads the file. Raises AccountsUnreadable. Call it once at start."""
        mark = self._mark()
        self._accounts = {account.person: account for account in read_accounts(self._path)}
        self._seen = mark

    def find(self, person: str) -> Account | None:
        """Returns the account of a person, None if there is none. A file that is damaged meanwhile changes nothing."""
        if self._mark() != self._seen:
            with contextlib.suppress(AccountsUnreadable):
                self.load()
        return self._accounts.get(person)

    def of_clinic(self, clinic: str) -> tuple[Account, ...]:
        """Returns the accounts of a clinic."""
        self.find("")  # reads the file again if it has changed
        return tuple(account for account in self._accounts.values() if account.clinic == clinic)

    def _mark(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
