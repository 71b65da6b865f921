"""The kinds of knowledge files: which type each holds, where it goes, and which fields name other things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from knowledge import model


@dataclass(frozen=True, slots=True)
class NodeKind:
    """Things with an id; `field` is their place in the KnowledgeBase."""

    type: type[Any]
    field: str


@dataclass(frozen=True, slots=True)
class EdgeKind:
    """Links between two things.

    Entries stand under the id in the field `first`; `second` is the other end. Without `first` they are a plain list
    and `second` holds both ends.
    """

    type: type[Any]
    field: str
    first: str
    second: str


NODES: Mapping[str, NodeKind] = {
    "source": NodeKind(model.Source, "sources"),
    "region": NodeKind(model.Region, "regions"),
    "muscle": NodeKind(model.Muscle, "muscles"),
    "muscle_group": NodeKind(model.MuscleGroup, "muscle_groups"),
    "zone": NodeKind(model.Zone, "zones"),
    "motion": NodeKind(model.Motion, "motions"),
    "position": NodeKind(model.Position, "positions"),
    "technique": NodeKind(model.Technique, "techniques"),
    "condition": NodeKind(model.Condition, "conditions"),
    "safety_rule": NodeKind(model.SafetyRule, "rules"),
    "endangerment_site": NodeKind(model.EndangermentSite, "endangerment_sites"),
    "mimic": NodeKind(model.Mimic, "mimics"),
    "functional_unit": NodeKind(model.FunctionalUnit, "functional_units"),
    "perpetuating_factor": NodeKind(model.PerpetuatingFactor, "factors"),
    "advice": NodeKind(model.Advice, "advice"),
    "complaint": NodeKind(model.Complaint, "complaints"),
    "planning_number": NodeKind(model.PlanningNumber, "planning"),
}
EDGES: Mapping[str, EdgeKind] = {
    "refers_to": EdgeKind(model.RefersTo, "refers_to", "muscle", "zone"),
    "limits_motion": EdgeKind(model.LimitsMotion, "limits_motion", "motion", "muscle"),
    "satellite_of": EdgeKind(model.SatelliteOf, "satellite_of", "muscle", "key"),
    "treated_by": EdgeKind(model.TreatedBy, "treated_by", "technique", "muscle"),
    "overlies": EdgeKind(model.Overlies, "overlies", "muscle", "deeper"),
    "entraps": EdgeKind(model.Entraps, "entraps", "muscle", "nerve"),
    "position_change": EdgeKind(model.PositionChange, "position_changes", "", "between"),
}
KINDS: Mapping[str, NodeKind | EdgeKind] = {**NODES, **EDGES}

# Field of any type -> the collection whose id it holds. This is what "dangling" means.
REFERENCES: Mapping[str, str] = {
    "source": "sources",
    "limit_source": "sources",
    "region": "regions",
    "regions": "regions",
    "only_in": "regions",
    "muscle": "muscles",
    "muscles": "muscles",
    "members": "muscles",
    "deeper": "muscles",
    "key": "muscles",
    "zone": "zones",
    "zones": "zones",
    "lies_in": "zones",
    "motion": "motions",
    "technique": "techniques",
    "techniques": "techniques",
    "no_techniques": "techniques",
    "needs": "techniques",
    "aftercare": "advice",
    "conditions": "conditions",
    "between": "positions",
    "positions": "positions",
    "tested_in": "positions",
}
# A field that has such a name and holds something else.
NOT_REFERENCES = {(model.Motion, "motion"), (model.Parameter, "key"), (model.FunctionalUnit, "members")}


def ends_of(kind: EdgeKind, edge: Any) -> tuple[str, str]:
    """Returns the ids of the two ends of an edge (of the fields of one, while it is not yet typed)."""
    read = edge.__getitem__ if isinstance(edge, dict) else edge.__getattribute__
    if not kind.first:
        one, other = sorted(read(kind.second))
        return one, other
    return read(kind.first), read(kind.second)
