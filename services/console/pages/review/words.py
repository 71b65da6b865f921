"""Names of steps, and edits that a comment suggests, in words and from a form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration

from myoplan.planner.v1.edit_pb2 import PlanEdit, SetDuration, SetTechnique
from myoplan.planner.v1.plan_pb2 import Step, Target
from services.console.texts import Texts
from services.console.vocabulary import Vocabulary
from services.console.wording import minutes_text, side_number, side_word

HALF_MINUTE_SECONDS = 30
HALVES = 2
MOST_HALVES = 360
GOES, COMES = "−", "+"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the page speaks with."""

    vocabulary: Vocabulary
    texts: Texts

    def what(self, step: Step) -> str:
        """Returns what a step works on, without its side."""
        if step.phase == Step.TURN:
            return self.texts("plan.turn_to", position=self.vocabulary.name("position", step.position))
        for kind, identifier in (("muscle", step.muscle), ("motion", step.motion), ("region", step.region)):
            if identifier:
                return self.vocabulary.name(kind, identifier)
        return self.vocabulary.name("technique", step.technique)

    def technique(self, step: Step) -> str:
        """Returns the technique of a step; empty where it is what the step is called by."""
        named = step.muscle or step.motion or step.region
        return self.vocabulary.name("technique", step.technique) if step.technique and named else ""

    def side(self, side: int) -> str:
        """Returns LEFT, RIGHT or MIDLINE; empty for none."""
        return self.texts(f"side.{side_word(side)}") if side else ""

    def target(self, target: Target) -> str:
        """Returns a muscle with its side, and the technique where only that is meant."""
        named = f"{self.vocabulary.name('muscle', target.muscle)} {self.side(target.side)}".strip()
        return f"{named}, {self.vocabulary.name('technique', target.technique)}" if target.technique else named

    def step(self, step: Step) -> str:
        """Returns a step with its side."""
        return f"{self.what(step)} {self.side(step.side)}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedLine:
    """One line of a suggestion: `sign` is − for what goes and + for what comes."""

    sign: str
    text: str


def suggestion_lines(edits: Sequence[PlanEdit], steps: Mapping[str, Step], words: Words) -> tuple[SuggestedLine, ...]:
    """Returns what edits would change; `steps` are all that the plan has or had, by id."""
    return tuple(line for edit in edits for line in _lines(edit, steps, words))


def _lines(edit: PlanEdit, steps: Mapping[str, Step], words: Words) -> tuple[SuggestedLine, ...]:
    kind = edit.WhichOneof("edit")
    if kind == "exclude":
        return (SuggestedLine(sign=GOES, text=words.target(edit.exclude)),)
    if kind in {"include", "pin"}:
        return (SuggestedLine(sign=COMES, text=words.target(edit.include if kind == "include" else edit.pin)),)
    if kind == "set_duration":
        step, after = steps.get(edit.set_duration.step), minutes_text(edit.set_duration.duration)
        name = words.step(step) if step else edit.set_duration.step
        before = (SuggestedLine(sign=GOES, text=f"{name} {minutes_text(step.duration)}′"),) if step else ()
        return (*before, SuggestedLine(sign=COMES, text=f"{name} {after}′"))
    if kind == "set_technique":
        step, after = (
            steps.get(edit.set_technique.step),
            words.vocabulary.name("technique", edit.set_technique.technique),
        )
        name = words.step(step) if step else edit.set_technique.step
        before = (SuggestedLine(sign=GOES, text=f"{name}, {words.technique(step)}"),) if step else ()
        return (*before, SuggestedLine(sign=COMES, text=f"{name}, {after}"))
    return (SuggestedLine(sign=COMES, text=words.texts(f"review.edit.{kind}")),)


class SuggestionUnreadable(Exception):
    """What was filled in is no change of the plan; `key` is the text that says why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def suggested_edits(form: Mapping[str, str], step: Step | None) -> tuple[PlanEdit, ...]:
    """Returns the edits that a comment form asks for. Raises SuggestionUnreadable."""
    edits: list[PlanEdit] = []
    if step is not None and step.muscle:
        whole = Target(muscle=step.muscle, side=step.side)
        if form.get("suggest") == "out":
            edits.append(PlanEdit(exclude=whole))
        if form.get("suggest") == "in":
            edits.append(PlanEdit(include=whole))
    if step is not None and (wanted := form.get("suggest_minutes", "").strip().replace(",", ".")):
        edits.append(PlanEdit(set_duration=SetDuration(step=step.id, duration=_minutes(wanted))))
    if step is not None and (technique := form.get("suggest_technique", "")) and technique != step.technique:
        edits.append(PlanEdit(set_technique=SetTechnique(step=step.id, technique=technique)))
    if added := form.get("suggest_add", ""):
        muscle, _, side = added.partition(" ")
        edits.append(PlanEdit(include=Target(muscle=muscle, side=side_number(side))))  # type: ignore[arg-type]
    if form.get("suggest") == "out" and len(edits) > 1:
        raise SuggestionUnreadable("review.comment.out_and_more")
    return tuple(edits)


def _minutes(text: str) -> Duration:
    try:
        halves = float(text) * HALVES
    except ValueError:
        raise SuggestionUnreadable("review.comment.minutes_number") from None
    if not 0 < halves <= MOST_HALVES or halves != int(halves):
        raise SuggestionUnreadable("review.comment.minutes_number")
    return Duration(seconds=int(halves) * HALF_MINUTE_SECONDS)
