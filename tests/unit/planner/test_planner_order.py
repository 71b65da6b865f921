"""Every sequencing rule by itself, on a few muscles."""

from __future__ import annotations

from services.planner.domain.plan import Phase
from services.planner.domain.problem import Task
from services.planner.formulate.order import (
    RULES,
    Treated,
    before,
    check_release_lengthen_move,
    key_before_satellite,
    not_waiting_for_another_position,
    outside_before_inside_of_one_muscle,
    outside_before_inside_the_mouth,
    superficial_before_deep,
)
from services.planner.graph.index import KnowledgeGraph
from services.planner.walk.lines import Spot
from tests.support import literal_knowledge as lk
from tests.support.planner import LEFT, RIGHT, real_graph, small_graph

SHIELD, CORD = Spot("shield", RIGHT), Spot("cord", RIGHT)


def task(phase: Phase, spot: Spot, technique: str = "press", needs: tuple[str, ...] = (), *places: str) -> Task:
    return Task(
        id=f"{phase}-{spot.muscle}-{spot.side}-{technique}",
        package=spot.muscle,
        phase=phase,
        technique=technique,
        positions=tuple((place, 900) for place in places or ("supine",)),
        options=(),
        pressure=3,
        needs=(needs,) if needs else (),
    )


def treated(graph: KnowledgeGraph, *spots: Spot, positive: tuple[Spot, ...] = ()) -> Treated:
    tasks = {spot: (task(Phase.RELEASE, spot),) for spot in spots}
    return Treated(tasks=tasks, positive=frozenset(positive), graph=graph)


def test_a_key_goes_before_its_satellite_if_it_was_found_positive() -> None:
    graph = small_graph(lk.satellite_of("shield", "cord"))
    assert list(key_before_satellite(treated(graph, SHIELD, CORD, positive=(CORD,)))) == [(CORD, SHIELD)]
    assert list(key_before_satellite(treated(graph, SHIELD, CORD, positive=(SHIELD,)))) == []


def test_what_lies_over_another_muscle_goes_first_on_the_same_side() -> None:
    graph = small_graph()
    assert list(superficial_before_deep(treated(graph, CORD, SHIELD))) == [(SHIELD, CORD)]
    assert list(superficial_before_deep(treated(graph, CORD, Spot("shield", LEFT)))) == []


def test_muscles_worked_from_outside_go_before_those_inside_the_mouth() -> None:
    outer, inner = Spot("temporalis", RIGHT), Spot("lateral_pterygoid", RIGHT)
    assert list(outside_before_inside_the_mouth(treated(real_graph(), inner, outer))) == [(outer, inner)]


def test_a_muscle_is_checked_released_lengthened_and_moved() -> None:
    steps = [task(phase, CORD) for phase in (Phase.INTEGRATE, Phase.LENGTHEN, Phase.RELEASE, Phase.CONFIRM)]
    ids = [step.id for step in reversed(steps)]
    assert check_release_lengthen_move(steps) == {(a, b) for n, a in enumerate(ids) for b in ids[n + 1 :]}


def test_in_one_muscle_the_release_from_outside_goes_first() -> None:
    outside = task(Phase.RELEASE, CORD)
    inside = task(Phase.RELEASE, CORD, "intraoral", (outside.id,))
    assert outside_before_inside_of_one_muscle([inside, outside]) == {(outside.id, inside.id)}


def test_a_lengthening_elsewhere_does_not_keep_the_next_muscle_waiting() -> None:
    release = task(Phase.RELEASE, SHIELD, "press", (), "prone")
    here, elsewhere = (task(Phase.LENGTHEN, SHIELD, place, (), place) for place in ("prone", "supine"))
    assert list(not_waiting_for_another_position([release, here, elsewhere])) == [release, here]
    found = Treated(
        tasks={SHIELD: (release, elsewhere), CORD: (task(Phase.RELEASE, CORD),)},
        positive=frozenset(),
        graph=small_graph(),
    )
    pairs = before(found, {SHIELD: 0, CORD: 1})
    assert (release.id, "release-cord-right-press") in pairs
    assert (elsewhere.id, "release-cord-right-press") not in pairs


def test_of_two_rules_that_contradict_each_other_the_stronger_holds() -> None:
    assert RULES.index(key_before_satellite) < RULES.index(superficial_before_deep)
    graph = small_graph(lk.satellite_of("shield", "cord"))
    pairs = before(treated(graph, SHIELD, CORD, positive=(CORD,)), {SHIELD: 0, CORD: 1})
    assert pairs == {("release-cord-right-press", "release-shield-right-press")}


def test_every_rule_is_one_sentence() -> None:
    inside = (check_release_lengthen_move, outside_before_inside_of_one_muscle, not_waiting_for_another_position)
    for rule in (*RULES, *inside):
        assert (rule.__doc__ or "").count(".") == 1
