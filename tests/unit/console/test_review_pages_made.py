"""What the pages of review, learning and knowledge are made of, without a server."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration

from knowledge.load import load
from myoplan.planner.v1.edit_pb2 import PlanEdit, SetDuration, SetTechnique
from myoplan.planner.v1.knowledge_service_pb2 import Neighbourhood
from myoplan.planner.v1.plan_pb2 import (
    Acknowledgement,
    AssessmentSnapshot,
    Candidate,
    Contributor,
    Omission,
    Person,
    Plan,
    Side,
    Signature,
    Step,
    Target,
)
from myoplan.planner.v1.planner_service_pb2 import PlanDiff, PlanFinding, StepDiff
from myoplan.planner.v1.review_pb2 import PlanEvent
from services.console.pages.knowledge.picture import MOST_NODES, draw, drawn, source_of
from services.console.pages.learn.context import reaches
from services.console.pages.learn.entries import Unreadable, marks, predicted
from services.console.pages.queue import starts_text, waiting_text
from services.console.pages.review.checks import checks
from services.console.pages.review.history import last_look
from services.console.pages.review.offers import offers
from services.console.pages.review.rows import all_rows, changed, counts
from services.console.pages.review.words import SuggestionUnreadable, Words, suggested_edits, suggestion_lines
from services.console.signin.credential import Person as SignedIn
from services.console.texts import read_texts
from services.console.vocabulary import Vocabulary

TEXTS = read_texts()


@pytest.fixture(scope="module")
def words() -> Words:
    return Words(vocabulary=Vocabulary(load()), texts=TEXTS)


def step(
    muscle: str = "infraspinatus",
    side: Side.ValueType = Side.RIGHT,
    seconds: int = 360,
    start: int = 0,
    phase: Step.Phase.ValueType = Step.RELEASE,
) -> Step:
    name = "turn-prone" if phase == Step.TURN else f"release-{muscle}-{Side.Name(side).lower()}"
    return Step(
        id=name,
        phase=phase,
        muscle="" if phase == Step.TURN else muscle,
        side=Side.SIDE_UNSPECIFIED if phase == Step.TURN else side,
        technique="" if phase == Step.TURN else "pincer_compression",
        position="prone",
        duration=Duration(seconds=seconds),
        start_offset=Duration(seconds=start),
    )


def plan_with(*steps: Step, **more: object) -> Plan:
    planned = sum(each.duration.seconds for each in steps)
    return Plan(
        steps=steps,
        time_budget=Duration(seconds=3000),
        planned_duration=Duration(seconds=planned),
        **more,  # type: ignore[arg-type]
    )


# --- rows ---


def test_rows_run_as_the_later_plan_and_steps_that_went_stand_where_they_were(words: Words) -> None:
    kept, gone = step("infraspinatus", start=0), step("levator_scapulae", start=360)
    longer, new = step("teres_minor", seconds=300, start=720), step("upper_trapezius", Side.LEFT, 240, start=1080)
    diff = PlanDiff(
        steps=[
            StepDiff(differences=[StepDiff.ADDED], later=new),
            StepDiff(
                differences=[StepDiff.REMOVED],
                earlier=gone,
                omission=Omission(message="A person took it out of the plan."),
            ),
            StepDiff(differences=[StepDiff.DURATION], earlier=step("teres_minor", seconds=240), later=longer),
        ]
    )
    turn = step(phase=Step.TURN, seconds=60, start=660)
    rows = all_rows(plan_with(kept, turn, longer, new), diff, words)
    assert [(row.number, row.change, row.sign, row.was, row.now) for row in rows] == [
        ("1", "same", "=", "6", "6"),
        ("", "removed", "−", "6", ""),
        ("", "same", "=", "1", "1"),
        ("2", "changed", "~", "4", "5"),
        ("3", "added", "+", "", "4"),
    ]
    assert rows[1].why == "A person took it out of the plan."
    assert [row.side for row in rows] == ["right", "right", "", "right", "left"]
    assert len(changed(rows)) == 3
    assert counts(rows) == (("−", 1), ("+", 1), ("~", 1))


def test_a_tick_belongs_to_the_row_as_it_was(words: Words) -> None:
    def row_with(seconds: int) -> str:
        later = step(seconds=seconds)
        diff = PlanDiff(steps=[StepDiff(differences=[StepDiff.DURATION], earlier=step(), later=later)])
        return all_rows(plan_with(later), diff, words)[0].mark

    assert row_with(300) == row_with(300)
    assert row_with(300) != row_with(240)


def test_a_pure_move_is_moved_and_neither_gone_nor_new(words: Words) -> None:
    diff = PlanDiff(steps=[StepDiff(differences=[StepDiff.ORDER], earlier=step(), later=step())])
    [row] = all_rows(plan_with(step()), diff, words)
    assert (row.change, row.sign) == ("moved", "↕")
    assert row.details == ("stands elsewhere in the order",)


# --- checks ---


def test_a_side_that_differs_from_the_finding_stands_first(words: Words) -> None:
    found = [Candidate(muscle="infraspinatus", side=Side.LEFT)]
    wrong = checks(plan_with(step(), candidates=found), [PlanFinding(rule="budget", message="is too long")], words)
    assert [each.grade for each in wrong[:2]] == ["wrong", "wrong"]
    assert wrong[0].text == "Side differs from the finding: infraspinatus RIGHT"
    right = checks(plan_with(step(side=Side.LEFT), candidates=found), [], words)
    assert {each.grade for each in right} == {"ok"}


def test_palpation_counts_as_a_finding_unless_it_was_unremarkable(words: Words) -> None:
    def grades(classification: str) -> set[str]:
        palpated = AssessmentSnapshot.PalpationFinding(
            muscle="infraspinatus", side=Side.RIGHT, classification=classification
        )
        plan = plan_with(
            step(),
            candidates=[Candidate(muscle="infraspinatus", side=Side.LEFT)],
            snapshot=AssessmentSnapshot(palpation_findings=[palpated]),
        )
        return {each.grade for each in checks(plan, [], words)}

    assert grades("active_trigger_point") == {"ok"}
    assert "wrong" in grades("unremarkable")


def test_open_points_are_checks(words: Words) -> None:
    plan = plan_with(step(seconds=3600), open_must_fix=2, acknowledgements=[Acknowledgement(rule="blood_thinner")])
    told = {each.grade: each.text for each in checks(plan, [], words)}
    assert told["wrong"] == "60 of 50 min planned"
    texts = [each.text for each in checks(plan, [], words) if each.grade == "open"]
    assert texts == ["Must-fix comments open: 2", "1 flag that nobody has read"]


# --- offers ---

SARA = SignedIn(person="sara", name="Sara", clinic="demo", roles=frozenset({"supervisor"}))
TESS = SignedIn(person="tess", name="Tess", clinic="demo", roles=frozenset({"therapist"}))
THEO = SignedIn(person="theo", name="Theo", clinic="demo", roles=frozenset({"trainee"}))
THEOS = (Contributor(person=Person(id="theo"), trainee=True),)
SIGNED = (Signature(signer=Person(id="theo"), meaning=Signature.AUTHORED),)


def test_who_may_release_what() -> None:
    waits = Plan(state=Plan.AWAITING_COSIGN, contributors=THEOS, signatures=SIGNED, expected_cosigner="tess")
    assert [offers(waits, each).release for each in (SARA, TESS, THEO)] == ["cosign", "cosign", ""]
    assert offers(waits, SARA).attest
    assert offers(waits, SARA).reassign
    assert not offers(waits, TESS).reassign
    assert offers(waits, THEO).withdraw
    waits.expected_cosigner = "sara"
    assert offers(waits, TESS).release == ""
    promoted = SignedIn(person="theo", name="Theo", clinic="demo", roles=frozenset({"supervisor"}))
    assert offers(waits, promoted).release == "", "a promotion does not make one's own work another's"
    draft = Plan(state=Plan.DRAFT, contributors=THEOS)
    assert offers(draft, TESS).release == "approve"
    assert offers(draft, TESS).attest
    assert offers(draft, promoted).release == ""
    assert offers(draft, THEO).sign
    own = Plan(state=Plan.PROPOSED, contributors=[Contributor(person=Person(id="tess"))])
    assert offers(own, TESS).release == "approve"
    assert not offers(own, TESS).attest
    assert not offers(own, TESS).sign
    strict = offers(own, TESS, strict=True)
    assert (strict.release, strict.sign) == ("", True)


def test_what_blocks_a_release_is_said() -> None:
    plan = Plan(
        state=Plan.AWAITING_COSIGN, open_must_fix=1, acknowledgements=[Acknowledgement(rule="r")], contributors=THEOS
    )
    assert offers(plan, SARA).blocked == ("review.blocked.must_fix", "review.blocked.flags")


@pytest.mark.parametrize("state", [Plan.DISCARDED, Plan.EXPIRED, Plan.ENTERED_IN_ERROR, Plan.SUPERSEDED])
def test_nothing_is_offered_where_there_is_no_way_back(state: Plan.State.ValueType) -> None:
    offered = offers(Plan(state=state), SARA)
    assert not any((offered.release, offered.sign, offered.talk, offered.edit, offered.acknowledge))
    assert offered.words in TEXTS


# --- since my last look ---


def event(revision: int, action: str, person: str) -> PlanEvent:
    return PlanEvent(revision=revision, action=action, person=Person(id=person))


def test_the_last_look_is_before_what_others_changed() -> None:
    trail = [
        event(7, "COMMENTED", "sara"),
        event(6, "SIGNED", "theo"),
        event(5, "EDITED", "theo"),
        event(4, "RETURNED", "sara"),
        event(3, "SIGNED", "theo"),
        event(1, "CREATED", "theo"),
    ]
    assert last_look(trail, "sara", ()) == 4
    assert last_look(trail, "sara", (3, 7)) == 4
    assert last_look(trail, "tess", ()) is None
    assert last_look(trail, "tess", (3, 6)) == 3
    assert last_look([event(1, "CREATED", "sara")], "sara", (1,)) is None


# --- suggestions ---


def test_suggestions_from_a_form_and_in_words(words: Words) -> None:
    one = step()
    edits = suggested_edits({"suggest_minutes": "4,5", "suggest_technique": "myofascial_release"}, one)
    assert edits == (
        PlanEdit(set_duration=SetDuration(step=one.id, duration=Duration(seconds=270))),
        PlanEdit(set_technique=SetTechnique(step=one.id, technique="myofascial_release")),
    )
    lines = suggestion_lines(edits, {one.id: one}, words)
    assert [(line.sign, line.text) for line in lines] == [
        ("−", "infraspinatus RIGHT 6′"),
        ("+", "infraspinatus RIGHT 4.5′"),
        ("−", "infraspinatus RIGHT, pincer compression"),
        ("+", "infraspinatus RIGHT, myofascial release"),
    ]
    assert suggested_edits({"suggest": "out"}, one) == (
        PlanEdit(exclude=Target(muscle="infraspinatus", side=Side.RIGHT)),
    )
    assert suggested_edits({"suggest_add": "levator_scapulae left"}, None) == (
        PlanEdit(include=Target(muscle="levator_scapulae", side=Side.LEFT)),
    )
    assert suggested_edits({}, one) == ()


@pytest.mark.parametrize("minutes", ["six", "0", "-1", "0.25", "1e9", "nan", "inf", "181"])
def test_minutes_that_are_none_are_refused(minutes: str) -> None:
    with pytest.raises(SuggestionUnreadable):
        suggested_edits({"suggest_minutes": minutes}, step())


def test_leaving_out_and_changing_is_refused() -> None:
    with pytest.raises(SuggestionUnreadable):
        suggested_edits({"suggest": "out", "suggest_minutes": "5"}, step())


# --- queue ---


def test_waiting_and_starts() -> None:
    spans = [
        timedelta(seconds=-5),
        timedelta(minutes=14),
        timedelta(hours=3, minutes=50),
        timedelta(days=1),
        timedelta(days=9),
    ]
    assert [waiting_text(TEXTS, each) for each in spans] == ["0 min", "14 min", "3 h", "1 day", "9 days"]
    now = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    assert starts_text(now.replace(hour=11), now) == "11:00"
    assert starts_text(now + timedelta(days=1), now) == "Tue 24 Nov 10:00"


# --- learning ---


def test_predictions_name_everything_that_is_wrong(words: Words) -> None:
    form = {"muscle-1": "Infraspinatus", "side-1": "right", "sure-1": "yes", "minutes-1": "6.5"}
    [read] = predicted(form, words.vocabulary, TEXTS)
    assert (read.target.muscle, read.target.side, read.sure, read.duration.seconds) == (
        "infraspinatus",
        Side.RIGHT,
        True,
        390,
    )
    wrong = form | {"muscle-2": "nonsense", "muscle-3": "levator scapulae", "minutes-1": "nan"}
    with pytest.raises(Unreadable) as problem:
        predicted(wrong, words.vocabulary, TEXTS)
    assert [text[:6] for text in problem.value.problems] == ["Line 1", "Line 2", "Line 3"]
    with pytest.raises(Unreadable):
        predicted({}, words.vocabulary, TEXTS)


def test_marks_are_levels_of_known_criteria() -> None:
    given = marks({"level-safety": "4", "level-dose": "9", "comment-safety": " well seen "}, TEXTS)
    assert [(mark.criterion, mark.level, mark.comment) for mark in given] == [("safety", 4, "well seen")]
    with pytest.raises(Unreadable):
        marks({"level-other": "1"}, TEXTS)


def test_where_a_muscle_refers_to_has_the_sides_of_the_muscle(words: Words) -> None:
    left, right = (reaches(words.vocabulary, "levator_scapulae", side) for side in ("left", "right"))
    assert {each.zone for each in left} == {each.zone for each in right}
    assert {each.side for each in left} == {"left"}
    assert [each.usual for each in left] == sorted((each.usual for each in left), reverse=True)


# --- the picture ---

NASTY = 'a"b\\c]\n;}<script>alert(1)</script>'


def star(neighbours: int, name: str = "zone") -> Neighbourhood:
    found = Neighbourhood(name="muscle/m", nodes=[Neighbourhood.Node(name="muscle/m", display_name=NASTY)])
    for n in range(neighbours):
        found.nodes.add(name=f"{name}/z{n}", display_name=f"{name} {n}")
        edge = found.edges.add(kind="refers_to", to=f"{name}/z{n}", attributes={"role": "spillover"})
        setattr(edge, "from", "muscle/m")
    return found


def test_a_picture_is_cut_to_what_can_be_read() -> None:
    assert len(drawn(star(80))) == MOST_NODES + 1
    assert len(drawn(star(3))) == 4
    assert drawn(star(80))[0] == "muscle/m"


def test_names_cannot_leave_their_label() -> None:
    source = source_of(star(2), TEXTS, ("zone",))
    assert 'label="a\\"b\\\\c] ;}<script>alert(1)</script>"' in source
    assert 'href="/knowledge/zone/z0"' in source
    assert 'href="/knowledge/muscle/m"' not in source
    svg = asyncio.run(draw(source))
    assert "<script" not in svg


def test_without_graphviz_there_is_no_picture() -> None:
    assert asyncio.run(draw("digraph {}", ("no-such-program-of-this-name",))) == ""


def test_a_program_that_fails_draws_nothing() -> None:
    assert asyncio.run(draw("digraph {}", (sys.executable, "-c", "raise SystemExit(3)"))) == ""
