"""One fact is written once, with one source."""

from __future__ import annotations

from knowledge.lint.repeated_edge import check
from knowledge.model import Side
from tests.support.literal_knowledge import knowledge, muscle, position, position_change, refers_to, source, zone


def test_two_different_statements_are_right() -> None:
    base = knowledge(muscle("a"), zone("z"), refers_to("a", "z"), refers_to("a", "z", side=Side.OPPOSITE))
    assert list(check(base)) == []


def test_the_same_statement_from_two_sources_is_found() -> None:
    base = knowledge(source("other"), muscle("a"), zone("z"), refers_to("a", "z"), refers_to("a", "z", source="other"))
    assert [finding.subject for finding in check(base)] == ["refers_to a -> z"]


def test_the_same_turn_from_the_other_end_is_found() -> None:
    base = knowledge(
        position("supine"),
        position("prone"),
        position_change("supine", "prone", 60),
        position_change("supine", "prone", 60),
    )
    assert [finding.subject for finding in check(base)] == ["position_change prone -> supine"]
