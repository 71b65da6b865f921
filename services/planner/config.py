"""Settings of the planner: what every service needs, and where the assessment service is."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from services.planner.usecases.plans import USUAL_EXPIRY_HOURS
from services.planner.usecases.review import EVERY_CLINIC
from services.runtime.config import ADDRESS, ReadableFile, RuntimeSettings
from services.runtime.identity import CLINIC

MOST_EXPIRY_HOURS = 8760


class PlannerSettings(RuntimeSettings):
    """Read from environment variables `MYOPLAN_…`; docs/deploying.md lists them."""

    assessment_address: str
    """Where the assessment service is, `HOST:PORT`."""
    assessment_ca: ReadableFile | None = None
    """The authority of its certificate (PEM); without it the call is made without TLS."""
    follow_tokens: ReadableFile | None = None
    """A file of the planner's own tokens, one a line and clinic, role `system`; read again whenever one is needed.
    Without it no assessment is followed: what has changed is only found when somebody approves."""
    strict_four_eyes: str = ""
    """Clinics in which whoever releases a plan must have contributed nothing to it: ids with commas, or `*` for all."""
    plan_expiry_hours: Annotated[int, Field(gt=0, le=MOST_EXPIRY_HOURS)] = USUAL_EXPIRY_HOURS
    """How long a plan may lie unreleased before it expires, in hours; counted from its session if that is later."""

    @field_validator("strict_four_eyes")
    @classmethod
    def _are_clinics(cls, value: str) -> str:
        wrong = [word for word in _words(value) if word != EVERY_CLINIC and not CLINIC.fullmatch(word)]
        if wrong:
            raise ValueError(f"holds {len(wrong)} that are no clinic ids")
        return value

    def strict_clinics(self) -> frozenset[str]:
        """Returns the clinics with strict four-eyes; `*` stands for all."""
        return frozenset(_words(self.strict_four_eyes))

    @field_validator("assessment_address")
    @classmethod
    def _is_host_and_port(cls, value: str) -> str:
        if not ADDRESS.fullmatch(value):
            raise ValueError("is not HOST:PORT")
        return value


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
