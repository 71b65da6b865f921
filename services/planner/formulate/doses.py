"""Time and worth of doses: from seconds to half minutes, from shares to thousandths, and what every session needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from knowledge.model import Dose, Technique
from services.planner.domain.plan import Phase
from services.planner.domain.problem import HALF_MINUTE_SECONDS, Companion, HandLoads
from services.planner.domain.sides import Side
from services.planner.graph.numbers import Numbers

WHOLE = 1000


def half_minutes(seconds: float) -> int:
    """Returns the time in half minutes, begun ones counted whole."""
    return -int(-seconds // HALF_MINUTE_SECONDS)


def hand_loads(technique: Technique) -> HandLoads:
    """Returns the load of one use of a technique on thumb, wrist, elbow and tool."""
    load = technique.hand_load
    return (load.thumb, load.wrist, load.elbow, load.tool)


def longest_within(doses: Iterable[Dose], seconds: float) -> Dose:
    """Returns the longest dose of at most `seconds` [s], or the shortest one if none is so short."""
    by_length = sorted(doses, key=lambda dose: dose.seconds)
    fitting = [dose for dose in by_length if dose.seconds <= seconds]
    return fitting[-1] if fitting else by_length[0]


def worth(effect: int, numbers: Numbers) -> int:
    """Returns what an effect is worth, both in thousandths: lines between quarters, each flatter than the last.

    Twice the work on one muscle is worth less than the same work on two.
    """
    points = (
        0.0,
        numbers.benefit_at_quarter_effect,
        numbers.benefit_at_half_effect,
        numbers.benefit_at_three_quarters_effect,
        numbers.benefit_at_full_effect,
    )
    quarter = WHOLE // (len(points) - 1)
    place = min(effect // quarter, len(points) - 2)
    low, high = points[place], points[place + 1]
    share = low + (high - low) * min(effect - place * quarter, quarter) / quarter
    return round(WHOLE * share / points[-1])


def warm_up_dose(technique: Technique, budget_seconds: int, numbers: Numbers) -> Dose:
    """Returns the warm-up of one region: its share of the session, between the least and the most that make sense."""
    share = numbers.warm_up_share * budget_seconds / numbers.warm_up_regions_usual
    target = min(max(share, numbers.warm_up_seconds_least), numbers.warm_up_seconds_most)
    return longest_within(technique.doses, target)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTechniques:
    """The techniques that belong to the session and not to a muscle; None where it has to do without."""

    arrival: Technique | None
    retest: Technique | None
    integration: Technique | None
    close: Technique | None


def session_frame(
    techniques: SessionTechniques, numbers: Numbers, budget_seconds: int, key_motion: tuple[str, Side] | None
) -> tuple[Companion, ...]:
    """Returns arrival and close, each as long as its share of the session allows."""
    frame: list[Companion] = []
    if techniques.arrival:
        motion, side = key_motion or ("", None)
        dose = longest_within(
            techniques.arrival.doses, min(numbers.arrival_seconds, numbers.check_share * budget_seconds)
        )
        frame.append(framed(Phase.ARRIVAL, techniques.arrival, dose, motion=motion, side=side))
    if techniques.close:
        frame.append(
            framed(Phase.CLOSE, techniques.close, _close_dose(techniques.close, techniques, numbers, budget_seconds))
        )
    return tuple(frame)


def joining_strokes(
    techniques: SessionTechniques, numbers: Numbers, budget_seconds: int, pressure_cap: int
) -> Companion | None:
    """Returns the strokes that join a region up again, in what the close leaves of its share."""
    technique = techniques.integration
    if technique is None:
        return None
    left = numbers.close_share * budget_seconds
    if techniques.close:
        left -= _close_dose(techniques.close, techniques, numbers, budget_seconds).seconds
    pressure = min(int(technique.pressure.usual), pressure_cap)
    return framed(Phase.INTEGRATE, technique, longest_within(technique.doses, left), pressure=pressure)


def _close_dose(close: Technique, techniques: SessionTechniques, numbers: Numbers, budget_seconds: int) -> Dose:
    joining = techniques.integration
    kept = min(dose.seconds for dose in joining.doses) if joining else 0
    return longest_within(close.doses, min(numbers.close_seconds, numbers.close_share * budget_seconds - kept))


def framed(
    phase: Phase,
    technique: Technique,
    dose: Dose,
    *,
    motion: str = "",
    side: Side | None = None,
    pressure: int | None = None,
) -> Companion:
    """Returns a shared step of a session."""
    return Companion(
        id=phase.value,
        phase=phase,
        technique=technique.id,
        level=dose.level,
        half_minutes=half_minutes(dose.seconds),
        tissue_load=dose.tissue_load,
        hand_load=hand_loads(technique),
        motion=motion,
        side=side,
        pressure=pressure,
    )
