"""Settings of the planner: what every service needs, and where the assessment service is."""

from __future__ import annotations

from pydantic import field_validator

from services.runtime.config import ADDRESS, ReadableFile, RuntimeSettings


class PlannerSettings(RuntimeSettings):
    """Read from environment variables `MYOPLAN_…`; docs/deploying.md lists them."""

    assessment_address: str
    """Where the assessment service is, `HOST:PORT`."""
    assessment_ca: ReadableFile | None = None
    """The authority of its certificate (PEM); without it the call is made without TLS."""

    @field_validator("assessment_address")
    @classmethod
    def _is_host_and_port(cls, value: str) -> str:
        if not ADDRESS.fullmatch(value):
            raise ValueError("is not HOST:PORT")
        return value
