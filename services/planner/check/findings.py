"""What the checker reports, and what it reads from: a plan beside the knowledge base, with nothing computed before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from knowledge.model import KnowledgeBase, Muscle, Technique
from services.planner.domain.plan import Phase, PlanContent, Step
from services.planner.domain.sides import Side

# Phases in which a hand is on the client.
HANDS_ON = frozenset({Phase.WARM_UP, Phase.CONFIRM, Phase.RELEASE, Phase.LENGTHEN, Phase.INTEGRATE})
TREATMENT = frozenset({Phase.RELEASE, Phase.LENGTHEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong. `rule` names the check; `step` is the id of the step, empty for the plan as a whole."""

    rule: str
    message: str
    step: str = ""

    def __str__(self) -> str:
        return f"{self.rule}: {self.step + ': ' if self.step else ''}{self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A plan and the knowledge base that it says it was made from."""

    plan: PlanContent
    base: KnowledgeBase

    def number(self, identifier: str) -> float:
        """Returns a planning number."""
        return self.base.planning[identifier].value

    def on_muscles(self) -> Iterator[tuple[int, Step, Muscle]]:
        """Yields place, step and muscle of every step on a known muscle."""
        for place, step in enumerate(self.plan.steps):
            if step.muscle in self.base.muscles:
                yield place, step, self.base.muscles[step.muscle]

    def techniques(self) -> Iterator[tuple[int, Step, Technique]]:
        """Yields place, step and technique of every step with a known technique."""
        for place, step in enumerate(self.plan.steps):
            if step.technique in self.base.techniques:
                yield place, step, self.base.techniques[step.technique]

    def region_of(self, step: Step) -> str:
        """Returns the region a step works in; empty for none."""
        return self.base.muscles[step.muscle].region if step.muscle in self.base.muscles else step.region

    def treated(self) -> dict[tuple[str, Side | None], tuple[int, int]]:
        """Returns the first and last place of the treatment of each muscle on each side."""
        found: dict[tuple[str, Side | None], tuple[int, int]] = {}
        for place, step in enumerate(self.plan.steps):
            if step.phase in TREATMENT:
                key = (step.muscle, step.side)
                found[key] = (found.get(key, (place, place))[0], place)
        return found

    def positive(self) -> set[tuple[str, Side | None]]:
        """Returns the muscles in which the hands found something."""
        found: set[tuple[str, Side | None]] = set()
        for palpation in self.plan.snapshot.palpations:
            signs = (
                palpation.reproduces_familiar_pain,
                palpation.taut_band,
                palpation.spot_tenderness,
                palpation.tenderness,
            )
            word = palpation.classification.value
            if word != "unremarkable" and (word != "incomplete" or any(signs)):
                found.add((palpation.muscle, palpation.side))
        return found

    def demanded(self) -> set[tuple[str, Side | None]]:
        """Returns the muscles that a person asks for."""
        constraints = self.plan.constraints
        return {(target.muscle, target.side) for target in (*constraints.pinned, *constraints.must_include)}

    def set_duration(self, step: Step) -> int | None:
        """Returns how long a person wants a step to take [s]; None: nobody said."""
        for one in self.plan.constraints.durations:
            target = one.target
            if (target.muscle, target.side, target.technique) == (step.muscle, step.side, step.technique):
                return one.duration_seconds
        return None

    def overridden(self, rule: str, spots: set[tuple[str, Side | None]]) -> bool:
        """Whether a person set a rule aside for one of these muscles, or for the whole plan."""
        for one in self.plan.constraints.overrides:
            named = {(target.muscle, target.side) for target in one.targets}
            if one.rule == rule and (not named or named & spots):
                return True
        return False


Check = Callable[[Subject], Iterator[Finding]]
