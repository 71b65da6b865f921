"""The forms of learning mode, read into what the planner takes, with everything that is wrong named at once."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration

from myoplan.planner.v1.learning_pb2 import Mark, PredictedStep
from myoplan.planner.v1.plan_pb2 import Target
from services.console.pages.learn.context import CRITERIA, LEVELS, SLOTS
from services.console.texts import Texts
from services.console.vocabulary import Vocabulary, sides_of_muscle
from services.console.wording import side_number

HALVES = 2
HALF_MINUTE_SECONDS = 30
MOST_HALVES = 360


class Unreadable(Exception):
    """What is wrong with an entry, a sentence each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def minutes(text: str) -> Duration | None:
    """Returns whole or half minutes; None: it is not such a number."""
    try:
        halves = float(text.strip().replace(",", ".")) * HALVES
    except ValueError:
        return None
    if not 0 < halves <= MOST_HALVES or halves != int(halves):
        return None
    return Duration(seconds=int(halves) * HALF_MINUTE_SECONDS)


def predicted(form: Mapping[str, str], vocabulary: Vocabulary, texts: Texts) -> tuple[PredictedStep, ...]:
    """Returns what was predicted, in order; lines without a muscle are left out. Raises Unreadable."""
    ids = {each.name.casefold(): each.id for each in vocabulary.muscle_choices()}
    steps: list[PredictedStep] = []
    problems: list[str] = []
    for n in range(1, SLOTS + 1):
        name = form.get(f"muscle-{n}", "").strip()
        if not name:
            continue
        muscle, side, spent = ids.get(name.casefold()), form.get(f"side-{n}", ""), form.get(f"minutes-{n}", "").strip()
        if muscle is None:
            problems.append(texts("learn.no_muscle", n=n, name=name))
            continue
        sides = sides_of_muscle(vocabulary.base.muscles[muscle])
        if len(sides) == 1 and not side:
            side = sides[0]
        if side not in sides:
            problems.append(texts("learn.no_side" if len(sides) > 1 else "learn.only_midline", n=n, name=name))
            continue
        step = PredictedStep(
            target=Target(muscle=muscle, side=side_number(side)),  # type: ignore[arg-type]
            sure=form.get(f"sure-{n}") == "yes",
        )
        if spent:
            duration = minutes(spent)
            if duration is None:
                problems.append(texts("learn.minutes_number", n=n))
                continue
            step.duration.CopyFrom(duration)
        steps.append(step)
    if not steps and not problems:
        problems.append(texts("learn.nothing"))
    if problems:
        raise Unreadable(tuple(problems))
    return tuple(steps)


def marks(form: Mapping[str, str], texts: Texts) -> tuple[Mark, ...]:
    """Returns the marks that were chosen. Raises Unreadable."""
    given = tuple(
        Mark(criterion=each, level=int(level), comment=form.get(f"comment-{each}", "").strip())
        for each in CRITERIA
        if (level := form.get(f"level-{each}", "")) in {str(level) for level in LEVELS}
    )
    if not given:
        raise Unreadable((texts("learn.no_mark"),))
    return given
