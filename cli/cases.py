"""Reads case files: the proto-JSON of an Assessment, as YAML or JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from cli.failures import InvalidInput
from knowledge.load import MAX_FILE_BYTES, FileRefused, parse
from myoplan.assessment.v1.assessment_pb2 import Assessment

_DIGEST_OF_ID = re.compile(r"[^a-z0-9]+")
_LONGEST_ID = 63


def read_case(path: Path) -> Assessment:
    """Returns the assessment in `path`. Raises InvalidInput."""
    if not path.is_file():
        raise InvalidInput(f"{path}: there is no such file")
    content = _read_json(path) if path.suffix == ".json" else _read_yaml(path)
    if not isinstance(content, dict):
        raise InvalidInput(f"{path}: not a case; begin with fields of an Assessment such as pain_areas:")
    try:
        return json_format.ParseDict(content, Assessment())
    except (json_format.ParseError, RecursionError) as error:
        raise InvalidInput(f"{path}: not the proto-JSON of an Assessment: {error}") from error


def client_of(path: Path) -> str:
    """Returns a client id made from the file's name."""
    return _DIGEST_OF_ID.sub("-", path.stem.lower()).strip("-")[:_LONGEST_ID].strip("-") or "case"


def _read_json(path: Path) -> Any:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise InvalidInput(f"{path}: larger than {MAX_FILE_BYTES} bytes")
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path}: not JSON: {error}") from error


def _read_yaml(path: Path) -> Any:
    try:
        return parse(path)
    except FileRefused as refused:
        raise InvalidInput(f"{path}:{refused.line}: {refused.message} ({refused.remedy})") from refused
