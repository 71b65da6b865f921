"""Grants of emergency access as JSON documents."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.planner.domain.grants import Grant

FORMAT = "myoplan.planner.grant"
VERSION = 1
_ADAPTER = TypeAdapter(Grant)


class JsonGrants:
    """Implements `GrantDocuments`."""

    def encode(self, grant: Grant) -> bytes:
        """Returns the document of a grant."""
        document = {"format": FORMAT, "version": VERSION, "grant": _ADAPTER.dump_python(grant, mode="json")}
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()

    def decode(self, document: bytes) -> Grant:
        """Returns the grant in a document. Raises ValueError if it is none."""
        read: Any = json.loads(document)
        if not isinstance(read, dict) or (read.get("format"), read.get("version")) != (FORMAT, VERSION):
            raise ValueError(f"not a document of {FORMAT} that this planner can read")
        try:
            return _ADAPTER.validate_python(read.get("grant"))
        except ValidationError as error:
            raise ValueError(f"a damaged document of {FORMAT}: {error.error_count()} problems") from error
