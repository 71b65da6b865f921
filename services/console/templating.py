"""Templates: Jinja with everything escaped and nothing undefined."""

from __future__ import annotations

import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps

from services.console.plain import plain
from services.console.texts import Texts

HERE = Path(__file__).parent
STATIC = HERE / "static"


def _release() -> str:
    """Returns the hash of all static files.

    It stands in their address: browsers may keep them for good, and scripts that import one another by relative address
    get the same file as the page.
    """
    digest = hashlib.sha256()
    for file in sorted(file for file in STATIC.rglob("*") if file.is_file()):
        digest.update(file.relative_to(STATIC).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()[:12]


STATIC_ADDRESS = f"/static/{_release()}"


class Templates:
    """Renders templates; `t` is the catalogue of texts and `static` the address of a static file."""

    def __init__(self, texts: Texts) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals.update(t=texts, static=lambda name: f"{STATIC_ADDRESS}/{name}")
        self._environment.filters["data"] = lambda value: htmlsafe_json_dumps(plain(value))

    def render(self, template: str, **values: object) -> str:
        """Returns the page."""
        return self._environment.get_template(template).render(**values)
