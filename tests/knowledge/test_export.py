"""Other tools read the graph back whole, and a picture is drawn by Graphviz or not at all."""

from __future__ import annotations

import json
import stat
from io import BytesIO
from pathlib import Path

import networkx as nx
import pytest

from knowledge.export import LICENCE, PictureFailed, dot_text, graphml, node_link, picture
from knowledge.load import load
from knowledge.neighbourhood import edges, neighbourhood, nodes
from tests.knowledge.test_neighbourhood import BASE


def test_graphml_comes_back_whole() -> None:
    graph = nx.read_graphml(BytesIO(graphml(BASE).encode()), force_multigraph=True)
    assert set(graph.nodes) == set(nodes(BASE))
    assert graph.number_of_edges() == len(list(edges(BASE)))
    assert graph.graph["revision"] == "literal"
    muscle = graph.nodes["muscle/trapezius"]
    assert (muscle["kind"], muscle["palpability"], muscle["paired"]) == ("muscle", 0.9, True)
    assert json.loads(muscle["access"])[0]["position"] == "supine"
    (edge,) = graph.get_edge_data("muscle/trapezius", "zone/temple").values()
    assert (edge["kind"], edge["role"], edge["source"]) == ("refers_to", "spillover", "book")


def test_node_link_json_comes_back_whole() -> None:
    graph = nx.node_link_graph(json.loads(node_link(BASE)), edges="edges")
    assert set(graph.nodes) == set(nodes(BASE))
    assert graph.number_of_edges() == len(list(edges(BASE)))
    assert graph.graph == {"revision": "literal", "licence": LICENCE}
    assert graph.nodes["muscle/trapezius"]["access"][0]["position"] == "supine"
    assert graph.nodes["condition/fever"]["kind"] == "condition"
    assert graph.nodes["condition/fever"]["kind_of_thing"] == "disease"
    assert graph.nodes["nerve/occipital nerve"]["label"] == "occipital nerve"


def test_the_curated_graph_is_exported_whole() -> None:
    base = load()
    data = json.loads(node_link(base))
    assert len(data["nodes"]) == len(nodes(base))
    assert len(data["edges"]) == len(list(edges(base)))


def test_the_centre_stands_out_and_links_are_told() -> None:
    text = dot_text(neighbourhood(BASE, "trapezius"))
    assert '"muscle/trapezius" [label="trapezius\\nmuscle", fillcolor="#f2c6b6", penwidth=2.5, fontsize=14]' in text
    assert '"muscle/trapezius" -> "zone/temple" [label="refers to, spillover"]' in text
    assert '"muscle/trapezius" -> "motion/neck_rotation" [label="limits motion, shortened, opposite"]' in text
    assert '"muscle/trapezius" -> "technique/press" [label="treated by, order 1"]' in text


def program(folder: Path, script: str) -> None:
    """Puts a program of the name dot into a folder."""
    path = folder / "dot"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_dot_gets_the_text_and_gives_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program of that name is called as Graphviz's is; what it does with the text is not ours to test."""
    program(tmp_path, 'echo "<svg $1>"; /bin/cat; echo "</svg>"')
    monkeypatch.setenv("PATH", str(tmp_path))
    near = neighbourhood(BASE, "trapezius")
    assert picture(near) == f"<svg -Tsvg>\n{dot_text(near)}</svg>\n"


def test_without_dot_the_person_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PictureFailed, match="install Graphviz"):
        picture(neighbourhood(BASE, "trapezius"))


def test_what_dot_complains_about_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "echo 'syntax error in line 1' >&2; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PictureFailed, match="syntax error in line 1"):
        picture(neighbourhood(BASE, "trapezius"))
