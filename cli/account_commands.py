"""`myoplan account`: who signs in at the console of an installation without an identity provider."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.failures import ExitCode, Failure
from cli.local.accounts import FIRST_SIGN_INS, ROLES, LocalKeys
from cli.local.stack import data_folder, read_running
from services.console.signin.accounts import (
    Account,
    AccountsUnreadable,
    hash_password,
    read_accounts,
    write_accounts,
)

LEAST_PASSWORD_LETTERS = 8
Accounts = Annotated[Path | None, typer.Option(help="The file of accounts. Default: the local stack's.")]


def register(application: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(help="Who signs in at the console, without an identity provider.", no_args_is_help=True)
    group.command("set")(put)
    group.command("list")(show)
    group.command("remove")(remove)
    application.add_typer(group, name="account")


def put(
    person: Annotated[str, typer.Argument(help="The person id, typed as the name at sign-in.")],
    name: Annotated[str, typer.Option(help="The name to show; default: the person id.")] = "",
    role: Annotated[list[str] | None, typer.Option(help=f"One or more of {', '.join(ROLES)}.")] = None,
    clinic: Annotated[str, typer.Option(help="The clinic id.")] = "demo",
    accounts: Accounts = None,
) -> None:
    """Add a person or change one; the password is asked for, or read from standard input."""
    roles = tuple(role or ["therapist"])
    if unknown := [word for word in roles if word not in ROLES]:
        raise Failure(f"unknown role {', '.join(unknown)}; the roles are {', '.join(ROLES)}", ExitCode.USAGE)
    path = _path(accounts)
    kept = [each for each in _read(path) if each.person != person]
    password = (
        str(typer.prompt(f"Password or PIN of {person}", hide_input=True, confirmation_prompt=True))
        if sys.stdin.isatty()
        else sys.stdin.readline().rstrip("\n")
    )
    if len(password) < LEAST_PASSWORD_LETTERS:
        raise Failure(f"a password needs at least {LEAST_PASSWORD_LETTERS} letters", ExitCode.USAGE)
    account = Account(person=person, name=name or person, clinic=clinic, roles=roles, hash=hash_password(password))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_accounts(path, [*kept, account])
    _forget_first_password(path, person)
    print(f"{person} signs in as {', '.join(roles)} of the clinic {clinic}")


def show(accounts: Accounts = None) -> None:
    """List who can sign in."""
    for each in _read(_path(accounts)):
        print(f"{each.person}\t{each.clinic}\t{','.join(each.roles)}\t{each.name}")


def remove(person: Annotated[str, typer.Argument(help="The person id.")], accounts: Accounts = None) -> None:
    """Take a person away; their open session is locked at its next page."""
    path = _path(accounts)
    known = _read(path)
    kept = [each for each in known if each.person != person]
    if len(kept) == len(known):
        raise Failure(f"there is no account of {person}", ExitCode.USAGE)
    write_accounts(path, kept)
    _forget_first_password(path, person)


def _path(accounts: Path | None) -> Path:
    if accounts is not None:
        return accounts
    running = read_running()
    return LocalKeys(Path(running.keys) if running else data_folder() / "keys").accounts_file


def _read(path: Path) -> tuple[Account, ...]:
    if not path.exists():
        return ()
    try:
        return read_accounts(path)
    except AccountsUnreadable as error:
        raise Failure(str(error)) from None


def _forget_first_password(path: Path, person: str) -> None:
    """Stops `up` from printing a first password that is no longer the one."""
    if (path.parent / FIRST_SIGN_INS).exists():
        LocalKeys(path.parent).forget_first_sign_in(person)
