"""Positions, rights and errors at the edge of the service."""

from __future__ import annotations

from dataclasses import replace

import pytest

from myoplan.assessment.v1 import error_reason_pb2
from services.assessment.api import positions
from services.assessment.api.errors import explain
from services.assessment.api.rights import RIGHTS
from services.assessment.domain import errors
from services.assessment.domain.assessment import State
from services.assessment.usecases.read import List
from services.assessment.usecases.revisions import ListRevisions
from services.runtime.identity import Role
from services.runtime.status import pack, unpack
from services.store.model import Position, RequestReused, StoreError, StoreNotDurable, StoreUnavailable
from tests.support.assessment import CLIENT, NAME

QUERY = List(clinic="clinic-a", parent=CLIENT, state=None, page_size=50, after=None)


def test_a_token_is_good_for_the_same_request_only() -> None:
    scope = positions.list_scope(QUERY)
    token = positions.page_token(scope, 42)
    assert positions.position_of(scope, token) == 42
    assert positions.position_of(scope, "") is None
    others = [
        positions.list_scope(replace(QUERY, clinic="clinic-b")),
        positions.list_scope(replace(QUERY, parent="clients/-")),
        positions.list_scope(replace(QUERY, state=State.OPEN)),
        positions.revisions_scope(ListRevisions(clinic="clinic-a", name=NAME, page_size=50, after=None)),
    ]
    for other in others:
        with pytest.raises(positions.PositionInvalid):
            positions.position_of(other, token)
    assert positions.list_scope(replace(QUERY, page_size=7, after=9)) == scope


@pytest.mark.parametrize(
    "change", [lambda t: t + "=", lambda t: t[:-1], lambda t: "A" + t, lambda t: t + "\n", lambda t: t + "A"]
)
def test_a_changed_token_is_refused(change: object) -> None:
    assert callable(change)
    scope = positions.list_scope(QUERY)
    with pytest.raises(positions.PositionInvalid):
        positions.position_of(scope, change(positions.page_token(scope, 42)))


@pytest.mark.parametrize(
    "text",
    [
        f"0 1 1-0 {NAME}",
        f"1 0 1-0 {NAME}",
        f"-1 1 1-0 {NAME}",
        f"01 1 1-0 {NAME}",
        f"{'1' * 17} 1 1-0 {NAME}",
        f"1 1 {NAME}",
        f"1 1 1-0 {NAME} x",
        "1 1 1-0 clients/a",
        "1 1 1-0 ",
        "x",
    ],
)
def test_a_cursor_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(positions.PositionInvalid):
        positions.event_position(positions._pack(text))


def test_a_cursor_says_where_it_stands() -> None:
    packed = positions._pack(f"12 3 3-0123456789abcdef {NAME}")
    assert positions.event_position(packed) == Position(seq=12, revision=3, etag="3-0123456789abcdef", name=NAME)
    assert positions.event_position("") is None
    assert packed.isascii()
    assert " " not in packed


EXPLAINED = {
    errors.RequestInvalid([errors.FieldProblem("a.b", "is wrong")]): ("INVALID_ARGUMENT", "FIELD_INVALID"),
    errors.AssessmentMissing(NAME): ("NOT_FOUND", "RESOURCE_NOT_FOUND"),
    errors.FindingsMissing(NAME, ("x",)): ("NOT_FOUND", "RESOURCE_NOT_FOUND"),
    errors.AssessmentExists(NAME): ("ALREADY_EXISTS", "RESOURCE_ALREADY_EXISTS"),
    errors.StateForbids(NAME, "COMPLETED", "OPEN"): ("FAILED_PRECONDITION", "STATE_FORBIDS"),
    errors.EtagStale(NAME): ("ABORTED", "ETAG_MISMATCH"),
    errors.LimitReached(NAME, "rom_tests", 256): ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED"),
    errors.AssessmentDamaged(NAME): ("DATA_LOSS", "RECORD_DAMAGED"),
    RequestReused("5f0c5b9e-6f1f-4b7e-9a55-0d9a3f1f8a01"): ("INVALID_ARGUMENT", "REQUEST_ID_REUSED"),
    StoreUnavailable("secret address"): ("UNAVAILABLE", "STORE_UNAVAILABLE"),
    StoreNotDurable("appendfsync is everysec"): ("UNAVAILABLE", "STORE_NOT_DURABLE"),
}


@pytest.mark.parametrize("error", list(EXPLAINED), ids=lambda error: type(error).__name__)
def test_every_error_has_a_code_and_a_reason(error: Exception) -> None:
    refusal = explain(error)
    assert refusal is not None
    assert (refusal.code.name, refusal.reason) == EXPLAINED[error]
    assert refusal.reason in error_reason_pb2.ErrorReason.keys()  # noqa: SIM118
    read = unpack(refusal.code, refusal.message, pack(refusal))
    assert read.metadata.items() >= refusal.metadata.items()
    assert "secret" not in str(read)
    if read.metadata.get("resource"):
        assert read.metadata["resource"] == NAME


def test_every_error_of_the_domain_is_explained() -> None:
    kinds = {type(error) for error in EXPLAINED}
    assert set(errors.AssessmentError.__subclasses__()) <= kinds


def test_what_nobody_foresaw_is_a_bug() -> None:
    for error in (ValueError("x"), KeyError("x"), StoreError("x")):
        assert explain(error) is None


def test_all_problems_are_counted() -> None:
    problems = [errors.FieldProblem(f"rom_tests[{n}].side", "is required: LEFT or RIGHT") for n in range(256)]
    refusal = explain(errors.RequestInvalid(problems))
    assert refusal is not None
    assert "256" in refusal.message
    read = unpack(refusal.code, refusal.message, pack(refusal))
    assert read.metadata["field_count"] == "256"
    assert len(read.fields) <= 100
    assert read.fields[-1].problem == f"{256 - len(read.fields) + 1} more are not listed"


def test_admins_have_no_business_with_clinical_records() -> None:
    assert all(Role.ADMIN not in roles for roles in RIGHTS.values())
