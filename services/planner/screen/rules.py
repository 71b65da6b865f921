"""From health flags to fired rules. Unknown counts as present at its strictest; what was never asked cuts nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from knowledge.model import Condition, KnowledgeBase, SafetyRule, Scope, Urgency, When
from knowledge.model import Parameter as Detail
from services.planner.domain.plan import Caution, Disposition, Question, Referral
from services.planner.domain.reasons import Rule
from services.planner.domain.sides import Side
from services.planner.domain.snapshot import Answer, HealthFlag, Parameter

_STRICTNESS = {scope: rank for rank, scope in enumerate(Scope)}
_HASTE = {urgency: rank for rank, urgency in enumerate(Urgency)}
# The field of a flag that a rule can test like a parameter.
_ONSET = "onset_days"
# The id of what no flag says and the age does.
_BY_AGE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A zone on a side (None: on both); `zone` empty: the flag does not say where, so it could be anywhere."""

    zone: str
    side: Side | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FiredRule:
    """A safety rule that fired, with the conditions and flags that made it fire and the places they name."""

    rule: SafetyRule
    conditions: tuple[str, ...]
    findings: tuple[str, ...]
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """What health flags mean for a session. `rules` are strictest first, `referrals` most urgent first."""

    disposition: Disposition
    rules: tuple[FiredRule, ...]
    questions: tuple[Question, ...]
    cautions: tuple[Caution, ...]
    referrals: tuple[Referral, ...]


def screen(flags: Iterable[HealthFlag], base: KnowledgeBase, age_years: int | None = None) -> Screening:
    """Returns what the flags and the age allow. Adding a flag never allows more."""
    flags = tuple(flags)
    answered = tuple(flag for flag in flags if flag.answer is not Answer.ABSENT)
    by_age = _conditions_of_age(answered, base, age_years)
    standing = (*answered, *(HealthFlag(id=_BY_AGE, condition=one.id, answer=Answer.PRESENT) for one in by_age))
    fired = sorted(
        (found for rule in base.rules.values() if (found := _fire(rule, standing))),
        key=lambda found: (_STRICTNESS[found.rule.scope], _haste(found.rule), found.rule.id),
    )
    asked = {flag.condition for flag in flags}
    never_asked = [
        condition for condition in base.conditions.values() if condition.ask_always and condition.id not in asked
    ]
    return Screening(
        disposition=_disposition(fired),
        rules=tuple(fired),
        questions=(
            *_open_details(answered, fired, base),
            *(_detail_question(one, detail) for one in by_age for detail in one.parameters),
            *map(_never_asked_question, never_asked),
        ),
        cautions=(
            *map(_rule_caution, fired),
            *(_never_asked_caution(one, detail.question) for one in by_age for detail in one.parameters),
            *(_never_asked_caution(one, one.question) for one in never_asked),
        ),
        referrals=_referrals(fired),
    )


def _conditions_of_age(
    answered: tuple[HealthFlag, ...], base: KnowledgeBase, age_years: int | None
) -> tuple[Condition, ...]:
    """Returns the conditions that a client of this age has although no flag says so."""
    if age_years is None:
        return ()
    told = {flag.condition for flag in answered}
    return tuple(
        condition
        for condition in base.conditions.values()
        if condition.present_below_age is not None
        and age_years < condition.present_below_age
        and condition.id not in told
    )


def _fire(rule: SafetyRule, standing: tuple[HealthFlag, ...]) -> FiredRule | None:
    """A rule fires when enough of its conditions have a flag for which every test holds."""
    matching = [flag for flag in standing if flag.condition in rule.conditions and _holds(rule.when, flag)]
    conditions = tuple(condition for condition in rule.conditions if any(f.condition == condition for f in matching))
    if len(conditions) < rule.at_least:
        return None
    return FiredRule(
        rule=rule,
        conditions=conditions,
        findings=tuple(flag.id for flag in matching if flag.id != _BY_AGE),
        places=tuple(dict.fromkeys(_place(flag) for flag in matching)),
    )


def _place(flag: HealthFlag) -> Place:
    return Place(zone=flag.zone, side=flag.side if flag.zone else None)


def _holds(tests: tuple[When, ...], flag: HealthFlag) -> bool:
    """Whether every test holds for the flag. What is not known makes a test true: the stricter is assumed.

    Details of what only the age says were never asked, and what was never asked cuts nothing.
    """
    if flag.id == _BY_AGE:
        return not tests
    return flag.answer is Answer.UNKNOWN or all(_passes(test, _detail(flag, test.parameter)) for test in tests)


