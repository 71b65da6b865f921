"""The neighbourhood of a node as a picture, by Graphviz where it is installed. The table beside it says it all."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from myoplan.planner.v1.knowledge_service_pb2 import Neighbourhood
from services.console.texts import Texts

PROGRAM = "dot"
SECONDS = 5.0
MOST_KEPT = 300
MOST_NODES = 22
FIRST = (
    "refers_to",
    "limits_motion",
    "satellite_of",
    "entraps",
    "overlies",
    "lies_in",
    "muscle",
    "conditions",
    "needs",
    "treated_by",
)
"""The kinds of edges that are drawn first when there are too many neighbours to draw."""
SHAPES = {"muscle": "box", "zone": "ellipse", "motion": "hexagon", "technique": "box", "safety_rule": "octagon"}
_LETTERS = 40


def drawn(found: Neighbourhood) -> tuple[str, ...]:
    """Returns the nodes that are drawn: the centre and at most MOST_NODES neighbours, by the kind of their edge."""
    rank = {kind: n for n, kind in enumerate(FIRST)}
    edges = sorted(found.edges, key=lambda edge: rank.get(edge.kind, len(FIRST)))
    ends = (end for edge in edges for end in (getattr(edge, "from"), edge.to))
    return tuple(dict.fromkeys((found.name, *ends)))[: MOST_NODES + 1]


def source_of(found: Neighbourhood, texts: Texts, kinds: Iterable[str]) -> str:
    """Returns the picture in the language of Graphviz; nodes of `kinds` have a page, so they are links."""
    shown = drawn(found)
    names = {node.name: node.display_name for node in found.nodes}
    lines = [
        "digraph {",
        'graph [rankdir=LR ranksep=0.5 nodesep=0.12 bgcolor="transparent"]',
        'node [fontname="sans-serif" fontsize=10.5 height=0.3 margin="0.12,0.05"]',
        'edge [fontname="sans-serif" fontsize=10 arrowsize=0.6]',
    ]
    for name in shown:
        kind = name.partition("/")[0]
        link = f" href={_quoted('/knowledge/' + name)}" if kind in set(kinds) else ""
        here = " centre" if name == found.name else ""
        label = _quoted(_short(names.get(name, name.partition("/")[2])))
        look = f"shape={SHAPES.get(kind, 'box')} class={_quoted(f'kind-{kind}{here}')}"
        lines.append(f"{_quoted(name)} [label={label} {look}{link}]")
    told: set[tuple[str, str, str]] = set()
    for edge in found.edges:
        start, end = getattr(edge, "from"), edge.to
        if (start, edge.kind, end) in told or start not in shown or end not in shown:
            continue
        told.add((start, edge.kind, end))
        style = " style=dashed" if edge.attributes.get("role") == "spillover" else ""
        look = f"label={_quoted(relation(edge.kind, texts))} class={_quoted(edge.kind)}{style}"
        lines.append(f"{_quoted(start)} -> {_quoted(end)} [{look}]")
    return "\n".join((*lines, "}"))


def relation(kind: str, texts: Texts) -> str:
    """Returns the words of a kind of edge, read from its start to its end."""
    key = f"knowledge.edge.{kind}"
    return texts(key) if key in texts else kind.replace("_", " ")


def _short(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"


def _quoted(text: str) -> str:
    """Returns a quoted string of Graphviz: nothing in a name can end it or begin an escape."""
    clean = "".join(max(letter, " ") for letter in text)
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'


_kept: OrderedDict[str, str] = OrderedDict()
"""The pictures that were looked at last, by their source: nothing of a client is in them."""


async def picture_of(source: str) -> str:
    """Returns the SVG element; one that was drawn before is not drawn again."""
    picture = _kept.pop(source, "") or await draw(source)
    if picture:
        _kept[source] = picture
        if len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return picture


async def draw(source: str, program: Sequence[str] = (PROGRAM,)) -> str:
    """Returns the SVG element; empty where Graphviz is not installed, fails or takes longer than SECONDS."""
    path = shutil.which(program[0])
    if path is None:
        return ""
    child = await asyncio.create_subprocess_exec(
        path,
        *program[1:],
        "-Tsvg",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        told, _ = await asyncio.wait_for(child.communicate(source.encode()), SECONDS)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
        return ""
    _, begin, rest = told.decode("utf-8", "replace").partition("<svg")
    return begin + rest if child.returncode == 0 and begin else ""
