"""Shows the knowledge base as the planner has it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from myoplan.planner.v1.knowledge_service_pb2 import (
    Evidence,
    GetKnowledgeBaseRequest,
    GetNeighbourhoodRequest,
    Neighbourhood,
)
from services.console.clients import READ_SECONDS
from services.console.pages.knowledge.picture import MOST_NODES, drawn, picture_of, relation, source_of
from services.console.pages.knowledge.things import BROWSED, KINDS, Field, all_of, one_of
from services.console.web import Context, Visit, page, problem

REVISION_LETTERS = 12
OPEN_GROUP = 12
REVIEWED = ("yes", "no")


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRow:
    """One kind with how many there are."""

    kind: str
    name: str
    count: int
    here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingRow:
    """One thing of a list."""

    address: str
    name: str
    also: str
    facet: str
    review: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetRow:
    """One value of a facet with how many things have it."""

    value: str
    name: str
    count: int
    here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage(Context):
    """The things of one kind, searched and narrowed."""

    kind: str
    heading: str
    revision: str
    reviewed: str
    kinds: tuple[KindRow, ...]
    find: str
    facet_label: str
    facet: str
    facets: tuple[FacetRow, ...]
    reviews: tuple[FacetRow, ...]
    review: str
    things: tuple[ThingRow, ...]
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a fact comes from, in words."""

    source: str
    address: str
    words: str
    review: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeRow:
    """One edge, read from its start to its end; an address is empty for what has no page."""

    start: str
    start_address: str
    relation: str
    end: str
    end_address: str
    says: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeGroup:
    """All edges of one kind."""

    name: str
    edges: tuple[EdgeRow, ...]
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingPage(Context):
    """One thing in full with its neighbourhood. `picture` is SVG; empty: none can be drawn here."""

    kind: str
    kind_name: str
    id: str
    name: str
    fields: tuple[Field, ...]
    origin: Origin | None
    picture: str
    picture_note: str
    groups: tuple[EdgeGroup, ...]
    edges: int


async def first(visit: Visit) -> Response:
    """Shows the muscles, with the way to all other lists."""
    return await _list(visit, "muscle")


async def things(visit: Visit) -> Response:
    """Shows the list of a kind."""
    kind = visit.request.path_params["kind"]
    return await _list(visit, kind) if kind in KINDS else problem(visit, 404, "missing")


async def _list(visit: Visit, name: str) -> Response:
    kind, query = KINDS[name], visit.request.query_params
    base, everything = await asyncio.gather(
        visit.console.services.knowledge.GetKnowledgeBase(GetKnowledgeBaseRequest(), timeout=READ_SECONDS),
        all_of(visit, kind),
    )
    find, facet, review = query.get("find", "").strip()[:64], query.get("facet", ""), query.get("reviewed", "")
    found = [thing for thing in everything if _matches(thing, find)]
    narrowed = [thing for thing in found if facet in {"", getattr(thing, kind.facet)}]
    shown = [thing for thing in narrowed if review not in REVIEWED or review == _review(thing)]
    context = ListPage(
        title=visit.t("knowledge.title"),
        kind=name,
        heading=visit.t(f"knowledge.kind.{name}"),
        revision=base.revision[:REVISION_LETTERS],
        reviewed=visit.t("knowledge.reviewed_of", n=base.reviewed_count, all=base.fact_count),
        kinds=tuple(
            KindRow(kind=each, name=visit.t(f"knowledge.kind.{each}"), count=base.counts[each], here=each == name)
            for each in KINDS
        ),
        find=find,
        facet_label=visit.t(f"knowledge.field.{kind.facet}"),
        facet=facet,
        facets=_facets(visit, kind.facet, (getattr(thing, kind.facet) for thing in found), facet),
        reviews=tuple(
            FacetRow(
                value=value,
                name=visit.t("evidence.reviewed" if value == "yes" else "evidence.not_reviewed"),
                count=sum(_review(thing) == value for thing in narrowed),
                here=review == value,
            )
            for value in REVIEWED
        ),
        review=review if review in REVIEWED else "",
        things=tuple(_thing_row(visit, name, kind.facet, thing) for thing in _by_name(shown)),
        found=visit.console.texts.count("knowledge.found", len(shown)),
    )
    return visit.show("knowledge.html", context, reviewed=base.reviewed)


def _names(thing: Any) -> list[str]:
    return list(thing.names) if hasattr(thing, "names") else [thing.citation]


def _id(thing: Any) -> str:
    return str(thing.name.partition("/")[2])


def _by_name(found: Iterable[Any]) -> list[Any]:
    return sorted(found, key=lambda thing: _names(thing)[0].casefold())


def _matches(thing: Any, find: str) -> bool:
    wanted = find.casefold()
    return not wanted or any(wanted in text.casefold() for text in (*_names(thing), _id(thing).replace("_", " ")))


def _review(thing: Any) -> str:
    """Returns whether a clinician has reviewed a thing; a source is a citation and no fact, so nobody has."""
    return "yes" if hasattr(thing, "evidence") and thing.evidence.reviewed_by else "no"


