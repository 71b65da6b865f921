"""The steps of a plan as rows: by position, then by muscle, each text told where it is first needed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from google.protobuf.duration_pb2 import Duration

from myoplan.planner.v1.plan_pb2 import Dose, Plan, Step
from sheet.words import Words, capital, plain, side_word

_PHASES = {
    Step.ARRIVAL: "Arrival",
    Step.WARM_UP: "Warm-up",
    Step.CONFIRM: "Confirm",
    Step.RELEASE: "Release",
    Step.LENGTHEN: "Lengthen",
    Step.RETEST: "Re-test",
    Step.INTEGRATE: "Integrate",
    Step.CLOSE: "Close",
    Step.TURN: "Turn",
}
_SENTENCE_END = re.compile(r"(?<=[.!?]) (?=[A-Z])")
# A place that can be hurt is named at every step that comes near it.
_SITE = "endangerment_site"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One step. Pressure and the most discomfort are empty where there are none.

    `method` is told at the first step with the technique, and a caution where it first applies: `method_step` and
    `caution_steps` are the earlier steps that tell the rest. `sites` names again what was told at one of those.
    """

    number: int
    minutes: str
    phase: str
    technique: str
    pressure: str
    discomfort: str
    pinned: bool
    how: tuple[str, ...]
    dose: str
    method: str
    method_step: int | None
    cautions: tuple[str, ...]
    sites: tuple[str, ...]
    caution_steps: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Steps in a row on one place, `LEFT upper trapezius`; the side stands apart so that it can be printed larger."""

    side: str
    place: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What is done in one position. `turn` is the step that brings the client there; None: no turn leads to it."""

    position: str
    turn: Row | None
    groups: tuple[Group, ...]


def blocks(plan: Plan, words: Words) -> tuple[Block, ...]:
    """Returns every step of a plan once and in order."""
    reader = _Reader(words)
    found: list[tuple[str, Row | None, list[tuple[Step, Row]]]] = []
    for number, step in enumerate(plan.steps, 1):
        row = reader.row(number, step)
        position = words.name("position", step.position)
        if step.phase == Step.TURN:
            found.append((position, row, []))
            continue
        if not found or found[-1][0] != position:
            found.append((position, None, []))
        found[-1][2].append((step, row))
    return tuple(
        Block(position=capital(position), turn=turn, groups=tuple(_groups(rows, words)))
        for position, turn, rows in found
    )


def _groups(rows: Iterable[tuple[Step, Row]], words: Words) -> Iterator[Group]:
    def place(pair: tuple[Step, Row]) -> tuple[str, str]:
        step, row = pair
        if step.muscle:
            return side_word(step.side), words.name("muscle", step.muscle)
        if step.motion:
            return "", f"{words.motion(step.motion, step.side)} #{row.number}"
        # Only work on one muscle is drawn together.
        return side_word(step.side), f"{words.name('region', step.region)} #{row.number}"

    for (side, name), members in groupby(rows, key=place):
        yield Group(side=side, place=name.partition(" #")[0], rows=tuple(row for _, row in members))


class _Reader:
    """Remembers what was told at which step."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._told: dict[str, int] = {}

    def row(self, number: int, step: Step) -> Row:
        """Returns the row of a step."""
        technique = self._words.name("technique", step.technique)
        method = self._words.methods.get(step.technique, "")
        instruction = step.instruction
        general = method if method and method in instruction else ""
        cautions, sites, caution_steps = [], [], set()
        for caution in step.cautions:
            text = plain(caution.message)
            first = self._told.setdefault(text, number)
            if first == number:
                cautions.append(text)
            else:
                caution_steps.add(first)
                sites += [text.partition(":")[0]] if caution.rule == _SITE else []
        method_step = self._told.setdefault(general, number) if general else number
        return Row(
            number=number,
            minutes=minutes(step.duration),
            phase=_PHASES.get(step.phase, ""),
            technique=capital(technique),
            pressure=str(step.pressure_level) if step.HasField("pressure_level") else "",
            discomfort=str(step.dose.pain_ceiling or ""),
            pinned=step.pinned,
            how=tuple(self._own(instruction.replace(general, ""), technique)),
            dose=dose_words(step.dose),
            method=plain(general) if method_step == number else "",
            method_step=None if method_step == number else method_step,
            cautions=tuple(cautions),
            sites=tuple(sites),
            caution_steps=tuple(sorted(caution_steps)),
        )

    @staticmethod
    def _own(instruction: str, technique: str) -> Iterator[str]:
        """Yields what the columns do not say: not the sentence that names the technique again, not the dose."""
        for sentence in _SENTENCE_END.split(plain(instruction)):
            restates = technique and sentence.lower().startswith((f"{technique.lower()}:", f"{technique.lower()},"))
            if sentence and not restates and not sentence.startswith("Dose: "):
                yield sentence


def dose_words(dose: Dose) -> str:
    """Returns how often, how long and how strong in a few words; empty where there is nothing to say."""
    parts = []
    if dose.HasField("repetitions") and dose.HasField("seconds"):
        parts.append(f"{dose.repetitions:g} × {dose.seconds:g} s")
    elif dose.HasField("repetitions"):
        parts.append(f"{dose.repetitions:g} times")
    elif dose.HasField("seconds"):
        parts.append(f"{dose.seconds:g} s")
    if dose.HasField("contraction_percent"):
        parts.append(f"{dose.contraction_percent:g} % of full strength")
    if dose.HasField("hold_seconds"):
        parts.append(f"hold {dose.hold_seconds:g} s")
    return ", ".join(parts)


def minutes(duration: Duration) -> str:
    """Returns a time in minutes, `2.5`."""
    return f"{duration.ToTimedelta().total_seconds() / 60:g}"
