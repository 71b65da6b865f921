"""Files that hold nothing of a client are kept by browsers for good, and sent small; pages are kept nowhere."""

from __future__ import annotations

import pytest

from services.console.kept_files import FOLDER, STATIC_ADDRESS
from tests.support.console import Asking

KEPT = "public, max-age=31536000, immutable"
GZIP = {"accept-encoding": "gzip"}
STYLE = f"{STATIC_ADDRESS}/console.css"


@pytest.fixture
def chart(asking: Asking) -> str:
    return asking.console.chart.address("surface")


async def test_a_file_is_kept_compressed_and_the_same(asking: Asking, chart: str) -> None:
    for path, kind in (
        (STYLE, "text/css"),
        (f"{STATIC_ADDRESS}/console.js", "text/javascript"),
        (chart, "application/json"),
    ):
        packed = await asking.get(path, **GZIP)
        plain = await asking.get(path, **{"accept-encoding": "identity"})
        assert packed.headers["content-encoding"] == "gzip", path
        assert int(packed.headers["content-length"]) < len(plain.content) / 2
        assert packed.content == plain.content
        for answer in (packed, plain):
            assert answer.headers["cache-control"] == KEPT
            assert answer.headers["vary"].lower() == "accept-encoding"
            assert answer.headers["content-type"].partition(";")[0] == kind


async def test_a_file_that_a_browser_has_is_not_sent_again(asking: Asking, chart: str) -> None:
    for path in (STYLE, chart):
        first = await asking.get(path, **GZIP)
        again = await asking.get(path, **GZIP, **{"if-none-match": f'"other", {first.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        other = await asking.get(path, **GZIP, **{"if-none-match": '"other"'})
        assert (other.status_code, other.content) == (200, first.content)


async def test_a_font_is_sent_as_it_is(asking: Asking) -> None:
    (font, *_) = sorted((FOLDER / "fonts").glob("*.woff2"))
    answer = await asking.get(f"{STATIC_ADDRESS}/fonts/{font.name}", **GZIP)
    assert "content-encoding" not in answer.headers
    assert answer.headers["content-type"] == "font/woff2"
    assert answer.content == font.read_bytes()


@pytest.mark.parametrize("name", ["none.css", "../app.py", "%2e%2e/app.py", "fonts", ""])
async def test_nothing_but_the_files_is_sent(asking: Asking, name: str) -> None:
    answer = await asking.get(f"{STATIC_ADDRESS}/{name}")
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"


async def test_control_a_page_is_kept_nowhere(asking: Asking) -> None:
    asking.sign_in()
    answer = await asking.get("/new-client", **GZIP)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
