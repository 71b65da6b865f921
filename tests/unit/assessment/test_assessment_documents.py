"""Stored documents: canonical, complete, and readable in every version ever written."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from myoplan.assessment.v1 import assessment_service_pb2 as s
from services.assessment.api.parse import Parser
from services.assessment.domain.assessment import Assessment, Person, complete, derive, record
from services.assessment.storage.documents import SCHEMA, JsonDocuments, SchemaUnknown
from services.store.model import Actor
from tests.support.assessment import BEGIN, CLIENT, NAME, knowledge, whole_assessment

GOLDEN = Path(__file__).parent / "golden"
TESS = Actor(clinic="clinic-a", person="tess", display_name="Tess Ö.", roles=("therapist",))
DOCUMENTS = JsonDocuments()


def whole() -> Assessment:
    """Returns an assessment with something in every field, sealed once."""
    command = Parser(knowledge()).create(TESS, s.CreateAssessmentRequest(parent=CLIENT, assessment=whole_assessment()))
    opened = Assessment(
        name=NAME,
        uid="5f0c5b9e-6f1f-4b7e-9a55-0d9a3f1f8a01",
        author=Person(id=TESS.person, display_name=TESS.display_name),
        create_time=BEGIN,
        intake=command.intake,
    )
    recorded = record(opened, command.findings)
    return complete(derive(recorded, knowledge().motions), datetime(2026, 3, 2, 9, 40, 0, 123_456, UTC))


@pytest.mark.parametrize("file", sorted(GOLDEN.iterdir()), ids=lambda file: file.stem)
def test_every_version_ever_written_is_read(file: Path) -> None:
    """A golden file is never changed: it stands for what clinics have stored."""
    document = file.read_bytes().rstrip(b"\n")
    assessment = DOCUMENTS.decode(document)
    assert not list(empty_parts(assessment)), "the file holds something in every field"
    if json.loads(document)["schema"] == SCHEMA:
        assert DOCUMENTS.encode(assessment) == document
    assert DOCUMENTS.decode(DOCUMENTS.encode(assessment)) == assessment


def test_there_is_a_golden_file_for_this_version() -> None:
    assert (GOLDEN / f"assessment_{SCHEMA}.json").is_file()


def test_what_is_written_is_what_is_read() -> None:
    assert DOCUMENTS.decode(DOCUMENTS.encode(whole())) == whole()


def test_an_empty_assessment_comes_back_empty() -> None:
    empty = Assessment(name=NAME, uid="u", author=Person(id="p", display_name="P"), create_time=BEGIN)
    document = DOCUMENTS.encode(empty)
    assert DOCUMENTS.decode(document) == empty
    assert set(json.loads(document)) == {"schema", "name", "uid", "state", "author", "create_time"}


def test_bytes_are_canonical() -> None:
    document = DOCUMENTS.encode(whole())
    again = json.dumps(json.loads(document), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert again.encode() == document
    assert DOCUMENTS.encode(replace(whole())) == document
    assert b"\xc3\x96" in document, "text stands as it is"


def test_zero_and_no_are_kept() -> None:
    kept = DOCUMENTS.decode(DOCUMENTS.encode(whole()))
    assert kept.findings.pain_areas[0].onset_days == 0
    assert kept.findings.palpation_findings[0].local_twitch is False
    assert kept.intake.preferences.consents.intraoral_allowed is False


def test_a_document_of_a_newer_program_is_not_guessed_at() -> None:
    document = json.loads(DOCUMENTS.encode(whole())) | {"schema": SCHEMA + 1}
    with pytest.raises(SchemaUnknown):
        DOCUMENTS.decode(json.dumps(document).encode())


def empty_parts(value: Any, path: str = "") -> Any:
    """Yields the fields in which no value of their type holds anything, over all values of a tuple."""
    if is_dataclass(value):
        for each in fields(value):
            yield from empty_parts([getattr(value, each.name)], f"{path}.{each.name}")
        return
    values = [item for item in value if item not in (None, "", ())]
    if not values:
        yield path
    tuples = [item for item in values if isinstance(item, tuple)]
    if tuples:
        yield from empty_parts([item for several in tuples for item in several], f"{path}[]")
    by_type: dict[type, list[Any]] = {}
    for item in values:
        if is_dataclass(item):
            by_type.setdefault(type(item), []).append(item)
    for type_, items in by_type.items():
        for each in fields(type_):
            yield from empty_parts([getattr(item, each.name) for item in items], f"{path}.{each.name}")
