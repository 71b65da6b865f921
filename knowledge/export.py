"""The knowledge graph for other tools: GraphML, node-link JSON, and pictures of a neighbourhood.

Only this module knows networkx, and only while it exports, so that nothing else waits for it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import fields
from io import BytesIO
from typing import TYPE_CHECKING, Any

from knowledge.kinds import EDGES
from knowledge.model import KnowledgeBase
from knowledge.neighbourhood import Edge, Neighbourhood, edges, nodes

if TYPE_CHECKING:
    import networkx as nx

LICENCE = "CC BY 4.0; not clinically reviewed"
_DRAWING_SECONDS = 60
# Colour of a node in a picture, by its kind.
_COLOURS = {
    "muscle": "#f2c6b6",
    "muscle_group": "#f7e0d6",
    "zone": "#bcd7f0",
    "motion": "#c9e4c5",
    "technique": "#e6d3ef",
    "condition": "#f6d98f",
    "safety_rule": "#f3a6a0",
    "endangerment_site": "#f3a6a0",
    "mimic": "#f3a6a0",
}
_OTHER_COLOUR = "#e4e4e4"


class PictureFailed(Exception):
    """A picture could not be drawn; the message says what to do."""


def graphml(base: KnowledgeBase) -> str:
    """Returns the knowledge graph as GraphML; a nested fact is an attribute in JSON, for GraphML has no deeper one."""
    import networkx as nx  # noqa: PLC0415 - only an export needs it, and it takes long to import

    written = BytesIO()
    nx.write_graphml(_graph(base, flat=True), written, named_key_ids=True)
    return written.getvalue().decode("utf-8") + "\n"


def node_link(base: KnowledgeBase) -> str:
    """Returns the knowledge graph as node-link JSON, as networkx reads and writes it."""
    import networkx as nx  # noqa: PLC0415 - only an export needs it, and it takes long to import

    return json.dumps(nx.node_link_data(_graph(base, flat=False), edges="edges"), ensure_ascii=False) + "\n"


def _graph(base: KnowledgeBase, *, flat: bool) -> nx.MultiDiGraph[str]:
    import networkx as nx  # noqa: PLC0415 - only an export needs it, and it takes long to import

    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(revision=base.revision, licence=LICENCE)
    for name, thing in nodes(base).items():
        kind, _, identifier = name.partition("/")
        # `kind` of a node is that of its file; some things have a field of that name, too.
        own = {"kind_of_thing" if key == "kind" else key: value for key, value in _attributes(thing, flat).items()}
        graph.add_node(name, **{"label": identifier, **own, "kind": kind})
    for edge in edges(base):
        of_fact = edge.kind in EDGES
        own = _attributes(edge.fact, flat) if of_fact else {"source": edge.fact.source, **dict(edge.says)}
        graph.add_edge(edge.start, edge.end, **{**own, "kind": edge.kind})
    return graph


def _attributes(thing: Any, flat: bool) -> dict[str, Any]:
    """Returns the fields of a thing as plain values: text and numbers only, if `flat`."""
    if thing is None:
        return {}
    found: dict[str, Any] = {}
    for field in fields(thing):
        value = json.loads(json.dumps(getattr(thing, field.name), default=_plain))
        if value is None or field.name == "id":
            continue
        if flat and isinstance(value, list) and all(isinstance(one, str) for one in value):
            value = "; ".join(value)
        elif flat and isinstance(value, (list, dict)):
            value = json.dumps(value, ensure_ascii=False)
        found[field.name] = value
    return found


def _plain(thing: Any) -> dict[str, Any]:
    return {field.name: getattr(thing, field.name) for field in fields(thing)}


def dot_text(near: Neighbourhood) -> str:
    """Returns a neighbourhood in the language of Graphviz: one line for each node and for each pair of linked nodes."""
    lines = [
        "digraph neighbourhood {",
        '  graph [rankdir=LR, nodesep=0.12, ranksep=1.6, fontname="Helvetica", label=<one hop from the bold node>]',
        '  node [shape=box, style="rounded,filled", color="#666666", fontname="Helvetica", fontsize=11]',
        '  edge [color="#666666", fontname="Helvetica", fontsize=9, fontcolor="#444444", arrowsize=0.7]',
    ]
    for name in near.nodes:
        kind, _, identifier = name.partition("/")
        colour = _COLOURS.get(kind, _OTHER_COLOUR)
        look = ", penwidth=2.5, fontsize=14" if name == near.centre else ""
        label = f"{identifier.replace('_', ' ')}\\n{kind.replace('_', ' ')}"
        lines.append(f'  {_quoted(name)} [label={_quoted(label)}, fillcolor="{colour}"{look}]')
    links: dict[tuple[str, str], dict[str, None]] = {}
    for edge in near.edges:
        links.setdefault((edge.start, edge.end), {})[_told(edge)] = None
    for (start, end), told in links.items():
        lines.append(f"  {_quoted(start)} -> {_quoted(end)} [label={_quoted('; '.join(told))}]")
    return "\n".join([*lines, "}"]) + "\n"


def _told(edge: Edge) -> str:
    """Returns the words on an edge: its kind and what it says; the same side goes without saying."""
    said = [f"{name} {value}" if name == "order" else value for name, value in edge.says if value != "same"]
    return ", ".join([edge.kind, *said]).replace("_", " ")


def _quoted(text: str) -> str:
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'


def picture(near: Neighbourhood) -> str:
    """Returns a neighbourhood as SVG, drawn by the program `dot` of Graphviz. Raises PictureFailed."""
    program = shutil.which("dot")
    if program is None:
        raise PictureFailed("the program 'dot' is not here; install Graphviz (package graphviz) to draw pictures")
    try:
        drawn = subprocess.run(
            [program, "-Tsvg"],
            input=dot_text(near),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_DRAWING_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        told = getattr(error, "stderr", "") or error
        raise PictureFailed(f"'dot' could not draw it: {told}") from error
    return drawn.stdout
