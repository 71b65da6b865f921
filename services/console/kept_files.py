"""Files that browsers may keep for good: nothing of a client is in them. Read, hashed and compressed once, at start."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent / "static"
HASH_LETTERS = 12
WORTH_COMPRESSING = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """One file, ready to be sent. `compressed` is empty where compressing it does not make it smaller."""

    content: bytes = field(repr=False)
    compressed: bytes = field(repr=False)
    media_type: str
    hash: str

    def answer(self, request: Request) -> Response:
        """Returns the file, compressed if the browser can read that; to one that has it, only that it is the same."""
        etag = f'W/"{self.hash}"'
        headers = {"etag": etag}
        if etag in (told.strip() for told in request.headers.get("if-none-match", "").split(",")):
            return Response(status_code=304, headers=headers)
        if self.compressed and "gzip" in request.headers.get("accept-encoding", ""):
            headers |= {"content-encoding": "gzip", "vary": "accept-encoding"}
            return Response(self.compressed, media_type=self.media_type, headers=headers)
        return Response(self.content, media_type=self.media_type, headers=headers)


def kept(name: str, content: bytes) -> KeptFile:
    """Returns the file of a name, which says what kind it is."""
    compressed = gzip.compress(content, mtime=0)
    return KeptFile(
        content=content,
        compressed=compressed if len(compressed) < WORTH_COMPRESSING * len(content) else b"",
        media_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
        hash=hashlib.sha256(content).hexdigest()[:HASH_LETTERS],
    )


STATIC_FILES = {
    file.relative_to(FOLDER).as_posix(): kept(file.name, file.read_bytes())
    for file in sorted(FOLDER.rglob("*"))
    if file.is_file()
}
"""Style, scripts, fonts and licences, by their path in the folder."""


def _release() -> str:
    """Returns the hash of all static files.

    It stands in their address: browsers may keep them for good, and scripts that import one another by relative address
    get the same file as the page.
    """
    told = "".join(f"{name} {file.hash} " for name, file in STATIC_FILES.items())
    return hashlib.sha256(told.encode()).hexdigest()[:HASH_LETTERS]


STATIC_ADDRESS = f"/static/{_release()}"
