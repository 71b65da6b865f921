"""The English texts of the console: one catalogue, so that a translation is one more file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent / "text"


class Texts:
    """All texts of one language by dotted key. A key that does not exist is a KeyError: no page shows a hole."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def __call__(self, key: str, **values: object) -> str:
        """Returns the text of `key` with `values` filled in."""
        text = self._texts[key]
        return text.format(**values) if values else text

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def count(self, key: str, n: int, **values: object) -> str:
        """Returns the text of `key.one` or `key.other`, by the number `n`, which it may show as {n}."""
        return self(f"{key}.{'one' if n == 1 else 'other'}", n=n, **values)

    def branch(self, prefix: str) -> dict[str, str]:
        """Returns all texts below a key, for a script."""
        begin = f"{prefix}."
        return {key.removeprefix(begin): text for key, text in self._texts.items() if key.startswith(begin)}

    def keys(self) -> frozenset[str]:
        """Returns every key."""
        return frozenset(self._texts)


def read_texts(language: str = "en") -> Texts:
    """Reads the catalogue of a language."""
    loaded = yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))
    return Texts(dict(_flat("", loaded)))


def _flat(prefix: str, branch: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in branch.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", str(value)
