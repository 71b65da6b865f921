"""The kinds of things that have a list and a page: how they are asked for, and their fields in words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from myoplan.planner.v1 import knowledge_service_pb2 as pb
from myoplan.planner.v1.plan_pb2 import Step
from services.console.clients import READ_SECONDS
from services.console.web import Visit

PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a thing: its label and what it says, one text or several; `addresses` where they are links."""

    label: str
    texts: tuple[str, ...]
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How one kind is listed, fetched and told. `collection` is how the contract calls it; `facet` sorts its list."""

    collection: str
    method: str
    request: Callable[..., Any]
    get: str
    get_request: Callable[..., Any]
    facet: str
    fields: Callable[[Visit, Any], Iterator[Field]]


def _texts(visit: Visit, key: str, *values: object) -> Field | None:
    told = tuple(str(value) for value in values if value not in {"", None})
    return Field(label=visit.t(f"knowledge.field.{key}"), texts=told) if told else None


def _links(visit: Visit, key: str, kind: str, identifiers: Iterable[str]) -> Field | None:
    known = [each for each in identifiers if each]
    if not known:
        return None
    return Field(
        label=visit.t(f"knowledge.field.{key}"),
        texts=tuple(visit.console.vocabulary.name(kind, each) for each in known),
        addresses=tuple(f"/knowledge/{kind}/{each}" for each in known),
    )


def _some(*fields: Field | None) -> Iterator[Field]:
    return (field for field in fields if field is not None)


def _plain(value: str) -> str:
    return value.replace("_", " ")


def _yes(visit: Visit, value: bool) -> str:
    return visit.t("answer.present" if value else "answer.absent")


def _muscle(visit: Visit, muscle: pb.Muscle) -> Iterator[Field]:
    vocabulary = visit.console.vocabulary
    return _some(
        _texts(visit, "names", *muscle.names[1:]),
        _links(visit, "region", "region", [muscle.region]),
        _texts(visit, "parent", _plain(muscle.parent)),
        _texts(visit, "depth", muscle.depth),
        _texts(visit, "sides", visit.t("knowledge.both_sides") if muscle.paired else visit.t("side.midline")),
        _texts(visit, "tier", visit.t(f"knowledge.tier.{muscle.tier}")),
        _texts(visit, "handling", _plain(muscle.handling)),
        _texts(visit, "palpability", f"{muscle.palpability:.0%}" if muscle.HasField("palpability") else ""),
        _texts(visit, "nerve", " ".join(part for part in (muscle.nerve, muscle.segments) if part)),
        _texts(visit, "actions", *muscle.actions),
        _texts(visit, "sites", *(f"{site.label} ({site.tissue})" for site in muscle.sites)),
        _texts(
            visit,
            "access",
            *(
                f"{vocabulary.name('position', each.position)}, {each.hand}: {each.limb} ({each.quality:.0%})"
                for each in muscle.access
            ),
        ),
    )


def _zone(visit: Visit, zone: pb.Zone) -> Iterator[Field]:
    return _some(
        _texts(visit, "names", *zone.names[1:]),
        _links(visit, "region", "region", [zone.region]),
        _texts(visit, "aspect", zone.aspect),
        _texts(visit, "crosses_midline", _yes(visit, zone.crosses_midline)),
        _texts(visit, "serious_mimics", _yes(visit, zone.serious_mimics)),
    )


def _motion(visit: Visit, motion: pb.Motion) -> Iterator[Field]:
    unit = visit.t(f"unit.{motion.unit}")
    limits = f"{motion.limit_min:g}–{motion.limit_max:g}{unit}" if motion.HasField("limit_max") else ""
    return _some(
        _texts(visit, "names", *motion.names[1:]),
        _texts(visit, "sides", ", ".join(visit.t(f"side.{side}") for side in motion.sides)),
        _texts(visit, "side_means", motion.side_means),
        _texts(visit, "limits", limits),
        _texts(visit, "test_position", _plain(motion.test_position)),
        _texts(visit, "norms", *(_norm(visit, norm, unit) for norm in motion.norms)),
    )


def _norm(visit: Visit, norm: pb.Motion.Norm, unit: str) -> str:
    ages = f"{norm.age_min_years:g}–{norm.age_max_years:g}" if norm.HasField("age_max_years") else ""
    parts = (
        f"{norm.value:g}{unit}",
        _plain(norm.kind),
        norm.mode,
        norm.sex,
        visit.t("knowledge.ages", ages=ages) if ages else "",
        f"{norm.source}, {norm.status}",
    )
    return " · ".join(part for part in parts if part)


def _technique(visit: Visit, technique: pb.Technique) -> Iterator[Field]:
    return _some(
        _texts(visit, "names", *technique.names[1:]),
        _texts(visit, "family", _plain(technique.family)),
        _texts(visit, "phase", visit.t(f"phase.{Step.Phase.Name(technique.phase)}")),
        _texts(visit, "acts_on", technique.acts_on),
        _texts(
            visit,
            "doses",
            *(
                visit.t(
                    "knowledge.dose", level=dose.level, minutes=f"{dose.seconds / 60:g}", effect=f"{dose.effect:.0%}"
                )
                for dose in technique.doses
            ),
        ),
        _texts(visit, "pressure", f"{technique.pressure_min}–{technique.pressure_max}"),
        _texts(visit, "pain_ceiling", f"{technique.pain_ceiling}/10" if technique.HasField("pain_ceiling") else ""),
        _texts(visit, "instruction", technique.instruction),
        _texts(visit, "feel_for", technique.feel_for),
        _texts(visit, "stop_when", technique.stop_when),
        _links(visit, "needs", "technique", technique.needs),
        _texts(
            visit, "grade", visit.t(f"knowledge.grade.{technique.evidence_grade}") if technique.evidence_grade else ""
        ),
    )


def _condition(visit: Visit, condition: pb.Condition) -> Iterator[Field]:
    return _some(
        _texts(visit, "names", *condition.names[1:]),
        _texts(visit, "kind", _plain(condition.kind)),
        _texts(visit, "question", condition.question),
        _texts(visit, "ask_always", _yes(visit, condition.ask_always)),
        _texts(visit, "takes_zone", _yes(visit, condition.takes_zone)),
        _texts(visit, "parameters", *(each.question or _plain(each.key) for each in condition.parameters)),
    )


def _source(visit: Visit, source: pb.Source) -> Iterator[Field]:
    address = source.url if source.url.startswith("https://") else ""
    return _some(
        _texts(visit, "citation", source.citation),
        _texts(visit, "licence", source.licence),
        _texts(visit, "status", source.status),
        Field(label=visit.t("knowledge.field.url"), texts=(source.url,), addresses=(address,)) if source.url else None,
    )


KINDS: Mapping[str, Kind] = {
    "muscle": Kind(
        collection="muscles",
        method="ListMuscles",
        request=pb.ListMusclesRequest,
        get="GetMuscle",
        get_request=pb.GetMuscleRequest,
        facet="region",
        fields=_muscle,
    ),
    "zone": Kind(
        collection="zones",
        method="ListZones",
        request=pb.ListZonesRequest,
        get="GetZone",
        get_request=pb.GetZoneRequest,
        facet="region",
        fields=_zone,
    ),
    "motion": Kind(
        collection="motions",
        method="ListMotions",
        request=pb.ListMotionsRequest,
        get="GetMotion",
        get_request=pb.GetMotionRequest,
        facet="unit",
        fields=_motion,
    ),
    "technique": Kind(
        collection="techniques",
        method="ListTechniques",
        request=pb.ListTechniquesRequest,
        get="GetTechnique",
        get_request=pb.GetTechniqueRequest,
        facet="family",
        fields=_technique,
    ),
    "condition": Kind(
        collection="conditions",
        method="ListConditions",
        request=pb.ListConditionsRequest,
        get="GetCondition",
        get_request=pb.GetConditionRequest,
        facet="kind",
        fields=_condition,
    ),
    "source": Kind(
        collection="sources",
        method="ListSources",
        request=pb.ListSourcesRequest,
        get="GetSource",
        get_request=pb.GetSourceRequest,
        facet="status",
        fields=_source,
    ),
}
"""The kinds with a list of their own; every other kind has the page of its neighbourhood."""
BROWSED = (
    *KINDS,
    "region",
    "muscle_group",
    "position",
    "safety_rule",
    "endangerment_site",
    "mimic",
    "functional_unit",
    "perpetuating_factor",
    "advice",
    "complaint",
    "nerve",
)
"""The kinds whose things have a page."""


async def all_of(visit: Visit, kind: Kind) -> list[Any]:
    """Returns everything of a kind."""
    call: Callable[..., Awaitable[Any]] = getattr(visit.console.services.knowledge, kind.method)
    found: list[Any] = []
    token = ""
    while True:
        answer = await call(kind.request(page_size=PAGE, page_token=token), timeout=READ_SECONDS)
        found += getattr(answer, kind.collection)
        token = answer.next_page_token
        if not token:
            return found


async def one_of(visit: Visit, kind: Kind, identifier: str) -> Any:
    """Returns one thing of a kind; a call that fails with NOT_FOUND if there is none."""
    call: Callable[..., Awaitable[Any]] = getattr(visit.console.services.knowledge, kind.get)
    return await call(kind.get_request(name=f"{kind.collection}/{identifier}"), timeout=READ_SECONDS)
