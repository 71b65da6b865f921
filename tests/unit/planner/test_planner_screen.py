"""Screening: which rules fire, what they cut, what has to be asked; a stricter answer never allows more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.model import KnowledgeBase, Scope, Urgency, When
from services.planner.domain.constraints import Constraints, Target
from services.planner.domain.plan import Disposition
from services.planner.domain.sides import Side
from services.planner.domain.snapshot import Answer, HealthFlag, Parameter, Preferences
from services.planner.graph.index import KnowledgeGraph
from services.planner.screen.limits import Limits
from services.planner.screen.rules import screen
from tests.support import literal_knowledge as lk
from tests.support.planner import LEFT, RIGHT, flag, flags, load_once, preferences, real_graph, small_graph

ILL = lk.condition("ill")
SORE = lk.condition("sore", takes_zone=True)
THIN = lk.condition("thin", lk.parameter("platelets", "number"))
WEEKS = lk.parameter("weeks", "number")


def limits(graph: KnowledgeGraph, *health: HealthFlag, wishes: Preferences | None = None) -> Limits:
    return Limits(
        graph=graph,
        screening=screen(health, graph.base),
        preferences=wishes or Preferences(),
        constraints=Constraints(),
    )


@pytest.mark.parametrize(
    ("scope", "answer", "disposition"),
    [
        (Scope.REFER, Answer.PRESENT, Disposition.REFER),
        (Scope.REFER, Answer.UNKNOWN, Disposition.REFER),
        (Scope.ABSOLUTE, Answer.PRESENT, Disposition.DO_NOT_TREAT),
        (Scope.LOCAL, Answer.PRESENT, Disposition.TREAT_WITH_CAUTION),
        (Scope.MODIFY, Answer.UNKNOWN, Disposition.TREAT_WITH_CAUTION),
        (Scope.REFER, Answer.ABSENT, Disposition.TREAT),
    ],
)
def test_scope_and_answer_decide(scope: Scope, answer: Answer, disposition: Disposition) -> None:
    base = lk.knowledge(ILL, lk.rule("one", "ill", scope=scope))
    assert screen([flag("ill", answer)], base).disposition is disposition


def test_strictest_rule_comes_first_and_decides() -> None:
    base = lk.knowledge(
        ILL,
        lk.rule("a_modify", "ill"),
        lk.rule("b_absolute", "ill", scope=Scope.ABSOLUTE),
        lk.rule("c_refer", "ill", scope=Scope.REFER, urgency=Urgency.SAME_DAY),
        lk.rule("d_refer", "ill", scope=Scope.REFER, urgency=Urgency.EMERGENCY),
    )
    found = screen([flag("ill")], base)
    assert [fired.rule.id for fired in found.rules] == ["d_refer", "c_refer", "b_absolute", "a_modify"]
    assert found.disposition is Disposition.REFER
    assert [referral.urgency for referral in found.referrals] == [Urgency.EMERGENCY, Urgency.SAME_DAY]
    assert all(referral.findings == ("flag-ill",) for referral in found.referrals)


def test_referral_beside_a_session_leaves_the_session() -> None:
    rule = lk.rule("one", "ill", scope=Scope.REFER, urgency=Urgency.SOON, refer_and_treat=True)
    found = screen([flag("ill")], lk.knowledge(ILL, rule))
    assert found.disposition is Disposition.TREAT_WITH_CAUTION
    assert len(found.referrals) == 1


def test_enough_conditions_have_to_be_there() -> None:
    rule = lk.rule("two", "ill", "sore", at_least=2)
    base = lk.knowledge(ILL, SORE, rule)
    assert screen([flag("ill")], base).rules == ()
    assert screen([flag("ill"), flag("ill", id="again")], base).rules == ()
    assert len(screen([flag("ill"), flag("sore", Answer.UNKNOWN)], base).rules) == 1


@pytest.mark.parametrize(
    ("parameters", "answer", "fires"),
    [
        ((Parameter(key="platelets", number=40.0),), Answer.PRESENT, True),
        ((Parameter(key="platelets", number=50.0),), Answer.PRESENT, False),
        ((), Answer.PRESENT, True),
        ((Parameter(key="platelets", number=300.0),), Answer.UNKNOWN, True),
    ],
)
def test_unknown_detail_assumes_the_stricter(parameters: tuple[Parameter, ...], answer: Answer, fires: bool) -> None:
    base = lk.knowledge(THIN, lk.rule("few", "thin", when=(When(parameter="platelets", below=50),)))
    found = screen([flag("thin", answer, parameters=parameters)], base)
    assert bool(found.rules) is fires
    asked = [question.parameter for question in found.questions]
    assert asked == ([""] if answer is Answer.UNKNOWN else ["platelets"] if not parameters else [])


@pytest.mark.parametrize(
    ("test", "detail", "fires"),
    [
        (When(parameter="p", at_least=3), Parameter(key="p", number=3.0), True),
        (When(parameter="p", at_least=3), Parameter(key="p", number=2.9), False),
        (When(parameter="p", is_one_of=("a", "b")), Parameter(key="p", text="b"), True),
        (When(parameter="p", is_one_of=("a", "b")), Parameter(key="p", text="c"), False),
        (When(parameter="p", is_true=False), Parameter(key="p", truth=False), True),
        (When(parameter="p", is_true=False), Parameter(key="p", truth=True), False),
    ],
)
def test_every_kind_of_test(test: When, detail: Parameter, fires: bool) -> None:
    base = lk.knowledge(ILL, lk.rule("one", "ill", when=(test,)))
    assert bool(screen([flag("ill", parameters=(detail,))], base).rules) is fires


def test_days_since_onset_can_be_tested() -> None:
    base = lk.knowledge(ILL, lk.rule("fresh", "ill", when=(When(parameter="onset_days", below=3),)))
    assert screen([flag("ill", onset_days=2)], base).rules
    assert not screen([flag("ill", onset_days=3)], base).rules


def test_never_asked_is_a_question_and_a_caution_and_cuts_nothing() -> None:
    base = lk.knowledge(replace(ILL, ask_always=True), SORE, lk.rule("one", "ill", scope=Scope.REFER))
    found = screen([], base)
    assert found.disposition is Disposition.TREAT
    assert [question.condition for question in found.questions] == ["ill"]
    assert len(found.cautions) == 1
    assert screen([flag("ill", Answer.ABSENT)], base).questions == ()


def test_lesion_keeps_hands_off_its_place_on_its_side() -> None:
    rule = lk.rule("lesion", "sore", scope=Scope.LOCAL, cuts=lk.cuts(flagged_zone=True))
    graph = small_graph(SORE, rule)
    shield = graph.base.muscles["shield"]
    there = limits(graph, flag("sore", zone="nape", side=LEFT))
    assert there.muscle_cuts(shield, LEFT)
    assert not there.muscle_cuts(shield, RIGHT)
    both = limits(graph, flag("sore", zone="nape"))
    assert both.muscle_cuts(shield, LEFT)
    assert both.muscle_cuts(shield, RIGHT)
    centre = limits(graph, flag("sore", zone="nape", side=Side.MIDLINE))
    assert centre.muscle_cuts(shield, RIGHT)
    assert [spared[1] for spared in there.zones_to_spare("neck")] == ["nape"]


def test_lesion_without_a_place_could_be_anywhere() -> None:
    rule = lk.rule("lesion", "sore", scope=Scope.LOCAL, cuts=lk.cuts(flagged_zone=True))
    graph = small_graph(SORE, rule)
    found = limits(graph, flag("sore"))
    assert all(found.muscle_cuts(muscle, LEFT) for muscle in graph.base.muscles.values())
    assert all(found.region_cuts(region) for region in graph.base.regions)
    assert [question.parameter for question in found.screening.questions] == ["zone"]


def test_cuts_by_name() -> None:
    rule = lk.rule(
        "strict",
        "ill",
        cuts=lk.cuts(
            muscles=("cord",), techniques=("press",), families=("stripping",), positions=("prone",), max_pressure=2
        ),
        only_in=("arm",),
    )
    graph = small_graph(ILL, rule)
    found, base = limits(graph, flag("ill")), graph.base
    assert found.muscle_cuts(base.muscles["cord"], LEFT)
    assert not found.muscle_cuts(base.muscles["shield"], LEFT)
    assert found.technique_cuts(base.techniques["press"], "arm", "wing", LEFT)
    assert found.technique_cuts(base.techniques["glide"], "arm", "wing", LEFT)
    assert not found.technique_cuts(base.techniques["press"], "neck", "shield", LEFT)
    assert found.pressure_cap("arm", "wing").level == 2
    assert found.pressure_cap("neck", "shield").level == 3
    assert found.position_cuts("prone")
    assert not found.position_cuts("supine")


def test_cut_keeps_rule_source_message_and_finding() -> None:
    rule = lk.rule("strict", "ill", message="Not this one.", cuts=lk.cuts(muscles=("cord",)))
    graph = small_graph(ILL, rule)
    (cut,) = limits(graph, flag("ill")).muscle_cuts(graph.base.muscles["cord"], LEFT)
    assert (cut.reason.rule, cut.message, cut.reason.findings) == ("strict", "Not this one.", ("flag-ill",))
    assert [(edge.start, edge.end, edge.source) for edge in cut.reason.path] == [
        ("condition/ill", "muscle/cord", "book")
    ]


def test_consents_and_wishes_are_limits_too() -> None:
    base = small_graph().base
    wishes = Preferences(
        pressure_tolerance=1,
        unavailable_positions=("prone",),
        avoid_techniques=("glide",),
        regions_not_to_touch=("arm",),
    )
    found = limits(small_graph(), wishes=wishes)
    assert [cut.safety for cut in found.muscle_cuts(base.muscles["wing"], LEFT)] == [True]
    assert found.technique_cuts(base.techniques["glide"], "neck", "cord", LEFT)
    assert found.technique_cuts(base.techniques["press"], "neck", "cord", LEFT), "press is firmer than the client wants"
    assert found.position_cuts("prone")


def test_excluded_by_a_person() -> None:
    graph = small_graph()
    found = Limits(
        graph=graph,
        screening=screen([], graph.base),
        preferences=Preferences(),
        constraints=Constraints(
            excluded=(Target(muscle="cord", side=LEFT), Target(muscle="shield", side=LEFT, technique="press"))
        ),
    )
    base = graph.base
    assert [cut.safety for cut in found.muscle_cuts(base.muscles["cord"], LEFT)] == [False]
    assert not found.muscle_cuts(base.muscles["cord"], RIGHT)
    assert not found.muscle_cuts(base.muscles["shield"], LEFT)
    assert found.technique_cuts(base.techniques["press"], "neck", "shield", LEFT)


Allowed = set[tuple[str, ...]]


def allowed(health: tuple[HealthFlag, ...], wishes: Preferences, base: KnowledgeBase) -> Allowed:
    """Everything that may still be done: muscles, techniques by region, positions, each level of pressure."""
    graph = real_graph()
    found = limits(graph, *health, wishes=wishes)
    if not found.screening.disposition.hands_on:
        return set()
    minutes = found.longest_session()
    sides = (LEFT, RIGHT)
    return {
        *((m.id, side) for m in base.muscles.values() for side in sides if not found.muscle_cuts(m, side)),
        *((region,) for region in base.regions if not found.region_cuts(region)),
        *(
            (region, technique.id)
            for region in base.regions
            for technique in base.techniques.values()
            if not found.technique_cuts(technique, region, "", None)
        ),
        *((position, "position") for position in base.positions if not found.position_cuts(position)),
        *(
            (region, "pressure", str(level))
            for region in base.regions
            for level in range(1, found.pressure_cap(region, "").level + 1)
        ),
        *(("minutes", str(one)) for one in range(15, 181, 15) if minutes is None or one <= minutes[0]),
    }


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_adding_a_flag_never_allows_more(data: st.DataObject) -> None:
    base = load_once()
    some = tuple(data.draw(st.lists(flags(base), max_size=3)))
    one = data.draw(flags(base))
    wishes = data.draw(preferences(base))
    assert allowed((*some, one), wishes, base) <= allowed(some, wishes, base)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_stricter_answers_never_allow_more(data: st.DataObject) -> None:
    """ABSENT allows at least what PRESENT allows, and PRESENT at least what UNKNOWN allows."""
    base = load_once()
    one = data.draw(flags(base))
    steps = [
        allowed((replace(one, answer=answer),), Preferences(), base)
        for answer in (Answer.UNKNOWN, Answer.PRESENT, Answer.ABSENT)
    ]
    assert steps[0] <= steps[1] <= steps[2]
    assert allowed((), Preferences(), base) == steps[2], "never asked cuts nothing"
