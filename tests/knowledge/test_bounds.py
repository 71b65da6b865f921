"""What a knowledge file may be: every bound is met before anything larger exists, quickly, and with its line."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from knowledge.load import MAX_DEPTH, MAX_FILE_BYTES, MAX_FILES, KnowledgeInvalid, load
from knowledge.yaml_file import FileRefused, document_of, parse, reads_as_itself

FILLING = MAX_FILE_BYTES - 1000
# Large and cheap to write; each could cost a careless reader much.
LARGE = {
    "open brackets": "a: " + "[" * FILLING,
    "open braces": "a: " + "{" * FILLING,
    "nested pairs": "a: " + "[a, " * (FILLING // 4),
    "indentation": "".join(" " * depth + "a:\n" for depth in range(700)),
    "dashes": "- " * (FILLING // 2),
    "question marks": "? " * (FILLING // 2),
    "anchors": "a:\n" + "".join(f"- &a{number} x\n" for number in range(FILLING // 12)),
    "tags": "a:\n" + "- !!str x\n" * (FILLING // 10),
    "one key again and again": "a: 1\n" * (FILLING // 5),
    "digits": "a: " + "9" * FILLING,
    "digits of a fraction": "a: 1." + "9_" * (FILLING // 2) + "x",
    "clock": "a: 1" + ":1" * (FILLING // 2),
    "quotes": 'a: "' + '\\"' * (FILLING // 2),
    "comments": "#\n" * (FILLING // 2),
    "documents": "--- a\n" * (FILLING // 6),
    "zero bytes": "a: \0" + "x" * FILLING,
}


@pytest.mark.parametrize("case", LARGE)
def test_a_large_hostile_file_is_refused_quickly(tmp_path: Path, case: str) -> None:
    (tmp_path / "bad.yaml").write_text(LARGE[case])
    begun = time.monotonic()
    with pytest.raises(KnowledgeInvalid):
        load(tmp_path)
    assert time.monotonic() - begun < 2


def test_depth_is_exact() -> None:
    deep = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert document_of(deep) is not None
    with pytest.raises(FileRefused, match="nested deeper than 12") as refused:
        document_of(f"\n\n[{deep}]")
    assert refused.value.line == 3


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a", "a"),
        ("~", None),
        ("'1'", "1"),
        ('"true"', "true"),
        ("[1, -2, 1.5, true, false, null, a b]", [1, -2, 1.5, True, False, None, "a b"]),
        ("{a: {b: [{c: d}]}}", {"a": {"b": [{"c": "d"}]}}),
        ("a: >-\n  b\n  c\n", {"a": "b c"}),
        ("1e5", "1e5"),
        ("a: Norkin & White, 3rd ed.!", {"a": "Norkin & White, 3rd ed.!"}),
    ],
)
def test_plain_values_are_read(text: str, value: object) -> None:
    assert document_of(text) == value


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a: [no]", "yes or no"),
        ("a: True", "yes or no"),
        ("a: 0x1F", "whole number"),
        ("a: 1_000", "whole number"),
        ("a: 1_0.0", "number of the body"),
        ("a: -.inf", "number of the body"),
        ("a: 2026-11-24", "a date"),
        ("a: =", "an instruction"),
        ("<<: {a: 1}", "an instruction"),
        ("? [a]\n: b", "not text"),
        ("? {a: b}\n: c", "not text"),
        ("~: a", "not text"),
        ("a: 1\nb: 2\na: 3", "'a' is there twice"),
        ("a: ! b", "tag"),
        ("a\n---\nb", "one document"),
    ],
)
def test_what_yaml_would_read_as_something_else_is_refused(text: str, word: str) -> None:
    with pytest.raises(FileRefused, match=word) as refused:
        document_of(text)
    assert refused.value.remedy


def test_the_line_is_told() -> None:
    with pytest.raises(FileRefused) as refused:
        document_of("a: 1\nb:\n  - c\n  - no\n")
    assert refused.value.line == 4


def test_a_word_that_needs_quotes_is_known() -> None:
    assert reads_as_itself("upper trapezius")
    assert not any(reads_as_itself(word) for word in ("no", "1", "1.5", "null", "", "2026-11-24", "12:30"))


def test_only_plain_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    for name in ("folder.yaml", "pipe.yaml", "missing.yaml"):
        with pytest.raises(FileRefused, match="not a plain file"):
            parse(tmp_path / name)


def test_too_many_files_are_refused_unread(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 1):
        (tmp_path / f"{number}.yaml").write_text("[")
    with pytest.raises(KnowledgeInvalid, match=f"keep to {MAX_FILES} files") as refused:
        load(tmp_path)
    assert len(refused.value.problems) == 1


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("kind: region\nentries:\n  a: {names: [a]}\n  Neck Region: {names: [a]}\n", 4, "'Neck Region' is not an id"),
        ("kind: region\nentries:\n  a: [names]\n", 3, "'a' has the wrong form"),
        ("kind: region\nentries:\n  a: {id: b, names: [a]}\n", 3, "'a' says its id again"),
        ("kind: refers_to\nentries:\n  a: {zone: b}\n", 3, "'a' has the wrong form"),
        ("kind: refers_to\nentries:\n  a:\n    - b\n", 4, "'a.0' has the wrong form"),
        ("kind: refers_to\nentries:\n  a:\n    - {muscle: b}\n", 4, "'a.0' says its muscle again"),
        ("kind: position_change\nentries:\n  - 60\n", 3, "'0' has the wrong form"),
        ("kind: region\ndefaults: [a]\nentries: {}\n", 1, "defaults has the wrong form"),
        ("kind: [region]\nentries: {}\n", 1, "unknown kind"),
    ],
)
def test_an_entry_of_another_form_is_refused_at_its_line(tmp_path: Path, text: str, line: int, word: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(KnowledgeInvalid) as refused:
        load(tmp_path)
    (problem,) = refused.value.problems
    assert (problem.file, problem.line) == ("bad.yaml", line)
    assert word in problem.message


def test_the_revision_is_that_of_the_facts_not_of_the_spelling(tmp_path: Path) -> None:
    (tmp_path / "sources.yaml").write_text(
        "kind: source\nentries:\n  book: {citation: A book., licence: facts only, status: unverified}\n"
    )
    evidence = "source: book, basis: textbook, confidence: medium, status: unverified"
    spellings = (
        f"defaults: {{{evidence}}}\nentries:\n  a: {{meaning: A., unit: share, value: 1}}\n",
        f"# otherwise\nentries:\n  a: {{value: 1.0, unit: share, meaning: A., {evidence}, reviewed_by: []}}\n",
        f"defaults: {{{evidence}}}\nentries:\n  a: {{meaning: A., unit: share, value: 0.9}}\n",
    )
    revisions = []
    for spelling in spellings:
        (tmp_path / "numbers.yaml").write_text(f"kind: planning_number\n{spelling}")
        revisions.append(load(tmp_path).revision)
    assert revisions[0] == revisions[1]
    assert revisions[0] != revisions[2]
