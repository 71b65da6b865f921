"""A clinic adds and overrides by folder; what it changes is told, and it cannot make a session less safe in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.load import KnowledgeInvalid, load
from knowledge.overlay import OverlayReport, apply

EVIDENCE = "{source: book, basis: textbook, confidence: medium, status: unverified}"
OWN = "{source: clinic, basis: expert, confidence: low, status: unverified}"
BASE = {
    "sources": "kind: source\nentries:\n  book: {citation: A book., licence: facts only, status: unverified}\n",
    "regions": "kind: region\nentries:\n  neck: {names: [neck]}\n",
    "zones": f"""\
kind: zone
defaults: {EVIDENCE}
entries:
  nape: {{names: [nape], region: neck, aspect: posterior, crosses_midline: true}}
  throat: {{names: [throat], region: neck, aspect: anterior, crosses_midline: true}}
""",
    "muscles": f"""\
kind: muscle
defaults: {EVIDENCE}
entries:
  trapezius:
    names: [trapezius]
    region: neck
    depth: superficial
    paired: true
    tier: must
    handling: normal
    palpability: 0.9
    access: []
    nerve: accessory
    segments: C3
    actions: [lifts the shoulder]
    sites: []
    lies_in: [nape]
""",
    "refers_to": f"""\
kind: refers_to
defaults: {EVIDENCE}
entries:
  trapezius:
    - {{zone: nape, role: primary}}
""",
    "conditions": f"""\
kind: condition
defaults: {EVIDENCE}
entries:
  fever: {{names: [fever], kind: sign, question: Do you have a fever?}}
""",
    "rules": f"""\
kind: safety_rule
defaults: {EVIDENCE}
entries:
  fever_stop: {{conditions: [fever], scope: absolute, message: Not today.}}
""",
    "planning": f"""\
kind: planning_number
defaults: {EVIDENCE}
entries:
  session_minutes_most: {{meaning: Longest session., unit: minute, value: 180}}
