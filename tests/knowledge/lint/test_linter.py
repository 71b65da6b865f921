"""Every rule is one module, listed, explained and tested; exceptions name what is meant and nothing else."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from knowledge.lint import registry
from knowledge.lint.exceptions import LintException, read_exceptions
from knowledge.lint.linter import lint
from knowledge.lint.registry import RULES
from knowledge.yaml_file import FileRefused
from tests.support.literal_knowledge import condition, knowledge, muscle, refers_to, rule, zone

FOLDER = Path(registry.__file__).parent
NOT_RULES = {"__init__", "finding", "registry", "linter", "exceptions", "cycles"}


def test_every_module_is_a_listed_rule() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} - NOT_RULES == set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_explained_in_one_sentence_and_has_its_test(name: str) -> None:
    module = importlib.import_module(f"knowledge.lint.{name}")
    assert name == module.RULE
    assert RULES[name] is module.check
    assert module.__doc__ is not None
    assert module.__doc__.endswith(".")
    assert "\n" not in module.__doc__
    assert module.REMEDY
    assert (Path(__file__).parent / f"test_{name}.py").is_file()


def test_an_exception_takes_exactly_its_finding_away() -> None:
    base = knowledge(condition("flu"), condition("cold"), condition("fever", ask_always=True), rule("r", "fever"))
    meant = (LintException("condition_without_rule", "flu", "only for the record"),)
    assert [(finding.rule, finding.subject) for finding in lint(base, meant)] == [("condition_without_rule", "cold")]


def test_an_exception_that_matches_nothing_is_a_finding() -> None:
    base = knowledge(condition("flu"), rule("r", "flu"))
    meant = (LintException("condition_without_rule", "flu", "only for the record"),)
    assert [(finding.rule, finding.subject) for finding in lint(base, meant)] == [("stale_exception", "flu")]


def test_while_something_is_missing_only_that_is_told() -> None:
    base = knowledge(muscle("a"), zone("z"), refers_to("a", "elsewhere"))
    assert {finding.rule for finding in lint(base)} == {"dangling_reference"}


def test_a_finding_reads_as_a_sentence_with_a_remedy() -> None:
    (finding,) = lint(knowledge(condition("flu")))
    assert str(finding) == (
        "condition_without_rule: flu: no rule names it (add a rule, or an exception that says why it changes nothing)"
    )


def test_the_listed_exceptions_name_rules_that_exist_and_say_why() -> None:
    for exception in read_exceptions():
        assert exception.rule in RULES
        assert len(exception.reason.split()) > 2
    assert (FOLDER / "exceptions.yaml").read_text().startswith("# Findings of the linter that are meant.")


@pytest.mark.parametrize(
    ("text", "word"),
    [("- a\n", "no list"), ("orphan_muscle: [a]\n", "wrong form"), ("orphan_muscle: {a: ''}\n", "no reason")],
)
def test_a_list_of_another_form_is_refused(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "exceptions.yaml").write_text(text)
    with pytest.raises(FileRefused, match=word):
        read_exceptions(tmp_path / "exceptions.yaml")
