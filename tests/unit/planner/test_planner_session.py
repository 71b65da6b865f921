"""Plans as people read them: the phases of a session, turns, words and reasons, what was left out, what comes next."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from knowledge.model import Evidence, Scope, Urgency
from services.planner.check import check
from services.planner.domain.constraints import Constraints, HandLoad, Target
from services.planner.domain.plan import Disposition, OmissionKind, Phase, PlanContent
from services.planner.domain.reasons import Rule
from services.planner.domain.snapshot import Preferences, Snapshot
from services.planner.graph.index import compile_graph
from services.planner.session.words import capital, minutes
from tests.support import literal_knowledge as lk
from tests.support.planner import (
    HIP,
    LEFT,
    NECK,
    RIGHT,
    active,
    all_absent,
    flag,
    load_once,
    pain,
    plan,
    reduced,
    small_graph,
    steps_of,
    treated,
)

GRAPH = small_graph()
BOTH = Snapshot(
    pain_areas=(pain("temple"), pain("nape")),
    palpations=(active("shield"), active("cord")),
    rom_tests=(reduced("neck_rotation", LEFT),),
)


def small(snapshot: Snapshot, length: float = 30, constraints: Constraints | None = None) -> PlanContent:
    content = plan(snapshot, length, constraints, GRAPH)
    assert check(content, GRAPH.base) == ()
    return content


def test_a_session_has_its_phases_in_order() -> None:
    content = small(BOTH)
    assert [step.id for step in content.steps] == [
        "arrival",
        "warm_up-neck-strokes",
        "release-shield-right-press",
        "lengthen-shield-right-stretch",
        "release-cord-right-press",
        "lengthen-cord-right-stretch",
        "retest-neck_rotation-left",
        "integrate-neck",
        "close",
    ]


def test_minutes_add_up() -> None:
    for length in (5, 9, 20, 47.5, 90, 180):
        content = small(BOTH, length)
        assert content.planned_seconds + content.slack_seconds == length * 60
        end = 0
        for step in content.steps:
            assert step.start_seconds == end
            end += step.duration_seconds
        assert end == content.planned_seconds


def test_arrival_tests_the_key_motion_before_the_client_lies_down() -> None:
    arrival = small(BOTH).steps[0]
    assert (arrival.motion, arrival.side, arrival.position) == ("neck_rotation", LEFT, "")
    assert [reason.rule for reason in arrival.reasons] == [Rule.ARRIVAL, Rule.KEY_MOTION]
    assert arrival.reasons[1].findings == ("rom-neck_rotation-left",)


def test_a_turn_is_a_step_with_minutes() -> None:
    content = small(Snapshot(palpations=(active("shield"), active("wing"))), 60)
    (turn,) = steps_of(content, Phase.TURN)
    assert (turn.id, turn.position, turn.duration_seconds) == ("turn-prone", "prone", 60)
    assert "prone" in turn.instruction
    place = content.steps.index(turn)
    assert content.steps[place - 1].position == "supine"
    assert content.steps[place + 1].position == "prone"


def test_step_says_what_where_how_long_and_how() -> None:
    (release, _) = steps_of(small(BOTH), Phase.RELEASE)
    assert release.instruction.startswith("Press: shield, RIGHT, 3.5 minutes.")
    assert "pressure 3 of 5" in release.instruction
    assert release.dose is not None
    assert release.dose.level == "long"
    assert any(caution.message.startswith("Stop when") for caution in release.cautions)


def test_step_rests_on_findings_and_edges() -> None:
    (_, cord) = steps_of(small(BOTH), Phase.RELEASE)
    rules = [reason.rule for reason in cord.reasons]
    assert rules[0] == Rule.RELEASE_OF_CANDIDATE
    assert {Rule.PALPATION_POSITIVE, Rule.PALPATION_CONFIRMS, Rule.LIMITS_REDUCED_MOTION} <= set(rules)
    assert [(e.start, e.edge, e.end) for e in cord.reasons[0].path] == [
        ("muscle/cord", "treated_by", "technique/press")
    ]
    (warm,) = steps_of(small(BOTH), Phase.WARM_UP)
    assert warm.reasons[0].path[0].end == "technique/strokes"


def test_retest_names_the_finding_and_the_muscles_that_limit_the_motion() -> None:
    (retest,) = steps_of(small(BOTH), Phase.RETEST)
    assert retest.reasons[0].findings == ("rom-neck_rotation-left",)
    assert [edge.end for edge in retest.reasons[0].path] == ["muscle/cord"]


def test_free_minutes_first_make_the_warm_up_longer() -> None:
    (short,) = steps_of(small(BOTH, 12), Phase.WARM_UP)
    (long,) = steps_of(small(BOTH, 60), Phase.WARM_UP)
    assert (short.duration_seconds, long.duration_seconds) == (120, 300)
    assert long.duration_seconds <= GRAPH.numbers.warm_up_share * 3600


def test_what_does_not_fit_names_the_minutes_it_would_add() -> None:
    content = small(BOTH, 12)
    (left,) = [one for one in content.omissions if one.kind is OmissionKind.OVER_BUDGET]
    assert left.minutes_needed is not None
    assert f"{left.minutes_needed:g} minutes" in left.message
    assert content.follow_up is not None
    assert [(one.muscle, one.side) for one in content.follow_up.carry_over] == [(left.muscle, left.side)]
    assert content.follow_up.suggested_interval_seconds == 7 * 86_400


def test_the_named_minutes_are_more_than_are_left() -> None:
    for length in range(8, 40):
        content = small(BOTH, length)
        for left in content.omissions:
            if left.kind is OmissionKind.OVER_BUDGET:
                assert left.minutes_needed is not None
                assert left.minutes_needed * 60 > content.slack_seconds


def test_no_time_at_all_is_an_honest_empty_plan() -> None:
    content = small(BOTH, 2)
    assert content.steps == ()
    assert (content.planned_seconds, content.slack_seconds) == (0, 120)
    assert {one.kind for one in content.omissions} == {OmissionKind.OVER_BUDGET}
    assert Rule.NOTHING_FITS in {caution.rule for caution in content.cautions}


def test_no_finding_is_said() -> None:
    content = small(Snapshot())
    assert content.steps == ()
    assert content.candidates == ()
    assert [caution.rule for caution in content.cautions] == [Rule.NO_FINDING]


@pytest.mark.parametrize(
    ("scope", "disposition"), [(Scope.REFER, Disposition.REFER), (Scope.ABSOLUTE, Disposition.DO_NOT_TREAT)]
)
def test_red_flag_leaves_no_step_and_names_the_rule_everywhere(scope: Scope, disposition: Disposition) -> None:
    rule = lk.rule("stop", "ill", scope=scope, urgency=Urgency.SAME_DAY)
    graph = small_graph(lk.condition("ill"), rule)
    demands = Constraints(pinned=(Target(muscle="wing", side=LEFT),))
    content = plan(replace(BOTH, health_flags=(flag("ill"),)), 60, demands, graph)
    assert content.disposition is disposition
    assert content.steps == ()
    assert content.slack_seconds == 3600
    assert [referral.rule for referral in content.referrals] == ["stop"]
    assert {(one.muscle, one.reasons[0].rule) for one in content.omissions} == {
        ("shield", "stop"),
        ("cord", "stop"),
        ("wing", "stop"),
    }
    assert check(content, graph.base) == ()


def test_where_hands_found_nothing_the_check_decides() -> None:
    content = small(Snapshot(pain_areas=(pain("temple", intensity=10.0),)), 30)
    check_, release = steps_of(content, Phase.CONFIRM)[0], steps_of(content, Phase.RELEASE)[0]
    assert content.steps.index(check_) < content.steps.index(release)
    assert "only if it is tender" in check_.instruction
    assert "Only if the check before it" in release.instruction


def test_beside_what_hands_found_the_rest_is_only_checked_and_time_is_kept_for_it() -> None:
    content = small(Snapshot(pain_areas=(pain("temple", intensity=10.0),), palpations=(active("cord"),)), 60)
    assert treated(content) == [("cord", RIGHT)]
    assert [step.muscle for step in steps_of(content, Phase.CONFIRM)] == ["shield"]
    assert ("shield", Rule.NOT_PALPATED) in {(one.muscle, one.reasons[0].rule) for one in content.omissions}
    assert Rule.FREE_MINUTES in {caution.rule for caution in content.cautions}


def test_lesion_in_the_region_is_said_at_the_warm_up() -> None:
    rule = lk.rule("lesion", "sore", scope=Scope.LOCAL, cuts=lk.cuts(flagged_zone=True))
    graph = small_graph(lk.zone("crown"), lk.condition("sore", takes_zone=True), rule)
    content = plan(replace(BOTH, health_flags=(flag("sore", zone="crown", side=LEFT),)), 30, graph=graph)
    (warm,) = steps_of(content, Phase.WARM_UP)
    assert any("Keep off the crown, LEFT" in caution.message for caution in warm.cautions)
    assert len(treated(content)) == 2


def test_lighter_hand_says_why() -> None:
    graph = small_graph(lk.condition("ill"), lk.rule("light", "ill", cuts=lk.cuts(max_pressure=2)))
    content = plan(replace(BOTH, health_flags=(flag("ill"),)), 30, graph=graph)
    release = steps_of(content, Phase.RELEASE)[0]
    assert release.pressure_level == 2
    assert "light" in {caution.rule for caution in release.cautions}


def test_endangered_place_is_named_at_the_step() -> None:
    graph = small_graph(lk.site("artery", "nape", "cord"))
    step = next(one for one in plan(BOTH, 30, graph=graph).steps if one.muscle == "cord")
    assert any(caution.message == "Artery: Keep off the pulse." for caution in step.cautions)


def test_pin_marks_its_steps_and_is_a_reason() -> None:
    content = small(BOTH, 30, Constraints(pinned=(Target(muscle="wing", side=LEFT, technique="glide"),)))
    pinned = [step for step in content.steps if step.pinned]
    assert [(step.muscle, step.side, step.technique) for step in pinned] == [("wing", LEFT, "glide")]
    assert pinned[0].reasons[0].rule == Rule.PINNED_BY_PERSON


def test_demands_that_do_not_fit_are_left_out_with_the_reason_and_a_caution() -> None:
    wanted = tuple(Target(muscle=muscle, side=side) for muscle in ("shield", "cord", "wing") for side in (LEFT, RIGHT))
    content = small(Snapshot(), 20, Constraints(must_include=wanted))
    out = {(one.muscle, one.side) for one in content.omissions}
    assert set(treated(content)) | out == {(one.muscle, one.side) for one in wanted}
    said = [caution for caution in content.cautions if caution.message.startswith("Asked for but not planned")]
    assert len(said) == len(out)


def test_tired_hands_leave_out_what_they_cannot_do() -> None:
    day = int(GRAPH.numbers.hand_load_cap_thumb_day)
    content = small(BOTH, 60, Constraints(hand_load_used_today=HandLoad(thumb=day - 1)))
    assert len(treated(content)) < 2
    assert Rule.HAND_LOAD_CAP in {one.reasons[0].rule for one in content.omissions}


def test_excluded_muscle_is_left_out_by_a_person() -> None:
    content = small(BOTH, 60, Constraints(excluded=(Target(muscle="cord", side=RIGHT),)))
    assert ("cord", OmissionKind.EXCLUDED_BY_PERSON) in {(one.muscle, one.kind) for one in content.omissions}


def test_same_input_same_plan() -> None:
    assert plan(NECK, 60) == plan(NECK, 60)


def test_knowledge_is_not_called_reviewed_until_all_of_it_is() -> None:
    assert not plan(BOTH, 30, graph=GRAPH).knowledge_reviewed
    base = small_graph().base
    reviewed: dict[str, Any] = {}
    for field in fields(base):
        held = getattr(base, field.name)
        if isinstance(held, dict):
            reviewed[field.name] = {key: _reviewed(one) for key, one in held.items()}
        elif isinstance(held, tuple):
            reviewed[field.name] = tuple(map(_reviewed, held))
    assert plan(BOTH, 30, graph=compile_graph(replace(base, **reviewed))).knowledge_reviewed


def _reviewed(thing: Any) -> Any:
    return replace(thing, reviewed_by=("dr_a",)) if isinstance(thing, Evidence) else thing


def test_words() -> None:
    assert [minutes(one) for one in (1, 2, 5)] == ["0.5 minutes", "1 minute", "2.5 minutes"]
    assert capital("the eye") == "The eye"


# --- with the real knowledge --------------------------------------------------------------------------------------


def test_headache_from_the_neck() -> None:
    content = plan(replace(NECK, health_flags=all_absent(load_once())), 60)
    assert content.disposition is Disposition.TREAT
    assert {("upper_trapezius", RIGHT), ("levator_scapulae", RIGHT)} <= set(treated(content))
    assert {step.side for step in content.steps if step.muscle and step.phase is Phase.RELEASE} == {RIGHT}
    assert steps_of(content, Phase.RETEST)
    assert content.aftercare


def test_pain_down_the_leg_without_lying_prone() -> None:
    content = plan(replace(HIP, preferences=Preferences(unavailable_positions=("prone",))), 60)
    assert ("gluteus_minimus_posterior", LEFT) in treated(content)
    positions = {step.position for step in content.steps}
    assert "prone" not in positions
    assert "side_lying_right" in positions


def test_pain_that_a_danger_can_cause_says_what_would_give_it_away() -> None:
    content = plan(NECK, 60)
    warnings = [caution for caution in content.cautions if caution.rule == Rule.SERIOUS_MIMIC]
    assert warnings
    assert all(caution.findings and caution.source in load_once().sources for caution in warnings)
