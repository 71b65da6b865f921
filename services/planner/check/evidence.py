"""Checks of the reasons: every finding named exists, every edge exists in the knowledge, nothing is left unsaid."""

from __future__ import annotations

from collections.abc import Iterator

from services.planner.check.findings import Finding, Subject
from services.planner.domain.plan import PLANNER_VERSION, OmissionKind, Phase
from services.planner.domain.reasons import PathEdge, Reason
from services.planner.domain.sides import Side

_TOLERANCE = 1e-4


def plan_names_its_origin(subject: Subject) -> Iterator[Finding]:
    """The plan says which knowledge and which planner made it."""
    if subject.plan.knowledge_revision != subject.base.revision:
        yield Finding(rule="origin", message="was made from another revision of the knowledge")
    if subject.plan.planner_version != PLANNER_VERSION:
        yield Finding(rule="origin", message="was made by another planner")


def _reasons(subject: Subject) -> Iterator[tuple[str, Reason]]:
    plan = subject.plan
    for step in plan.steps:
        yield from ((step.id, reason) for reason in step.reasons)
    for candidate in plan.candidates:
        yield from ((candidate.muscle, reason) for reason in candidate.reasons)
    for omission in plan.omissions:
        yield from ((omission.muscle or omission.technique, reason) for reason in omission.reasons)


def reasons_exist(subject: Subject) -> Iterator[Finding]:
    """Every finding that a reason names is in the snapshot; every edge is a fact with that source."""
    snapshot = subject.plan.snapshot
    findings = {
        finding.id
        for group in (snapshot.pain_areas, snapshot.palpations, snapshot.rom_tests, snapshot.health_flags)
        for finding in group
    }
    facts = _facts(subject)
    for where, reason in _reasons(subject):
        for finding in reason.findings:
            if finding not in findings:
                yield Finding(rule="finding", step=where, message=f"there is no finding {finding}")
        for edge in reason.path:
            if not _is_fact(edge, facts, subject):
                yield Finding(rule="path", step=where, message=f"no fact {edge.start} {edge.edge} {edge.end}")


def _facts(subject: Subject) -> set[tuple[str, str, str, str]]:
    base = subject.base
    facts = {(f"zone/{e.zone}", "refers_to", f"muscle/{e.muscle}", e.source) for e in base.refers_to}
    facts |= {(f"motion/{e.motion}", "limits_motion", f"muscle/{e.muscle}", e.source) for e in base.limits_motion}
    facts |= {(f"muscle/{e.muscle}", "satellite_of", f"muscle/{e.key}", e.source) for e in base.satellite_of}
    facts |= {(f"muscle/{e.muscle}", "treated_by", f"technique/{e.technique}", e.source) for e in base.treated_by}
    for muscle in base.muscles.values():
        facts |= {(f"zone/{zone}", "lies_in", f"muscle/{muscle.id}", muscle.source) for zone in muscle.lies_in}
    for unit in base.functional_units.values():
        for member in unit.members:
            ends = (f"muscle/{member.muscle}", f"functional_unit/{unit.id}")
            facts |= {(*one, unit.source) for one in _both_ways(ends, "functional_partner")}
    for change in base.position_changes:
        ends = (f"position/{change.between[0]}", f"position/{change.between[1]}")
        facts |= {(*one, change.source) for one in _both_ways(ends, "position_change")}
    for technique in base.techniques.values():
        facts |= {
            (f"technique/{technique.id}", "needs", f"technique/{needed}", technique.source)
            for needed in technique.needs
        }
    for site in base.endangerment_sites.values():
        facts |= {(f"muscle/{muscle}", "near", f"endangerment_site/{site.id}", site.source) for muscle in site.muscles}
    return facts


def _both_ways(ends: tuple[str, str], edge: str) -> set[tuple[str, str, str]]:
    return {(ends[0], edge, ends[1]), (ends[1], edge, ends[0])}


