"""`myoplan up` and `myoplan demo`: run everything on this machine until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cli import plan_text
from cli.connection import Connection, connected
from cli.local.accounts import LocalKeys, SignIn
from cli.local.stack import Running, announced, console, data_folder, stack
from myoplan.planner.v1.plan_pb2 import Plan

EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "cases"


def up() -> None:
    """Serves over the user's data folder."""
    folder = data_folder()
    sign_ins = LocalKeys(folder / "keys").console_sign_ins()
    with (
        stack(folder, _say) as running,
        announced(running),
        console(running, folder, _say) as address,
        _signals() as ended,
    ):
        _print_addresses(running)
        _print_console(address, sign_ins)
        ended.wait()
    _say("Stopped; the data stay in " + str(data_folder()))


def demo(*, once: bool, plan: Callable[[Connection, Path], Plan]) -> None:
    """Serves over a temporary folder; plans every example case first."""
    terminal = plan_text.console()
    with ExitStack() as everything:
        folder = Path(everything.enter_context(tempfile.TemporaryDirectory(prefix="myoplan-demo-")))
        ended = everything.enter_context(_signals())
        running = everything.enter_context(stack(folder, _say))
        everything.enter_context(announced(running))
        connection = everything.enter_context(connected(running))
        for case in sorted(EXAMPLES.glob("*.yaml")):
            if ended.is_set():
                return
            plan_text.print_plan(plan(connection, case), title=case.stem.replace("_", " "), console=terminal)
            terminal.print()
        if once:
            _print_addresses(running)
            return
        sign_ins = LocalKeys(Path(running.keys)).console_sign_ins()
        address = everything.enter_context(console(running, folder, _say))
        _print_addresses(running)
        _print_console(address, sign_ins)
        ended.wait()


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """Turns Ctrl-C and SIGTERM into an event for the length of a with block, so that everything ends in order."""
    ended = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: ended.set())
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print_addresses(running: Running) -> None:
    print(f"assessment service  {running.assessment}")
    print(f"planner service     {running.planner}")
    print(f"store               {running.store}", flush=True)  # whoever started this reads it through a pipe
    _say("A token for calls: `./run myoplan token --role therapist`. Ctrl-C ends it.")


def _print_console(address: str, sign_ins: tuple[SignIn, ...]) -> None:
    print(f"console             {address}")
    for each in sign_ins:
        role = ", ".join(each.account.roles)
        print(f"  sign in as {role:<12} name {each.account.person}, password {each.password}")
    sys.stdout.flush()  # whoever started this reads it through a pipe


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
