"""One content has one text; the formatter finds it, keeps every comment and changes no fact."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.format import WIDTH, format_text, is_canonical
from knowledge.load import CURATED, NOT_KNOWLEDGE, Reading
from knowledge.yaml_file import FileRefused, document_of

FILES = [path for path in sorted(CURATED.rglob("*.yaml")) if not NOT_KNOWLEDGE & set(path.relative_to(CURATED).parts)]

CANONICAL = """\
# What the file holds.
kind: safety_rule
defaults:
  {source: book, basis: textbook, confidence: medium, status: unverified}
entries:
  # Signs.
  fever:
    conditions: [fever]
    scope: refer
    message: "Fever: not today."
    when:
      - {parameter: days_since, below: 7}  # a week
    urgency: soon
    cuts: {families: [friction], max_pressure: 2}
    confidence: high

  # Injuries.
  injury:
    conditions: [injury]
    scope: modify
    message: Work round it.
"""
EDGES = """\
kind: treated_by
defaults:
  {source: book, basis: textbook, confidence: medium, status: unverified}
entries:
  petrissage:
    - {muscles: [a, b], order: 2}
    # Deep muscles are out of reach.
    - {regions: [torso], except: [diaphragm], order: 3, confidence: low}

  # --- release
  stripping:
    - {muscle: a, order: 1}
