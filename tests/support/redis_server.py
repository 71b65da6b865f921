"""A real redis-server for tests: durable settings, a private unix socket, a temporary folder, killed at the end."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from cli.local.child import command
from cli.local.redis_server import DURABLE, find_redis

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 20.0
# A temporary folder in memory would make every sync free and prove nothing about durability.
REAL_FOLDER = Path("/var/tmp")  # noqa: S108


class RedisServer:
    """One redis-server over one folder. `settings` are added to the durable ones or replace them.

    `port` > 0 opens a TCP port on the loopback beside the unix socket, for replicas and clusters.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None, port: int = 0) -> None:
        self.folder = folder
        self.port = port
        self.settings: dict[str, str] = {**DURABLE, **(settings or {})}
        self._program = find_redis().path
        self._process: subprocess.Popen[bytes] | None = None
        self._log: list[str] = []
        self._said = threading.Condition()

    @property
    def socket(self) -> Path:
        """The unix socket."""
        return self.folder / "redis.sock"

    @property
    def url(self) -> str:
        """The address for redis clients."""
        return f"unix://{self.socket}"

    @property
    def log(self) -> str:
        """What the server has said."""
        return "\n".join(self._log)

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Starts the server, returns when it serves."""
        place = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "daemonize": "no",
        }
        words = [word for name, value in {**place, **self.settings}.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen(
            command(str(self._program), *words),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        assert self._process.stdout is not None
        told: queue.Queue[bool] = queue.Queue()
        threading.Thread(target=self._listen, args=(self._process.stdout, told), daemon=True).start()
        try:
            serves = told.get(timeout=START_SECONDS)
        except queue.Empty:
            serves = False
        if not serves:
            self.kill()
            raise AssertionError(f"redis-server did not start:\n{self.log}")

    def _listen(self, output: IO[bytes], told: queue.Queue[bool]) -> None:
        with output:
            for line in output:
                with self._said:
                    self._log.append(line.decode(errors="replace").rstrip())
                    self._said.notify_all()
                # The last line that a start writes, in 6.2 and later, with a unix socket.
                if b"ready to accept connections at" in line:
                    told.put(True)
        told.put(False)

    def wait_for(self, words: str) -> None:
        """Returns when the server has said something, now or before."""
        with self._said:
            assert self._said.wait_for(lambda: words in self.log, START_SECONDS), f"never said: {words}"

    def kill(self) -> None:
        """Ends the process at once, as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends the process in good order."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Kills the process and starts it again over the same folder."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """Stops the process without ending it: it answers nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a paused process go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        self._signal(number)
        if self._process is not None:
            self._process.wait(START_SECONDS)


async def noticed() -> None:
    """Lets the event loop see that connections were closed, which it could not while the test ran the server."""
    for _ in range(3):
        await asyncio.sleep(0)


@contextlib.contextmanager
def redis_server(settings: Mapping[str, str] | None = None, port: int = 0) -> Iterator[RedisServer]:
    """Runs a server over a fresh temporary folder for the length of a with block."""
    folder = Path(tempfile.mkdtemp(prefix="myoplan-test-", dir=REAL_FOLDER if REAL_FOLDER.is_dir() else None))
    server = RedisServer(folder, settings, port)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
