"""The examples in the guidelines are complete, load together, make sense and have the canonical form."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from knowledge.format import format_text
from knowledge.kinds import KINDS, EdgeKind
from knowledge.lint.linter import lint
from knowledge.load import CURATED, Reading
from knowledge.model import Evidence

PAGE = (CURATED / "GUIDELINES.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = dict(re.findall(r"^### (\w+)\n\n```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


def test_every_kind_has_an_example() -> None:
    assert set(EXAMPLES) == set(KINDS)
    assert all(f"kind: {name}\n" in text for name, text in EXAMPLES.items())


@pytest.mark.parametrize("name", KINDS)
def test_an_example_tells_every_field(name: str) -> None:
    """As a field of the entry, or in a comment if it is one of many that may be left out."""
    kind = KINDS[name]
    evidence = {field.name for field in fields(Evidence)}
    given = kind.first if isinstance(kind, EdgeKind) else "id"
    words = set(re.findall(r"\w+", EXAMPLES[name]))
    assert {field for field in _fields(kind.type) if field not in words} - evidence - {given} == set()


def _fields(type_: Any) -> set[str]:
    found = set()
    for name, hint in get_type_hints(type_).items():
        found.add(name)
        for part in (hint, *get_args(hint)):
            if is_dataclass(part):
                found |= _fields(part)
    return found


@pytest.mark.parametrize("text", BLOCKS, ids=lambda text: text.split("kind: ")[1].split("\n")[0])
def test_an_example_has_the_canonical_form(tmp_path: Path, text: str) -> None:
    (tmp_path / "example.yaml").write_text(text, encoding="utf-8")
    assert format_text(tmp_path / "example.yaml") == text


def test_the_examples_load_and_make_sense_together(tmp_path: Path) -> None:
    for number, text in enumerate(BLOCKS):
        (tmp_path / f"{number:02}.yaml").write_text(text, encoding="utf-8")
    reading = Reading()
    reading.read(tmp_path)
    assert [str(finding) for finding in lint(reading.finish())] == []
