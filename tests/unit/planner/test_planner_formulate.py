"""From candidates and demands to a problem: what can be done at all, at what cost, in which order, and what cannot."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from knowledge.model import Handling, Tier
from services.planner.domain.constraints import Constraints, HandLoad, Target
from services.planner.domain.errors import DemandUnsafe
from services.planner.domain.plan import OmissionKind, Phase
from services.planner.domain.problem import Package
from services.planner.domain.reasons import Rule
from services.planner.domain.sides import Side
from services.planner.domain.snapshot import Preferences, Snapshot
from services.planner.formulate.doses import half_minutes, longest_within, worth
from services.planner.formulate.formulation import Formulation, formulate
from services.planner.formulate.order import RULES
from services.planner.graph.index import KnowledgeGraph
from services.planner.screen.limits import Limits
from services.planner.screen.rules import screen
from services.planner.walk.candidates import walk
from tests.support import literal_knowledge as lk
from tests.support.planner import LEFT, RIGHT, active, flag, pain, reduced, small_graph, unremarkable

GRAPH = small_graph()
NUMBERS = GRAPH.numbers
BOTH = Snapshot(pain_areas=(pain("temple"), pain("nape")), palpations=(active("shield"), active("cord")))


def formulated(
    snapshot: Snapshot, minutes: int = 60, constraints: Constraints | None = None, graph: KnowledgeGraph = GRAPH
) -> Formulation:
    demands = constraints or Constraints()
    limits = Limits(
        graph=graph,
        screening=screen(snapshot.health_flags, graph.base),
        preferences=snapshot.preferences,
        constraints=demands,
    )
    return formulate(walk(snapshot, graph), limits, demands, snapshot, 60 * minutes, graph)


def package(found: Formulation, muscle: str, side: Side = RIGHT) -> Package:
    return next(one for one in found.problem.packages if (one.muscle, one.side) == (muscle, side))


def omitted(found: Formulation, muscle: str) -> list[tuple[OmissionKind, str]]:
    return [(one.kind, one.reasons[0].rule) for one in found.omissions if one.muscle == muscle and not one.technique]


# --- doses --------------------------------------------------------------------------------------------------------


def test_time_is_counted_in_begun_half_minutes() -> None:
    assert [half_minutes(seconds) for seconds in (0, 1, 30, 31, 60)] == [0, 1, 1, 2, 2]


def test_dose_is_the_longest_that_fits_or_the_shortest() -> None:
    doses = (lk.dose("long", 300, 1.0), lk.dose("short", 120, 0.6), lk.dose("usual", 180, 0.8))
    assert [longest_within(doses, seconds).level for seconds in (400, 300, 299, 150, 10)] == [
        "long", "long", "usual", "short", "short",
    ]  # fmt: skip


def test_more_effect_is_worth_less_and_less() -> None:
    values = [worth(effect, NUMBERS) for effect in range(0, 1001, 250)]
    gains = [after - before for before, after in pairwise(values)]
    assert values[0] == 0
    assert values[-1] == 1000
    assert gains == sorted(gains, reverse=True)
    assert worth(5000, NUMBERS) == 1000


# --- packages -----------------------------------------------------------------------------------------------------


def test_a_muscle_gets_its_minutes_and_no_more() -> None:
    found = formulated(BOTH)
    for one in found.problem.packages:
        for variant in one.variants:
            tasks = [(found.problem.tasks[task], option) for task, option in variant.choices]
            treatment = sum(
                task.options[option].half_minutes
                for task, option in tasks
                if task.phase in {Phase.RELEASE, Phase.LENGTHEN}
            )
            assert 2 * NUMBERS.minutes_per_muscle_least <= treatment <= 2 * NUMBERS.minutes_per_muscle_most


def test_no_way_is_weighed_that_another_beats_in_everything() -> None:
    for one in formulated(BOTH).problem.packages:
        costs = [(v.half_minutes, v.tissue_load, v.hand_load, -v.benefit) for v in one.variants]
        assert len(set(costs)) == len(costs)


def test_deep_work_brings_the_warm_up_of_its_region_once() -> None:
    found = formulated(BOTH)
    assert {companion.id for companion in found.problem.companions.values()} == {"warm_up-neck-strokes", "integrate"}
    for one in found.problem.packages:
        assert all("warm_up-neck-strokes" in variant.companions for variant in one.variants)


def test_a_limb_is_warmed_up_on_its_side() -> None:
    found = formulated(Snapshot(palpations=(active("wing", RIGHT), active("wing", LEFT))))
    assert {one.side for one in found.problem.companions.values() if one.phase is Phase.WARM_UP} == {LEFT, RIGHT}


def test_lengthening_needs_a_release_of_the_same_muscle() -> None:
    found = formulated(BOTH)
    stretch = found.problem.tasks["lengthen-cord-right-stretch"]
    assert stretch.needs == (("release-cord-right-press",),)
    for one in found.problem.packages:
        for variant in one.variants:
            phases = {found.problem.tasks[task].phase for task, _ in variant.choices}
            assert Phase.RELEASE in phases


def test_side_lying_is_named_from_the_treated_side() -> None:
    found = formulated(
        Snapshot(palpations=(active("wing", RIGHT),), preferences=Preferences(unavailable_positions=("prone",)))
    )
    positions = {place for task in found.problem.tasks.values() for place, _ in task.positions}
    assert positions == {"side_lying_left"}


def test_poor_positions_are_left_aside_while_better_ones_are_possible() -> None:
    found = formulated(Snapshot(palpations=(active("wing"),)))
    assert {place for task in found.problem.tasks.values() for place, _ in task.positions} == {"prone"}


def test_pressure_is_capped_by_what_the_client_wants() -> None:
    light = replace(BOTH, preferences=Preferences(pressure_tolerance=2))
    assert {task.pressure for task in formulated(light).problem.tasks.values()} == {2}


def test_reduced_motion_brings_its_test_at_the_end() -> None:
    found = formulated(replace(BOTH, rom_tests=(reduced("neck_rotation", LEFT),)))
    assert all("retest-neck_rotation-left" in v.companions for v in package(found, "cord").variants)
    assert not any("retest-neck_rotation-left" in v.companions for v in package(found, "shield").variants)


# --- confirm or treat ---------------------------------------------------------------------------------------------


def test_what_nobody_palpated_is_confirmed_and_not_treated_beside_what_was() -> None:
    found = formulated(Snapshot(pain_areas=(pain("temple", intensity=10.0),), palpations=(active("cord"),)))
    phases = {found.problem.tasks[task].phase for v in package(found, "shield").variants for task, _ in v.choices}
    assert phases == {Phase.CONFIRM}
    assert not package(found, "shield").counts


def test_where_the_hands_found_nothing_the_likeliest_is_confirmed_and_then_treated() -> None:
    found = formulated(Snapshot(pain_areas=(pain("temple", intensity=10.0),)))
    variants = package(found, "shield").variants
    assert variants
    for variant in variants:
        phases = [found.problem.tasks[task].phase for task, _ in variant.choices]
        assert phases[0] is Phase.CONFIRM
        assert Phase.RELEASE in phases


def test_weak_silent_and_surplus_candidates_are_left_with_their_reason() -> None:
    others = [lk.muscle(f"extra_{n}") for n in range(5)]
    graph = small_graph(
        *others,
        *(lk.refers_to(one.id, "temple") for one in others),
        *(lk.treated_by("feel", one.id) for one in others),
    )
    snapshot = Snapshot(
        pain_areas=(pain("temple", intensity=10.0), pain("nape", intensity=10.0)),
        palpations=(active("wing"), unremarkable("shield")),
    )
    found = formulated(snapshot, graph=graph)
    assert omitted(found, "shield") == [(OmissionKind.DOMINATED, Rule.PALPATION_UNREMARKABLE)]
    assert omitted(found, "cord") == [(OmissionKind.DOMINATED, Rule.WEAK_EVIDENCE)]
    checked = [one.muscle for one in found.problem.packages if not one.counts]
    assert checked == ["extra_0", "extra_1", "extra_2"]
    assert omitted(found, "extra_4") == [(OmissionKind.DOMINATED, Rule.STRONGER_CHECKED_FIRST)]


# --- what cannot be done ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "wishes", "kind", "rule"),
    [
        ({"handling": Handling.REFER_ONLY}, Preferences(), OmissionKind.CONTRAINDICATED, Rule.REFER_ONLY),
        ({"tier": Tier.REFER}, Preferences(), OmissionKind.CONTRAINDICATED, Rule.REFER_ONLY),
        ({"handling": Handling.INTRAORAL}, Preferences(), OmissionKind.CONTRAINDICATED, Rule.INTRAORAL_CONSENT),
        ({}, Preferences(regions_not_to_touch=("neck",)), OmissionKind.CONTRAINDICATED, Rule.REGION_NOT_TO_TOUCH),
        (
            {},
            Preferences(unavailable_positions=("supine",)),
            OmissionKind.POSITION_UNAVAILABLE,
            Rule.POSITION_UNAVAILABLE,
        ),
        ({}, Preferences(avoid_techniques=("press", "glide")), OmissionKind.EXCLUDED_BY_PERSON, Rule.AVOIDED_BY_CLIENT),
        ({}, Preferences(avoid_techniques=("strokes",)), OmissionKind.MISSING_PREREQUISITE, Rule.MISSING_PREREQUISITE),
    ],
)  # fmt: skip
def test_muscle_that_cannot_be_worked_is_left_out_with_the_reason(
    changes: dict[str, object], wishes: Preferences, kind: OmissionKind, rule: Rule
) -> None:
    shield = GRAPH.base.muscles["shield"]
    graph = small_graph(replace(shield, **changes))  # type: ignore[arg-type]
    found = formulated(Snapshot(palpations=(active("shield"),), preferences=wishes), graph=graph)
    assert omitted(found, "shield") == [(kind, rule)]
    assert found.problem.packages == ()


def test_work_in_the_mouth_with_a_yes() -> None:
    graph = small_graph(replace(GRAPH.base.muscles["shield"], handling=Handling.INTRAORAL))
    wishes = Preferences(intraoral_allowed=True)
    assert formulated(Snapshot(palpations=(active("shield"),), preferences=wishes), graph=graph).problem.packages


def test_cut_technique_is_told_once_and_replaced() -> None:
    rule = lk.rule("light", "ill", cuts=lk.cuts(techniques=("press",)))
    graph = small_graph(lk.condition("ill"), rule)
    found = formulated(replace(BOTH, health_flags=(flag("ill"),)), graph=graph)
    told = [one for one in found.omissions if one.technique == "press"]
    assert [(one.muscle, one.kind, one.reasons[0].rule) for one in told] == [
        ("", OmissionKind.CONTRAINDICATED, "light")
    ]
    assert {task.technique for task in found.problem.tasks.values() if task.phase is Phase.RELEASE} == {"glide"}


def test_endangered_place_takes_its_technique_and_lightens_the_hand() -> None:
    graph = small_graph(lk.site("artery", "nape", "cord", max_pressure=2, no_techniques=("glide",)))
    found = formulated(BOTH, graph=graph)
    cord = [task for task in found.problem.tasks.values() if task.package == "cord-right"]
    assert {task.pressure for task in cord} == {2}
    assert "glide" not in {task.technique for task in cord}
    assert [(one.muscle, one.technique) for one in found.omissions] == [("cord", "glide")]


def test_rule_can_shorten_the_session() -> None:
    rule = lk.rule("frail", "ill", cuts=lk.cuts(max_minutes=20))
    graph = small_graph(lk.condition("ill"), rule)
    found = formulated(replace(BOTH, health_flags=(flag("ill"),)), graph=graph)
    assert found.seconds == 1200
    assert found.problem.half_minutes == 40


# --- demands ------------------------------------------------------------------------------------------------------


def test_demanded_muscle_needs_no_finding() -> None:
    found = formulated(Snapshot(), constraints=Constraints(pinned=(Target(muscle="wing", side=LEFT),)))
    assert package(found, "wing", LEFT).demanded
    assert found.subjects["wing-left"].reasons[0].rule == Rule.PINNED_BY_PERSON


def test_demanded_technique_is_in_every_way() -> None:
    target = Target(muscle="cord", side=RIGHT, technique="glide")
    found = formulated(BOTH, constraints=Constraints(must_include=(target,)))
    for variant in package(found, "cord").variants:
        assert "release-cord-right-glide" in {task for task, _ in variant.choices}


def test_unsafe_demand_is_refused_without_telling_the_illness() -> None:
    graph = small_graph(lk.condition("ill"), lk.rule("kept_off", "ill", cuts=lk.cuts(muscles=("cord",))))
    demand = Constraints(pinned=(Target(muscle="cord", side=RIGHT),))
    with pytest.raises(DemandUnsafe) as refused:
        formulated(replace(BOTH, health_flags=(flag("ill"),)), constraints=demand, graph=graph)
    (sentence,) = refused.value.sentences
    assert sentence.startswith("RIGHT cord")
    assert "kept_off" not in sentence
    assert "ill" not in sentence.replace("will", "")


def test_demand_for_a_position_the_client_cannot_take_is_left_out_and_said_aloud() -> None:
    snapshot = replace(BOTH, preferences=Preferences(unavailable_positions=("prone", "side_lying_left")))
    found = formulated(snapshot, constraints=Constraints(pinned=(Target(muscle="wing", side=RIGHT),)))
    assert omitted(found, "wing") == [(OmissionKind.POSITION_UNAVAILABLE, Rule.POSITION_UNAVAILABLE)]
    assert any("wing" in caution.message for caution in found.cautions)


# --- order --------------------------------------------------------------------------------------------------------


def test_every_sequencing_rule_is_one_sentence() -> None:
    assert [rule.__name__ for rule in RULES] == [
        "outside_before_inside_the_mouth", "key_before_satellite", "superficial_before_deep",
    ]  # fmt: skip
    assert all((rule.__doc__ or "").count(".") == 1 for rule in RULES)


def goes_before(found: Formulation, first: str, then: str) -> bool:
    return (f"release-{first}-right-press", f"release-{then}-right-press") in found.problem.before


def test_superficial_before_deep() -> None:
    assert goes_before(formulated(BOTH), "shield", "cord")


def test_key_before_satellite_even_if_the_key_is_deep() -> None:
    found = formulated(BOTH, graph=small_graph(lk.satellite_of("shield", "cord")))
    assert goes_before(found, "cord", "shield")
    assert not goes_before(found, "shield", "cord")


def test_outside_before_inside_the_mouth() -> None:
    inner = replace(GRAPH.base.muscles["shield"], handling=Handling.INTRAORAL)
    snapshot = replace(BOTH, preferences=Preferences(intraoral_allowed=True))
    assert goes_before(formulated(snapshot, graph=small_graph(inner)), "cord", "shield")


def test_release_before_lengthening_and_check_before_both() -> None:
    found = formulated(Snapshot(pain_areas=(pain("temple", intensity=10.0),)))
    before = found.problem.before
    assert ("confirm-shield-right-feel", "release-shield-right-press") in before
    assert ("release-shield-right-press", "lengthen-shield-right-stretch") in before


def test_rules_that_contradict_each_other_make_no_circle() -> None:
    graph = small_graph(lk.satellite_of("shield", "cord"), lk.satellite_of("cord", "shield"))
    found = formulated(BOTH, graph=graph)
    assert goes_before(found, "shield", "cord") is not goes_before(found, "cord", "shield")


# --- caps ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "turns", "muscles"), [(30, 2, 3), (60, 2, 6), (61, 3, 6), (90, 3, 9), (180, 4, 18)]
)
def test_limits_follow_the_length_of_the_session(minutes: int, turns: int, muscles: int) -> None:
    problem = formulated(BOTH, minutes).problem
    assert (problem.turn_limit, problem.muscle_limit) == (turns, muscles)


def test_hands_have_what_the_day_leaves_them() -> None:
    used = int(NUMBERS.hand_load_cap_thumb_day) - 3
    problem = formulated(BOTH, constraints=Constraints(hand_load_used_today=HandLoad(thumb=used))).problem
    assert problem.hand_load_cap[0] == 3
    assert problem.hand_load_cap[1] == int(NUMBERS.hand_load_cap_wrist_session)
