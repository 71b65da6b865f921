"""Ids of findings that come without one: derived from what the finding is about, so the same finding has the same id.

Parts are joined by hyphens, which no vocabulary id holds; two findings share an id only if they are about the same.
"""

from __future__ import annotations

import hashlib
import re

from services.assessment.domain.findings import Mode, Side

FINDING_ID = re.compile(r"[a-z0-9]([a-z0-9_-]{0,126}[a-z0-9])?")
_DIGITS = 12


def pain_area_id(zone: str, side: Side) -> str:
    """Returns `pain-back_of_head-left`."""
    return _joined("pain", zone, side)


def palpation_id(muscle: str, side: Side, site: str) -> str:
    """Returns `palpation-upper_trapezius-right`, with the site behind it where one is named."""
    return _joined("palpation", muscle, side, site)


def rom_test_id(motion: str, side: Side, mode: Mode) -> str:
    """Returns `rom-cervical_rotation-left-active`."""
    return _joined("rom", motion, side, mode)


def posture_id(observation: str, zone: str, side: Side | None) -> str:
    """Returns `posture-0123456789ab`, with zone and side behind it where they are named.

    The observation is free text: its digest stands in, because ids appear in the list of revisions and text does not.
    """
    words = " ".join(observation.casefold().split())
    return _joined("posture", hashlib.sha256(words.encode()).hexdigest()[:_DIGITS], zone, side)


def health_flag_id(condition: str, zone: str, side: Side | None) -> str:
    """Returns `flag-skin_lesion`, with zone and side behind it where they are named."""
    return _joined("flag", condition, zone, side)


def _joined(*parts: str | None) -> str:
    return "-".join(part for part in parts if part)
