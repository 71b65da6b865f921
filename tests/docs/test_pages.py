"""Pages that can rot are compared with what they describe."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from cli.commands import application
from cli.plan_text import SENTENCES
from myoplan.planner.v1 import error_reason_pb2
from services.planner.domain.reasons import Rule

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "knowledge").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\[[^\]]+\]\(([\w./-]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_named_exist(page: Path) -> None:
    """Every `folder/file` in backticks is there."""
    named = re.findall(
        r"`((?:services|cli|knowledge|proto|gen|tests|docs|deploy|examples|tools|benchmarks)/[\w./-]*)`",
        page.read_text(),
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_api_page_lists_every_reason() -> None:
    listed = re.findall(r"^\| ([A-Z_]+) \|", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE)
    assert listed == [name for name in list(error_reason_pb2.ErrorReason.keys()) if name != "ERROR_REASON_UNSPECIFIED"]


def test_readme_lists_every_command() -> None:
    group = get_command(application)
    commands = set(group.commands) - {"kb"} | {f"kb {name}" for name in group.commands["kb"].commands}  # type: ignore[attr-defined]
    readme = (ROOT / "README.md").read_text()
    assert [name for name in sorted(commands) if f"myoplan {name}" not in readme] == []


def test_run_script_names_what_it_does() -> None:
    usage = (ROOT / "run").read_text().splitlines()[1]
    cases = re.findall(r"^  ([a-z| ]+)\)", (ROOT / "run").read_text(), re.MULTILINE)
    for name in (word for case in cases for word in case.replace("|", " ").split()):
        assert name in usage


def test_the_command_line_has_a_sentence_for_every_rule_of_the_planner() -> None:
    assert set(SENTENCES) == {rule.value for rule in Rule}
