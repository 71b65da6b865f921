"""The promises of the Google API improvement proposals that buf cannot see, checked on the descriptors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor, MethodDescriptor

from myoplan.assessment.v1 import assessment_pb2, assessment_service_pb2
from myoplan.assessment.v1 import error_reason_pb2 as assessment_reasons
from myoplan.planner.v1 import (
    edit_pb2,
    knowledge_service_pb2,
    learning_pb2,
    plan_pb2,
    planner_service_pb2,
    review_pb2,
    session_pb2,
)
from myoplan.planner.v1 import error_reason_pb2 as planner_reasons

FILES: list[FileDescriptor] = [
    assessment_pb2.DESCRIPTOR,
    assessment_service_pb2.DESCRIPTOR,
    plan_pb2.DESCRIPTOR,
    planner_service_pb2.DESCRIPTOR,
    edit_pb2.DESCRIPTOR,
    review_pb2.DESCRIPTOR,
    session_pb2.DESCRIPTOR,
    learning_pb2.DESCRIPTOR,
    knowledge_service_pb2.DESCRIPTOR,
]
NUMBERS = {
    FieldDescriptor.CPPTYPE_DOUBLE,
    FieldDescriptor.CPPTYPE_FLOAT,
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
}
UNSIGNED = {FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64}
# Numbers for which zero means "none" or "default", and cannot be mistaken for a measurement.
COUNTERS = {
    "page_size", "revision", "version", "reviewed_count", "fact_count", "approved_version", "approved_revision",
    "from_version", "earlier_revision", "later_revision", "open_must_fix", "alternatives", "changed_steps", "count",
    "steps_planned", "steps_done", "sessions", "sessions_retested", "level", "agreed", "missed", "added", "unsafe",
}  # fmt: skip
# Scales and scores without a unit, and values whose unit the motion or the parameter names.
UNITLESS = {
    *COUNTERS, "intensity", "tenderness", "pain", "pain_ceiling", "pressure_tolerance", "pressure_level",
    "max_pressure", "pressure_min", "pressure_max", "repetitions", "contribution", "weight", "score", "quality",
    "palpability", "effect",
    "tissue_load", "objective", "upper_bound", "thumb", "wrist", "elbow", "tool", "number", "min", "max", "value",
    "norm_value", "deficit", "side_difference", "before", "benefit", "median_pain_change", "limit_min", "limit_max",
    "sd", "earlier_value", "later_value", "change", "measurement_error", "earlier_intensity", "later_intensity",
    "threshold",
}  # fmt: skip
UNITS = ("_years", "_days", "_seconds", "seconds", "_kpa", "_percent", "minutes_needed")
WRITES = ("Create", "Update", "Record", "Retract", "Complete", "Void", "Amend")


def messages() -> Iterator[Descriptor]:
    def inside(message: Descriptor) -> Iterator[Descriptor]:
        yield message
        for nested in message.nested_types:
            if not nested.GetOptions().map_entry:
                yield from inside(nested)

    for file in FILES:
        for message in file.message_types_by_name.values():
            yield from inside(message)


def methods() -> list[MethodDescriptor]:
    return [method for file in FILES for service in file.services_by_name.values() for method in service.methods]


def scalar_fields() -> list[FieldDescriptor]:
    return [field for message in messages() for field in message.fields]


@pytest.mark.parametrize("field", scalar_fields(), ids=lambda field: field.full_name)
def test_numbers_say_whether_they_are_there_and_in_which_unit(field: FieldDescriptor) -> None:
    assert field.cpp_type not in UNSIGNED, "AIP-141: no unsigned numbers"
    if field.cpp_type not in NUMBERS:
        return
    if not field.is_repeated and field.name not in COUNTERS:
        assert field.has_presence, "absent is not zero: make it optional"
    assert field.name in UNITLESS or field.name.endswith(UNITS), "name the unit"


@pytest.mark.parametrize("method", methods(), ids=lambda method: method.full_name)
def test_methods_have_the_standard_form(method: MethodDescriptor) -> None:
    request, response = method.input_type, method.output_type
    assert request.name == f"{method.name}Request"
    names = {field.name for field in request.fields}
    if method.name.startswith("List"):
        assert {"page_size", "page_token"} <= names
        assert "next_page_token" in response.fields_by_name
        assert response.fields[0].is_repeated
    if method.name.startswith(WRITES):
        assert "request_id" in names, "AIP-155"
        if not method.name.startswith("Create"):
            resource_etag = method.name.startswith("Update") and "etag" in response.fields_by_name
            assert "etag" in names or resource_etag, "AIP-154"
        assert response.name in {"Assessment", "Plan", "Comment", "Session"}, "a write returns the whole resource"
    if method.name.startswith("Get") and request.fields:
        assert request.fields[0].name == "name"
    if method.name.startswith("Watch"):
        assert "cursor" in names
        assert "cursor" in response.fields_by_name


def test_resources_begin_with_their_name() -> None:
    for message in messages():
        named = message.fields_by_name.get("name")
        if named is None or message.name.endswith("Request"):
            continue
        assert message.fields[0].name == "name", message.full_name
        assert field_behavior_pb2.IDENTIFIER in named.GetOptions().Extensions[field_behavior_pb2.field_behavior]


def test_derived_fields_are_output_only() -> None:
    derived = [
        assessment_pb2.PalpationFinding.DESCRIPTOR.fields_by_name["classification"],
        assessment_pb2.RomTest.DESCRIPTOR.fields_by_name["interpretation"],
        assessment_pb2.Assessment.DESCRIPTOR.fields_by_name["state"],
        plan_pb2.Plan.DESCRIPTOR.fields_by_name["state"],
        plan_pb2.Plan.DESCRIPTOR.fields_by_name["disposition"],
    ]
    for field in derived:
        behaviour = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
        assert field_behavior_pb2.OUTPUT_ONLY in behaviour, field.full_name


def test_the_planner_never_imports_the_assessment_contract() -> None:
    """AIP-215: a plan holds names and its own snapshot."""
    for file in FILES[2:]:
        assert not [name for name in (dep.name for dep in file.dependencies) if "assessment" in name]


def test_both_services_share_their_reasons() -> None:
    shared = set(assessment_reasons.ErrorReason.keys())
    assert shared <= set(planner_reasons.ErrorReason.keys())


def test_no_field_names_a_clinic() -> None:
    """The clinic comes from the credential, never from a message."""
    assert not [field.full_name for field in scalar_fields() if "clinic" in field.name]
