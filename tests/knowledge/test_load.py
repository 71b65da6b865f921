"""The loader takes the curated knowledge whole, and refuses a hostile, broken or dangling folder whole."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from knowledge.load import MAX_FILE_BYTES, KnowledgeInvalid, load
from knowledge.names import did_you_mean, suggest

REGIONS = "kind: region\nentries:\n  torso: {names: [torso]}\n"
HEADER = "kind: region\nentries:\n"

# What a file holds -> a word of the sentence that refuses it.
HOSTILE = {
    "python tag": (HEADER + "  a: !!python/object/apply:os.system [id]\n", "tag"),
    "custom tag": (HEADER + "  a: !surprise {names: [a]}\n", "tag"),
    "anchor": (HEADER + "  a: &x {names: [a]}\n  b: *x\n", "anchor"),
    "alias bomb": ("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nkind: region\nentries: {}\n", "anchor"),
    "cycle": ("kind: region\nentries: &e\n  a: *e\n", "anchor"),
    "deep brackets": ("kind: region\nentries: " + "[" * 1000 + "]" * 1000 + "\n", "nest"),
    "deep indentation": ("".join("  " * depth + "a:\n" for depth in range(60)), "nested"),
    "deep dashes": ("- " * 200 + "a\n", "nested"),
    "repeated key": (HEADER + "  a: {names: [a]}\n  a: {names: [b]}\n", "twice"),
    "repeated field": (HEADER + "  a:\n    names: [a]\n    names: [b]\n", "twice"),
    "number as key": (HEADER + "  1: {names: [a]}\n", "not text"),
    "no as value": (HEADER + "  a: {names: [no]}\n", "yes or no"),
    "sexagesimal": (HEADER + "  a: {names: [12:30]}\n", "whole number"),
    "octal": (HEADER + "  a: {names: [010]}\n", "whole number"),
    "date": (HEADER + "  a: {names: [2026-11-24]}\n", "date"),
    "not a number": (HEADER + "  a: {names: [.nan]}\n", "not a number"),
    "infinite": (HEADER + "  a: {names: [.inf]}\n", "not a number"),
    "no kind": ("entries: {}\n", "not a knowledge file"),
    "no entries": ("kind: region\n", "not a knowledge file"),
    "a list": ("- a\n", "not a knowledge file"),
    "unknown kind": ("kind: spell\nentries: {}\n", "unknown kind"),
    "unknown top level": ("kind: region\nentries: {}\nextra: 1\n", "unknown top-level"),
    "entries of the wrong form": ("kind: region\nentries: [a]\n", "wrong form"),
    "unknown field": (HEADER + "  a: {names: [a], colour: red}\n", "colour"),
    "missing field": (HEADER + "  a: {}\n", "names"),
    "wrong type": (HEADER + "  a: {names: {b: c}}\n", "names"),
    "two documents": (HEADER + "  a: {names: [a]}\n---\nb: 1\n", "not YAML"),
    "broken": ("kind: region\nentries: {a: [}\n", "not YAML"),
    "tab": ("kind: region\nentries:\n\ta: {}\n", "not YAML"),
    "control character": (HEADER + "  a: {names: ['\x07']}\n", "not YAML"),
    "too large": (HEADER + "  a: {names: [" + "x" * MAX_FILE_BYTES + "]}\n", "bytes"),
}


def folder_with(tmp_path: Path, name: str, content: bytes | str) -> Path:
    (tmp_path / "regions.yaml").write_text(REGIONS)
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return tmp_path


def test_the_curated_knowledge_loads() -> None:
    base = load()
    assert len(base.muscles) == 162
    assert len(base.zones) == 60
    assert len(base.motions) == 46
    assert len(base.regions) == 8
    assert len(base.techniques) >= 25
    assert len(base.conditions) >= 120


@pytest.mark.parametrize("case", HOSTILE)
def test_a_bad_file_is_refused_with_its_place_and_a_remedy(tmp_path: Path, case: str) -> None:
    content, word = HOSTILE[case]
    begun = time.monotonic()
    with pytest.raises(KnowledgeInvalid) as refused:
        load(folder_with(tmp_path, "bad.yaml", content))
    assert time.monotonic() - begun < 2
    problem = refused.value.problems[0]
    assert problem.file == "bad.yaml"
    assert word in problem.message
    assert problem.remedy


def test_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeInvalid, match="UTF-8"):
        load(folder_with(tmp_path, "bad.yaml", b"kind: region\nentries: {a: {names: ['\xff']}}\n"))


def test_a_link_is_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "other.txt", REGIONS)
    (folder / "bad.yaml").symlink_to(folder / "other.txt")
    with pytest.raises(KnowledgeInvalid, match="is a link"):
        load(folder)


def test_a_dangling_id_is_refused_at_its_line(tmp_path: Path) -> None:
    text = (
        "kind: zone\ndefaults: {source: nobody, basis: expert, confidence: low, status: unverified}\nentries:\n"
        "  a:\n    names: [a]\n    region: elsewhere\n    aspect: anterior\n    crosses_midline: false\n"
    )
    with pytest.raises(KnowledgeInvalid) as refused:
        load(folder_with(tmp_path, "zones.yaml", text))
    problems = [(problem.line, problem.message) for problem in refused.value.problems]
    assert problems == [
        (4, "a: source: there is no 'nobody' among the sources"),
        (4, "a: region: there is no 'elsewhere' among the regions"),
    ]


def test_an_id_in_two_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeInvalid, match="'torso' is there twice"):
        load(folder_with(tmp_path, "more.yaml", REGIONS))


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "bad.yaml", "kind: spell\nentries: {}\n")
    (folder / "worse.yaml").write_text("- a\n")
    with pytest.raises(KnowledgeInvalid) as refused:
        load(folder)
    assert [problem.file for problem in refused.value.problems] == ["bad.yaml", "worse.yaml"]


def test_the_revision_is_that_of_the_content(tmp_path: Path) -> None:
    first = load(folder_with(tmp_path, "sources.yaml", "kind: source\nentries: {}\n")).revision
    (tmp_path / "regions.yaml").write_text("# a comment\n" + REGIONS)
    assert load(tmp_path).revision == first
    (tmp_path / "regions.yaml").write_text(REGIONS.replace("[torso]", "[trunk]"))
    assert load(tmp_path).revision != first


def test_a_word_people_type_suggests_and_never_decides() -> None:
    base = load()
    assert suggest(base.muscles, "upper trapezus") == ("upper_trapezius",)
    assert suggest(base.muscles, "QL") == ("quadratus_lumborum",)
    assert "did you mean levator_scapulae" in did_you_mean(base.muscles, "levator_scapula")
    assert did_you_mean(base.muscles, "xyzzy") == ""
