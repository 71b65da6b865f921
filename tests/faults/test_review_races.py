"""Two people at once, on a real Redis: each race has one winner, and the loser has no effect but an entry."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from services.planner.domain.errors import DigestDiffers, PlanChanged
from services.planner.domain.plan import State
from services.planner.domain.review import Meaning
from services.planner.ports import StoredPlan
from services.planner.review import acts
from services.planner.review.table import Action
from services.planner.usecases.inspect import plan_inspection
from services.planner.usecases.plans import planner_actor, reviewer_of
from services.store.memory import MemoryStore
from services.store.model import Revision, Write
from services.store.redis import RedisStore
from tests.support.redis_server import RedisServer, redis_server
from tests.support.review import CLIENT, Desk, actor, desk, empty_content, proposal
from tests.support.store import SEALER

ROUNDS = 200
TESS, OTTO = actor("tess", "therapist"), actor("otto", "therapist")
SYSTEM = planner_actor("clinic-a")


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """One real redis-server for all races."""
    with redis_server() as running:
        yield running


@pytest.fixture
async def desks(redis: RedisServer) -> AsyncIterator[tuple[Desk, Desk]]:
    """Two services, each with a connection of its own."""
    async with AsyncExitStack() as ends:
        one = await ends.enter_async_context(RedisStore(redis.url, "planner", SEALER))
        other = await ends.enter_async_context(RedisStore(redis.url, "planner", SEALER))
        yield desk(one), desk(other)


async def made(there: Desk, name: str) -> StoredPlan:
    plan = replace(proposal(f"{CLIENT}/plans/{name}"), update_micros=there.clock.now, create_micros=there.clock.now)
    return await there.plans.create(TESS, plan, None)


async def edit(there: Desk, seen: StoredPlan) -> StoredPlan:
    async with there.plans.refusing(OTTO, seen.plan.name, "RevisePlan"):
        after = acts.edited(
            seen.plan,
            by=reviewer_of(OTTO),
            content=empty_content(),
            reason="",
            sentences=(),
            now_micros=there.clock(),
        )
        return await there.plans.update(OTTO, after, seen.etag, Action.EDIT.entry, "", None)


async def make_stale(there: Desk, seen: StoredPlan) -> StoredPlan:
    after = acts.stale(seen.plan, by=reviewer_of(SYSTEM), reason="It changed.", now_micros=there.clock())
    return await there.plans.update(SYSTEM, after, seen.etag, Action.INPUTS_CHANGED.entry, "", None)


async def race(*runs: Coroutine[Any, Any, StoredPlan]) -> list[str]:
    """Runs all at once; returns who won."""
    outcomes = await asyncio.gather(*runs, return_exceptions=True)
    for one in outcomes:
        assert isinstance(one, StoredPlan | PlanChanged), repr(one)
    return [str(number) for number, one in enumerate(outcomes) if isinstance(one, StoredPlan)]


Race = Callable[[Desk, Desk, StoredPlan], tuple[Coroutine[Any, Any, StoredPlan], Coroutine[Any, Any, StoredPlan]]]
RACES: dict[str, Race] = {
    "approve against edit": lambda one, other, seen: (one.decide(TESS, Action.APPROVE, seen), edit(other, seen)),
    "approve against approve": lambda one, other, seen: (
        one.decide(TESS, Action.APPROVE, seen),
        other.decide(OTTO, Action.APPROVE, seen),
    ),
    "approve against changed inputs": lambda one, other, seen: (
        one.decide(TESS, Action.APPROVE, seen),
        make_stale(other, seen),
    ),
}


@pytest.mark.parametrize("kind", RACES)
async def test_each_race_has_one_winner(desks: tuple[Desk, Desk], kind: str) -> None:
    one, other = desks
    winners: Counter[str] = Counter()
    for number in range(ROUNDS):
        seen = await made(one, f"{kind.replace(' ', '-')}-{number}")
        # Who begins takes turns, so that both win now and then.
        runs = RACES[kind](one, other, seen)
        won = await race(*(runs if number % 2 else reversed(runs)))
        assert len(won) == 1, f"round {number}: {len(won)} winners"
        after = await one.plans.read("clinic-a", seen.plan.name, None)
        assert after.revision == 2
        released = [signature for signature in after.plan.signatures if signature.meaning is Meaning.APPROVED]
        assert len(released) == (after.plan.state is State.APPROVED)
        winners[after.plan.state.name + (released[0].signer.id if released else "")] += 1
    assert winners.total() == ROUNDS
    inspect = {"plans": plan_inspection(one.plans.documents, "clinic-a")}
    assert await one.store.verify("clinic-a", inspect) == ()


class CarelessStore(MemoryStore):
    """The control: takes every write as if it had seen the newest revision, after a moment in which others write."""

    async def write(self, write: Write) -> Revision:
        await asyncio.sleep(0)
        if write.expected_etag is not None:
            newest = await self.read(write.actor.clinic, write.name)
            write = replace(write, expected_etag=newest.entry.etag)
        return await super().write(write)


async def test_without_the_comparison_both_win_and_it_is_seen() -> None:
    """The control: two decisions on one revision, no compare-and-swap; the invariants find what comes of it."""
    there = desk(CarelessStore(SEALER, "planner"))
    seen = await made(there, "careless")
    won = await race(edit(there, seen), there.decide(TESS, Action.APPROVE, seen))
    assert len(won) == 2
    inspect = {"plans": plan_inspection(there.plans.documents, "clinic-a")}
    assert await there.store.verify("clinic-a", inspect)


async def test_without_the_digest_another_content_is_approved() -> None:
    """The control for the digest: a client that sends whatever digest there is releases what nobody saw."""
    there = desk(MemoryStore(SEALER, "planner"))
    seen = await made(there, "unseen")
    edited = await edit(there, seen)
    with pytest.raises(DigestDiffers):
        await there.decide(TESS, Action.APPROVE, replace(edited, plan=replace(edited.plan, digest=seen.plan.digest)))
    blindly = await there.decide(TESS, Action.APPROVE, edited)
    assert blindly.plan.signatures[-1].digest != seen.plan.digest
