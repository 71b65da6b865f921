"""Each invariant is seen when it is broken: histories that cannot be, shown to what checks them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from services.planner.domain.canonical import content_digest
from services.planner.domain.plan import Plan, State
from services.planner.domain.review import Attestation, Contributor, Meaning, Person, Reviewer
from services.planner.review import acts
from services.planner.review.invariants import Act, Chain
from services.planner.usecases.inspect import plan_inspection
from services.planner.usecases.plans import planner_actor, reviewer_of
from services.store.memory import MemoryStore
from tests.support.review import (
    BEGIN,
    CLIENT,
    HEALTHY,
    Desk,
    actor,
    content_of,
    desk,
    empty_content,
    proposal,
    reviewer,
)
from tests.support.store import SEALER

NAME = f"{CLIENT}/plans/first"
KIM, BOSS = reviewer("kim", "trainee"), reviewer("boss", "supervisor")
SYSTEM = reviewer_of(planner_actor("clinic-a"))
Link = tuple[Plan, Act]


def act(action: str, by: Reviewer, at: int) -> Act:
    return Act(action=action, person=by.id, roles=by.roles, time_micros=at)


def history() -> list[Link]:
    """A sound history: made, edited and signed by a trainee, co-signed, held, amended, discarded."""
    made = replace(proposal(NAME), contributors=(Contributor(person=KIM.person, trainee=True),))
    draft = acts.edited(made, by=KIM, content=empty_content(), reason="", sentences=(), now_micros=BEGIN + 1)
    authored = acts.signature(draft, KIM, "trainee", Meaning.AUTHORED, Attestation.NONE, "", BEGIN + 2)
    waiting = acts.signed(draft, by=KIM, signature=authored, expected_cosigner="boss", now_micros=BEGIN + 2)
    agreed = Attestation.REVIEWED_AND_AGREE
    release = acts.signature(waiting, BOSS, "supervisor", Meaning.COSIGNED, agreed, "", BEGIN + 3)
    approved = acts.released(waiting, signature=release, revision=4, now_micros=BEGIN + 3)
    held = acts.hold(approved, by=SYSTEM, reason="A new flag.", now_micros=BEGIN + 4)
    amended = acts.amended(held, by=BOSS, reason="new flag", now_micros=BEGIN + 5)
    discarded = acts.discarded(amended, now_micros=BEGIN + 6)
    return [
        (made, act("CREATED", KIM, BEGIN)),
        (draft, act("EDITED", KIM, BEGIN + 1)),
        (waiting, act("SIGNED", KIM, BEGIN + 2)),
        (approved, act("COSIGNED", BOSS, BEGIN + 3)),
        (held, act("PUT_ON_HOLD", SYSTEM, BEGIN + 4)),
        (amended, act("AMENDED", BOSS, BEGIN + 5)),
        (discarded, act("DISCARDED", BOSS, BEGIN + 6)),
    ]


def problems(links: list[Link], *, strict: bool = False) -> list[str]:
    chain = Chain("clinic-a", strict=strict)
    return [problem for plan, done in links for problem in chain.broken_by(plan, done)]


def test_a_sound_history_is_sound() -> None:
    assert problems(history()) == []


def changed(place: int, **fields: Any) -> list[Link]:
    links = history()
    plan, done = links[place]
    links[place] = (replace(plan, **fields), done)
    return links


def with_act(place: int, done: Act) -> list[Link]:
    links = history()
    links[place] = (links[place][0], done)
    return links


def approved_with(**fields: Any) -> list[Link]:
    links = history()[:4]
    plan, done = links[3]
    assert plan.approved
    signatures = (*plan.signatures[:-1], replace(plan.signatures[-1], **fields))
    links[3] = (replace(plan, signatures=signatures, approved=replace(plan.approved, signatures=signatures)), done)
    return links


def without(links: list[Link], place: int) -> list[Link]:
    return [*links[:place], *links[place + 1 :]]


def after_the_end() -> list[Link]:
    links = history()[:4]
    wrong = acts.entered_in_error(links[3][0], now_micros=BEGIN + 4)
    alive = replace(links[3][0], update_micros=BEGIN + 5)
    return [*links, (wrong, act("ENTERED_IN_ERROR", BOSS, BEGIN + 4)), (alive, act("COMMENTED", BOSS, BEGIN + 5))]


def approved_by_time() -> list[Link]:
    links = history()[:4]
    return [*links[:3], (links[3][0], act("EXPIRED", SYSTEM, BEGIN + 3))]


def author_gone() -> list[Link]:
    links = history()[:4]
    plan, done = links[3]
    assert plan.approved
    alone = plan.signatures[-1:]
    return [*links[:3], (replace(plan, signatures=alone, approved=replace(plan.approved, signatures=alone)), done)]


def other_content() -> list[Link]:
    """The bytes in force are exchanged, with a digest that fits them."""
    links = history()[:5]
    plan, done = links[4]
    assert plan.approved
    content = content_of(HEALTHY)
    digest = content_digest(content, plan.version)
    forged = replace(
        plan, content=content, digest=digest, approved=replace(plan.approved, content=content, digest=digest)
    )
    return [*links[:4], (forged, done)]


BROKEN: list[tuple[str, Callable[[], list[Link]]]] = [
    ("I1", lambda: approved_with(role="auditor")),
    ("I1", lambda: approved_with(clinic="clinic-b")),
    ("I1", lambda: approved_with(meaning=Meaning.AUTHORED)),
    ("I2", lambda: approved_with(attestation=Attestation.NONE)),
    ("I3", lambda: changed(3, contributors=(Contributor(person=BOSS.person, trainee=True),))[:4]),
    ("I3", lambda: with_act(3, act("COSIGNED", reviewer("boss", "auditor"), BEGIN + 3))[:4]),
    ("I4", lambda: changed(1, digest="0" * 64)),
    ("I4", lambda: approved_with(digest="0" * 64)),
    ("I4", lambda: approved_with(plan=f"{CLIENT}/plans/other")),
    ("I5", other_content),
    ("I6", lambda: changed(3, approved=None)),
    ("I6", lambda: changed(6, state=State.SUPERSEDED)),
    ("I9", approved_by_time),
    ("I9", lambda: with_act(1, act("EDITED", SYSTEM, BEGIN + 1))),
    ("I9", lambda: with_act(1, act("LOOKED_AT", KIM, BEGIN + 1))),
    ("I9", lambda: without(history(), 2)),
    ("I11", after_the_end),
    ("I12", lambda: changed(5, version=1, digest=content_digest(empty_content(), 1))),
    ("I13", author_gone),
    ("I14", lambda: approved_with(signer=Person(id="mona", display_name="Mona"))),
    ("I14", lambda: approved_with(time_micros=BEGIN)),
    ("I16", lambda: changed(2, hold=True)),
    ("I16", lambda: changed(3, hold=True)),
]


@pytest.mark.parametrize(("invariant", "links"), BROKEN, ids=[f"{one}-{at}" for at, (one, _) in enumerate(BROKEN)])
def test_a_broken_history_is_seen(invariant: str, links: Callable[[], list[Link]]) -> None:
    found = problems(links())
    assert any(problem.startswith(f"{invariant}:") for problem in found), found


def test_strict_four_eyes_looks_at_every_contributor() -> None:
    links = changed(3, contributors=(Contributor(person=BOSS.person, trainee=False),))[:4]
    assert problems(links) == []
    assert any(problem.startswith("I3:") for problem in problems(links, strict=True))


async def test_verification_of_a_store_looks_into_its_plans() -> None:
    """The control: one plan of the store was approved by nobody, with every seal in order."""
    store = MemoryStore(SEALER, "planner")
    there: Desk = desk(store)
    made = proposal(NAME)
    first = await there.plans.create(actor("tess", "therapist"), made, None)
    inspect = {"plans": plan_inspection(there.plans.documents, "clinic-a")}
    assert await store.verify("clinic-a", inspect) == ()
    forged = replace(history()[3][0], name=NAME, update_micros=BEGIN + 9)
    await there.plans.update(actor("tess", "therapist"), forged, first.etag, "APPROVED", "", None)
    inspect = {"plans": plan_inspection(there.plans.documents, "clinic-a")}
    found = await store.verify("clinic-a", inspect)
    assert any("I14" in problem for problem in found)
    assert any("I1:" in problem for problem in found)
