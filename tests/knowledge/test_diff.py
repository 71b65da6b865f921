"""Two knowledge bases are compared in words, and what protects less comes first."""

from __future__ import annotations

from knowledge.diff import Change, What, compare
from knowledge.model import Role, Scope, Side, Status, Urgency
from tests.support.literal_knowledge import (
    condition,
    cuts,
    dose,
    knowledge,
    motion,
    muscle,
    norm,
    refers_to,
    rule,
    source,
    technique,
    zone,
)


def lines(before: tuple[object, ...], after: tuple[object, ...]) -> list[str]:
    return list(compare(knowledge(*before), knowledge(*after)).lines())


def test_nothing_differs_from_itself() -> None:
    assert lines((muscle("a"),), (muscle("a"),)) == []


def test_things_come_and_go() -> None:
    assert lines((muscle("a"),), (zone("z"),)) == ["removed muscle a: a", "added zone z: z"]


def test_a_field_changes_from_one_value_to_another() -> None:
    changed = muscle("a", palpability=0.5, status=Status.VERIFIED)
    assert lines((muscle("a"),), (changed,)) == [
        "changed muscle a: status unverified → verified",
        "changed muscle a: palpability 0.9 → 0.5",
    ]


def test_of_a_list_only_what_differs_is_told() -> None:
    assert lines((muscle("a", names=("a", "b")),), (muscle("a", names=("a", "c")),)) == [
        "changed muscle a: names without b, with c"
    ]
    assert lines((muscle("a", names=("a", "b")),), (muscle("a", names=("b", "a")),)) == [
        "changed muscle a: names in another order"
    ]
    before, after = motion("hip_flexion", norms=(norm(120),)), motion("hip_flexion", norms=(norm(125),))
    rest = "kind mean, source book, status unverified"
    assert lines((before,), (after,)) == [
        f"changed motion hip_flexion: norms without (value 120, {rest}), with (value 125, {rest})"
    ]


def test_a_nested_fact_changes_by_its_field() -> None:
    before, after = technique("press"), technique("press", doses=(dose("usual", 90, 0.8), dose("long", 120, 0.9)))
    assert lines((before,), (after,)) == [
        "changed technique press: doses with (level long, seconds 120, effect 0.9, tissue_load 0)"
    ]
    light, lighter = rule("r", "c", cuts=cuts(max_pressure=3)), rule("r", "c", cuts=cuts(max_pressure=2))
    assert lines((condition("c"), light), (condition("c"), lighter)) == [
        "changed safety_rule r: cuts.max_pressure 3 → 2"
    ]


def test_edges_are_known_by_their_ends() -> None:
    base = (muscle("a"), zone("z"))
    usual, spill = refers_to("a", "z"), refers_to("a", "z", role=Role.SPILLOVER)
    assert lines((*base, usual), (*base, spill)) == ["changed refers_to a -> z: role primary → spillover"]
    assert lines((*base, usual), base) == [
        "removed refers_to a -> z: (source book, basis textbook, confidence medium, status unverified, role primary)"
    ]
    both = compare(knowledge(*base, usual), knowledge(*base, usual, refers_to("a", "z", side=Side.OPPOSITE)))
    assert [(change.what, change.subject) for change in both.changes] == [(What.ADDED, "a -> z")]


def test_a_removed_contraindication_is_the_loudest() -> None:
    before = (
        muscle("a"),
        condition("c"),
        rule("r", "c", scope=Scope.ABSOLUTE),
        rule("s", "c", cuts=cuts(max_pressure=2)),
    )
    after = (muscle("b"), condition("c"), rule("s", "c", cuts=cuts(max_pressure=4)))
    assert lines(before, after) == [
        "CONTRAINDICATION REMOVED: safety_rule r: Work lightly.",
        "LESS SAFE: safety_rule s: cuts max_pressure: 4 instead of 2",
        "changed safety_rule s: cuts.max_pressure 2 → 4",
        "removed muscle a: a",
        "added muscle b: b",
    ]


def test_another_protection_that_is_gone_is_loud_too() -> None:
    assert lines((condition("c"),), ()) == ["PROTECTION REMOVED: condition c: Do you have it?"]


def test_safety_comes_before_the_rest() -> None:
    rule_ = rule("r", "c", scope=Scope.REFER, urgency=Urgency.SOON)
    after = (source("other"), muscle("a"), condition("c"), rule_)
    kinds = [change.kind for change in compare(knowledge(), knowledge(*after)).changes]
    assert kinds == ["condition", "safety_rule", "source", "muscle"]


def test_a_change_reads_as_a_line() -> None:
    change = Change("zone", "z", What.CHANGED, "crosses_midline", "yes", "no")
    assert str(change) == "changed zone z: crosses_midline yes → no"