def _detail(flag: HealthFlag, key: str) -> Parameter | None:
    for parameter in flag.parameters:
        if parameter.key == key:
            return parameter
    if key == _ONSET and flag.onset_days is not None:
        return Parameter(key=_ONSET, number=float(flag.onset_days))
    return None


def _passes(test: When, detail: Parameter | None) -> bool:
    if detail is None:
        return True
    number, text, truth = detail.number, detail.text, detail.truth
    outside = number is not None and (
        (test.at_least is not None and number < test.at_least) or (test.below is not None and number >= test.below)
    )
    other_choice = text is not None and bool(test.is_one_of) and text not in test.is_one_of
    other_truth = truth is not None and test.is_true is not None and truth is not test.is_true
    return not (outside or other_choice or other_truth)


def _disposition(fired: list[FiredRule]) -> Disposition:
    if any(found.rule.scope is Scope.REFER and not found.rule.refer_and_treat for found in fired):
        return Disposition.REFER
    if any(found.rule.scope is Scope.ABSOLUTE for found in fired):
        return Disposition.DO_NOT_TREAT
    return Disposition.TREAT_WITH_CAUTION if fired else Disposition.TREAT


def _haste(rule: SafetyRule) -> int:
    return _HASTE[rule.urgency] if rule.urgency else len(_HASTE)


def _referrals(fired: list[FiredRule]) -> tuple[Referral, ...]:
    """A rule with an urgency sends the client on, whatever else it does."""
    sending = sorted((found for found in fired if found.rule.urgency), key=lambda found: _haste(found.rule))
    return tuple(
        Referral(
            condition=found.conditions[0],
            urgency=found.rule.urgency,
            message=found.rule.message,
            source=found.rule.source,
            rule=found.rule.id,
            findings=found.findings,
        )
        for found in sending
        if found.rule.urgency
    )


def _rule_caution(found: FiredRule) -> Caution:
    return Caution(message=found.rule.message, rule=found.rule.id, source=found.rule.source, findings=found.findings)


def _never_asked_question(condition: Condition) -> Question:
    return Question(
        condition=condition.id,
        parameter="",
        question=condition.question,
        assumption="Nobody asked. The plan assumes that it is not so; ask before the session begins.",
    )


def _detail_question(condition: Condition, detail: Detail) -> Question:
    return Question(
        condition=condition.id,
        parameter=detail.key,
        question=detail.question,
        assumption="Nobody asked. The plan assumes that nothing forbids the session; ask before it begins.",
    )


def _never_asked_caution(condition: Condition, question: str) -> Caution:
    return Caution(
        message=f"Not asked yet: {question}",
        rule=Rule.SAFETY_NOT_ASKED,
        source=condition.source,
    )


def _open_details(
    standing: tuple[HealthFlag, ...], fired: list[FiredRule], base: KnowledgeBase
) -> tuple[Question, ...]:
    """Asks for what a fired rule had to assume: the answer itself, a detail it tests, the place it is about."""
    questions: dict[tuple[str, str], Question] = {}
    for flag in standing:
        condition = base.conditions[flag.condition]
        if flag.answer is Answer.UNKNOWN:
            questions[flag.condition, ""] = Question(
                condition=flag.condition,
                parameter="",
                question=condition.question,
                assumption="Not known. The plan treats it as present in its strictest form.",
            )
            continue
        rules = [found.rule for found in fired if flag.id in found.findings]
        tested = {test.parameter for rule in rules for test in rule.when}
        for parameter in condition.parameters:
            if parameter.key in tested and _detail(flag, parameter.key) is None:
                questions[flag.condition, parameter.key] = Question(
                    condition=flag.condition,
                    parameter=parameter.key,
                    question=parameter.question,
                    assumption="Not known. The plan assumes the stricter answer.",
                )
        if not flag.zone and any(rule.cuts and rule.cuts.flagged_zone for rule in rules):
            questions[flag.condition, "zone"] = Question(
                condition=flag.condition,
                parameter="zone",
                question=f"Where exactly? ({condition.names[0]})",
                assumption="The place is not known. The plan assumes that it could be anywhere and touches nothing.",
            )
    return tuple(questions.values())
