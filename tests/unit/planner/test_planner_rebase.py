"""A plan that was returned or is stale is edited on the assessment as it is now; other states are as the table says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.planner.domain.canonical import content_digest
from services.planner.domain.constraints import Target
from services.planner.domain.edits import Edit, EditKind
from services.planner.domain.errors import (
    AssessmentStateForbids,
    EditUnsafe,
    PlanChanged,
    PlanStateForbids,
    RequestInvalid,
)
from services.planner.domain.plan import State
from services.planner.ports import StoredPlan
from services.planner.usecases.revise import RevisePlan, revise_plan
from services.store.memory import MemoryStore
from tests.support.planner import RIGHT
from tests.support.review import CLIENT, HEALTHY, ILL, SORE, Desk, actor, content_of, desk, in_state, reviewer
from tests.support.store import SEALER

NAME = f"{CLIENT}/plans/first"
THEA = actor("thea", "therapist")
NEW_ETAG = "2-0123456789abcdef"
SHIELD = Target(muscle="shield", side=RIGHT)


async def stored(state: State) -> tuple[Desk, StoredPlan]:
    """Returns the use cases and a plan of the healthy client in a state."""
    people = desk(MemoryStore(SEALER, "planner"))
    plan = in_state(state, NAME, author=reviewer("tom", "trainee"), cosigner="thea")
    content = content_of(HEALTHY)
    plan = replace(plan, content=content, digest=content_digest(content, plan.version))
    return people, await people.plans.create(THEA, plan, None)


async def revised(people: Desk, seen: StoredPlan, *edits: Edit, reason: str = "the knee is new") -> StoredPlan:
    command = RevisePlan(
        actor=THEA, name=NAME, etag=seen.etag, edits=edits, reason=reason, validate_only=False, request=None
    )
    return await revise_plan(people.reviewing.planning, command)


PIN = Edit(kind=EditKind.PIN, target=SHIELD)


@pytest.mark.parametrize("state", [State.RETURNED, State.STALE])
async def test_a_plan_is_taken_up_on_the_inputs_of_today(state: State) -> None:
    people, seen = await stored(state)
    people.inputs.put(NEW_ETAG, ILL)
    after = (await revised(people, seen, PIN)).plan
    assert (after.state, after.version) == (State.DRAFT, seen.plan.version + 1)
    assert (after.content.snapshot, after.content.assessment_etag) == (ILL, NEW_ETAG)
    assert {step.pressure_level for step in after.content.steps} <= {None, 1, 2, 3, 4}
    assert "light" in {caution.rule for caution in after.content.cautions}
    assert after.signatures == ()
    assert after.change
    assert after.change.reason == "the knee is new"


@pytest.mark.parametrize("state", [State.RETURNED, State.STALE])
async def test_taking_up_needs_a_reason_and_a_sealed_assessment(state: State) -> None:
    people, seen = await stored(state)
    with pytest.raises(RequestInvalid) as refused:
        await revised(people, seen, PIN, reason="")
    assert [problem.field for problem in refused.value.problems] == ["reason"]
    people.inputs.put(NEW_ETAG, HEALTHY, state="OPEN")
    with pytest.raises(AssessmentStateForbids):
        await revised(people, seen, PIN)
    assert (await people.plans.read(THEA.clinic, NAME, None)).etag == seen.etag


async def test_a_pin_that_is_unsafe_today_is_refused() -> None:
    people, seen = await stored(State.STALE)
    people.inputs.put(NEW_ETAG, SORE)
    with pytest.raises(EditUnsafe) as refused:
        await revised(people, seen, PIN)
    assert refused.value.rule == "spare"


async def test_a_draft_is_edited_on_the_newest_sealed_inputs() -> None:
    people, seen = await stored(State.DRAFT)
    people.inputs.put(NEW_ETAG, ILL, state="OPEN")
    still = await revised(people, seen, PIN, reason="")
    assert still.plan.content.snapshot == HEALTHY, "an open assessment is not planned from"
    people.inputs.put(NEW_ETAG, ILL)
    unpin = Edit(kind=EditKind.UNPIN, target=SHIELD)
    assert (await revised(people, still, unpin, reason="")).plan.content.snapshot == ILL


@pytest.mark.parametrize("state", [State.APPROVED, State.EXPIRED, State.DISCARDED, State.ENTERED_IN_ERROR])
async def test_what_is_not_open_to_edits_stays_as_it_is(state: State) -> None:
    people, seen = await stored(state)
    with pytest.raises(PlanStateForbids):
        await revised(people, seen, PIN)


async def test_the_etag_has_to_be_the_newest() -> None:
    people, seen = await stored(State.DRAFT)
    await revised(people, seen, PIN)
    with pytest.raises(PlanChanged):
        await revised(people, seen, PIN)
