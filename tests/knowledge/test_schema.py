"""The schema files say what the types say, and the reader of files agrees with the library that makes the schemas."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import TypeAdapter

from knowledge.kinds import KINDS, EdgeKind
from knowledge.load import CURATED, Reading
from knowledge.schema import FOLDER, schema_of, schema_path, schema_text
from knowledge.structure import reader_of


@pytest.mark.parametrize("name", KINDS)
def test_the_committed_schema_is_that_of_the_type(name: str) -> None:
    assert schema_path(name).read_text(encoding="utf-8") == schema_text(name), "run python -m knowledge.schema"


def test_there_is_no_other_schema() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {schema_path(name).name for name in KINDS}


def test_the_key_of_an_entry_is_not_asked_again() -> None:
    assert "id" not in schema_of("muscle")["$defs"]["fields"]["properties"]
    assert "technique" not in schema_of("treated_by")["$defs"]["fields"]["properties"]


def test_a_schema_refuses_what_the_type_does_not_know() -> None:
    for name in KINDS:
        schema = json.loads(schema_text(name))
        closed = [part for part in schema["$defs"].values() if part["type"] == "object"]
        assert all(part["additionalProperties"] is False for part in (schema, *closed))


def test_an_edge_may_name_several_muscles_where_its_other_end_is_one() -> None:
    for name, kind in KINDS.items():
        several = "muscles" in schema_of(name)["$defs"]["fields"]["properties"]
        if isinstance(kind, EdgeKind):
            assert several is (kind.second == "muscle")


@pytest.fixture(scope="module")
def curated() -> dict[str, list[dict[str, Any]]]:
    reading = Reading()
    reading.read(CURATED)
    assert reading.problems == []
    return {name: [row.values for row in rows] for name, rows in reading.expanded().items()}


@pytest.mark.parametrize("name", KINDS)
def test_the_reader_and_the_library_come_to_the_same_result(name: str, curated: dict[str, list[Any]]) -> None:
    """`structure.py` reads in place of pydantic because it is quicker; here pydantic checks its work."""
    type_: Any = KINDS[name].type
    rows = curated[name]
    assert rows
    library: Any = TypeAdapter(list[type_])
    assert [reader_of(type_)(values) for values in rows] == library.validate_python(rows)
