"""Learns what happens to assessments after plans were made from them.

What is not released yet becomes STALE when its assessment is another one now. What is approved goes on hold when the
assessment says something new that forbids a step of it, or was voided; a change that forbids nothing leaves it in use.
Learning the same thing twice does nothing, so a follower may be late, stop, and begin again where it last noted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace

from knowledge.model import KnowledgeBase
from services.planner.check import safety
from services.planner.check.findings import Finding, Subject
from services.planner.domain.errors import PlanChanged, ResourceDamaged
from services.planner.domain.plan import Plan, PlanContent
from services.planner.domain.snapshot import Snapshot
from services.planner.ports import Assessments, Clock, DocumentsOf, ReadAssessment, StoredPlan
from services.planner.review import acts
from services.planner.review.table import Action, rows
from services.planner.usecases.plans import Plans, planner_actor, reviewer_of
from services.store.model import RecordMissing, RecordStore, Write

CURSOR_NAME = "clients/planner/cursors/assessments"
CURSOR_MOVED = "CURSOR_MOVED"
VOIDED = "VOIDED"
_BATCH = 50
_CAN_BE_STALE = frozenset(state for row in rows(Action.INPUTS_CHANGED) for state in row.states)
_CAN_BE_HELD = frozenset(state for row in rows(Action.FLAG_RAISED) for state in row.states)
# What the trail and its watchers are told; what exactly has changed stands in the plan alone.
_CHANGED, _FORBIDS, _WAS_VOIDED = (
    "the assessment has changed",
    "the assessment has a new contraindication",
    "the assessment was voided",
)
_UNSAFE = (
    safety.nothing_cut_is_done,
    safety.the_sensitised_are_spared,
    safety.consents_are_kept,
    safety.endangerment_sites_are_spared,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """What the planner learns with: plans, the assessments of one clinic read as the planner itself, the knowledge."""

    plans: Plans
    assessments: Assessments
    base: KnowledgeBase


async def learn(learning: Learning, clinic: str, assessment: str) -> bool:
    """Acts on the newest revision of an assessment; returns whether any plan changed.

    Raises what reading an assessment and writing to a store can raise; then nothing is lost by doing it again.
    """
    found: ReadAssessment | None = None
    changed = False
    client = assessment.partition("/assessments/")[0]
    async for stored in _plans_from(learning.plans, clinic, client, assessment):
        if not _concerned(stored.plan):
            continue
        if found is None:
            found = await learning.assessments.read(assessment)
        while True:
            try:
                changed |= await _act(learning, clinic, stored, found)
                break
            except PlanChanged:
                stored = await learning.plans.read(clinic, stored.plan.name, None)  # noqa: PLW2901 - read anew
    return changed


async def _plans_from(plans: Plans, clinic: str, client: str, assessment: str) -> AsyncIterator[StoredPlan]:
    after: int | None = None
    while True:
        page = await plans.page(clinic, client, _BATCH, after)
        for revision in page.revisions:
            if revision.entry.facts.get("assessment") == assessment:
                yield plans.stored(revision)
        after = page.next_after
        if after is None:
            return


def _concerned(plan: Plan) -> bool:
    held = plan.approved is not None and not plan.hold and plan.state in _CAN_BE_HELD
    return held or plan.state in _CAN_BE_STALE


async def _act(learning: Learning, clinic: str, stored: StoredPlan, found: ReadAssessment) -> bool:
    """Puts a plan on hold, or marks it as stale, or both: an amendment stands beside the version in force."""
    actor = planner_actor(clinic)
    by = reviewer_of(actor)
    before = stored.etag
    plan = stored.plan
    if plan.approved and not plan.hold and plan.state in _CAN_BE_HELD:
        reason = hold_reason(plan.approved.content, found, learning.base)
        if reason:
            held = acts.hold(plan, by=by, reason=reason, now_micros=learning.plans.clock())
            why = _WAS_VOIDED if found.state == VOIDED else _FORBIDS
            stored = await learning.plans.update(actor, held, stored.etag, Action.FLAG_RAISED.entry, why, None)
    plan = stored.plan
    if plan.state in _CAN_BE_STALE and found.etag != plan.content.assessment_etag:
        why = _WAS_VOIDED if found.state == VOIDED else _CHANGED
        reason = f"{why[:1].upper()}{why[1:]} since the plan was made."
        stale = acts.stale(plan, by=by, reason=reason, now_micros=learning.plans.clock())
        stored = await learning.plans.update(actor, stale, stored.etag, Action.INPUTS_CHANGED.entry, why, None)
    return stored.etag != before


def hold_reason(approved: PlanContent, found: ReadAssessment, base: KnowledgeBase) -> str:
    """Returns why an approved plan must not be used on an assessment as it is now; empty: it may be."""
    if found.state == VOIDED:
        return "The assessment was voided since the plan was approved."
    sentences = new_contraindications(approved, found.snapshot, base)
    if not sentences:
        return ""
    return f"The assessment now says something that forbids a step of the plan. {' '.join(sentences)}"


def new_contraindications(approved: PlanContent, snapshot: Snapshot, base: KnowledgeBase) -> tuple[str, ...]:
    """Returns what newer findings say against the steps of an approved plan, one sentence each; empty: nothing new.

    The independent checker reads the rules against both findings; what it says of the newer ones only is new.
    """
    before = Subject(plan=approved, base=base)
    after = Subject(plan=_on(approved, snapshot), base=base)
    known = set(_findings(before))
    new = [finding for finding in _findings(after) if finding not in known]
    return tuple(dict.fromkeys(_sentence(finding, base) for finding in new))


def _on(approved: PlanContent, snapshot: Snapshot) -> PlanContent:
    """Returns the approved steps on other findings."""
    return replace(approved, snapshot=snapshot)


def _findings(subject: Subject) -> Iterable[Finding]:
    for check in _UNSAFE:
        yield from check(subject)
    if subject.plan.steps:
        for one in safety.active_rules(subject):
            stops = one.rule.scope.value == "absolute"
            stops |= one.rule.scope.value == "refer" and not one.rule.refer_and_treat
            if stops:
                yield Finding(rule="disposition", message=f"{one.rule.id} forbids the session")


def _sentence(finding: Finding, base: KnowledgeBase) -> str:
    """Returns the words of the rule behind a finding; where no rule of the knowledge base is, the finding's own."""
    rule = base.rules.get(finding.message.partition(" ")[0])
    return rule.message if rule else f"{finding.message[:1].upper()}{finding.message[1:]}."


# --- where the follower stands ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursors:
    """Up to which event each clinic's assessments have been learnt."""

    store: RecordStore
    documents: DocumentsOf[str]
    clock: Clock

    async def read(self, clinic: str) -> tuple[str, str | None]:
        """Returns the cursor and the etag of its record; empty and None before the first."""
        try:
            stored = await self.store.read(clinic, CURSOR_NAME)
        except RecordMissing:
            return "", None
        try:
            return self.documents.decode(stored.content), stored.entry.etag
        except ValueError as error:
            raise ResourceDamaged(CURSOR_NAME) from error

    async def move(self, clinic: str, cursor: str, replaces: str | None) -> str:
        """Stores a cursor and returns the etag of its record. Raises EtagMismatch, RecordExists if another moved it."""
        write = Write(
            actor=planner_actor(clinic),
            name=CURSOR_NAME,
            expected_etag=replaces,
            content=self.documents.encode(cursor),
            action=CURSOR_MOVED,
            time_micros=self.clock(),
            facts={"client": "/".join(CURSOR_NAME.split("/")[:2])},
        )
        return (await self.store.write(write)).entry.etag
