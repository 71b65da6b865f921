"""The plain English of a plan. Everything here is rendered from typed values; nothing reads it back."""

from __future__ import annotations

from knowledge.model import Muscle, Range, Technique
from services.planner.domain.plan import StepDose
from services.planner.domain.sides import Side


def minutes(half_minutes: int) -> str:
    """Returns a time in minutes, `1 minute` or `2.5 minutes`."""
    value = half_minutes / 2
    return f"{value:g} minute{'' if value == 1 else 's'}"


def left_over(half_minutes: int) -> str:
    """Returns what is left in a clause, `1 minute is left` or `2.5 minutes are left`."""
    return f"{minutes(half_minutes)} {'is' if half_minutes == 2 else 'are'} left"  # noqa: PLR2004 - two halves


def on_muscle(muscle: Muscle, side: Side) -> str:
    """Returns a muscle with its side, `upper trapezius, RIGHT`."""
    return muscle.names[0] if side is Side.MIDLINE else f"{muscle.names[0]}, {side.name}"


def dosed(technique: Technique, level: str, pain_ceiling_default: int) -> StepDose:
    """Returns how a technique is dosed; discomfort at most the technique's own or the general limit, the lower one."""
    return StepDose(
        level=level,
        seconds=_usual(technique.seconds),
        repetitions=_usual(technique.repetitions),
        contraction_percent=_usual(technique.contraction_percent),
        hold_seconds=_usual(technique.hold_seconds),
        pain_ceiling=min(technique.pain_ceiling, pain_ceiling_default),
    )


def in_words(dose: StepDose, pressure: int | None) -> str:
    """Returns a dose in a sentence; empty where there is nothing to say."""
    parts = []
    if dose.repetitions is not None:
        parts.append(f"{dose.repetitions:g} times")
    if dose.seconds is not None:
        parts.append(f"{dose.seconds:g} seconds each")
    if dose.contraction_percent is not None:
        parts.append(f"{dose.contraction_percent:g} % of full strength")
    if dose.hold_seconds is not None:
        parts.append(f"held for {dose.hold_seconds:g} seconds")
    if pressure is not None:
        parts.append(f"pressure {pressure} of 5")
    if dose.pain_ceiling:
        parts.append(f"discomfort at most {dose.pain_ceiling} of 10")
    return f"Dose: {', '.join(parts)}." if parts else ""


def capital(text: str) -> str:
    """Returns a text with its first letter large."""
    return text[:1].upper() + text[1:]


def _usual(values: Range | None) -> float | None:
    return None if values is None else float(values.usual)