""",
}
CLINIC = "kind: source\nentries:\n  clinic: {citation: Our own handbook., licence: ours, status: verified}\n"


def overlaid(tmp_path: Path, **files: str) -> tuple[Path, Path]:
    base, overlay = tmp_path / "base", tmp_path / "clinic"
    base.mkdir()
    overlay.mkdir()
    for name, text in BASE.items():
        (base / f"{name}.yaml").write_text(text)
    for name, text in {"sources": CLINIC, **files}.items():
        (overlay / f"{name}.yaml").write_text(text)
    return base, overlay


def lines(report: OverlayReport) -> list[str]:
    return list(report.lines())


def refused(tmp_path: Path, **files: str) -> list[str]:
    with pytest.raises(KnowledgeInvalid) as problems:
        apply(*overlaid(tmp_path, **files))
    return [str(problem) for problem in problems.value.problems]


def rules(entry: str, head: str = "") -> str:
    return f"kind: safety_rule\n{head}defaults: {OWN}\nentries:\n  {entry}\n"


def test_an_overlay_adds_with_its_own_source(tmp_path: Path) -> None:
    ear = "{names: [ear], region: neck, aspect: lateral, crosses_midline: false}"
    zones = f"kind: zone\ndefaults: {OWN}\nentries:\n  ear: {ear}\n"
    edges = f"kind: refers_to\ndefaults: {OWN}\nentries:\n  trapezius:\n    - {{zone: ear, role: spillover}}\n"
    base, report = apply(*overlaid(tmp_path, zones=zones, edges=edges))
    assert base.zones["ear"].source == "clinic"
    assert [edge.zone for edge in base.refers_to] == ["nape", "ear"]
    words = "source clinic, basis expert, confidence low, status unverified"
    assert lines(report) == [
        "added source clinic: Our own handbook.",
        "added zone ear: ear",
        f"added refers_to trapezius -> ear: ({words}, role spillover)",
    ]
    assert base.revision != load(tmp_path / "base").revision


def test_a_node_overrides_the_fields_it_gives_and_brings_its_own_evidence(tmp_path: Path) -> None:
    planning = f"kind: planning_number\ndefaults: {OWN}\nentries:\n  session_minutes_most: {{value: 90}}\n"
    base, report = apply(*overlaid(tmp_path, planning=planning))
    number = base.planning["session_minutes_most"]
    assert (number.value, number.unit, number.source) == (90, "minute", "clinic")
    assert "changed planning_number session_minutes_most: value 180 → 90" in lines(report)


def test_an_override_without_its_own_evidence_is_refused(tmp_path: Path) -> None:
    planning = "kind: planning_number\nentries:\n  session_minutes_most: {value: 90}\n"
    (first, *_) = refused(tmp_path, planning=planning)
    assert first.startswith("planning.yaml:3: session_minutes_most: source: is missing")


def test_edges_replace_all_between_the_same_ends(tmp_path: Path) -> None:
    edges = (
        f"kind: refers_to\ndefaults: {OWN}\nentries:\n  trapezius:\n    - {{zone: nape, role: spillover, side: both}}\n"
    )
    base, report = apply(*overlaid(tmp_path, edges=edges))
    assert [(edge.role, edge.side, edge.source) for edge in base.refers_to] == [("spillover", "both", "clinic")]
    assert "changed refers_to trapezius -> nape: role primary → spillover" in lines(report)


def test_an_edge_can_be_removed(tmp_path: Path) -> None:
    edges = f"kind: refers_to\ndefaults: {OWN}\nentries:\n  trapezius:\n    - {{zone: nape, remove: true}}\n"
    base, report = apply(*overlaid(tmp_path, edges=edges))
    assert base.refers_to == ()
    assert any(line.startswith("removed refers_to trapezius -> nape") for line in lines(report))


def test_a_node_can_be_removed_if_nothing_names_it(tmp_path: Path) -> None:
    zones = f"kind: zone\ndefaults: {OWN}\nentries:\n  throat: {{remove: true}}\n"
    base, report = apply(*overlaid(tmp_path, zones=zones))
    assert set(base.zones) == {"nape"}
    assert "removed zone throat: throat" in lines(report)


def test_what_others_name_cannot_be_removed(tmp_path: Path) -> None:
    zones = f"kind: zone\ndefaults: {OWN}\nentries:\n  nape: {{remove: true}}\n"
    assert any("there is no 'nape' among the zones" in problem for problem in refused(tmp_path, zones=zones))


def test_what_is_not_there_cannot_be_removed(tmp_path: Path) -> None:
    zones = f"kind: zone\ndefaults: {OWN}\nentries:\n  knee: {{remove: true}}\n  throat: {{remove: maybe}}\n"
    first, second = refused(tmp_path, zones=zones)
    assert first == "zones.yaml:4: knee: there is nothing to remove (use an id or ends that exist)"
    assert "remove has only one value" in second


def test_a_contraindication_cannot_be_removed_in_silence(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, rules=rules("fever_stop: {remove: true}"))
    assert problem.startswith("rules.yaml:4: fever_stop: makes safety_rule 'fever_stop' weaker: is gone")
    assert "weakens_safety" in problem


def test_a_contraindication_cannot_be_weakened_in_silence(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, rules=rules("fever_stop: {scope: modify}"))
    assert "is modify instead of absolute" in problem


def test_said_with_its_reason_it_is_done_and_told_first(tmp_path: Path) -> None:
    head = "weakens_safety: [fever_stop]\nreason: The clinic's doctor sees every client first.\n"
    base, report = apply(*overlaid(tmp_path, rules=rules("fever_stop: {remove: true}", head)))
    assert base.rules == {}
    assert lines(report)[:2] == [
        "WEAKENED ON PURPOSE: fever_stop by rules.yaml: The clinic's doctor sees every client first.",
        "CONTRAINDICATION REMOVED: safety_rule fever_stop: Not today.",
    ]


def test_a_stricter_rule_needs_no_permission(tmp_path: Path) -> None:
    base, _ = apply(*overlaid(tmp_path, rules=rules("fever_stop: {scope: refer, urgency: soon}")))
    assert base.rules["fever_stop"].urgency == "soon"


@pytest.mark.parametrize(
    ("head", "word"),
    [
        ("weakens_safety: [fever_stop]\n", "without a reason"),
        ("weakens_safety: [fever_stop]\nreason: ' '\n", "without a reason"),
        ("reason: Because.\n", "reason without weakens_safety"),
        ("weakens_safety: fever_stop\nreason: Because.\n", "wrong form"),
    ],
)
def test_a_permission_is_a_list_with_a_reason(tmp_path: Path, head: str, word: str) -> None:
    assert any(word in problem for problem in refused(tmp_path, rules=rules("fever_stop: {scope: modify}", head)))


def test_a_permission_that_nothing_uses_is_refused(tmp_path: Path) -> None:
    head = "weakens_safety: [fever_stop]\nreason: Just in case.\n"
    (problem,) = refused(tmp_path, rules=rules("fever_stop: {message: Stop.}", head))
    assert "names 'fever_stop', which is not weakened" in problem


def test_a_hostile_or_broken_overlay_is_refused_with_its_place(tmp_path: Path) -> None:
    problems = refused(
        tmp_path,
        bomb="a: &a [x]\nb: *a\nkind: zone\nentries: {}\n",
        twice="kind: region\nentries:\n  a: {names: [a]}\n",
        again="kind: region\nentries:\n  a: {names: [b]}\n",
        ends=f"kind: refers_to\ndefaults: {OWN}\nentries:\n  trapezius:\n    - {{role: primary}}\n",
    )
    assert any(problem.startswith("bomb.yaml:1: uses an anchor") for problem in problems)
    assert any("'a' is there twice" in problem for problem in problems)
    assert any(problem.startswith("ends.yaml:5: trapezius.0: names no two ends") for problem in problems)


def test_the_curated_knowledge_takes_no_overlay_words(tmp_path: Path) -> None:
    base, _ = overlaid(tmp_path)
    (base / "rules.yaml").write_text(rules("fever_stop: {conditions: [fever], remove: true}", "weakens_safety: [x]\n"))
    with pytest.raises(KnowledgeInvalid, match="unknown top-level weakens_safety"):
        load(base)
