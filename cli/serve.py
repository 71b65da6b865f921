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
from cli.local.stack import Running, announced, data_folder, stack
from myoplan.planner.v1.plan_pb2 import Plan

EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "cases"


def up() -> None:
    """Serves over the user's data folder."""
    with stack(data_folder(), _say) as running, announced(running), _signals() as ended:
        _print_addresses(running)
        ended.wait()
    _say("Stopped; the data stay in " + str(data_folder()))


def demo(*, once: bool, plan: Callable[[Connection, Path], Plan]) -> None:
    """Serves over a temporary folder; plans every example case first."""
    console = plan_text.console()
    with ExitStack() as everything:
        folder = Path(everything.enter_context(tempfile.TemporaryDirectory(prefix="myoplan-demo-")))
        ended = everything.enter_context(_signals())
        running = everything.enter_context(stack(folder, _say))
        everything.enter_context(announced(running))
        connection = everything.enter_context(connected(running))
        for case in sorted(EXAMPLES.glob("*.yaml")):
            if ended.is_set():
                return
            plan_text.print_plan(plan(connection, case), title=case.stem.replace("_", " "), console=console)
            console.print()
        _print_addresses(running)
        if not once:
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


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
