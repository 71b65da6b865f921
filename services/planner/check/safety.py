"""Checks of everything that may not be: rules read again from the flags, consents, limits, wishes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.model import SafetyRule, When
from services.planner.check.findings import HANDS_ON, TREATMENT, Finding, Subject
from services.planner.domain.plan import Phase, Step
from services.planner.domain.sides import Side
from services.planner.domain.snapshot import HealthFlag

_ANYWHERE = ""


@dataclass(frozen=True, slots=True)
class Active:
    """A rule that holds for the flags, with the flags that make it hold."""

    rule: SafetyRule
    flags: tuple[HealthFlag, ...]


def active_rules(subject: Subject) -> list[Active]:
    """Reads every rule against the flags of the snapshot; what is not known counts against the client."""
    flags = [flag for flag in subject.plan.snapshot.health_flags if flag.answer.value != "absent"]
    young = _had_by_age(subject)
    found = []
    for rule in subject.base.rules.values():
        guilty = tuple(
            flag
            for flag in flags
            if flag.condition in rule.conditions
            and (flag.answer.value == "unknown" or not any(_refutes(flag, test) for test in rule.when))
        )
        by_age = set() if rule.when else young & set(rule.conditions)
        if len({flag.condition for flag in guilty} | by_age) >= rule.at_least:
            found.append(Active(rule, guilty))
    return found


def _had_by_age(subject: Subject) -> set[str]:
    """Returns the conditions that the age alone says, where no answer but a no speaks of them."""
    age = subject.plan.snapshot.age_years
    told = {flag.condition for flag in subject.plan.snapshot.health_flags if flag.answer.value != "absent"}
    limits = {one.id: one.present_below_age for one in subject.base.conditions.values()}
    return {name for name, limit in limits.items() if age is not None and limit is not None and age < limit} - told


def _refutes(flag: HealthFlag, test: When) -> bool:
    """Whether a known detail of the flag says that the test does not hold."""
    known = {p.key: next(v for v in (p.number, p.text, p.truth, "") if v is not None) for p in flag.parameters}
    if flag.onset_days is not None:
        known.setdefault("onset_days", float(flag.onset_days))
    if test.parameter not in known:
        return False
    value = known[test.parameter]
    if isinstance(value, bool):
        return test.is_true is not None and value != test.is_true
    if isinstance(value, str):
        return bool(test.is_one_of) and value not in test.is_one_of
    too_low = test.at_least is not None and value < test.at_least
    too_high = test.below is not None and value >= test.below
    return too_low or too_high


def disposition_is_right(subject: Subject) -> Iterator[Finding]:
    """The strictest rule decides; a session that may not be has no step at all."""
    active = active_rules(subject)
    expected = "treat_with_caution" if active else "treat"
    if any(one.rule.scope.value == "absolute" for one in active):
        expected = "do_not_treat"
    if any(one.rule.scope.value == "refer" and not one.rule.refer_and_treat for one in active):
        expected = "refer"
    found = subject.plan.disposition.value
    if found != expected:
        yield Finding(rule="disposition", message=f"is {found}, the flags say {expected}")
    if expected in {"refer", "do_not_treat"} and subject.plan.steps:
        yield Finding(rule="disposition", message="there is a session although there may be none")


def rules_are_told(subject: Subject) -> Iterator[Finding]:
    """Every rule that holds is a caution, with its referral where it has an urgency; every open question is asked."""
    cautioned = {caution.rule for caution in subject.plan.cautions}
    referred = {(referral.rule, referral.urgency) for referral in subject.plan.referrals}
    for one in active_rules(subject):
        if one.rule.id not in cautioned:
            yield Finding(rule="told", message=f"{one.rule.id} is not among the cautions")
        if one.rule.urgency and (one.rule.id, one.rule.urgency) not in referred:
            yield Finding(rule="told", message=f"{one.rule.id} is not among the referrals")
    asked = {flag.condition for flag in subject.plan.snapshot.health_flags}
    questions = {question.condition for question in subject.plan.questions}
    for condition in subject.base.conditions.values():
        if condition.ask_always and condition.id not in asked and condition.id not in questions:
            yield Finding(rule="told", message=f"nobody asks about {condition.id}")
    for name in sorted(_had_by_age(subject) - questions):
        if subject.base.conditions[name].parameters:
            yield Finding(rule="told", message=f"nobody asks about {name}, which the age says")


def nothing_cut_is_done(subject: Subject) -> Iterator[Finding]:
    """No step on a muscle, zone, region, technique, family or position that a rule takes away."""
    for one in active_rules(subject):
        cuts = one.rule.cuts
        if cuts is None:
            continue
        for step in subject.plan.steps:
            if _touches(subject, one, step):
                yield Finding(rule="cut", step=step.id, message=f"{one.rule.id} forbids this place")
            technique = subject.base.techniques.get(step.technique)
            region = subject.region_of(step)
            concerned = not one.rule.only_in or region in one.rule.only_in
            if technique and concerned and (technique.id in cuts.techniques or technique.family in cuts.families):
                yield Finding(rule="cut", step=step.id, message=f"{one.rule.id} forbids {technique.id}")
            if step.position in cuts.positions:
                yield Finding(rule="cut", step=step.id, message=f"{one.rule.id} forbids {step.position}")
            too_firm = cuts.max_pressure is not None and (step.pressure_level or 0) > cuts.max_pressure
            if concerned and too_firm:
                yield Finding(rule="pressure_cap", step=step.id, message=f"{one.rule.id} allows {cuts.max_pressure}")
        if cuts.max_minutes is not None and subject.plan.planned_seconds > 60 * cuts.max_minutes:
            yield Finding(rule="cut", message=f"{one.rule.id} allows {cuts.max_minutes} minutes")


def the_sensitised_are_spared(subject: Subject) -> Iterator[Finding]:
    """No step may hurt a client more whom a rule calls sensitised."""
    most = subject.number("pain_ceiling_sensitised")
    for one in active_rules(subject):
        if one.rule.cuts is not None and one.rule.cuts.sensitised:
            for step in subject.plan.steps:
                if step.dose and (step.dose.pain_ceiling or 0) > most:
                    yield Finding(rule="discomfort", step=step.id, message=f"{one.rule.id} allows {most:g}")


def _touches(subject: Subject, one: Active, step: Step) -> bool:
    """Whether a hands-on step is where a rule allows no hand."""
    cuts = one.rule.cuts
    if cuts is None or step.phase not in HANDS_ON:
        return False
    if subject.region_of(step) in cuts.regions:
        return True
    unplaced = cuts.flagged_zone and any(flag.zone == _ANYWHERE for flag in one.flags)
    muscle = subject.base.muscles.get(step.muscle)
    if muscle is None:
        return unplaced
    flagged = cuts.flagged_zone and any(
        flag.zone in muscle.lies_in
        and (flag.side is None or flag.side is step.side or Side.MIDLINE in {flag.side, step.side})
        for flag in one.flags
    )
    return unplaced or flagged or muscle.id in cuts.muscles or any(zone in cuts.zones for zone in muscle.lies_in)


def consents_are_kept(subject: Subject) -> Iterator[Finding]:
    """Nothing on muscles that belong in other hands, in regions not to be touched, in the mouth without a yes."""
    preferences = subject.plan.snapshot.preferences
    inside = {
        use.technique
        for use in subject.base.treated_by
        if subject.base.muscles[use.muscle].handling.value == "intraoral"
        and subject.base.techniques[use.technique].consent
    }
    for step in subject.plan.steps:
        muscle = subject.base.muscles.get(step.muscle)
        if muscle and (muscle.handling.value == "refer_only" or muscle.tier.value == "refer"):
            yield Finding(rule="refer_only", step=step.id, message=f"{muscle.id} is for other hands")
        in_mouth = step.technique in inside or (muscle is not None and muscle.handling.value == "intraoral")
        if in_mouth and preferences.intraoral_allowed is not True:
            yield Finding(rule="consent", step=step.id, message="work in the mouth was not allowed")
        if step.phase in HANDS_ON and subject.region_of(step) in preferences.regions_not_to_touch:
            yield Finding(rule="consent", step=step.id, message="the region is not to be touched")


def wishes_are_kept(subject: Subject) -> Iterator[Finding]:
    """Nothing that the client or a person took out: techniques, positions, muscles, pressure."""
    preferences, constraints = subject.plan.snapshot.preferences, subject.plan.constraints
    unavailable = {*preferences.unavailable_positions, *constraints.unavailable_positions}
    tolerance = preferences.pressure_tolerance
    caps = [tolerance if tolerance is not None else int(subject.number("pressure_tolerance_default"))]
    caps += [constraints.max_pressure] if constraints.max_pressure is not None else []
    for step in subject.plan.steps:
        if step.technique in preferences.avoid_techniques:
            yield Finding(rule="wish", step=step.id, message="the client does not want this technique")
        if step.position in unavailable:
            yield Finding(rule="wish", step=step.id, message="the client cannot be in this position")
        if step.pressure_level is not None and step.pressure_level > min(caps):
            yield Finding(rule="pressure_cap", step=step.id, message=f"firmer than {min(caps)}")
        for target in constraints.excluded:
            out = target.muscle == step.muscle and target.side is step.side
            if out and target.technique in {"", step.technique}:
                yield Finding(rule="wish", step=step.id, message="a person took it out")


def endangerment_sites_are_spared(subject: Subject) -> Iterator[Finding]:
    """Beside vessels, nerves and organs: no technique and no pressure that the place forbids, and a word about it."""
    for site in subject.base.endangerment_sites.values():
        for step in subject.plan.steps:
            if step.muscle not in site.muscles:
                continue
            pressed = step.phase in {Phase.CONFIRM, Phase.RELEASE}
            if step.technique in site.no_techniques:
                yield Finding(rule="endangerment", step=step.id, message=f"{site.id} forbids {step.technique}")
            if site.max_pressure is not None and (step.pressure_level or 0) > site.max_pressure:
                yield Finding(rule="pressure_cap", step=step.id, message=f"{site.id} allows {site.max_pressure}")
            if pressed and not any(site.rule in caution.message for caution in step.cautions):
                yield Finding(rule="endangerment", step=step.id, message=f"says nothing about {site.id}")


def only_the_confirmed_is_treated(subject: Subject) -> Iterator[Finding]:
    """A muscle is treated because the hands found something, a person asks, or a check comes right before it.

    The last only where the hands found nothing anywhere.
    """
    positive, demanded = subject.positive(), subject.demanded()
    checked: set[tuple[str, Side | None]] = set()
    for step in subject.plan.steps:
        spot = (step.muscle, step.side)
        if step.phase is Phase.CONFIRM:
            checked.add(spot)
        if step.phase in TREATMENT and spot not in positive | demanded and (positive or spot not in checked):
            yield Finding(rule="unconfirmed", step=step.id, message="nobody has palpated the muscle")
