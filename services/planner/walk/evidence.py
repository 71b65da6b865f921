"""How evidence combines, kept so that the explanation is the computation.

Independent lines add up by noisy-or (Pearl 1988, section 4.3.2): the score is the chance that at least one of them is
right. Lines that say the same thing again (the same zone twice, the same motion active and passive) count once, at
their strongest. What the hand finds then multiplies the odds, as a likelihood ratio does in Bayes' rule, drawn towards
one the harder the muscle is to palpate. Each line and factor keeps the share of the score that it brought.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.planner.domain.reasons import PathEdge, Reason, Rule

# Scores and contributions are told to a millionth: beyond that they mean nothing and may differ between machines.
_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of evidence for one muscle. Lines of the same `topic` are one observation told twice.

    `strength` is in [0, 1); `order` is the place of the finding in the assessment.
    """

    rule: Rule
    topic: str
    strength: float
    findings: tuple[str, ...]
    path: tuple[PathEdge, ...]
    order: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """What multiplies the odds: above one speaks for the muscle, below one against it."""

    rule: Rule
    multiplier: float
    findings: tuple[str, ...] = ()


def strongest_of_each_topic(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Returns one line for each topic, with every finding that told it, strongest first."""
    best: dict[str, Line] = {}
    findings: dict[str, dict[str, None]] = {}
    for line in sorted(lines, key=_rank):
        best.setdefault(line.topic, line)
        findings.setdefault(line.topic, {}).update(dict.fromkeys(line.findings))
    return tuple(
        Line(
            rule=line.rule,
            topic=topic,
            strength=line.strength,
            findings=tuple(findings[topic]),
            path=line.path,
            order=line.order,
        )
        for topic, line in best.items()
    )


def combine(lines: Iterable[Line], factors: Iterable[Factor]) -> tuple[float, tuple[Reason, ...]]:
    """Returns the score in [0, 1] and the reasons that add up to it, strongest first."""
    chance, parts = 0.0, []
    for line in strongest_of_each_topic(lines):
        before, chance = chance, 1 - (1 - chance) * (1 - line.strength)
        parts.append(Reason(rule=line.rule, findings=line.findings, path=line.path, contribution=chance - before))
    for factor in factors:
        before, chance = chance, _times_odds(chance, factor.multiplier)
        parts.append(Reason(rule=factor.rule, findings=factor.findings, contribution=chance - before))
    parts.sort(key=lambda reason: -abs(reason.contribution or 0.0))
    return round(chance, _DIGITS), tuple(_rounded(reason) for reason in parts)


def merged(reasons: tuple[Reason, ...], most: int) -> tuple[Reason, ...]:
    """Returns at most so many reasons, strongest first; the weakest are told as one, their contributions summed."""
    if len(reasons) <= most:
        return reasons
    kept, rest = reasons[: most - 1], reasons[most - 1 :]
    weakest = Reason(
        rule=Rule.FURTHER_EVIDENCE,
        findings=tuple(dict.fromkeys(finding for reason in rest for finding in reason.findings)),
        contribution=round(sum(reason.contribution or 0.0 for reason in rest), _DIGITS),
    )
    return (*kept, weakest)


def _rank(line: Line) -> tuple[float, int, str, str]:
    return (-line.strength, line.order, line.rule, line.topic)


def _times_odds(chance: float, multiplier: float) -> float:
    return chance * multiplier / (1 - chance + chance * multiplier)


def _rounded(reason: Reason) -> Reason:
    return Reason(
        rule=reason.rule,
        findings=reason.findings,
        path=reason.path,
        contribution=round(reason.contribution or 0.0, _DIGITS),
    )
