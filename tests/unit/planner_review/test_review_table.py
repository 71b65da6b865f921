"""Every state × action × role × relation × clinic × what was seen, against docs/approval.md read by hand."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto

import pytest

from services.planner.domain.errors import (
    ActorLacksRight,
    DigestDiffers,
    OwnWork,
    PlanChanged,
    PlanStateForbids,
    ResourceMissing,
)
from services.planner.domain.plan import State
from services.planner.domain.review import Acknowledgement, Attestation, Person, Reviewer
from services.planner.ports import StoredPlan
from services.planner.review import acts, table
from services.planner.review.permission import permit
from services.planner.review.table import Action
from services.planner.usecases.plans import reviewer_of
from services.store.memory import MemoryStore
from services.store.model import Actor
from tests.support.review import CLIENT, Desk, actor, desk, empty_content, in_state, reviewer
from tests.support.store import SEALER

# Who: roles; `@cosigner` and `@author` stand for whoever the plan names. `not own`: nobody releases their own work.
BY_HAND = """
PROPOSED RETURNED STALE        | EDIT                  | staff                         | DRAFT
DRAFT                          | EDIT                  | staff                         | DRAFT
PROPOSED DRAFT                 | SIGN                  | trainee                       | AWAITING_COSIGN
PROPOSED DRAFT                 | SIGN if strict        | therapist                     | AWAITING_COSIGN
PROPOSED DRAFT                 | APPROVE not own       | licensed                      | APPROVED
AWAITING_COSIGN                | COSIGN not own        | therapist@cosigner supervisor | APPROVED
AWAITING_COSIGN                | RETURN                | therapist@cosigner supervisor | RETURNED
AWAITING_COSIGN                | EDIT                  | holders                       | DRAFT
AWAITING_COSIGN                | WITHDRAW              | holders                       | DRAFT
AWAITING_COSIGN                | REASSIGN              | supervisor                    | AWAITING_COSIGN
PROPOSED DRAFT AWAITING_COSIGN | INPUTS_CHANGED        | planner                       | STALE
UNRELEASED                     | EXPIRE                | planner                       | EXPIRED
PROPOSED DRAFT RETURNED STALE  | DISCARD               | staff                         | DISCARDED
APPROVED                       | AMEND                 | staff                         | DRAFT
APPROVED                       | ADDENDUM              | staff                         | APPROVED
APPROVED                       | FLAG_RAISED           | planner                       | APPROVED
APPROVED                       | REATTEST not own      | licensed                      | APPROVED
AWAITING_COSIGN APPROVED       | MARK_ENTERED_IN_ERROR | licensed                      | ENTERED_IN_ERROR
LIVE                           | ACKNOWLEDGE_FLAG      | licensed                      | same
LIVE                           | COMMENT               | staff                         | same
LIVE                           | RESOLVE_COMMENT       | staff                         | same
"""

WORDS = {
    "UNRELEASED": "PROPOSED DRAFT AWAITING_COSIGN RETURNED STALE",
    "LIVE": "PROPOSED DRAFT AWAITING_COSIGN RETURNED STALE APPROVED",
    "staff": "trainee therapist supervisor",
    "licensed": "therapist supervisor",
    "holders": "trainee@author therapist@author therapist@cosigner supervisor",
}
ROLES = ("trainee", "therapist", "supervisor", "system", "auditor", "admin", "planner")
STAFF = {"trainee", "therapist", "supervisor"}


class Relation(Enum):
    STRANGER = auto()
    AUTHOR = auto()
    AUTHOR_WHEN_A_TRAINEE = auto()
    COSIGNER = auto()


class Seen(Enum):
    AS_IT_IS = auto()
    STALE_ETAG = auto()
    OTHER_DIGEST = auto()


@dataclass(frozen=True)
class Line:
    states: frozenset[str]
    action: str
    who: tuple[tuple[str, str], ...]
    not_own: bool
    if_strict: bool
    to: str


def _read() -> list[Line]:
    lines = []
    for text in BY_HAND.strip().splitlines():
        states, what, who, to = (WORDS.get(part.strip(), part.strip()) for part in text.split("|"))
        action, _, condition = what.partition(" ")
        named = tuple((one.partition("@")[0], one.partition("@")[2]) for one in who.split())
        lines.append(
            Line(frozenset(states.split()), action, named, condition == "not own", condition == "if strict", to)
        )
    return lines


LINES = _read()


@dataclass(frozen=True)
class Cell:
    state: State
    action: Action
    role: str
    relation: Relation
    seen: Seen
    same_clinic: bool
    strict: bool


def cells(*, strict: bool) -> Iterator[Cell]:
    for state, action, role, relation, seen in itertools.product(State, Action, ROLES, Relation, Seen):
        yield Cell(state, action, role, relation, seen, same_clinic=True, strict=strict)
        if relation is Relation.STRANGER and seen is Seen.AS_IT_IS:
            yield Cell(state, action, role, relation, seen, same_clinic=False, strict=strict)


def expected(cell: Cell, by_hand: list[Line]) -> type[Exception] | str:
    """Returns the state that the action leads to, or how it is refused."""
    lines = [line for line in by_hand if line.action == cell.action.name]
    if not any(cell.role == role for line in lines for role, _ in line.who):
        return ActorLacksRight
    there = [line for line in lines if cell.state.name in line.states]
    if not there:
        return PlanStateForbids
    fitting = [
        line
        for line in there
        if (cell.strict or not line.if_strict)
        and any(role == cell.role and _is(cell, relation) for role, relation in line.who)
    ]
    if not fitting:
        return ActorLacksRight
    trainee_then = cell.relation is Relation.AUTHOR_WHEN_A_TRAINEE
    theirs = trainee_then or (cell.relation is Relation.AUTHOR and (cell.strict or cell.role == "trainee"))
    if fitting[0].not_own and theirs:
        return OwnWork
    return cell.state.name if fitting[0].to == "same" else fitting[0].to


def _is(cell: Cell, relation: str) -> bool:
    return {
        "": True,
        "cosigner": cell.relation is Relation.COSIGNER,
        "author": cell.relation in {Relation.AUTHOR, Relation.AUTHOR_WHEN_A_TRAINEE},
    }[relation]


BY_DECISION = {
    Action.SIGN, Action.APPROVE, Action.COSIGN, Action.RETURN, Action.WITHDRAW, Action.REASSIGN, Action.DISCARD,
    Action.ACKNOWLEDGE_FLAG, Action.AMEND, Action.REATTEST, Action.ADDENDUM, Action.MARK_ENTERED_IN_ERROR,
}  # fmt: skip


class Trial:
    """Tries cells on real use cases over a store, each on a plan in the state of the cell."""

    def __init__(self, *, strict: bool) -> None:
        self.store = MemoryStore(SEALER, "planner")
        self.desk: Desk = desk(self.store, strict=frozenset({"clinic-a"} if strict else ()))
        self._plans: dict[tuple[State, Relation, str], StoredPlan] = {}
        self._names = itertools.count(1)

    async def plan_of(self, cell: Cell) -> StoredPlan:
        key = (cell.state, cell.relation, cell.role)
        if key not in self._plans:
            made = in_state(
                cell.state,
                f"{CLIENT}/plans/p-{next(self._names)}",
                author=_author(cell),
                cosigner="sam" if cell.relation is Relation.COSIGNER else "mona",
            )
            read = Acknowledgement(rule="light", person=Person(id="mona", display_name="Mona"), time_micros=1)
            made = replace(made, acknowledgements=(read,))
            self._plans[key] = await self.desk.plans.create(actor("tess", "therapist"), made, None)
        return self._plans[key]

    async def outcome(self, cell: Cell) -> type[Exception] | str:
        """Does what the cell says; checks that a refusal leaves one entry and nothing else."""
        there = await self.plan_of(cell)
        by = actor("sam", cell.role, "clinic-a" if cell.same_clinic else "clinic-b")
        seen = {
            Seen.AS_IT_IS: there,
            Seen.STALE_ETAG: replace(there, etag="1-ffffffffffffffff"),
            Seen.OTHER_DIGEST: replace(there, plan=replace(there.plan, digest="0" * 64)),
        }[cell.seen]
        trail = self.store.clinic("clinic-a")
        entries = trail.seq
        try:
            after = await self.act(cell, by, there, seen)
        except (ActorLacksRight, PlanStateForbids, OwnWork, PlanChanged, DigestDiffers, ResourceMissing) as refusal:
            now = await self.desk.plans.read("clinic-a", there.plan.name, None)
            assert now == there, f"{cell}: a refusal had an effect"
            written = 0 if isinstance(refusal, ResourceMissing) else 1
            assert trail.seq == entries + written, f"{cell}: {trail.seq - entries} entries"
            assert self.store.clinic("clinic-b").seq == 0
            return type(refusal)
        assert trail.seq == entries + 1
        assert after.revision == there.revision + 1
        del self._plans[cell.state, cell.relation, cell.role]
        return after.plan.state.name

    async def act(self, cell: Cell, by: Actor, there: StoredPlan, seen: StoredPlan) -> StoredPlan:
        if cell.action in BY_DECISION:
            given = {
                "attestation": Attestation.REVIEWED_AND_AGREE,
                "expected_cosigner": "otto",
                "rule": "light" if cell.action is Action.ACKNOWLEDGE_FLAG else "",
            }
            return await self.desk.decide(by, cell.action, seen, **given)
        plans, who = self.desk.plans, reviewer_of(by)
        async with plans.refusing(by, there.plan.name, cell.action.name):
            stored = await plans.read(by.clinic, there.plan.name, None)
            now = self.desk.clock()
            match cell.action:
                case Action.EDIT:
                    after = acts.edited(
                        stored.plan, by=who, content=empty_content(), reason="", sentences=(), now_micros=now
                    )
                case Action.INPUTS_CHANGED:
                    after = acts.stale(stored.plan, by=who, reason="It changed.", now_micros=now)
                case Action.FLAG_RAISED:
                    after = acts.hold(stored.plan, by=who, reason="A new flag.", now_micros=now)
                case Action.EXPIRE:
                    after = acts.expired(stored.plan, by=who, now_micros=now)
                case _:
                    permit(stored.plan, cell.action, who)
                    after = replace(stored.plan, update_micros=now)
            return await plans.update(by, after, seen.etag, cell.action.entry, "", None)


def _author(cell: Cell) -> Reviewer:
    """Returns who wrote the plan: somebody else, or the person of the cell in their role then."""
    if cell.relation is Relation.AUTHOR:
        return reviewer("sam", cell.role if cell.role in STAFF else "trainee")
    return reviewer("sam" if cell.relation is Relation.AUTHOR_WHEN_A_TRAINEE else "kim", "trainee")


def wanted(cell: Cell, by_hand: list[Line] = LINES) -> type[Exception] | str:
    """Returns what has to come of a cell, what was seen and the clinic included."""
    if not cell.same_clinic:
        return ResourceMissing
    if cell.action in BY_DECISION and cell.seen is not Seen.AS_IT_IS:
        return PlanChanged if cell.seen is Seen.STALE_ETAG else DigestDiffers
    result = expected(cell, by_hand)
    if isinstance(result, str) and cell.seen is Seen.STALE_ETAG:
        return PlanChanged
    return result


@pytest.mark.parametrize("strict", [False, True], ids=["usual", "strict four-eyes"])
async def test_every_cell_is_as_the_table_says(*, strict: bool) -> None:
    trial, outcomes, wrong = Trial(strict=strict), Counter[str](), []
    for cell in cells(strict=strict):
        if cell.action is Action.PROPOSE:
            continue
        outcome, hoped = await trial.outcome(cell), wanted(cell)
        outcomes["done" if isinstance(outcome, str) else "refused"] += 1
        if outcome != hoped:
            wrong.append(f"{cell}: {outcome}, and it should be {hoped}")
    assert not wrong, "\n".join(wrong[:20])
    assert outcomes["done"] > 300
    assert outcomes.total() == 10 * 18 * 7 * (4 * 3 + 1)


def test_nothing_is_proposed_twice() -> None:
    """A proposal makes a plan; there is no row in which it is done to one."""
    assert table.rows(Action.PROPOSE) == ()


async def test_one_flipped_cell_is_noticed() -> None:
    """The control: read with one cell flipped, a trainee who may approve, the table is not what the code does."""
    flipped = [
        replace(line, who=(*line.who, ("trainee", ""))) if line.action == Action.APPROVE.name else line
        for line in LINES
    ]
    trial = Trial(strict=False)
    approvals = [cell for cell in cells(strict=False) if cell.action is Action.APPROVE and cell.role == "trainee"]
    outcomes = {cell: await trial.outcome(cell) for cell in approvals}
    assert all(outcomes[cell] == wanted(cell) for cell in approvals)
    assert any(outcomes[cell] != wanted(cell, flipped) for cell in approvals)
