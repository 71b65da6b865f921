"""Starts everything on this machine: Redis, the assessment service, the planner service; stops it in reverse."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from cli.local.accounts import ISSUER, LocalKeys
from cli.local.child import command
from cli.local.planner_tokens import planner_tokens
from cli.local.redis_server import find_redis, running_redis

READY_SECONDS = 60.0
DRAIN_SECONDS = 15.0
# Settings of the console that `up` and `demo` hand on as they are.
PASSED_TO_THE_PLANNER = ("MYOPLAN_STRICT_FOUR_EYES", "MYOPLAN_PLAN_EXPIRY_HOURS")
PASSED_ON = ("MYOPLAN_ORIGIN", "MYOPLAN_IDLE_MINUTES", "MYOPLAN_SESSION_HOURS", "MYOPLAN_TIME_ZONE")


class ServiceFailed(Exception):
    """A service did not start; the text holds its own last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Where a running stack is: what another command needs to talk to it.

    `store` says it in words; `store_url` is the address (it may hold a password), `anchors` the folder of the anchors.
    """

    assessment: str
    planner: str
    keys: str
    store: str
    process: int
    store_url: str = ""
    anchors: str = ""


def data_folder() -> Path:
    """Returns where `myoplan up` keeps its data: MYOPLAN_DATA, or the user's data folder."""
    if chosen := os.environ.get("MYOPLAN_DATA"):
        return Path(chosen)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "myoplan"


def running_file() -> Path:
    """Returns the file in which a running stack says where it is."""
    return data_folder() / "running.json"


def read_running() -> Running | None:
    """Returns where the stack of this user is, or None if none is running."""
    try:
        running = Running(**json.loads(running_file().read_text()))
        os.kill(running.process, 0)
    except (OSError, ValueError, TypeError):
        return None
    return running


@contextlib.contextmanager
def announced(running: Running) -> Iterator[None]:
    """Leaves word for other commands for the length of a with block, unless another stack already has."""
    if read_running():
        yield
        return
    path = running_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(running)))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def private_stack(say: Callable[[str], None], overlay: Path | None = None) -> Iterator[Running]:
    """Runs a stack over a temporary folder that is gone afterwards, with a knowledge overlay if one is given."""
    with tempfile.TemporaryDirectory(prefix="myoplan-") as folder, stack(Path(folder), say, overlay) as running:
        yield running


@contextlib.contextmanager
def stack(folder: Path, say: Callable[[str], None], overlay: Path | None = None) -> Iterator[Running]:
    """Runs Redis (unless MYOPLAN_REDIS_URL names one) and both services over `folder` for a with block."""
    with ExitStack() as running:
        keys = LocalKeys(folder / "keys")
        url = os.environ.get("MYOPLAN_REDIS_URL", "")
        if url:
            store = "the Redis server of MYOPLAN_REDIS_URL"
        else:
            binary = find_redis()
            say(f"Starting {binary}, data in {folder / 'redis'}")
            url = running.enter_context(running_redis(folder / "redis")).url
            store = f"{binary}, data in {folder / 'redis'}"
        own_knowledge = str(overlay or os.environ.get("MYOPLAN_KNOWLEDGE_OVERLAY", ""))
        logs = folder / "logs"
        logs.mkdir(exist_ok=True, mode=0o700)
        shared = {
            "MYOPLAN_REDIS_URL": url,
            "MYOPLAN_KEY_SET": str(keys.key_set_file),
            "MYOPLAN_ISSUER": ISSUER,
            "MYOPLAN_SEAL_KEY_FILE": str(keys.seal_key_file),
            "MYOPLAN_KNOWLEDGE_OVERLAY": own_knowledge,
        }
        anchors = folder / "anchors"
        anchors.mkdir(exist_ok=True, mode=0o700)
        say("Starting the assessment service and the planner service")
        # The planner has to know where the assessment service will be, and both take their time to start: so the place
        # is chosen here, and they start side by side.
        place = os.environ.get("MYOPLAN_ASSESSMENT_LISTEN") or f"127.0.0.1:{_free_port()}"
        assessment = ServiceProcess(
            "assessment",
            {**shared, "MYOPLAN_ADDRESS": place, "MYOPLAN_ANCHOR_FILE": str(anchors / "assessment.json")},
            logs,
        )
        planner = ServiceProcess(
            "planner",
            {
                **shared,
                "MYOPLAN_ADDRESS": os.environ.get("MYOPLAN_PLANNER_LISTEN", "127.0.0.1:0"),
                "MYOPLAN_ASSESSMENT_ADDRESS": place,
                "MYOPLAN_ANCHOR_FILE": str(anchors / "planner.json"),
                "MYOPLAN_FOLLOW_TOKENS": str(running.enter_context(planner_tokens(keys))),
                **{name: os.environ[name] for name in PASSED_TO_THE_PLANNER if name in os.environ},
            },
            logs,
        )
        for process in (assessment, planner):
            running.callback(process.stop)
            process.launch()
        for process in (assessment, planner):
            process.wait_until_serving()
        yield Running(
            assessment=assessment.address,
            planner=planner.address,
            keys=str(keys.folder),
            store=store,
            process=os.getpid(),
            store_url=url,
            anchors=str(anchors),
        )