"""
# The same content, written otherwise -> what is wrong with it.
OTHERWISE = {
    "order of fields": CANONICAL.replace("    scope: refer\n", "").replace(
        "    urgency", "    scope: refer\n    urgency"
    ),
    "evidence first": CANONICAL.replace("    confidence: high\n", "").replace(
        "    conditions: [fever]", "    confidence: high\n    conditions: [fever]"
    ),
    "spacing": CANONICAL.replace("scope: refer", "scope:   refer"),
    "flow style": CANONICAL.replace("[fever]\n", "\n      - fever\n"),
    "block style": CANONICAL.replace(
        "    cuts: {families: [friction], max_pressure: 2}",
        "    cuts:\n      families: [friction]\n      max_pressure: 2",
    ),
    "one line": CANONICAL.replace(
        "    when:\n      - {parameter: days_since, below: 7}", "    when: [{parameter: days_since, below: 7}]"
    ),
    "order inside a fact": CANONICAL.replace("{parameter: days_since, below: 7}", "{below: 7, parameter: days_since}"),
    "needless quotes": CANONICAL.replace("Work round it.", "'Work round it.'"),
    "needless fold": CANONICAL.replace("message: Work round it.", "message: >-\n      Work round\n      it."),
    "what the type says anyway": CANONICAL.replace(
        "    urgency", "    at_least: 1\n    refer_and_treat: false\n    urgency"
    ),
    "what the file says anyway": CANONICAL.replace("    confidence: high", "    source: book\n    confidence: high"),
    "no blank line": CANONICAL.replace("\n\n", "\n"),
    "too many blank lines": CANONICAL.replace("\n  # Injuries.", "\n\n\n  # Injuries.\n"),
    "order of the head": CANONICAL.replace("kind: safety_rule\n", "").replace(
        "entries:", "kind: safety_rule\nentries:"
    ),
    "no line at the end": CANONICAL.removesuffix("\n"),
    "defaults in a block": CANONICAL.replace(
        "  {source: book, basis: textbook, confidence: medium, status: unverified}",
        "  status: unverified\n  source: book\n  basis: textbook\n  confidence: medium",
    ),
}


def file_with(folder: Path, text: str) -> Path:
    path = folder / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("text", [CANONICAL, EDGES], ids=["nodes", "edges"])
def test_the_canonical_form_stays(tmp_path: Path, text: str) -> None:
    assert format_text(file_with(tmp_path, text)) == text
    assert is_canonical(file_with(tmp_path, text))


@pytest.mark.parametrize("case", OTHERWISE)
def test_another_form_is_told_and_mended(tmp_path: Path, case: str) -> None:
    path = file_with(tmp_path, OTHERWISE[case])
    assert not is_canonical(path)
    assert format_text(path).replace("  # a week", "") == CANONICAL.replace("  # a week", "")
    assert "# a week" in format_text(path)


def test_edges_are_one_flow_mapping_a_line(tmp_path: Path) -> None:
    otherwise = EDGES.replace(
        "    - {muscles: [a, b], order: 2}", "    - order: 2\n      muscles:\n        - a\n        - b"
    ).replace("{regions: [torso], except: [diaphragm], order: 3,", "{order: 3, except: [diaphragm], regions: [torso],")
    assert format_text(file_with(tmp_path, otherwise)) == EDGES


def test_long_lines_are_broken_between_items(tmp_path: Path) -> None:
    muscles = ", ".join(f"muscle_number_{number}" for number in range(12))
    path = file_with(tmp_path, EDGES.replace("muscles: [a, b]", f"muscles: [{muscles}]"))
    lines = format_text(path).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[6].startswith("       muscle_number_")


def test_long_texts_are_folded_between_words(tmp_path: Path) -> None:
    path = file_with(
        tmp_path, CANONICAL.replace("Work round it.", "Work round it, with care and slowly. " * 5 + "End.")
    )
    lines = format_text(path).splitlines()
    assert "    message: >-" in lines
    assert max(map(len, lines)) <= WIDTH


@pytest.mark.parametrize(
    ("comment", "before", "after"),
    [
        ("# at the very end", "it.\n", "it.\n# at the very end\n"),
        (
            "# inside a mapping",
            "{parameter: days_since, below: 7}",
            "{parameter: days_since,\n  # inside a mapping\n  below: 7}",
        ),
        ("# behind a fold", "message: Work round it.", "message: >-  # behind a fold\n      Work round it."),
        ("# behind a key", "  injury:\n", "  injury:  # behind a key\n"),
        ("# not # two", "scope: modify", "scope: modify # not # two"),
        ("# behind what goes", "    scope: modify", "    at_least: 1  # behind what goes\n    scope: modify"),
        ("# between fields", "    scope: modify", "    # between fields\n    scope: modify"),
    ],
)
def test_a_comment_stays(tmp_path: Path, comment: str, before: str, after: str) -> None:
    path = file_with(tmp_path, CANONICAL.replace(before, after, 1))
    once = format_text(path)
    assert once.count(comment) == 1
    path.write_text(once)
    assert format_text(path) == once


@given(
    text=st.sampled_from([CANONICAL, EDGES]),
    places=st.lists(st.tuples(st.integers(0, 25), st.sampled_from([0, 2, 4, 5, 6, 9])), min_size=1, max_size=4),
)
def test_comments_stay_wherever_they_stand(
    tmp_path_factory: pytest.TempPathFactory, text: str, places: list[tuple[int, int]]
) -> None:
    lines = text.splitlines()
    for number, (line, column) in enumerate(places):
        lines.insert(min(line, len(lines)), f"{' ' * column}# comment {number}: {{a: [b")
    path = file_with(tmp_path_factory.mktemp("any"), "\n".join(lines) + "\n")
    once = format_text(path)
    assert sorted(re.findall(r"# comment \d", once)) == sorted(f"# comment {number}" for number in range(len(places)))
    assert re.sub(r"\n *# comment.*", "", "\n" + once).replace("\n\n", "\n") == "\n" + text.replace("\n\n", "\n")
    path.write_text(once)
    assert format_text(path) == once


def test_a_sharp_in_a_text_is_no_comment(tmp_path: Path) -> None:
    path = file_with(tmp_path, CANONICAL.replace("Work round it.", "'Work # round it.'"))
    assert 'message: "Work # round it."' in format_text(path)


def test_what_is_no_knowledge_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="not a knowledge file"):
        format_text(file_with(tmp_path, "- a\n"))


@given(st.lists(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=90), min_size=1, max_size=4))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    folder = tmp_path_factory.mktemp("any")
    path = folder / "file.yaml"
    text = "\n".join(
        f'      - "{name.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"' for name in names
    )
    path.write_text(f"kind: region\nentries:\n  a:\n    names:\n{text}\n", encoding="utf-8")
    once = format_text(path)
    assert document_of(once)["entries"]["a"]["names"] == names
    path.write_text(once, encoding="utf-8")
    assert format_text(path) == once


def test_formatting_changes_no_fact_and_is_done_in_one_go(tmp_path: Path) -> None:
    copy = tmp_path / "knowledge"
    shutil.copytree(CURATED, copy, ignore=lambda _, names: [name for name in names if name in NOT_KNOWLEDGE])
    before = Reading()
    before.read(copy)
    for path in sorted(copy.rglob("*.yaml")):
        path.write_text(format_text(path), encoding="utf-8")
    assert [str(path) for path in copy.rglob("*.yaml") if not is_canonical(path)] == []
    after = Reading()
    after.read(copy)
    assert after.finish().revision == before.finish().revision


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CURATED)))
def test_the_curated_file_is_canonical(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == format_text(path), "run myoplan kb fmt"
