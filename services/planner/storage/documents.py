"""Plans as JSON documents. A document names its format and version; each version ever written has a golden file."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.planner.domain.plan import Plan

FORMAT = "myoplan.planner.plan"
VERSION = 1

_ADAPTER = TypeAdapter(Plan)


class JsonDocuments:
    """Implements `Documents`. A document that lacks a field of a plan is unreadable, not a plan with a gap."""

    def encode(self, plan: Plan) -> bytes:
        """Returns the document of a plan, always the newest version."""
        document = {"format": FORMAT, "version": VERSION, "plan": _ADAPTER.dump_python(plan, mode="json")}
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()

    def decode(self, document: bytes) -> Plan:
        """Returns the plan in a document. Raises ValueError if it is none."""
        read: Any = json.loads(document)
        if not isinstance(read, dict) or read.get("format") != FORMAT or read.get("version") != VERSION:
            raise ValueError(f"not a document of {FORMAT} that this planner can read")
        try:
            return _ADAPTER.validate_python(read.get("plan"))
        except ValidationError as error:
            raise ValueError(f"a damaged document of {FORMAT}: {error.error_count()} problems") from error
