"""The offline commands: data on stdout, hints on stderr, exit code 1 when there is something to look at."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import networkx as nx
import pytest
import typer
from typer.testing import CliRunner, Result

from cli.failures import ExitCode, Failure
from cli.knowledge_commands import register

KNOWLEDGE = typer.Typer()
register(KNOWLEDGE)

EVIDENCE = "{source: book, basis: textbook, confidence: medium, status: unverified}"
FILES = {
    "sources.yaml": """\
kind: source
entries:
  book:
    citation: A book.
    licence: facts only
    status: unverified
""",
    "conditions.yaml": f"""\
kind: condition
defaults:
  {EVIDENCE}
entries:
  fever:
    names: [fever]
    kind: sign
    question: Do you have a fever?
""",
    "rules.yaml": f"""\
kind: safety_rule
defaults:
  {EVIDENCE}
entries:
  fever_stop:
    conditions: [fever]
    scope: absolute
    message: Not today.
""",
}


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(KNOWLEDGE, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "knowledge"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def test_sound_knowledge_has_no_findings(folder: Path) -> None:
    result = run("lint", "--folder", folder)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "nothing found\n")


def test_a_finding_is_a_line_and_exit_code_one(folder: Path) -> None:
    (folder / "rules.yaml").unlink()
    result = run("lint", "--folder", folder)
    assert result.exit_code == 1
    assert result.stdout.startswith("condition_without_rule: fever: no rule names it (")
    assert result.stderr == "1 findings\n"
    (line,) = run("lint", "--folder", folder, "--json").stdout.splitlines()
    assert json.loads(line)["subject"] == "fever"


def test_a_folder_brings_its_own_exceptions(folder: Path) -> None:
    (folder / "rules.yaml").unlink()
    (folder / "lint").mkdir()
    (folder / "lint" / "exceptions.yaml").write_text("condition_without_rule:\n  fever: only for the record\n")
    assert run("lint", "--folder", folder).exit_code == 0
    (folder / "lint" / "exceptions.yaml").write_text("- fever\n")
    assert isinstance(run("lint", "--folder", folder).exception, Failure)


def test_a_broken_folder_is_told_problem_by_problem(folder: Path) -> None:
    (folder / "rules.yaml").write_text("kind: spell\nentries: {}\n")
    (folder / "conditions.yaml").write_text("- a\n")
    for command in (("lint", "--folder", folder), ("show", "book", "--folder", folder), ("diff", folder, folder)):
        result = run(*command)
        assert result.exit_code == 1
        assert [line.split(":")[0] for line in result.stdout.splitlines()] == ["conditions.yaml", "rules.yaml"]
        assert "nothing was used" in result.stderr


def test_an_overlay_is_laid_over_and_told(folder: Path, tmp_path: Path) -> None:
    clinic = tmp_path / "clinic"
    clinic.mkdir()
    (clinic / "rules.yaml").write_text(
        FILES["rules.yaml"].replace("    conditions: [fever]\n", "").replace("Not today.", "Not today, come back well.")
    )
    result = run("lint", "--folder", folder, "--overlay", clinic)
    assert result.exit_code == 0
    assert "changed safety_rule fever_stop: message Not today. → Not today, come back well." in result.stderr


def test_fmt_checks_then_mends_and_names_what_it_changed(folder: Path) -> None:
    path = folder / "sources.yaml"
    path.write_text(FILES["sources.yaml"].replace("A book.", "'A book.'"))
    checked = run("fmt", "--check", folder)
    assert (checked.exit_code, checked.stdout) == (1, f"{path}\n")
    assert "'A book.'" in path.read_text()
    mended = run("fmt", folder)
    assert (mended.exit_code, mended.stdout, mended.stderr) == (0, f"{path}\n", "1 files changed\n")
    assert path.read_text() == FILES["sources.yaml"]
    again = run("fmt", "--check", folder / "sources.yaml")
    assert (again.exit_code, again.stdout) == (0, "")


def test_fmt_leaves_what_is_no_knowledge_file(folder: Path) -> None:
    (folder / "rules.yaml").write_text("- a\n")
    result = run("fmt", folder)
    assert result.exit_code == 1
    assert "rules.yaml:1: not a knowledge file" in result.stderr
    assert (folder / "rules.yaml").read_text() == "- a\n"


def test_show_tells_a_thing_and_its_links(folder: Path) -> None:
    result = run("show", "fever_stop", "--folder", folder)
    assert result.exit_code == 0
    assert result.stdout.startswith("safety_rule/fever_stop\n")
    assert "no clinician yet" in result.stdout
    assert "-> condition/fever" in result.stdout
    assert "<- safety_rule/fever_stop" in run("show", "fever", "--folder", folder).stdout
    (edge,) = json.loads(run("show", "fever_stop", "--folder", folder, "--json").stdout)["edges"]
    assert (edge["start"], edge["end"], edge["source"]) == ("safety_rule/fever_stop", "condition/fever", "book")


def test_show_does_not_guess(folder: Path) -> None:
    result = run("show", "fevre", "--folder", folder)
    assert isinstance(result.exception, Failure)
    assert result.exception.exit_code is ExitCode.USAGE
    assert str(result.exception) == "nothing is called 'fevre'; did you mean fever?"


def test_show_draws_if_graphviz_is_there(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    picture = tmp_path / "fever.svg"
    result = run("show", "fever", "--folder", folder, "--graph", picture)
    assert "install Graphviz" in str(result.exception)
    (tmp_path / "dot").write_text("#!/bin/sh\necho '<svg/>'\n")
    (tmp_path / "dot").chmod(stat.S_IRWXU)
    result = run("show", "fever", "--folder", folder, "--graph", picture)
    assert result.stderr == f"drawn: {picture}\n"
    assert picture.read_text() == "<svg/>\n"


def test_diff_tells_a_removed_contraindication_first(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("sources.yaml", "conditions.yaml"):
        (other / name).write_text(FILES[name])
    result = run("diff", folder, other)
    assert (result.exit_code, result.stdout) == (1, "CONTRAINDICATION REMOVED: safety_rule fever_stop: Not today.\n")
    first, second = (json.loads(line) for line in run("diff", folder, other, "--json").stdout.splitlines())
    assert first["less_safe"]["subject"] == "fever_stop"
    assert second["what"] == "removed"
    same = run("diff", folder, folder)
    assert (same.exit_code, same.stdout, same.stderr) == (0, "", "the same facts\n")


def test_export_prints_one_graph(folder: Path, tmp_path: Path) -> None:
    as_json = run("export", "--format", "json", "--folder", folder)
    graph = nx.node_link_graph(json.loads(as_json.stdout), edges="edges")
    assert set(graph.nodes) == {"source/book", "condition/fever", "safety_rule/fever_stop"}
    (tmp_path / "graph.graphml").write_text(run("export", "--folder", folder).stdout)
    assert nx.read_graphml(tmp_path / "graph.graphml").number_of_edges() == 1


@pytest.mark.parametrize("command", [("lint", "--folder"), ("fmt",), ("diff",), ("export", "--folder")])
def test_a_place_that_is_not_there_is_a_wrong_use(folder: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    result = run(*command, *([folder] if command == ("diff",) else []), tmp_path / "nowhere")
    assert isinstance(result.exception, Failure)
    assert result.exception.exit_code is ExitCode.USAGE