@contextlib.contextmanager
def console(
    running: Running, folder: Path, say: Callable[[str], None], module: str = "services.console"
) -> Iterator[str]:
    """Runs the console beside a running stack for the length of a with block; yields its address.

    `module` is what is started: the console, or one with something round it.
    """
    keys = LocalKeys(Path(running.keys))
    say("Starting the console")
    process = ServiceProcess(
        "console",
        {
            "MYOPLAN_ADDRESS": os.environ.get("MYOPLAN_CONSOLE_LISTEN", "127.0.0.1:0"),
            "MYOPLAN_ASSESSMENT_ADDRESS": running.assessment,
            "MYOPLAN_PLANNER_ADDRESS": running.planner,
            "MYOPLAN_ISSUER": ISSUER,
            "MYOPLAN_ACCOUNTS": str(keys.accounts_file),
            "MYOPLAN_SIGNING_KEY_FILE": str(keys.private_key_file),
            "MYOPLAN_KNOWLEDGE_OVERLAY": os.environ.get("MYOPLAN_KNOWLEDGE_OVERLAY", ""),
            **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        },
        folder / "logs",
        module,
    )
    process.launch()
    try:
        process.wait_until_serving()
        yield process.address
    finally:
        process.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


class ServiceProcess:
    """One service as a child process; its log is a file in `logs`."""

    def __init__(self, name: str, settings: Mapping[str, str], logs: Path, module: str = "") -> None:
        self.name, self.log_file = name, logs / f"{name}.log"
        self._module = module or f"services.{name}"
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("MYOPLAN_")}
        # The C core of gRPC writes lines of its own to the log otherwise.
        self._environment = {"GRPC_VERBOSITY": "NONE", **inherited, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self.address = ""

    def start(self) -> None:
        """Starts the process and returns when it says where it serves. Raises ServiceFailed."""
        self.launch()
        self.wait_until_serving()

    def launch(self) -> None:
        """Starts the process and returns at once."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                command(sys.executable, "-m", self._module),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                process_group=0,
            )

    def wait_until_serving(self) -> None:
        """Returns when the process says where it serves. Raises ServiceFailed."""
        assert self._process is not None  # noqa: S101 - launched before
        assert self._process.stdout is not None  # noqa: S101 - asked for above
        first_line: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_read_line, args=(self._process.stdout, first_line), daemon=True).start()
        with contextlib.suppress(queue.Empty):
            line = first_line.get(timeout=READY_SECONDS)
            if line.startswith("serving "):
                self.address = line.rsplit(" on ", 1)[1].strip()
                return
        self.kill()
        words = self.log_file.read_text(errors="replace").strip().splitlines()[-5:]
        raise ServiceFailed(f"the {self.name} service did not start; {self.log_file} ends:\n" + "\n".join(words))

    def stop(self) -> None:
        """Ends the process in good order; by force if it takes too long."""
        self.end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends the process at once, as a crash would."""
        self.end(signal.SIGKILL)

    def end(self, number: signal.Signals) -> int | None:
        """Sends a signal and waits for the end; returns the exit code."""
        process = self._process
        if process is None:
            return None
        if process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(DRAIN_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdout:
            process.stdout.close()
        return process.returncode


def _read_line(stream: IO[bytes], answer: queue.Queue[str]) -> None:
    with contextlib.suppress(ValueError):  # closed by the end of the process
        answer.put(stream.readline().decode(errors="replace"))
