"""No number about bodies or sessions stands without the source it is from."""

from __future__ import annotations

from knowledge.lint.number_without_source import check
from knowledge.model import MeasurementError, Status
from tests.support.literal_knowledge import knowledge, motion, norm, number


def test_numbers_with_their_source_are_right() -> None:
    base = knowledge(motion("hip_flexion", norms=(norm(120),)), number("weight", 0.5))
    assert list(check(base)) == []


def test_a_norm_without_source_is_found() -> None:
    base = knowledge(motion("hip_flexion", norms=(norm(120, source=""),)))
    assert [finding.subject for finding in check(base)] == ["hip_flexion"]


def test_a_measurement_error_without_source_is_found() -> None:
    base = knowledge(
        motion(
            "hip_flexion",
            measurement_errors=(MeasurementError(value=5, source="", status=Status.UNVERIFIED, examiners="same"),),
        )
    )
    assert [finding.subject for finding in check(base)] == ["hip_flexion"]


def test_limits_without_source_are_found() -> None:
    base = knowledge(motion("hip_flexion", limit_source=""))
    assert [finding.subject for finding in check(base)] == ["hip_flexion"]


def test_a_planning_number_without_source_is_found() -> None:
    base = knowledge(number("weight", 0.5, source=""))
    assert [finding.subject for finding in check(base)] == ["weight"]
