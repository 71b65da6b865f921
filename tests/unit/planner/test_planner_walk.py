"""The walk: what each finding says about which muscle on which side, and how it adds up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from knowledge.model import AccessPosition, Confidence, Mechanism, Role
from knowledge.model import Side as Relation
from services.planner.domain.plan import Candidate
from services.planner.domain.reasons import Reason, Rule
from services.planner.domain.sides import Side, leading_side, muscle_sides, position_of
from services.planner.domain.snapshot import Classification, LimitedBy, Mode, Preferences, Snapshot, Verdict
from services.planner.graph.index import KnowledgeGraph
from services.planner.usecases.knowledge import trace_zone
from services.planner.walk.candidates import MOST_CANDIDATES, walk, within_bounds
from services.planner.walk.evidence import Factor, Line, combine, merged
from tests.support import literal_knowledge as lk
from tests.support.planner import LEFT, MIDLINE, RIGHT, active, pain, real_graph, reduced, small_graph, unremarkable

GRAPH = small_graph()
NUMBERS = GRAPH.numbers


def found(snapshot: Snapshot, graph: KnowledgeGraph = GRAPH) -> dict[tuple[str, Side], Candidate]:
    return {(one.muscle, one.side): one for one in walk(snapshot, graph)}


def score(snapshot: Snapshot, muscle: str, side: Side = RIGHT, graph: KnowledgeGraph = GRAPH) -> float:
    return found(snapshot, graph)[muscle, side].score


def line(strength: float, topic: str = "one", finding: str = "f") -> Line:
    return Line(rule=Rule.REFERRAL_TO_PAIN_ZONE, topic=topic, strength=strength, findings=(finding,), path=(), order=0)


# --- how evidence adds up -----------------------------------------------------------------------------------------


def test_independent_lines_add_up_by_noisy_or() -> None:
    total, reasons = combine([line(0.5, "one"), line(0.4, "two")], [])
    assert total == pytest.approx(0.7)
    assert [reason.contribution for reason in reasons] == pytest.approx([0.5, 0.2])


def test_a_line_told_twice_counts_once_with_both_findings() -> None:
    total, reasons = combine([line(0.3, finding="weak"), line(0.5, finding="strong")], [])
    assert total == 0.5
    assert [reason.findings for reason in reasons] == [("strong", "weak")]


def test_factors_multiply_the_odds_and_may_speak_against() -> None:
    total, reasons = combine([line(0.5)], [Factor(rule=Rule.PALPATION_UNREMARKABLE, multiplier=0.25)])
    assert total == pytest.approx(0.2)
    assert reasons[1].contribution == pytest.approx(-0.3)


def test_reasons_add_up_to_the_score() -> None:
    for candidate in walk(Snapshot(pain_areas=(pain("temple"), pain("nape")), palpations=(active("shield"),)), GRAPH):
        told = sum(reason.contribution or 0 for reason in candidate.reasons)
        assert told == pytest.approx(candidate.score, abs=1e-5)


def test_very_many_reasons_are_told_together() -> None:
    reasons = tuple(Reason(rule="r", findings=(str(n),), contribution=0.1) for n in range(10))
    kept = merged(reasons, 3)
    assert kept[:2] == reasons[:2]
    assert kept[2].rule == Rule.FURTHER_EVIDENCE
    assert kept[2].contribution == pytest.approx(0.8)
    assert merged(reasons, 10) == reasons


# --- pain ---------------------------------------------------------------------------------------------------------


def test_pain_proposes_the_muscle_that_refers_there_on_its_side() -> None:
    candidates = found(Snapshot(pain_areas=(pain("temple", RIGHT),)))
    assert set(candidates) == {("shield", RIGHT)}
    reason = candidates["shield", RIGHT].reasons[0]
    assert reason.rule == Rule.REFERRAL_TO_PAIN_ZONE
    assert [(e.start, e.edge, e.end, e.weight) for e in reason.path] == [
        ("zone/temple", "refers_to", "muscle/shield", 0.8)
    ]
    assert candidates["shield", RIGHT].to_confirm


@pytest.mark.parametrize(
    ("relation", "sides"), [(Relation.SAME, {RIGHT}), (Relation.OPPOSITE, {LEFT}), (Relation.BOTH, {LEFT, RIGHT})]
)
def test_edges_across_the_body(relation: Relation, sides: set[Side]) -> None:
    graph = small_graph(lk.zone("brow", crosses_midline=False), lk.refers_to("cord", "brow", side=relation))
    assert {side for _, side in found(Snapshot(pain_areas=(pain("brow", RIGHT),)), graph)} == sides


def test_midline_points_to_both_sides_of_paired_muscles_and_to_midline_muscles() -> None:
    graph = small_graph(lk.muscle("middle", paired=False), lk.refers_to("middle", "nape"))
    assert {side for muscle, side in found(Snapshot(pain_areas=(pain("nape", MIDLINE),)), graph)} == {
        LEFT,
        RIGHT,
        MIDLINE,
    }
    assert ("middle", MIDLINE) in found(Snapshot(pain_areas=(pain("nape", LEFT),)), graph)


def test_usual_referral_trust_and_intensity_weigh() -> None:
    graph = small_graph(
        lk.refers_to("cord", "temple", role=Role.SPILLOVER),
        lk.refers_to("wing", "temple", confidence=Confidence.LOW),
    )
    strong = Snapshot(pain_areas=(pain("temple", intensity=9.0),))
    scores = {muscle: one.score for (muscle, _), one in found(strong, graph).items()}
    assert scores["shield"] > scores["wing"] > scores["cord"]
    weak = Snapshot(pain_areas=(pain("temple", intensity=1.0),))
    assert score(weak, "shield", graph=graph) < scores["shield"]


def test_two_painful_zones_say_more_than_one() -> None:
    graph = small_graph(lk.refers_to("shield", "nape"))
    assert score(Snapshot(pain_areas=(pain("temple"), pain("nape"))), "shield", graph=graph) > score(
        Snapshot(pain_areas=(pain("temple"),)), "shield", graph=graph
    )


def test_the_same_zone_at_the_side_and_in_the_middle_is_one_line() -> None:
    graph = small_graph(lk.refers_to("shield", "nape"))
    one = score(Snapshot(pain_areas=(pain("nape", RIGHT),)), "shield", graph=graph)
    assert score(Snapshot(pain_areas=(pain("nape", RIGHT), pain("nape", MIDLINE))), "shield", graph=graph) == one


def test_what_the_client_wants_treated_weighs_more() -> None:
    wanted = Snapshot(pain_areas=(pain("temple"),), preferences=Preferences(focus_zones=("temple",)))
    candidate = found(wanted)["shield", RIGHT]
    assert candidate.score > score(Snapshot(pain_areas=(pain("temple"),)), "shield")
    assert Rule.CLIENT_FOCUS in {reason.rule for reason in candidate.reasons}


# --- palpation ----------------------------------------------------------------------------------------------------


def test_hands_rank_active_over_latent_over_tender_over_taut_over_nothing() -> None:
    def with_class(word: Classification) -> float:
        sure = word in {Classification.ACTIVE_TRIGGER_POINT, Classification.LATENT_TRIGGER_POINT}
        palpation = replace(
            active("shield"),
            classification=word,
            taut_band=sure or word is Classification.TAUT,
            spot_tenderness=sure or word is Classification.TENDER,
            tenderness=6.0 if sure or word is Classification.TENDER else 0.0,
            referred_pain=sure,
            reproduces_familiar_pain=word is Classification.ACTIVE_TRIGGER_POINT,
        )
        return score(Snapshot(pain_areas=(pain("temple"),), palpations=(palpation,)), "shield")

    ranked = [
        with_class(word)
        for word in (
            Classification.ACTIVE_TRIGGER_POINT,
            Classification.LATENT_TRIGGER_POINT,
            Classification.TENDER,
            Classification.TAUT,
            Classification.UNREMARKABLE,
        )
    ]
    assert ranked == sorted(ranked, reverse=True)
    assert len(set(ranked)) == len(ranked)


def test_unpalpated_stays_to_confirm_and_unremarkable_drops() -> None:
    bare = found(Snapshot(pain_areas=(pain("temple"),)))["shield", RIGHT]
    graph = small_graph()
    silent = Snapshot(pain_areas=(pain("temple", intensity=10.0),), palpations=(unremarkable("shield"),))
    dropped = {(one.muscle, one.side): one for one in walk(silent, graph)}.get(("shield", RIGHT))
    assert bare.to_confirm
    assert dropped is not None
    assert not dropped.to_confirm
    assert dropped.score < bare.score


def test_what_is_hard_to_palpate_moves_the_score_less() -> None:
    easy = small_graph(lk.muscle("deep_one", palpability=1.0), lk.refers_to("deep_one", "temple"))
    hard = small_graph(lk.muscle("deep_one", palpability=0.2), lk.refers_to("deep_one", "temple"))
    snapshot = Snapshot(pain_areas=(pain("temple"),), palpations=(active("deep_one"),))
    assert score(snapshot, "deep_one", graph=easy) > score(snapshot, "deep_one", graph=hard)


def test_one_positive_site_outweighs_a_silent_one() -> None:
    silent = replace(unremarkable("shield"), id="other-site")
    both = Snapshot(palpations=(silent, active("shield")))
    assert score(both, "shield") == score(Snapshot(palpations=(active("shield"),)), "shield")


def test_incomplete_palpation_counts_by_its_signs() -> None:
    vague = replace(
        unremarkable("shield"),
        classification=Classification.INCOMPLETE,
        taut_band=None,
        spot_tenderness=True,
        tenderness=None,
    )
    assert not found(Snapshot(palpations=(vague,)))["shield", RIGHT].to_confirm
    blank = replace(vague, spot_tenderness=None)
    assert found(Snapshot(pain_areas=(pain("temple"),), palpations=(blank,)))["shield", RIGHT].to_confirm


# --- motion -------------------------------------------------------------------------------------------------------


def test_reduced_motion_points_across_to_the_short_muscle() -> None:
    candidates = found(Snapshot(rom_tests=(reduced("neck_rotation", LEFT),)))
    assert set(candidates) == {("cord", RIGHT)}
    assert candidates["cord", RIGHT].reasons[0].rule == Rule.LIMITS_REDUCED_MOTION


def test_deficit_weighs_and_the_end_of_the_joint_says_nothing() -> None:
    def with_deficit(degrees: float) -> float:
        return score(Snapshot(rom_tests=(reduced("neck_rotation", LEFT, deficit=degrees),)), "cord")

    assert with_deficit(30.0) > with_deficit(10.0)
    joint = reduced("neck_rotation", LEFT, limited_by=LimitedBy.END_RANGE)
    assert found(Snapshot(rom_tests=(joint,))) == {}
    fine = reduced("neck_rotation", LEFT, verdict=Verdict.WITHIN_NORM, deficit=None)
    assert found(Snapshot(rom_tests=(fine,))) == {}


def test_side_difference_counts_like_a_deficit() -> None:
    by_side = reduced("neck_rotation", LEFT, deficit=None, side_difference=-20.0)
    assert score(Snapshot(rom_tests=(by_side,)), "cord") == score(
        Snapshot(rom_tests=(reduced("neck_rotation", LEFT, deficit=20.0),)), "cord"
    )


def test_painful_motion_within_its_norm_says_something() -> None:
    hurting = reduced("neck_rotation", LEFT, verdict=Verdict.WITHIN_NORM, deficit=None, pain=9.0)
    limited = reduced("neck_rotation", LEFT, deficit=40.0)
    with_pain = Snapshot(pain_areas=(pain("nape"),), rom_tests=(hurting,))
    candidate = found(with_pain)["cord", RIGHT]
    assert Rule.LIMITS_PAINFUL_MOTION in {reason.rule for reason in candidate.reasons}
    assert candidate.score < score(Snapshot(pain_areas=(pain("nape"),), rom_tests=(limited,)), "cord")


@pytest.mark.parametrize(
    ("mechanism", "mode", "limited_by", "points_there"),
    [
        (Mechanism.SHORTENED, Mode.PASSIVE, LimitedBy.STRETCH, True),
        (Mechanism.SHORTENED, Mode.ACTIVE, LimitedBy.CONTRACTION, False),
        (Mechanism.PAINFUL_CONTRACTION, Mode.ACTIVE, LimitedBy.CONTRACTION, True),
        (Mechanism.PAINFUL_CONTRACTION, Mode.PASSIVE, LimitedBy.PAIN, False),
        (Mechanism.PAINFUL_CONTRACTION, Mode.ACTIVE, LimitedBy.STRETCH, False),
    ],
)
def test_test_points_to_the_mechanism_it_shows(
    mechanism: Mechanism, mode: Mode, limited_by: LimitedBy, points_there: bool
) -> None:
    graph = small_graph(lk.limits_motion("neck_rotation", "wing", mechanism=mechanism))
    test = reduced("neck_rotation", LEFT, mode=mode, limited_by=limited_by, deficit=50.0)
    snapshot = Snapshot(pain_areas=(pain("upper_arm", LEFT),), rom_tests=(test,))
    reasons = found(snapshot, graph)["wing", LEFT].reasons
    (reason,) = [reason for reason in reasons if reason.rule == Rule.LIMITS_REDUCED_MOTION]
    full = {Mechanism.SHORTENED: NUMBERS.rom_weight_shortened}.get(mechanism, NUMBERS.rom_weight_painful_contraction)
    share = 1.0 if points_there else NUMBERS.rom_other_mechanism_multiplier
    assert reason.path[0].weight == pytest.approx(full * share * NUMBERS.confidence_weight_medium)


def test_active_and_passive_test_of_one_motion_are_one_line() -> None:
    passive = reduced("neck_rotation", LEFT)
    both = Snapshot(rom_tests=(passive, replace(passive, id="again", mode=Mode.ACTIVE)))
    assert score(both, "cord") == score(Snapshot(rom_tests=(passive,)), "cord")


# --- relations ----------------------------------------------------------------------------------------------------


def test_key_gains_from_a_positive_satellite_only_if_it_is_positive_itself() -> None:
    graph = small_graph(lk.satellite_of("shield", "cord"))
    both = Snapshot(palpations=(active("shield"), active("cord", tenderness=3.0)))
    assert score(both, "cord", graph=graph) > score(both, "cord")
    assert Rule.KEY_OF_SATELLITE in {reason.rule for reason in found(both, graph)["cord", RIGHT].reasons}
    unpalpated = Snapshot(pain_areas=(pain("nape"),), palpations=(active("shield"),))
    assert score(unpalpated, "cord", graph=graph) == score(unpalpated, "cord")


def test_partner_is_raised_but_not_invented() -> None:
    graph = small_graph(lk.unit("turning", "neck_rotation", shield="agonist", cord="synergist", wing="antagonist"))
    snapshot = Snapshot(pain_areas=(pain("nape"),), palpations=(active("shield"),))
    assert score(snapshot, "cord", graph=graph) > score(snapshot, "cord")
    assert ("wing", RIGHT) not in found(snapshot, graph)


# --- order and bounds ---------------------------------------------------------------------------------------------


def test_ties_go_to_the_side_that_is_named_first() -> None:
    first_right = Snapshot(palpations=(active("shield", RIGHT), active("shield", LEFT)))
    first_left = Snapshot(palpations=(active("shield", LEFT), active("shield", RIGHT)))
    assert [one.side for one in walk(first_right, GRAPH)] == [RIGHT, LEFT]
    assert [one.side for one in walk(first_left, GRAPH)] == [LEFT, RIGHT]


def test_list_is_cut_where_nearly_everything_hurts() -> None:
    graph = real_graph()
    everywhere = Snapshot(pain_areas=tuple(pain(zone, side) for zone in graph.base.zones for side in (LEFT, RIGHT)))
    candidates = walk(everywhere, graph)
    assert len(candidates) > MOST_CANDIDATES
    listed = within_bounds(candidates)
    assert [one.muscle for one in listed] == [one.muscle for one in candidates[:MOST_CANDIDATES]]
    for one in listed:
        assert sum(reason.contribution or 0 for reason in one.reasons) == pytest.approx(one.score, abs=1e-4)


def test_nothing_found_points_nowhere() -> None:
    assert walk(Snapshot(), GRAPH) == ()


# --- sides --------------------------------------------------------------------------------------------------------


def test_sides_mirror_and_resolve() -> None:
    assert (LEFT.other, RIGHT.other, MIDLINE.other) == (RIGHT, LEFT, MIDLINE)
    assert muscle_sides(MIDLINE, Relation.SAME, paired=True) == (LEFT, RIGHT)
    assert muscle_sides(LEFT, Relation.OPPOSITE, paired=False) == (MIDLINE,)
    assert leading_side([MIDLINE, RIGHT, LEFT]) is RIGHT
    assert leading_side([MIDLINE]) is LEFT


@pytest.mark.parametrize(
    ("access", "side", "positions"),
    [
        (AccessPosition.SIDE_LYING_TREATED_SIDE_UP, RIGHT, ("side_lying_left",)),
        (AccessPosition.SIDE_LYING_TREATED_SIDE_UP, LEFT, ("side_lying_right",)),
        (AccessPosition.SIDE_LYING_TREATED_SIDE_DOWN, LEFT, ("side_lying_left",)),
        (AccessPosition.SIDE_LYING_TREATED_SIDE_UP, MIDLINE, ("side_lying_left", "side_lying_right")),
        (AccessPosition.SUPINE, LEFT, ("supine",)),
    ],
)
def test_access_becomes_a_position(access: AccessPosition, side: Side, positions: tuple[str, ...]) -> None:
    assert position_of(access, side) == positions


# --- the reverse of the referral patterns -------------------------------------------------------------------------


def test_trace_ranks_by_role_then_weight_then_confidence_then_id() -> None:
    graph = small_graph(
        lk.refers_to("wing", "temple", role=Role.SPILLOVER, confidence=Confidence.HIGH),
        lk.refers_to("cord", "temple", confidence=Confidence.LOW),
    )
    traced = trace_zone(graph, "temple", LEFT)
    assert [(one.edge.muscle, one.side, one.weight) for one in traced] == [
        ("shield", LEFT, 0.8),
        ("cord", LEFT, 0.5),
        ("wing", LEFT, 0.4),
    ]


def test_trace_of_the_centre_names_both_sides() -> None:
    assert {one.side for one in trace_zone(GRAPH, "nape", MIDLINE)} == {LEFT, RIGHT}
