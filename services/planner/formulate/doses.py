"""Time and worth of doses: from seconds to half minutes, from shares to thousandths, and what every session needs."""

from __future__ import annotations

from collections.abc import Iterable

from knowledge.model import Dose, Technique
from knowledge.model import Phase as KnowledgePhase
from services.planner.domain.plan import Phase
from services.planner.domain.problem import HALF_MINUTE_SECONDS, Companion, HandLoads
from services.planner.domain.sides import Side
from services.planner.graph.index import KnowledgeGraph
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


def session_frame(
    graph: KnowledgeGraph, budget_seconds: int, key_motion: tuple[str, Side] | None
) -> tuple[Companion, ...]:
    """Returns arrival and close, each as long as its share of the session allows."""
    numbers = graph.numbers
    check_seconds = min(numbers.arrival_seconds, numbers.check_share * budget_seconds)
    motion, side = key_motion or ("", None)
    arrival = [
        framed(Phase.ARRIVAL, technique, longest_within(technique.doses, check_seconds), motion=motion, side=side)
        for technique in graph.techniques_in[KnowledgePhase.ARRIVAL][:1]
    ]
    close = [
        framed(Phase.CLOSE, technique, _close_dose(technique, graph, budget_seconds))
        for technique in graph.techniques_in[KnowledgePhase.CLOSE][:1]
    ]
    return (*arrival, *close)


def integration(graph: KnowledgeGraph, technique: Technique, budget_seconds: int, pressure: int) -> Companion:
    """Returns the strokes that join a region up again, in what the close leaves of its share."""
    left = graph.numbers.close_share * budget_seconds
    for close in graph.techniques_in[KnowledgePhase.CLOSE][:1]:
        left -= _close_dose(close, graph, budget_seconds).seconds
    return framed(Phase.INTEGRATE, technique, longest_within(technique.doses, left), pressure=pressure)


def _close_dose(technique: Technique, graph: KnowledgeGraph, budget_seconds: int) -> Dose:
    joining = integration_technique(graph)
    kept = min(dose.seconds for dose in joining.doses) if joining else 0
    share = graph.numbers.close_share * budget_seconds - kept
    return longest_within(technique.doses, min(graph.numbers.close_seconds, share))


def integration_technique(graph: KnowledgeGraph) -> Technique | None:
    """Returns the technique that joins a region up again after deep work."""
    return next((t for t in graph.techniques_in[KnowledgePhase.INTEGRATE] if t.acts_on == "region"), None)


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
