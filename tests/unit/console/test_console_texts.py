"""The catalogue of texts: every text that a page uses is there, and none that no page uses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader, nodes

from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.planner.v1 import plan_pb2 as p
from myoplan.planner.v1 import planner_service_pb2 as service
from services.console.texts import read_texts
from services.planner.domain.reasons import Rule

CONSOLE = Path(__file__).resolve().parents[3] / "services" / "console"
TEXTS = read_texts()
# Keys made of a name that a message or a list holds; what the name can be is compared below.
NAMED = {
    "rule": {rule.value for rule in Rule},
    "plan_state": {*p.Plan.State.keys(), "HOLD"} - {"STATE_UNSPECIFIED"},
    "disposition": set(p.Plan.Disposition.keys()) - {"DISPOSITION_UNSPECIFIED"},
    "phase": set(p.Step.Phase.keys()) - {"PHASE_UNSPECIFIED"},
    "urgency": set(p.Urgency.keys()),
    "omission": set(p.Omission.Kind.keys()),
    "change": set(service.Explanation.Kind.keys()) - {"KIND_UNSPECIFIED"},
    "verdict": set(a.RomTest.Verdict.keys()) - {"VERDICT_UNSPECIFIED"},
    "assessment_state": set(a.Assessment.State.keys()) - {"STATE_UNSPECIFIED"},
}


def used_in_templates() -> set[str]:
    environment = Environment(loader=FileSystemLoader(CONSOLE / "templates"))  # noqa: S701 - parsed, never rendered
    used: set[str] = set()
    for template in (CONSOLE / "templates").rglob("*.html"):
        tree = environment.parse(template.read_text())
        for call in tree.find_all(nodes.Call):
            target = call.node
            is_text = isinstance(target, nodes.Name) and target.name == "t"
            is_count = (
                isinstance(target, nodes.Getattr)
                and isinstance(target.node, nodes.Name)
                and target.node.name == "t"
                and target.attr == "count"
            )
            if (is_text or is_count) and call.args and isinstance(call.args[0], nodes.Const):
                used |= (
                    {f"{call.args[0].value}.one", f"{call.args[0].value}.other"} if is_count else {call.args[0].value}
                )
    return used


def used_in_code() -> set[str]:
    used: set[str] = set()
    for module in CONSOLE.rglob("*.py"):
        used |= set(re.findall(r"""(?:\bt|texts)\(\s*"([a-z_.]+)\"""", module.read_text()))
        for key in re.findall(r"""count\(\s*"([a-z_.]+)\"""", module.read_text()):
            used |= {f"{key}.one", f"{key}.other"}
    return used


def used_in_scripts() -> set[str]:
    text = "".join(script.read_text() for script in (CONSOLE / "static").glob("*.js") if "htmx" not in script.name)
    return {f"script.{key}" for key in re.findall(r"""words\("([a-z_.]+)\"""", text)}


def test_every_text_that_is_used_is_in_the_catalogue() -> None:
    used = used_in_templates() | used_in_code() | used_in_scripts()
    assert sorted(key for key in used if key not in TEXTS) == []


@pytest.mark.parametrize("branch", sorted(NAMED))
def test_every_name_has_its_text(branch: str) -> None:
    assert set(TEXTS.branch(branch)) >= NAMED[branch]


def test_no_text_holds_markup() -> None:
    """Texts are escaped like everything else, so markup in one would be shown as it stands."""
    assert [key for key in sorted(TEXTS.keys()) if re.search(r"<\w|&\w+;", TEXTS._texts[key])] == []


def test_the_words_for_states_are_those_of_the_specification() -> None:
    assert {name: TEXTS(f"plan_state.{name}") for name in ("PROPOSED", "AWAITING_COSIGN", "APPROVED", "HOLD")} == {
        "PROPOSED": "Suggested",
        "AWAITING_COSIGN": "In review",
        "APPROVED": "Approved",
        "HOLD": "On hold",
    }


def test_sides_are_words() -> None:
    assert TEXTS.branch("side") == {"left": "LEFT", "right": "RIGHT", "midline": "MIDLINE"}
