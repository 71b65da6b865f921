"""Every thing is a node, every link an edge, and a name that is not clear is asked back."""

from __future__ import annotations

import pytest

from knowledge.load import load
from knowledge.model import Role, Side
from knowledge.neighbourhood import NodeUnknown, edges, find, neighbourhood, nodes
from tests.support.literal_knowledge import (
    condition,
    cuts,
    entraps,
    group,
    knowledge,
    limits_motion,
    motion,
    muscle,
    overlies,
    position,
    position_change,
    refers_to,
    rule,
    satellite_of,
    technique,
    treated_by,
    unit,
    zone,
)

BASE = knowledge(
    muscle("trapezius", lies_in=("nape",)),
    muscle("levator"),
    group("shruggers", "trapezius", "levator"),
    zone("nape"),
    zone("temple"),
    motion("neck_rotation"),
    technique("press", needs=("warm",)),
    technique("warm"),
    condition("fever"),
    rule("fever_neck", "fever", cuts=cuts(muscles=("trapezius",))),
    position("supine"),
    position("prone"),
    position_change("supine", "prone", 60),
    refers_to("trapezius", "temple", role=Role.SPILLOVER),
    limits_motion("neck_rotation", "trapezius", side=Side.OPPOSITE),
    satellite_of("levator", "trapezius"),
    treated_by("press", "trapezius"),
    overlies("trapezius", "levator"),
    entraps("trapezius", "occipital nerve", "nape"),
    unit("turning", "neck_rotation", trapezius="agonist"),
)


def test_everything_one_step_away_is_near() -> None:
    near = neighbourhood(BASE, "trapezius")
    told = {(edge.kind, edge.start, edge.end) for edge in near.edges}
    assert told == {
        ("refers_to", "muscle/trapezius", "zone/temple"),
        ("limits_motion", "muscle/trapezius", "motion/neck_rotation"),
        ("satellite_of", "muscle/levator", "muscle/trapezius"),
        ("treated_by", "muscle/trapezius", "technique/press"),
        ("overlies", "muscle/trapezius", "muscle/levator"),
        ("entraps", "muscle/trapezius", "nerve/occipital nerve"),
        ("member", "functional_unit/turning", "muscle/trapezius"),
        ("region", "muscle/trapezius", "region/neck"),
        ("lies_in", "muscle/trapezius", "zone/nape"),
        ("members", "muscle_group/shruggers", "muscle/trapezius"),
        ("muscles", "safety_rule/fever_neck", "muscle/trapezius"),
    }
    assert near.centre == near.nodes[0] == "muscle/trapezius"
    assert "zone/temple" in near.nodes
    assert "condition/fever" not in near.nodes


def test_an_edge_says_what_its_fact_says() -> None:
    said = {edge.kind: dict(edge.says) for edge in neighbourhood(BASE, "muscle/trapezius").edges}
    assert said["refers_to"] == {"role": "spillover", "side": "same"}
    assert said["limits_motion"] == {"mechanism": "shortened", "side": "opposite"}
    assert said["treated_by"] == {"order": "1"}
    assert said["member"] == {"role": "agonist"}


def test_a_nerve_is_known_by_its_name() -> None:
    near = neighbourhood(BASE, "occipital nerve")
    assert near.nodes == ("nerve/occipital nerve", "muscle/trapezius", "zone/nape")


def test_a_turn_links_two_positions() -> None:
    (edge,) = neighbourhood(BASE, "supine").edges
    assert (edge.kind, edge.end, edge.says) == ("position_change", "position/prone", (("seconds", "60"),))


def test_a_name_of_two_kinds_is_asked_back() -> None:
    base = knowledge(zone("calf"), muscle("a"), muscle("b"), group("calf", "a", "b"))
    with pytest.raises(NodeUnknown, match="'calf' is muscle_group/calf and zone/calf; say which"):
        find(base, "calf")
    assert find(base, "zone/calf") == "zone/calf"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("trapezus", "did you mean trapezius"),
        ("shruggers!", "trapezius or levator"),
        ("nap", "nape"),
        ("xyzzy", "'xyzzy'"),
    ],
)
def test_an_unknown_name_gets_a_hint(word: str, hint: str) -> None:
    with pytest.raises(NodeUnknown, match=hint):
        find(BASE, word)


def test_every_end_of_every_curated_edge_is_a_node() -> None:
    base = load()
    known = nodes(base)
    assert {end for edge in edges(base) for end in (edge.start, edge.end)} <= set(known)
