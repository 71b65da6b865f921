"""Reads the files of this folder: a case with what to change in it, or an assessment of its own, and what to expect."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format

from cli.cases import read_case
from myoplan.assessment.v1.assessment_pb2 import Assessment
from myoplan.planner.v1.plan_pb2 import Constraints

HERE = Path(__file__).parent
CASES = HERE.parents[1] / "examples" / "cases"
WORDS = {"case", "assessment", "change", "asked", "constraints", "minutes", "edits", "untouched", "expect", "refused"}


@dataclass(frozen=True)
class Scenario:
    """One file of this folder.

    `asks_the_rest`: the questions of every intake that the file does not answer were asked and answered no. `refused`
    is what the answer has to say when a demand or an edit is refused; no plan is made then and `expect` is empty.
    `edits` are made on the plan before it is looked at, each a line of `edits.py`; `untouched` are muscles whose work
    is the same after them.
    """

    name: str
    assessment: Assessment
    asks_the_rest: bool
    constraints: Constraints
    minutes: float
    edits: tuple[dict[str, Any], ...]
    untouched: tuple[dict[str, Any], ...]
    expect: dict[str, Any]
    refused: str


def read(path: Path) -> Scenario:
    """Returns the scenario of a file; `WORDS` are the words it may use."""
    document = yaml.safe_load(path.read_text())
    assert set(document) <= WORDS, f"{path.name}: {sorted(set(document) - WORDS)}"
    assert ("case" in document) != ("assessment" in document), f"{path.name}: either a case or an assessment"
    assert ("expect" in document) != ("refused" in document), f"{path.name}: either expect or refused"
    return Scenario(
        name=path.stem,
        assessment=json_format.ParseDict(_assessment(document), Assessment()),
        asks_the_rest={"all": True, "as_stated": False}[document.get("asked", "all")],
        constraints=json_format.ParseDict(document.get("constraints", {}), Constraints()),
        minutes=document["minutes"],
        edits=tuple(document.get("edits", ())),
        untouched=tuple(document.get("untouched", ())),
        expect=document.get("expect", {}),
        refused=document.get("refused", ""),
    )


def _assessment(document: dict[str, Any]) -> dict[str, Any]:
    if "assessment" in document:
        return dict(document["assessment"])
    case = json_format.MessageToDict(read_case(CASES / f"{document['case']}.yaml"), preserving_proto_field_name=True)
    change = copy.deepcopy(document.get("change", {}))
    changed = {**case, **change}
    if "health_flags" in change:
        # A change of flags adds to the answers of the case; the same condition is answered anew.
        answered = {flag["condition"] for flag in change["health_flags"]}
        kept = [flag for flag in case.get("health_flags", []) if flag["condition"] not in answered]
        changed["health_flags"] = [*change["health_flags"], *kept]
    return changed


SCENARIOS = tuple(read(path) for path in sorted(HERE.glob("*.yaml")))
