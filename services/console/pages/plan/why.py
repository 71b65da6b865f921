"""Why a step is there: each reason as a trail from the finding to the muscle, and how sure each link of it is."""

from __future__ import annotations

from dataclasses import dataclass

from myoplan.planner.v1.plan_pb2 import AssessmentSnapshot, PathEdge, Plan, Reason, Step
from services.console.web import Visit
from services.console.wording import side_word

MAIN_REASONS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailItem:
    """One stop of the why-trail: `kind` names it, `then` says what leads on to the next."""

    kind: str
    text: str
    detail: str
    then: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """One reason, from the finding to the muscle."""

    sentence: str
    items: tuple[TrailItem, ...]


def weighing(step: Step) -> list[Reason]:
    """Returns the reasons that weigh, heaviest first; for work that nothing weighs, the rule that put it there."""
    weighing = [reason for reason in step.rationale.reasons if reason.HasField("contribution")]
    return sorted(weighing, key=lambda reason: -reason.contribution) or list(step.rationale.reasons)


def short_why(visit: Visit, step: Step) -> str:
    """Returns the reasons that weigh most, in half a line."""
    return "; ".join(dict.fromkeys(sentence(visit, reason) for reason in weighing(step)[:MAIN_REASONS]))


def sentence(visit: Visit, reason: Reason) -> str:
    """Returns a typed reason in words, made from its rule and its path."""
    key = f"rule.{reason.rule}"
    if key not in visit.console.texts:
        return visit.t("rule_of_safety", name=reason.rule.replace("_", " "))
    ends = dict.fromkeys(node for edge in reason.path for node in (getattr(edge, "from"), edge.to))
    named = {
        kind: ", ".join(visit.console.vocabulary.node(end) for end in ends if end.startswith(f"{kind}/"))
        or visit.t("rule_it")
        for kind in ("zone", "motion", "muscle", "technique")
    }
    return visit.t(key, **named)


def trail(visit: Visit, plan: Plan, step: Step, reason: Reason) -> Trail:
    """Returns one reason of a step from what was found to what is done."""
    found = _found(visit, plan.snapshot)
    items = [
        TrailItem(kind=kind, text=text, detail="", then="")
        for kind, text in (found[name] for name in reason.findings if name in found)
    ]
    for edge in reason.path:
        start, end = getattr(edge, "from"), edge.to
        relation = _relation(visit, edge)
        if not reason.findings or items == []:
            items.append(_node(visit, start, step))
        if items:
            last = items[-1]
            items[-1] = TrailItem(kind=last.kind, text=last.text, detail=last.detail, then=relation)
        ahead = end if _is_ahead(edge, step) else start
        items.append(_node(visit, ahead, step, detail=_how_sure(visit, edge)))
    return Trail(sentence=sentence(visit, reason), items=tuple(items))


def _is_ahead(edge: PathEdge, step: Step) -> bool:
    """Says whether the far end of an edge is the one nearer to the step's muscle."""
    return getattr(edge, "from") != f"muscle/{step.muscle}" or edge.to.startswith("technique/")


def _node(visit: Visit, node: str, step: Step, detail: str = "") -> TrailItem:
    kind = node.partition("/")[0]
    name = visit.console.vocabulary.node(node)
    if node == f"muscle/{step.muscle}":
        name = f"{name} {visit.t(f'side.{side_word(step.side)}')}"
    return TrailItem(kind=visit.t(f"node.{kind}"), text=name, detail=detail, then="")


def _relation(visit: Visit, edge: PathEdge) -> str:
    key = f"edge.{edge.edge}"
    return visit.t(key) if key in visit.console.texts else edge.edge.replace("_", " ")


def _how_sure(visit: Visit, edge: PathEdge) -> str:
    """Returns the word for the evidence of an edge, its source, and whether a clinician has reviewed it."""
    evidence = visit.console.vocabulary.evidence(edge.edge, getattr(edge, "from"), edge.to)
    if evidence is None:
        return edge.source
    reviewed = visit.t("evidence.reviewed" if evidence.reviewed_by else "evidence.not_reviewed")
    return f"{visit.t(f'evidence.{evidence.basis.value}')} ({edge.source}), {reviewed}"


def _found(visit: Visit, snapshot: AssessmentSnapshot) -> dict[str, tuple[str, str]]:
    """Returns every finding of the snapshot in words, by id."""
    vocabulary = visit.console.vocabulary

    def side(number: int) -> str:
        return visit.t(f"side.{side_word(number)}") if number else ""

    found = {
        area.id: (
            visit.t("node.pain"),
            f"{vocabulary.name('zone', area.zone)} {side(area.side)}"
            + (f" {area.intensity:g}/10" if area.HasField("intensity") else ""),
        )
        for area in snapshot.pain_areas
    }
    found |= {
        each.id: (
            visit.t("node.palpation"),
            f"{vocabulary.name('muscle', each.muscle)} {side(each.side)}, {each.classification.replace('_', ' ')}",
        )
        for each in snapshot.palpation_findings
    }
    found |= {each.id: (visit.t("node.test"), _test(visit, each, side(each.side))) for each in snapshot.rom_tests}
    return found | {
        each.id: (visit.t("node.flag"), f"{vocabulary.name('condition', each.condition)}: {each.answer}")
        for each in snapshot.health_flags
    }


def _test(visit: Visit, test: AssessmentSnapshot.RomTest, side: str) -> str:
    motion = visit.console.vocabulary.base.motions.get(test.motion)
    unit = visit.t(f"unit.{motion.unit}") if motion else ""
    value = f" {test.value:g}{unit}" if test.HasField("value") else ""
    verdict = f", {test.verdict.replace('_', ' ')}" if test.verdict else ""
    return f"{visit.console.vocabulary.name('motion', test.motion)} {side}{value}{verdict}"
