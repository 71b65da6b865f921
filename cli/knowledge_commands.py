"""The commands of `myoplan kb` that need no server: they read the knowledge files themselves.

Data goes to stdout, hints to stderr; the exit code is 1 when there is something to look at.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.failures import ExitCode, Failure
from knowledge import diff as differences
from knowledge import export as exports
from knowledge.format import format_text
from knowledge.lint.exceptions import LISTED, LintException, read_exceptions
from knowledge.lint.linter import lint as find_all
from knowledge.load import CURATED, NOT_KNOWLEDGE, KnowledgeInvalid, load
from knowledge.model import Evidence, KnowledgeBase
from knowledge.neighbourhood import Edge, Neighbourhood, NodeUnknown, neighbourhood, nodes
from knowledge.overlay import apply
from knowledge.yaml_file import FileRefused, text_of


class Format(StrEnum):
    """The forms of the exported graph."""

    GRAPHML = "graphml"
    JSON = "json"


Folder = Annotated[Path | None, typer.Option(help="A folder of knowledge files. Default: the curated knowledge.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one line for each result.")]


def register(app: typer.Typer) -> None:
    """Adds these commands to a Typer application."""
    for name, command in (("lint", lint), ("fmt", fmt), ("show", show), ("diff", diff), ("export", export)):
        app.command(name=name)(command)


def lint(
    folder: Folder = None,
    overlay: Annotated[Path | None, typer.Option(help="A clinic's folder to lay over it; told what it does.")] = None,
    as_json: Json = False,
) -> None:
    """Check whether the knowledge makes sense. Exit code 1 if anything is found."""
    try:
        if overlay:
            base, report = apply(_existing(folder) if folder else None, _existing(overlay))
            for line in report.lines():
                print(line, file=sys.stderr)
        else:
            base = load(_existing(folder) if folder else None)
    except KnowledgeInvalid as invalid:
        raise _told([str(problem) for problem in invalid.problems]) from invalid
    findings = find_all(base, _exceptions(folder))
    for finding in findings:
        print(json.dumps(asdict(finding), ensure_ascii=False) if as_json else finding)
    _hint(f"{len(findings)} findings" if findings else "nothing found")
    if findings:
        raise typer.Exit(ExitCode.ERROR)


def fmt(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders. Default: the curated files.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit code 1 if a file would change.")] = False,
) -> None:
    """Write knowledge files in their canonical form, and name those that change."""
    changed, refused = [], []
    for path in _files(paths or [CURATED]):
        try:
            text = format_text(path)
        except FileRefused as problem:
            refused.append(f"{path}:{problem.line}: {problem.message} ({problem.remedy})")
            continue
        if text != text_of(path):
            changed.append(path)
            print(path)
            if not check:
                path.write_text(text, encoding="utf-8")
    for line in refused:
        _hint(line)
    _hint(f"{len(changed)} files {'would change' if check else 'changed'}")
    if refused or (check and changed):
        raise typer.Exit(ExitCode.ERROR)


def show(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="An id, or kind/id where two kinds share it.")],
    graph: Annotated[
        Path | None, typer.Option(help="Draw the neighbourhood into this SVG file (needs Graphviz).")
    ] = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Show one thing with everything that is one step from it."""
    base = _load(folder)
    try:
        near = neighbourhood(base, identifier)
    except NodeUnknown as unknown:
        raise Failure(str(unknown), ExitCode.USAGE) from unknown
    if as_json:
        print(json.dumps(_as_data(near), ensure_ascii=False))
    else:
        for line in _described(near, base):
            print(line)
    if graph:
        try:
            graph.write_text(exports.picture(near), encoding="utf-8")
        except (exports.PictureFailed, OSError) as failed:
            raise Failure(f"no picture: {failed}") from failed
        _hint(f"drawn: {graph}")


def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="A folder of knowledge files.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    as_json: Json = False,
) -> None:
    """Tell what differs from A to B, what protects a client less first. Exit code 1 if anything does."""
    found = differences.compare(_load(before), _load(after))
    if as_json:
        for weak in found.weaker:
            print(json.dumps({"less_safe": asdict(weak)}, ensure_ascii=False))
        for change in found.changes:
            print(json.dumps(asdict(change), ensure_ascii=False))
    else:
        for line in found.lines():
            print(line)
    _hint(f"{len(found.changes)} changes" if found.changes else "the same facts")
    if found.changes:
        raise typer.Exit(ExitCode.ERROR)


def export(
    form: Annotated[Format, typer.Option("--format", help="graphml, or json (node-link).")] = Format.GRAPHML,
    folder: Folder = None,
) -> None:
    """Print the knowledge as one graph."""
    base = _load(folder)
    print(exports.graphml(base) if form is Format.GRAPHML else exports.node_link(base), end="")


def _load(folder: Path | None) -> KnowledgeBase:
    try:
        return load(_existing(folder) if folder else None)
    except KnowledgeInvalid as invalid:
        raise _told([str(problem) for problem in invalid.problems]) from invalid


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise Failure(f"{folder}: there is no such folder", ExitCode.USAGE)
    return folder


def _told(problems: list[str]) -> typer.Exit:
    """Prints what is wrong with a folder and returns the exit."""
    for problem in problems:
        print(problem)
    _hint(f"{len(problems)} problems; nothing was used")
    return typer.Exit(ExitCode.ERROR)


def _exceptions(folder: Path | None) -> tuple[LintException, ...]:
    """Returns the exceptions that go with a folder: its own list, if it has one."""
    listed = folder / "lint" / LISTED.name if folder else LISTED
    try:
        return read_exceptions(listed) if listed.exists() else ()
    except FileRefused as refused:
        raise Failure(f"{listed}:{refused.line}: {refused.message} ({refused.remedy})") from refused


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            inside = sorted(path.rglob("*.yaml"))
            yield from (one for one in inside if not NOT_KNOWLEDGE & set(one.relative_to(path).parts))
        elif path.is_file():
            yield path
        else:
            raise Failure(f"{path}: there is no such file", ExitCode.USAGE)


def _described(near: Neighbourhood, base: KnowledgeBase) -> Iterator[str]:
    thing = nodes(base)[near.centre]
    yield near.centre
    for field in fields(thing) if thing else ():
        if value := differences.words(getattr(thing, field.name)):
            yield f"  {field.name:20} {value}"
    if isinstance(thing, Evidence) and not thing.reviewed_by:
        yield f"  {'reviewed_by':20} no clinician yet"
    for kind in dict.fromkeys(edge.kind for edge in near.edges):
        yield kind
        for edge in near.edges:
            if edge.kind == kind:
                yield f"  {_arrow(edge, near.centre)}"


def _arrow(edge: Edge, centre: str) -> str:
    other = f"-> {edge.end}" if edge.start == centre else f"<- {edge.start}"
    said = ", ".join(f"{name} {value}" for name, value in edge.says)
    return f"{other:60} {said:40} [{edge.fact.source}]" if said else f"{other:101} [{edge.fact.source}]"


def _as_data(near: Neighbourhood) -> dict[str, Any]:
    return {
        "node": near.centre,
        "edges": [
            {"kind": edge.kind, "start": edge.start, "end": edge.end, **dict(edge.says), "source": edge.fact.source}
            for edge in near.edges
        ],
    }


def _hint(text: str) -> None:
    print(text, file=sys.stderr)
