"""A stretch of network between a browser and the console that fails as networks do: refused, cut, answers lost."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import Literal

CHUNK = 1 << 16
RESET = struct.pack("ii", 1, 0)
"""Lingering for no time: closing a socket so tells the other end that the connection broke."""

Loss = Literal["request", "answer"]


class Network:
    """Passes TCP connections on to `target` (`http://HOST:PORT`), until it is told to fail.

    A browser sends a request again by itself when a connection that it has used before breaks without an answer. So a
    loss can be asked for several times in a row: the first may be invisible to the page, the second is not.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self._listener: socket.socket | None = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self._guard = threading.Lock()
        self._open: set[socket.socket] = set()
        self._losses: list[tuple[Loss, bytes]] = []
        self.lost: list[Loss] = []
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    @property
    def address(self) -> str:
        """What the browser asks."""
        return f"http://127.0.0.1:{self._port}"

    def lose(self, what: Loss, path: bytes, times: int = 1) -> None:
        """Loses the next `times` forms sent to an address that ends in `path`, or the answers to them."""
        with self._guard:
            self._losses += [(what, path)] * times

    def clear(self) -> None:
        """Takes back the losses that are still to come."""
        with self._guard:
            self._losses.clear()

    def cut(self) -> None:
        """Takes the network away: what is open breaks, and nothing can be opened."""
        with self._guard:
            listener, self._listener = self._listener, None
            broken, self._open = self._open, set()
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for each in broken:
            _break(each)

    def mend(self) -> None:
        """Gives the network back; losses that are still to come do come."""
        with self._guard:
            if self._listener is not None:
                return
            self._listener = socket.create_server(("127.0.0.1", self._port))
            listener = self._listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                browser, _ = listener.accept()
            except OSError:
                return
            host, _, port = self.target.removeprefix("http://").partition(":")
            try:
                console = socket.create_connection((host, int(port)))
            except OSError:
                _break(browser)
                continue
            with self._guard:
                here = self._listener is listener
                if here:
                    self._open |= {browser, console}
            if not here:
                _break(browser)
                _break(console)
                continue
            mute = threading.Event()
            threading.Thread(target=self._pass, args=(browser, console, mute, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(console, browser, mute, False), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, mute: threading.Event, asking: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                if asking and (loss := self._loss(data)):
                    self.lost.append(loss)
                    if loss == "request":
                        break
                    mute.set()
                elif not asking and mute.is_set():
                    break  # the answer is here, so what was sent is stored
                sink.sendall(data)
        with self._guard:
            self._open -= {source, sink}
        for each in (source, sink):
            _break(each)

    def _loss(self, data: bytes) -> Loss | None:
        line = data.partition(b"\r\n")[0].split(b" ")
        if len(line) < len((b"POST", b"/")) or line[0] != b"POST":
            return None
        with self._guard:
            for number, (what, path) in enumerate(self._losses):
                if line[1].endswith(path):
                    del self._losses[number]
                    return what
        return None


def _break(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        end.shutdown(socket.SHUT_RDWR)
    end.close()
