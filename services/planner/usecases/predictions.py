"""Learning mode: begins, locks, reveals, marks and lists predictions.

Each person predicts once on an assessment. While the prediction is open, `usecases.blind` hides from that person
whatever was made from the assessment.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from services.planner.domain.canonical import content_digest
from services.planner.domain.constraints import Constraints
from services.planner.domain.errors import (
    ActorLacksRight,
    AssessmentStateForbids,
    FieldProblem,
    PlanChanged,
    PredictionForbidden,
    RequestInvalid,
    ResourceDamaged,
)
from services.planner.domain.plan import Plan, PlanContent, State
from services.planner.domain.prediction import Mark, PredictedStep, Prediction, PredictionState
from services.planner.domain.review import PLANNER, SUPERVISOR, Person
from services.planner.graph.index import KnowledgeGraph
from services.planner.learning.comparison import Row, compare, count
from services.planner.ports import Assessments, DocumentsOf, StoredPlan
from services.planner.session.propose import PlanRequest
from services.planner.usecases.about import about
from services.planner.usecases.blind import Blindfold, prediction_name
from services.planner.usecases.create import checked_plan
from services.planner.usecases.plans import Plans
from services.planner.usecases.sessions import Sessions
from services.store.model import (
    Actor,
    RecordStore,
    Request,
    Revision,
    Write,
)

STARTED, LOCKED, REVEALED, MARKED = (
    "PREDICTION_STARTED",
    "PREDICTION_LOCKED",
    "PREDICTION_REVEALED",
    "PREDICTION_MARKED",
)
_COMPLETED = "COMPLETED"
_BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPrediction:
    """A prediction with the etag of its revision."""

    prediction: Prediction
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPrediction:
    """Asks to begin on an assessment, for a session of `time_budget_seconds` in (0, 10800] [s]."""

    actor: Actor
    assessment: str
    time_budget_seconds: int
    request: Request | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockPrediction:
    """What a person would do. `show_me`: they ask for the proposal without a plan of their own."""

    actor: Actor
    name: str
    etag: str
    steps: tuple[PredictedStep, ...]
    reasoning: str
    show_me: bool
    request: Request | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevealPrediction:
    """Asks for the comparison."""

    actor: Actor
    name: str
    etag: str
    request: Request | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenMark:
    """A mark as it is given; who and when come from the credential and the clock."""

    criterion: str
    level: int
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GradePrediction:
    """Marks of a supervisor, each criterion once."""

    actor: Actor
    name: str
    etag: str
    marks: tuple[GivenMark, ...]
    request: Request | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPredictions:
    """A page of predictions under `parent` behind position `after`; `person` empty: of all that may be seen."""

    actor: Actor
    parent: str
    person: str
    page_size: int
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionPage:
    """Predictions, newest first. `next_after`: where the next page begins, None at the end."""

    predictions: tuple[StoredPrediction, ...]
    next_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreeWay:
    """A prediction beside the proposal and the approved plan (`approved_plan` empty: there is none)."""

    prediction: StoredPrediction
    rows: tuple[Row, ...]
    proposal: StoredPlan
    approved_plan: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """The predictions of all clinics. Every method may raise what a store raises when it cannot do its work."""

    store: RecordStore
    documents: DocumentsOf[Prediction]
    clock: Callable[[], int]

    async def replay(self, actor: Actor, request: Request | None) -> StoredPrediction | None:
        """Returns what the same request made before. Raises RequestReused of the store."""
        if request is None:
            return None
        earlier = await self.store.replay(actor, request)
        return None if earlier is None else self._stored(earlier)

    async def read(self, clinic: str, name: str) -> StoredPrediction:
        """Returns a prediction. Raises ResourceMissing."""
        with _about(name):
            return self._stored(await self.store.read(clinic, name))

    async def write(
        self, actor: Actor, prediction: Prediction, replaces: str | None, action: str, request: Request | None
    ) -> StoredPrediction:
        """Stores the next revision. Raises PredictionForbidden if it is there already, PlanChanged."""
        write = Write(
            actor=actor,
            name=prediction.name,
            expected_etag=replaces,
            content=self.documents.encode(prediction),
            action=action,
            time_micros=self.clock(),
            facts={
                "state": prediction.state.name,
                "client": "/".join(prediction.name.split("/")[:2]),
                "assessment": prediction.assessment,
                "person": prediction.person.id,
            },
            request=request,
        )
        with _about(prediction.name):
            return self._stored(await self.store.write(write))

    async def page(self, query: ListPredictions, person: str) -> PredictionPage:
        """Returns a page of the predictions of `person`, of everybody if that is empty."""
        found: list[StoredPrediction] = []
        after = query.after
        while True:
            room = min(_BATCH, query.page_size - len(found))
            page = await self.store.list(query.actor.clinic, f"{query.parent}/predictions", room, after)
            found += [self._stored(one) for one in page.revisions if person in {"", one.entry.facts.get("person", "")}]
            after = page.next_after
            if after is None or len(found) >= query.page_size:
                return PredictionPage(predictions=tuple(found), next_after=after)

    def _stored(self, revision: Revision) -> StoredPrediction:
        try:
            prediction = self.documents.decode(revision.content)
        except ValueError as error:
            raise ResourceDamaged(revision.entry.name) from error
        return StoredPrediction(prediction=prediction, etag=revision.entry.etag)


def _about(name: str) -> AbstractContextManager[None]:
    """Turns what a store answers about a record into what the planner answers about a prediction."""
    return about(name, taken=PredictionForbidden(name, "made already", "an assessment that you have not predicted on"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicting:
    """What predictions are made with. `assessments` is not guarded: the person has to see what was found."""

    predictions: Predictions
    plans: Plans
    sessions: Sessions
    assessments: Assessments
    blindfold: Blindfold
    graph: KnowledgeGraph


async def start_prediction(predicting: Predicting, command: StartPrediction) -> StoredPrediction:
    """Returns the prediction begun. Raises ResourceMissing, AssessmentStateForbids, PredictionForbidden."""
    actor = command.actor
    if earlier := await predicting.predictions.replay(actor, command.request):
        return earlier
    name = prediction_name(command.assessment, actor.person)
    async with predicting.plans.refusing(actor, name, "StartPrediction"):
        found = await predicting.assessments.read(command.assessment)
        if found.state != _COMPLETED:
            raise AssessmentStateForbids(found.name, found.state, _COMPLETED)
        # A prediction that is open already is told before anybody looks at plans, which it hides.
        await predicting.blindfold.check(command.assessment)
        if await _has_worked(predicting, actor, command.assessment):
            raise PredictionForbidden(
                command.assessment, "planned by you already", "a person who has not worked on a plan of it"
            )
        prediction = Prediction(
            name=name,
            assessment=found.name,
            assessment_etag=found.etag,
            snapshot=found.snapshot,
            time_budget_seconds=command.time_budget_seconds,
            person=Person(id=actor.person, display_name=actor.display_name),
            start_micros=predicting.predictions.clock(),
        )
        return await predicting.predictions.write(actor, prediction, None, STARTED, command.request)


async def _has_worked(predicting: Predicting, actor: Actor, assessment: str) -> bool:
    """Whether a person made, edited, signed, commented on or worked a plan of an assessment."""
    client = assessment.partition("/assessments/")[0]
    async for plan in _plans_of(predicting.plans, actor.clinic, client, assessment):
        involved = {plan.author.id, *(one.person.id for one in plan.contributors)}
        involved |= {one.signer.id for one in plan.signatures} | {one.author.id for one in plan.comments}
        if actor.person in involved:
            return True
    async for session in predicting.sessions.each(actor.clinic, client):
        if (session.assessment, session.therapist.id) == (assessment, actor.person):
            return True
    return False


async def _plans_of(plans: Plans, clinic: str, client: str, assessment: str) -> AsyncIterator[Plan]:
    after: int | None = None
    while True:
        page = await plans.page(clinic, client, _BATCH, after)
        for revision in page.revisions:
            plan = plans.stored(revision).plan
            if plan.content.assessment == assessment:
                yield plan
        after = page.next_after
        if after is None:
            return


async def lock_prediction(predicting: Predicting, command: LockPrediction) -> StoredPrediction:
    """Returns the prediction locked. Raises ResourceMissing, RequestInvalid, ActorLacksRight, PredictionForbidden."""
    if not command.steps and not command.show_me:
        problem = "is required: what you would do, or ask to be shown the proposal with show_me"
        raise RequestInvalid((FieldProblem("steps", problem),))

    def change(prediction: Prediction) -> Prediction:
        _need_own(prediction, command.actor, "lock")
        _need(prediction, PredictionState.OPEN)
        return replace(
            prediction,
            state=PredictionState.LOCKED,
            steps=command.steps,
            reasoning=command.reasoning,
            shown=command.show_me,
            lock_micros=predicting.predictions.clock(),
        )

    return await _revised(predicting, command, "LockPrediction", LOCKED, change)


async def reveal_prediction(predicting: Predicting, command: RevealPrediction) -> ThreeWay:
    """Returns the comparison. Raises ResourceMissing, ActorLacksRight, PredictionForbidden."""
    stored = await predicting.predictions.read(command.actor.clinic, command.name)
    prediction = stored.prediction
    async with predicting.plans.refusing(command.actor, command.name, "RevealPrediction"):
        if SUPERVISOR not in command.actor.roles:
            _need_own(prediction, command.actor, "reveal")
        _need(prediction, PredictionState.LOCKED, PredictionState.REVEALED)
    # A supervisor may predict on the same assessment.
    await predicting.blindfold.check(prediction.assessment)
    released = await _approved_plan(predicting, command.actor.clinic, prediction.assessment)
    force = released.approved.content if released and released.approved else None
    proposal = await asyncio.to_thread(checked_plan, _request(prediction), predicting.graph)
    rows = compare(prediction, proposal, force, predicting.graph)

    def change(prediction: Prediction) -> Prediction:
        if prediction.count is not None:
            return prediction
        came_out = count(rows, prediction, predicting.graph, predicting.predictions.clock())
        return replace(prediction, state=PredictionState.REVEALED, count=came_out)

    return ThreeWay(
        prediction=await _revised(predicting, command, "RevealPrediction", REVEALED, change),
        rows=rows,
        proposal=StoredPlan(plan=_preview(proposal)),
        approved_plan=released.name if released else "",
    )


def _request(prediction: Prediction) -> PlanRequest:
    return PlanRequest(
        assessment=prediction.assessment,
        assessment_etag=prediction.assessment_etag,
        snapshot=prediction.snapshot,
        constraints=Constraints(),
        time_budget_seconds=prediction.time_budget_seconds,
    )


def _preview(content: PlanContent) -> Plan:
    return Plan(
        name="",
        uid="",
        version=1,
        state=State.PROPOSED,
        content=content,
        digest=content_digest(content, 1),
        author=Person(id=PLANNER, display_name="Myoplan planner"),
        create_micros=0,
        update_micros=0,
    )


async def _approved_plan(predicting: Predicting, clinic: str, assessment: str) -> Plan | None:
    """Returns the plan of the assessment that was released last; only a licensed person releases."""
    client = assessment.partition("/assessments/")[0]
    newest: Plan | None = None
    newest_micros = -1
    async for plan in _plans_of(predicting.plans, clinic, client, assessment):
        if plan.approved and plan.approved.signatures:
            released = max(one.time_micros for one in plan.approved.signatures)
            if released > newest_micros:
                newest, newest_micros = plan, released
    return newest


async def grade_prediction(predicting: Predicting, command: GradePrediction) -> StoredPrediction:
    """Returns the prediction with the marks; a criterion marked again by the same person keeps the last mark.

    Raises ResourceMissing, PredictionForbidden; ActorLacksRight for one's own prediction.
    """
    person = Person(id=command.actor.person, display_name=command.actor.display_name)

    def change(prediction: Prediction) -> Prediction:
        if prediction.person.id == person.id:
            raise ActorLacksRight(prediction.name, "mark", command.actor.roles)
        _need(prediction, PredictionState.LOCKED, PredictionState.REVEALED)
        now = predicting.predictions.clock()
        given = [
            Mark(criterion=one.criterion, level=one.level, comment=one.comment, person=person, time_micros=now)
            for one in command.marks
        ]
        again = {one.criterion for one in given}
        kept = [one for one in prediction.marks if one.person.id != person.id or one.criterion not in again]
        return replace(prediction, marks=(*kept, *given))

    return await _revised(predicting, command, "GradePrediction", MARKED, change)


async def list_predictions(predicting: Predicting, query: ListPredictions) -> PredictionPage:
    """Returns a page: supervisors see those of all, others their own. Raises ActorLacksRight for another person's."""
    own = query.actor.person
    if SUPERVISOR not in query.actor.roles and query.person not in {"", own}:
        raise ActorLacksRight(f"predictions of {query.person}", "read", query.actor.roles)
    person = query.person if SUPERVISOR in query.actor.roles else own
    return await predicting.predictions.page(query, person)


async def _revised(
    predicting: Predicting,
    command: LockPrediction | RevealPrediction | GradePrediction,
    method: str,
    action: str,
    change: Callable[[Prediction], Prediction],
) -> StoredPrediction:
    actor = command.actor
    if earlier := await predicting.predictions.replay(actor, command.request):
        return earlier
    async with predicting.plans.refusing(actor, command.name, method):
        newest = await predicting.predictions.read(actor.clinic, command.name)
        changed = change(newest.prediction)
        if newest.etag != command.etag:
            raise PlanChanged(command.name)
        if changed == newest.prediction:
            return newest
        return await predicting.predictions.write(actor, changed, newest.etag, action, command.request)


def _need_own(prediction: Prediction, actor: Actor, what: str) -> None:
    if prediction.person.id != actor.person:
        raise ActorLacksRight(prediction.name, what, actor.roles)


def _need(prediction: Prediction, *states: PredictionState) -> None:
    if prediction.state not in states:
        needed = " or ".join(state.name for state in states)
        raise PredictionForbidden(prediction.name, prediction.state.name, needed)