def _facets(visit: Visit, facet: str, values: Iterable[str], here: str) -> tuple[FacetRow, ...]:
    return tuple(
        FacetRow(value=value, name=_facet_name(visit, facet, value), count=count, here=value == here)
        for value, count in sorted(Counter(values).items())
        if value
    )


def _facet_name(visit: Visit, facet: str, value: str) -> str:
    return visit.console.vocabulary.name("region", value) if facet == "region" else value.replace("_", " ")


def _thing_row(visit: Visit, kind: str, facet: str, thing: Any) -> ThingRow:
    names = _names(thing)
    return ThingRow(
        address=f"/knowledge/{kind}/{_id(thing)}",
        name=names[0],
        also=", ".join(names[1:4]),
        facet=_facet_name(visit, facet, getattr(thing, facet)),
        review=visit.t("evidence.reviewed" if _review(thing) == "yes" else "evidence.not_reviewed"),
    )


async def thing(visit: Visit) -> Response:
    """Shows one thing and its neighbourhood."""
    kind, identifier = visit.request.path_params["kind"], visit.request.path_params["id"]
    if kind not in BROWSED:
        return problem(visit, 404, "missing")
    found, known = await asyncio.gather(_neighbourhood(visit, f"{kind}/{identifier}"), _known(visit, kind, identifier))
    name = next((node.display_name for node in found.nodes if node.name == found.name), "")
    if known is not None and kind == "source":
        name = known.citation
    picture = await picture_of(source_of(found, visit.console.texts, BROWSED)) if found.edges else ""
    context = ThingPage(
        title=name or identifier.replace("_", " "),
        kind=kind,
        kind_name=visit.t(f"knowledge.one.{kind}" if kind in KINDS else f"knowledge.kind.{kind}"),
        id=identifier,
        name=name or identifier.replace("_", " "),
        fields=tuple(KINDS[kind].fields(visit, known)) if known is not None else (),
        origin=_origin(visit, known.evidence) if known is not None and hasattr(known, "evidence") else None,
        picture=picture,
        picture_note=_picture_note(visit, found, picture),
        groups=_groups(visit, found),
        edges=len(found.edges),
    )
    return visit.show("thing.html", context, reviewed=context.origin is None or bool(known.evidence.reviewed_by))


async def _known(visit: Visit, kind: str, identifier: str) -> Any:
    return await one_of(visit, KINDS[kind], identifier) if kind in KINDS else None


async def _neighbourhood(visit: Visit, name: str) -> Neighbourhood:
    """Returns what is one edge away. A source has no edges: every fact cites one."""
    if name.startswith("source/"):
        return Neighbourhood(name=name)
    return await visit.console.services.knowledge.GetNeighbourhood(
        GetNeighbourhoodRequest(name=name), timeout=READ_SECONDS
    )


def _picture_note(visit: Visit, found: Neighbourhood, picture: str) -> str:
    if not found.edges:
        return ""
    if not picture:
        return visit.t("knowledge.no_picture")
    others = len(found.nodes) - 1
    if others > len(drawn(found)) - 1:
        return visit.t("knowledge.part_of_picture", n=MOST_NODES, all=others)
    return visit.t("knowledge.whole_picture")


def _origin(visit: Visit, evidence: Evidence) -> Origin:
    basis = f"evidence.{evidence.basis}"
    words = (
        visit.t(basis) if basis in visit.console.texts else evidence.basis,
        visit.t("knowledge.confidence", word=evidence.confidence) if evidence.confidence else "",
        visit.t(f"knowledge.status.{evidence.status}") if evidence.status else "",
    )
    return Origin(
        source=evidence.source,
        address=f"/knowledge/source/{evidence.source}" if evidence.source else "",
        words=", ".join(word for word in words if word),
        review=visit.t("knowledge.reviewed_by", who=", ".join(evidence.reviewed_by))
        if evidence.reviewed_by
        else visit.t("evidence.not_reviewed"),
    )


def _groups(visit: Visit, found: Neighbourhood) -> tuple[EdgeGroup, ...]:
    names = {node.name: node.display_name for node in found.nodes}

    def address(node: str) -> str:
        return f"/knowledge/{node}" if node != found.name and node.partition("/")[0] in BROWSED else ""

    rows: dict[str, list[EdgeRow]] = {}
    for edge in found.edges:
        start, end = getattr(edge, "from"), edge.to
        words = relation(edge.kind, visit.console.texts)
        rows.setdefault(words, []).append(
            EdgeRow(
                start=names.get(start, start),
                start_address=address(start),
                relation=words,
                end=names.get(end, end),
                end_address=address(end),
                says=", ".join(
                    f"{key.replace('_', ' ')}: {value.replace('_', ' ')}"
                    for key, value in sorted(edge.attributes.items())
                ),
                origin=_origin(visit, edge.evidence),
            )
        )
    ordered = sorted(rows.items(), key=lambda pair: len(pair[1]))
    return tuple(EdgeGroup(name=words, edges=tuple(edges), open=len(edges) <= OPEN_GROUP) for words, edges in ordered)


ROUTES: Sequence[Route] = (
    *page("/knowledge", first),
    *page("/knowledge/{kind}", things),
    *page("/knowledge/{kind}/{id:path}", thing),
)