def _is_fact(edge: PathEdge, facts: set[tuple[str, str, str, str]], subject: Subject) -> bool:
    base = subject.base
    if edge.source not in base.sources:
        return False
    if edge.edge == "contraindicates":
        condition = edge.start.removeprefix("condition/")
        return any(condition in rule.conditions and rule.source == edge.source for rule in base.rules.values())
    if edge.edge == "handling":
        muscle = base.muscles.get(edge.start.removeprefix("muscle/"))
        return muscle is not None and muscle.source == edge.source
    return (edge.start, edge.edge, edge.end, edge.source) in facts


def sources_exist(subject: Subject) -> Iterator[Finding]:
    """Every source that the plan cites is in the list of sources."""
    plan = subject.plan
    cited = [caution.source for step in plan.steps for caution in step.cautions]
    cited += [caution.source for caution in plan.cautions]
    cited += [referral.source for referral in plan.referrals]
    cited += [advice.source for advice in plan.aftercare]
    cited += [plan.follow_up.source] if plan.follow_up else []
    for source in sorted(set(cited)):
        if source and source not in subject.base.sources:
            yield Finding(rule="source", message=f"there is no source {source}")


def candidates_are_ranked(subject: Subject) -> Iterator[Finding]:
    """Candidates are each there once, best first, and their reasons add up to their score."""
    seen: set[tuple[str, Side]] = set()
    above = 1.0
    for candidate in subject.plan.candidates:
        if (candidate.muscle, candidate.side) in seen:
            yield Finding(rule="candidate", message=f"{candidate.muscle} {candidate.side} is there twice")
        seen.add((candidate.muscle, candidate.side))
        if not 0 <= candidate.score <= above:
            yield Finding(rule="candidate", message=f"{candidate.muscle} {candidate.side} is not in its place")
        above = candidate.score
        if abs(sum(reason.contribution or 0 for reason in candidate.reasons) - candidate.score) > _TOLERANCE:
            yield Finding(rule="candidate", message=f"the reasons of {candidate.muscle} do not add up to its score")


def nothing_is_dropped_silently(subject: Subject) -> Iterator[Finding]:
    """Every candidate and every demand is treated, or left out with a reason; nothing is both."""
    treated = set(subject.treated())
    left_out = {(o.muscle, o.side) for o in subject.plan.omissions if o.muscle and not o.technique}
    wanted = {(candidate.muscle, candidate.side) for candidate in subject.plan.candidates} | subject.demanded()
    for muscle, side in sorted(wanted - treated - left_out, key=str):
        yield Finding(rule="silent", message=f"{muscle} {side} is neither treated nor left out")
    for muscle, side in sorted(treated & left_out, key=str):
        yield Finding(rule="silent", message=f"{muscle} {side} is both treated and left out")
    told = " ".join(caution.message for caution in subject.plan.cautions)
    for muscle, side in sorted(subject.demanded() - treated, key=str):
        named = muscle in subject.base.muscles and subject.base.muscles[muscle].names[0] in told
        if subject.plan.disposition.hands_on and not named:
            yield Finding(rule="silent", message=f"{muscle} {side} was asked for, and no caution says why it is out")


def omissions_are_told(subject: Subject) -> Iterator[Finding]:
    """An omission has a reason and a sentence; where time is what is missing, it has the minutes, else none."""
    for omission in subject.plan.omissions:
        name = omission.muscle or omission.technique or omission.message
        if not omission.reasons or not omission.message:
            yield Finding(rule="omission", message=f"{name} is left out without a reason")
        if (omission.kind is OmissionKind.OVER_BUDGET) != (omission.minutes_needed is not None):
            yield Finding(rule="omission", message=f"{name}: minutes and kind do not fit")


def pins_are_marked(subject: Subject) -> Iterator[Finding]:
    """A step is marked as pinned if and only if a person pinned what it does."""
    for step in subject.plan.steps:
        wanted = any(
            target.muscle == step.muscle
            and target.side is step.side
            and (
                target.technique == step.technique
                or (not target.technique and step.phase in {Phase.RELEASE, Phase.LENGTHEN})
            )
            for target in subject.plan.constraints.pinned
        )
        if step.pinned != wanted:
            yield Finding(rule="pin", step=step.id, message="is marked wrongly")
