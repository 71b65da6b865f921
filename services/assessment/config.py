"""Settings of the assessment service: what every service needs, nothing of its own."""

from __future__ import annotations

from services.runtime.config import RuntimeSettings


class AssessmentSettings(RuntimeSettings):
    """Read from environment variables `MYOPLAN_…`; docs/deploying.md lists them."""
