"""Turns facts of the knowledge base into messages."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge import model
from knowledge.kinds import KINDS
from knowledge.model import KnowledgeBase
from knowledge.neighbourhood import Neighbourhood, nodes
from myoplan.planner.v1 import knowledge_service_pb2 as pb
from myoplan.planner.v1 import plan_pb2
from services.planner.api.render import question
from services.planner.graph.index import KnowledgeGraph
from services.planner.screen.rules import FiredRule, Screening
from services.planner.usecases.knowledge import RestrictingMuscle, TracedMuscle


def knowledge_base(base: KnowledgeBase) -> pb.KnowledgeBase:
    """Returns the revision, counts and review status."""
    facts = list(_facts(base))
    reviewed = sum(bool(fact.reviewed_by) for fact in facts)
    return pb.KnowledgeBase(
        revision=base.revision,
        counts={name: len(getattr(base, kind.field)) for name, kind in KINDS.items()},
        reviewed_count=reviewed,
        fact_count=len(facts),
        reviewed=reviewed == len(facts),
    )


def _facts(base: KnowledgeBase) -> Iterator[model.Evidence]:
    for kind in KINDS.values():
        held = getattr(base, kind.field)
        for thing in held.values() if isinstance(held, dict) else held:
            if isinstance(thing, model.Evidence):
                yield thing


def evidence(fact: model.Evidence) -> pb.Evidence:
    """Returns where a fact comes from."""
    return pb.Evidence(
        source=fact.source,
        basis=fact.basis.value,
        confidence=fact.confidence.value,
        status=fact.status.value,
        reviewed_by=fact.reviewed_by,
    )


def muscle(graph: KnowledgeGraph, node: model.Muscle) -> pb.Muscle:
    """Returns a muscle with its referral pattern."""
    return pb.Muscle(
        name=f"muscles/{node.id}",
        names=node.names,
        region=node.region,
        parent=node.parent,
        depth=node.depth.value,
        paired=node.paired,
        tier=node.tier.value,
        handling=node.handling.value,
        palpability=node.palpability,
        access=[
            pb.Muscle.Access(
                position=access.position.value,
                hand=access.hand.value,
                limb=access.limb,
                setup_seconds=access.setup_seconds,
                quality=access.quality,
            )
            for access in node.access
        ],
        nerve=node.nerve,
        segments=node.segments,
        actions=node.actions,
        sites=[pb.Muscle.Site(id=site.id, label=site.label, tissue=site.tissue) for site in node.sites],
        refers_to=[
            pb.Muscle.Referral(
                zone=edge.zone, role=pb.Role.Value(edge.role.name), side=edge.side.value, evidence=evidence(edge)
            )
            for edge in graph.referrals_of.get(node.id, ())
        ],
        evidence=evidence(node),
    )


def zone(node: model.Zone) -> pb.Zone:
    """Returns a zone."""
    return pb.Zone(
        name=f"zones/{node.id}",
        names=node.names,
        region=node.region,
        aspect=node.aspect,
        crosses_midline=node.crosses_midline,
        serious_mimics=node.serious_mimics,
        evidence=evidence(node),
    )


def motion(node: model.Motion) -> pb.Motion:
    """Returns a motion with its reference values."""
    return pb.Motion(
        name=f"motions/{node.id}",
        names=node.names,
        unit=node.unit.value,
        sides=node.sides,
        side_means=node.side_means,
        limit_min=node.limit_min,
        limit_max=node.limit_max,
        test_position=node.test_position,
        norms=[
            pb.Motion.Norm(
                value=norm.value,
                kind=norm.kind.value,
                mode=norm.mode,
                sex=norm.sex,
                age_min_years=norm.age_min,
                age_max_years=norm.age_max,
                source=norm.source,
                status=norm.status.value,
            )
            for norm in node.norms
        ],
        evidence=evidence(node),
    )


def technique(node: model.Technique) -> pb.Technique:
    """Returns a technique."""
    return pb.Technique(
        name=f"techniques/{node.id}",
        names=node.names,
        family=node.family,
        phase=plan_pb2.Step.Phase.Value(node.phase.name),
        acts_on=node.acts_on,
        doses=[
            pb.Technique.DoseLevel(
                level=dose.level, seconds=dose.seconds, effect=dose.effect, tissue_load=dose.tissue_load
            )
            for dose in sorted(node.doses, key=lambda dose: dose.seconds)
        ],
        pressure_min=round(node.pressure.min),
        pressure_max=round(node.pressure.max),
        pain_ceiling=node.pain_ceiling,
        instruction=node.instruction,
        feel_for=node.feel_for,
        stop_when=node.stop_when,
        needs=node.needs,
        evidence_grade=node.evidence_grade,
        evidence=evidence(node),
    )


def condition(node: model.Condition) -> pb.Condition:
    """Returns a condition with the details it depends on."""
    return pb.Condition(
        name=f"conditions/{node.id}",
        names=node.names,
        kind=node.kind,
        question=node.question,
        ask_always=node.ask_always,
        takes_zone=node.takes_zone,
        parameters=[
            pb.Condition.Parameter(
                key=parameter.key,
                kind=parameter.kind,
                question=parameter.question,
                unit=parameter.unit,
                min=parameter.min,
                max=parameter.max,
                choices=parameter.choices,
            )
            for parameter in node.parameters
        ],
        evidence=evidence(node),
    )


def source(node: model.Source) -> pb.Source:
    """Returns a citation."""
    return pb.Source(
        name=f"sources/{node.id}",
        citation=node.citation,
        licence=node.licence,
        status=node.status.value,
        url=node.url,
    )


def traced(muscles: tuple[TracedMuscle, ...]) -> pb.TraceZoneResponse:
    """Returns the muscles that refer to a zone."""
    return pb.TraceZoneResponse(
        muscles=[
            pb.TracedMuscle(
                muscle=one.edge.muscle,
                side=plan_pb2.Side.Value(one.side.name),
                role=pb.Role.Value(one.edge.role.name),
                confidence=one.edge.confidence.value,
                source=one.edge.source,
                weight=one.weight,
            )
            for one in muscles
        ]
    )


def restricting(muscles: tuple[RestrictingMuscle, ...]) -> pb.TraceMotionResponse:
    """Returns the muscles that limit a motion."""
    return pb.TraceMotionResponse(
        muscles=[
            pb.RestrictingMuscle(
                muscle=one.edge.muscle,
                side=plan_pb2.Side.Value(one.side.name),
                mechanism=one.edge.mechanism.value,
                test_variant=one.edge.test_variant,
                confidence=one.edge.confidence.value,
                source=one.edge.source,
                weight=one.weight,
            )
            for one in muscles
        ]
    )


def neighbours(found: Neighbourhood, base: KnowledgeBase) -> pb.Neighbourhood:
    """Returns a node with everything that is one edge away."""
    things = nodes(base)
    message = pb.Neighbourhood(name=found.centre)
    for name in found.nodes:
        names = getattr(things[name], "names", ())
        message.nodes.add(name=name, display_name=names[0] if names else name.partition("/")[2].replace("_", " "))
    for edge in found.edges:
        fact = evidence(edge.fact) if isinstance(edge.fact, model.Evidence) else None
        message.edges.append(
            pb.Neighbourhood.Edge(
                kind=edge.kind, to=edge.end, attributes=dict(edge.says), evidence=fact, **{"from": edge.start}
            )
        )
    return message


def screening(found: Screening, base: KnowledgeBase) -> pb.ScreenHealthResponse:
    """Returns what flags mean for a session."""
    return pb.ScreenHealthResponse(
        disposition=plan_pb2.Plan.Disposition.Value(found.disposition.name),
        rules=[_fired(fired, base) for fired in found.rules],
        questions=map(question, found.questions),
    )


def _fired(fired: FiredRule, base: KnowledgeBase) -> pb.FiredRule:
    rule = fired.rule
    return pb.FiredRule(
        rule=rule.id,
        scope=pb.FiredRule.Scope.Value(rule.scope.name),
        message=rule.message,
        urgency=plan_pb2.Urgency.Value(rule.urgency.name) if rule.urgency else plan_pb2.URGENCY_UNSPECIFIED,
        conditions=fired.conditions,
        findings=fired.findings,
        cuts=_cuts(fired, base),
        evidence=evidence(rule),
    )


def _cuts(fired: FiredRule, base: KnowledgeBase) -> Iterator[str]:
    """Yields what a rule takes away, in plain words."""
    cuts = fired.rule.cuts
    if cuts is None:
        return
    where = ", ".join(base.regions[region].names[0] for region in fired.rule.only_in)
    limit = f" on {where}" if where else ""
    yield from (f"no work on the {base.muscles[one].names[0]}" for one in cuts.muscles)
    yield from (f"no work in the region {base.regions[one].names[0]}" for one in cuts.regions)
    yield from (f"no work under the zone {base.zones[one].names[0]}" for one in cuts.zones)
    if cuts.flagged_zone:
        for place in fired.places:
            side = f", {place.side.name}" if place.side else ""
            yield (
                f"no work under the {base.zones[place.zone].names[0]}{side}"
                if place.zone
                else ("no work anywhere until the place is known")
            )
    yield from (f"no {base.techniques[one].names[0]}{limit}" for one in cuts.techniques)
    yield from (f"no technique of the family {one.replace('_', ' ')}{limit}" for one in cuts.families)
    yield from (f"not {base.positions[one].names[0]}" for one in cuts.positions)
    if cuts.max_pressure is not None:
        yield f"pressure no firmer than {cuts.max_pressure} of 5{limit}"
    if cuts.max_minutes is not None:
        yield f"no longer than {cuts.max_minutes} minutes"
