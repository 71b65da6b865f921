"""Templates: Jinja with everything escaped and nothing undefined."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps

from services.console.kept_files import STATIC_ADDRESS
from services.console.plain import plain
from services.console.texts import Texts

HERE = Path(__file__).parent


class Templates:
    """Renders templates, which are compiled at once: nobody's first page waits for that.

    `t` is the catalogue of texts, `script_words` its part for the scripts, `static` the address of a static file.
    """

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
        self._environment.globals["script_words"] = htmlsafe_json_dumps(texts.branch("script"))
        self._environment.filters["data"] = lambda value: htmlsafe_json_dumps(plain(value))
        for name in self._environment.list_templates():
            self._environment.get_template(name)

    def render(self, template: str, **values: object) -> str:
        """Returns the page."""
        return self._environment.get_template(template).render(**values)
