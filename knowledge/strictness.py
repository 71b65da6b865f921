"""When one version of a safety fact is weaker than another: what a rule no longer stops, what a site no longer guards.

The linter finds rules that another covers with it, the overlay refuses silent weakening with it, `diff` shows it first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from math import inf
from typing import Any

from knowledge.model import (
    Condition,
    Cuts,
    EndangermentSite,
    Handling,
    KnowledgeBase,
    Mimic,
    Muscle,
    SafetyRule,
    Scope,
    Technique,
    Tier,
    Urgency,
    When,
    Zone,
)

_SCOPES = tuple(Scope)  # strictest first
_URGENCIES = tuple(Urgency)  # soonest first
_HANDLINGS = (Handling.REFER_ONLY, Handling.INTRAORAL, Handling.NEAR_ENDANGERMENT, Handling.NORMAL)
# Fields of Cuts where a lower number is stricter and no number is no limit.
_CAPS = ("max_pressure", "max_minutes")
_NO_CUTS = Cuts()


@dataclass(frozen=True, slots=True)
class Weakening:
    """A safety fact that protects less than before. `kind` is the kind of its file."""

    kind: str
    subject: str
    message: str


def weakenings(before: KnowledgeBase, after: KnowledgeBase) -> Iterator[Weakening]:
    """Yields everything in `after` that protects a client less than it did in `before`.

    A condition, rule, endangerment site or mimic that is gone protects nobody; a muscle or technique that is gone
    cannot do harm.
    """
    compared: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any], Any, bool], ...] = (
        ("safety_rule", before.rules, after.rules, lost, True),
        ("condition", before.conditions, after.conditions, _condition_lost, True),
        ("endangerment_site", before.endangerment_sites, after.endangerment_sites, _site_lost, True),
        ("mimic", before.mimics, after.mimics, _mimic_lost, True),
        ("muscle", before.muscles, after.muscles, _muscle_lost, False),
        ("technique", before.techniques, after.techniques, _technique_lost, False),
        ("zone", before.zones, after.zones, _zone_lost, False),
    )
    for kind, old, new, losses, protects in compared:
        for identifier, thing in old.items():
            if identifier in new:
                for message in losses(thing, new[identifier]):
                    yield Weakening(kind, identifier, message)
            elif protects:
                yield Weakening(kind, identifier, "is gone")


def lost(before: SafetyRule, after: SafetyRule) -> Iterator[str]:
    """Yields everything that `before` does and `after` does not; nothing: `after` is at least as strict.

    `after` then fires whenever `before` does, and stops, sends on and cuts at least as much.
    """
    yield from _fires_less(before, after)
    if _SCOPES.index(after.scope) > _SCOPES.index(before.scope):
        yield f"is {after.scope} instead of {before.scope}"
    if _stops(before) and not _stops(after) and after.scope is Scope.REFER:
        yield "leaves the plan standing"
    yield from _later(before.urgency, after.urgency)
    if not _stops(after):
        yield from _cuts_less(before, after)


def _fires_less(before: SafetyRule, after: SafetyRule) -> Iterator[str]:
    yield from _fewer("conditions", before.conditions, after.conditions)
    if after.at_least > before.at_least:
        yield f"needs {after.at_least} of its conditions instead of {before.at_least}"
    old, new = _spans(before.when), _spans(after.when)
    for parameter, span in new.items():
        if not old.get(parameter, _Span()).within(span):
            yield f"is limited to a narrower {parameter}"


def _stops(rule: SafetyRule) -> bool:
    """Whether nothing hands-on is left of the plan."""
    return rule.scope is Scope.ABSOLUTE or (rule.scope is Scope.REFER and not rule.refer_and_treat)


def _cuts_less(before: SafetyRule, after: SafetyRule) -> Iterator[str]:
    old, new = before.cuts or _NO_CUTS, after.cuts or _NO_CUTS
    for field in fields(Cuts):
        was, now = getattr(old, field.name), getattr(new, field.name)
        if isinstance(was, tuple):
            yield from _fewer(f"cuts {field.name}", was, now)
        elif field.name in _CAPS:
            yield from _higher(f"cuts {field.name}", was, now)
        elif was and not now:
            yield f"no longer cuts {field.name}"
    if old.techniques or old.families or old.max_pressure is not None:
        if after.only_in and not before.only_in:
            yield f"holds only in {', '.join(after.only_in)}"
        elif after.only_in:
            yield from _fewer("only_in", before.only_in, after.only_in)


@dataclass(frozen=True, slots=True)
class _Span:
    """What values of one parameter pass all tests on it: [low, high[, one of the words, the truth."""

    low: float = -inf
    high: float = inf
    words: frozenset[str] | None = None
    truth: bool | None = None

    def narrowed(self, test: When) -> _Span:
        words = frozenset(test.is_one_of) if test.is_one_of else None
        return _Span(
            low=self.low if test.at_least is None else max(self.low, test.at_least),
            high=self.high if test.below is None else min(self.high, test.below),
            words=self.words if words is None else words & (self.words or words),
            truth=self.truth if test.is_true is None else test.is_true,
        )

    def within(self, wide: _Span) -> bool:
        """Whether everything that passes here passes in `wide`."""
        return (
            wide.low <= self.low
            and self.high <= wide.high
            and (wide.words is None or (self.words is not None and self.words <= wide.words))
            and (wide.truth is None or self.truth is wide.truth)
        )


def _spans(tests: tuple[When, ...]) -> dict[str, _Span]:
    spans: dict[str, _Span] = {}
    for test in tests:
        spans[test.parameter] = spans.get(test.parameter, _Span()).narrowed(test)
    return spans


def _condition_lost(before: Condition, after: Condition) -> Iterator[str]:
    if before.ask_always and not after.ask_always:
        yield "is no longer asked of everybody"
    if before.present_below_age is not None and (after.present_below_age or 0) < before.present_below_age:
        yield "no longer follows from the same age"


def _site_lost(before: EndangermentSite, after: EndangermentSite) -> Iterator[str]:
    yield from _fewer("muscles", before.muscles, after.muscles)
    yield from _fewer("no_techniques", before.no_techniques, after.no_techniques)
    yield from _higher("max_pressure", before.max_pressure, after.max_pressure)


def _mimic_lost(before: Mimic, after: Mimic) -> Iterator[str]:
    yield from _fewer("zones", before.zones, after.zones)
    yield from _later(before.urgency, after.urgency)
    if after.sex and after.sex != before.sex:
        yield f"concerns only the {after.sex}"
    if (after.age_min or 0) > (before.age_min or 0) or (after.age_max or inf) < (before.age_max or inf):
        yield "concerns fewer ages"


def _muscle_lost(before: Muscle, after: Muscle) -> Iterator[str]:
    if _HANDLINGS.index(after.handling) > _HANDLINGS.index(before.handling):
        yield f"is handled as {after.handling} instead of {before.handling}"
    if before.tier is Tier.REFER and after.tier is not Tier.REFER:
        yield f"is of the tier {after.tier} instead of refer"
    yield from _fewer("lies_in", before.lies_in, after.lies_in)


def _technique_lost(before: Technique, after: Technique) -> Iterator[str]:
    if after.family != before.family:
        yield f"left the family {before.family}, which rules may cut"
    if after.pressure.min < before.pressure.min:
        yield f"counts as light from {after.pressure.min:g} instead of {before.pressure.min:g} on"
    if after.pain_ceiling > before.pain_ceiling:
        yield f"may hurt up to {after.pain_ceiling} instead of {before.pain_ceiling}"
    if after.pregnancy_ok and not before.pregnancy_ok:
        yield "counts as fit for pregnancy"
    if before.needs and not after.needs:
        yield "needs nothing before it any more"
    if before.consent and not after.consent:
        yield "no longer asks for consent"


def _zone_lost(before: Zone, after: Zone) -> Iterator[str]:
    if before.serious_mimics and not after.serious_mimics:
        yield "no longer warns of serious mimics"


def _fewer(what: str, before: tuple[str, ...], after: tuple[str, ...]) -> Iterator[str]:
    if missing := [item for item in before if item not in after]:
        yield f"{what}: {', '.join(missing)} left out"


def _higher(what: str, before: int | None, after: int | None) -> Iterator[str]:
    if before is not None and (after is None or after > before):
        yield f"{what}: {'no limit' if after is None else after} instead of {before}"


def _later(before: Urgency | None, after: Urgency | None) -> Iterator[str]:
    if before and (after is None or _URGENCIES.index(after) > _URGENCIES.index(before)):
        yield f"refers {after or 'nobody'} instead of {before}"
