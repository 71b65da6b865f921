"""The documented limits of an assessment. None of them is clinical: those are data of the knowledge base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """A range of numbers, closed at the top; `above_low` opens it at the bottom."""

    low: float
    high: float
    above_low: bool = False

    def __contains__(self, value: float) -> bool:
        return (self.low < value if self.above_low else self.low <= value) and value <= self.high

    def __str__(self) -> str:
        return f"{'(' if self.above_low else '['}{self.low:g}, {self.high:g}]"


RATING = Range(0, 10)
"""The numeric rating scale of pain and tenderness."""
AGE_YEARS = Range(0, 120)
ONSET_DAYS = Range(0, 36_500)
PRESSURE_TOLERANCE = Range(1, 5)
PRESSURE_PAIN_THRESHOLD_KPA = Range(0, 2_000, above_low=True)
YEARS = Range(2000, 2100)
LEAST_NUMBER = 1e-6
"""Anything nearer to zero is a fault of a program, not a measurement."""

NOTE_BYTES = 8 * 1024
REASON_BYTES = 1024
LABEL_CHARACTERS = 64
SENTENCE_CHARACTERS = 256
WORD_CHARACTERS = 64
PERSON_CHARACTERS = 128
LISTED_TEXTS = 32
QUALITIES = 8
REFERRED_ZONES = 32
PARAMETERS = 16
CHOSEN_IDS = 64

ASSESSMENT_BYTES = 256 * 1024
"""A whole assessment, as a message."""

FINDINGS: Mapping[str, int] = {
    "pain_areas": 128,
    "palpation_findings": 400,
    "rom_tests": 256,
    "posture_observations": 128,
    "health_flags": 200,
}
"""Kind of finding -> the most an assessment holds."""
