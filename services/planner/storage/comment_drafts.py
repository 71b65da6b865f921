"""Unpublished comments as JSON documents."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.planner.domain.review import CommentDrafts

FORMAT = "myoplan.planner.comment_drafts"
VERSION = 1
_ADAPTER = TypeAdapter(CommentDrafts)


class JsonCommentDrafts:
    """Implements `DraftDocuments`."""

    def encode(self, drafts: CommentDrafts) -> bytes:
        """Returns the document of the drafts."""
        document = {"format": FORMAT, "version": VERSION, "drafts": _ADAPTER.dump_python(drafts, mode="json")}
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()

    def decode(self, document: bytes) -> CommentDrafts:
        """Returns the drafts in a document. Raises ValueError if it holds none."""
        read: Any = json.loads(document)
        if not isinstance(read, dict) or (read.get("format"), read.get("version")) != (FORMAT, VERSION):
            raise ValueError(f"not a document of {FORMAT} that this planner can read")
        try:
            return _ADAPTER.validate_python(read.get("drafts"))
        except ValidationError as error:
            raise ValueError(f"a damaged document of {FORMAT}: {error.error_count()} problems") from error
