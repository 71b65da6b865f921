"""JSON Schema of every kind of knowledge file, generated from the types; editors use it to complete and check.

`python -m knowledge.schema` writes the files under `knowledge/schemas/`; a test compares them with the types. A schema
knows the form of a file, only the loader knows whether ids exist. No field is required, because a file's `defaults`
may hold it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from knowledge.kinds import KINDS, EdgeKind, NodeKind

FOLDER = Path(__file__).parent / "schemas"
_IDS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
# An edge file may name several muscles where the type has one.
_SEVERAL_MUSCLES = {
    "muscles": {**_IDS, "description": "Several muscles instead of one."},
    "regions": {**_IDS, "description": "Every muscle of these regions."},
    "except": {**_IDS, "description": "Muscles left out of the regions."},
}


def schema_of(name: str) -> dict[str, Any]:
    """Returns the JSON Schema of a file of this kind."""
    kind = KINDS[name]
    type_: Any = TypeAdapter(kind.type).json_schema()
    given = "id" if isinstance(kind, NodeKind) else kind.first  # what the key of an entry fills
    properties = {field: value for field, value in type_["properties"].items() if field != given}
    if isinstance(kind, EdgeKind) and kind.second == "muscle":
        properties |= _SEVERAL_MUSCLES
    fields = {"type": "object", "additionalProperties": False, "properties": properties}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Knowledge file of the kind {name}",
        "description": type_["description"],
        "type": "object",
        "additionalProperties": False,
        "required": ["kind", "entries"],
        "properties": {
            "kind": {"const": name},
            "defaults": {"$ref": "#/$defs/fields", "description": "What every entry has unless it says otherwise."},
            "entries": _entries(kind),
        },
        "$defs": {**type_.get("$defs", {}), "fields": fields},
    }


def _entries(kind: NodeKind | EdgeKind) -> dict[str, Any]:
    entry: dict[str, Any] = {"$ref": "#/$defs/fields"}
    if isinstance(kind, EdgeKind):
        entry = {"type": "array", "items": entry}
        if not kind.first:
            return entry
    ids = {"pattern": "^[a-z][a-z0-9_]*$"}
    return {"type": "object", "propertyNames": ids, "additionalProperties": entry}


def schema_text(name: str) -> str:
    """Returns the text of the schema file of a kind."""
    return json.dumps(schema_of(name), indent=2, ensure_ascii=False) + "\n"


def schema_path(name: str, folder: Path = FOLDER) -> Path:
    """Returns where the schema file of a kind stands."""
    return folder / f"{name}.schema.json"


def write_schemas(folder: Path = FOLDER) -> None:
    """Writes the schema file of every kind."""
    folder.mkdir(exist_ok=True)
    for name in KINDS:
        schema_path(name, folder).write_text(schema_text(name), encoding="utf-8")


if __name__ == "__main__":
    write_schemas()
