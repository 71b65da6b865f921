"""What the review page shows, made from what the planner says."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from myoplan.planner.v1.learning_pb2 import ListPredictionsRequest, ListPredictionsResponse
from myoplan.planner.v1.plan_pb2 import Attestation, Plan, Signature, Step
from myoplan.planner.v1.planner_service_pb2 import (
    CheckPlanRequest,
    CheckPlanResponse,
    ComparePlansRequest,
    GetPlanRequest,
    PlanDiff,
    PlanView,
)
from myoplan.planner.v1.review_pb2 import (
    Comment,
    ListCommentsRequest,
    ListPlanEventsRequest,
    ListReviewQueueRequest,
    PlanEvent,
    ReviewItem,
)
from myoplan.planner.v1.session_pb2 import Session
from services.console.clients import PLAN_SECONDS, READ_SECONDS
from services.console.pages.queue import waiting_text
from services.console.pages.review.checks import Check, checks
from services.console.pages.review.history import last_look
from services.console.pages.review.offers import Offers, offers
from services.console.pages.review.rows import Row, all_rows, changed, counts
from services.console.pages.review.signing import proof_of
from services.console.pages.review.words import SuggestedLine, Words, suggestion_lines
from services.console.pages.room.handlers import read_session
from services.console.web import Context, Form, Visit
from services.console.wording import code, day_text, minutes_text, moment, plan_state, side_word

VIEWS = ("changes", "all", "since")
KINDS = {"question": Comment.QUESTION, "note": Comment.NOTE, "must_fix": Comment.MUST_FIX}
ATTESTATIONS = (
    Attestation.REVIEWED_AND_AGREE,
    Attestation.EXAMINED_PATIENT,
    Attestation.PRESENT,
    Attestation.AGREE_EXCEPT,
)
MOST_COMMENTS = 200
MOST_EVENTS = 200
SHOWN_EVENTS = 12
LOOK = "revision "


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing that a list offers."""

    value: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentRow:
    """A comment with its answers. `lines` is what it suggests."""

    id: str
    kind: str
    kind_word: str
    author: str
    when: str
    text: str
    status: str
    status_word: str
    about: str
    lines: tuple[SuggestedLine, ...]
    can_take: bool
    can_resolve: bool
    can_answer: bool
    answers: tuple[CommentRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRow:
    """A row of the difference with what is said about it. `techniques` are others that the muscle can be treated by."""

    step: Row
    seen: bool
    comments: tuple[CommentRow, ...]
    techniques: tuple[Choice, ...]
    suggests: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagRow:
    """A caution or referral that has to be read before the release."""

    rule: str
    message: str
    read: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One thing that happened."""

    when: str
    what: str
    person: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """What the author of the plan had predicted on the same assessment."""

    text: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPage(Context):
    """The page. `told` says what became of the last thing done, `values` is what was typed when it did not succeed.

    `worked` is where the plan stands beside what was done of it, once it was worked.
    """

    address: str
    plan: str
    client: str
    code: str
    state: str
    version: int
    author: str
    turn: str
    waiting: str
    view: str
    views: tuple[Choice, ...]
    compared: str
    counted: str
    minutes: str
    rows: tuple[ReviewRow, ...]
    nothing: str
    worked: str
    seen: str
    general: tuple[CommentRow, ...]
    drafts: tuple[CommentRow, ...]
    addable: tuple[Choice, ...]
    kinds: tuple[Choice, ...]
    checks: tuple[Check, ...]
    flags: tuple[FlagRow, ...]
    offers: Offers
    attestations: tuple[Choice, ...]
    colleagues: tuple[Choice, ...]
    cosigner: str
    proof: str
    signed: tuple[str, ...]
    predicted: tuple[Predicted, ...]
    history: tuple[HistoryRow, ...]
    etag: str
    digest: str
    request_id: str
    done: str
    told: str
    details: tuple[str, ...]
    values: Mapping[str, str]
    reviewed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Materials:
    """What the planner says about the plan."""

    plan: Plan
    diff: PlanDiff
    findings: CheckPlanResponse
    comments: tuple[Comment, ...]
    events: tuple[PlanEvent, ...]
    item: ReviewItem | None
    base: int | None
    predictions: ListPredictionsResponse
    worked: bool


async def gather(visit: Visit, name: str, view: str) -> Materials:
    """Reads the plan, what is said about it, what happened to it, and how it differs from the version compared with."""
    plans, client = visit.console.services.plans, name.partition("/plans/")[0]
    plan, said, events, queue, predictions = await asyncio.gather(
        plans.GetPlan(GetPlanRequest(name=name, view=PlanView.FULL), timeout=READ_SECONDS),
        plans.ListComments(ListCommentsRequest(parent=name, page_size=MOST_COMMENTS), timeout=READ_SECONDS),
        plans.ListPlanEvents(ListPlanEventsRequest(parent=name, page_size=MOST_EVENTS), timeout=READ_SECONDS),
        plans.ListReviewQueue(ListReviewQueueRequest(parent=client), timeout=READ_SECONDS),
        plans.ListPredictions(ListPredictionsRequest(parent=client), timeout=READ_SECONDS),
    )
    looked = visit.signed_in.at(name).looked
    seen = [int(each.removeprefix(LOOK)) for each in looked if each.startswith(LOOK)]
    base = last_look(events.events, visit.person.person, seen) if view == "since" else _suggested(plan)
    looked.add(f"{LOOK}{plan.revision}")
    session, diff, findings = await asyncio.gather(
        read_session(visit) if plan.approved_version else asyncio.sleep(0),
        plans.ComparePlans(
            ComparePlansRequest(
                earlier=name, later=name, earlier_revision=base or plan.revision, later_revision=plan.revision
            ),
            timeout=PLAN_SECONDS,
        ),
        plans.CheckPlan(CheckPlanRequest(plan=plan), timeout=PLAN_SECONDS),
    )
    return Materials(
        plan=plan,
        diff=diff,
        findings=findings,
        comments=tuple(said.comments),
        events=tuple(events.events),
        item=next((item for item in queue.items if item.plan.name == name), None),
        base=base,
        predictions=predictions,
        worked=session is not None and session.state == Session.FINISHED,
    )


def _suggested(plan: Plan) -> int:
    """Returns the revision to compare with: the approved one while it is being amended, else what the planner made."""
    amended = 0 < plan.approved_version < plan.version
    return plan.approved_revision if amended else 1


def review_page(
    visit: Visit,
    found: Materials,
    view: str,
    *,
    done: str = "",
    told: str = "",
    details: tuple[str, ...] = (),
    values: Form | None = None,
    strict: bool = False,
) -> ReviewPage:
    """Returns the page of a plan."""
    plan, words = found.plan, Words(vocabulary=visit.console.vocabulary, texts=visit.console.texts)
    client = plan.name.split("/")[1]
    everything = all_rows(plan, found.diff, words)
    different = changed(everything)
    view = view or ("changes" if different else "all")  # a plan that nobody changed has to be read as a whole
    desk = _Desk(visit=visit, words=words, found=found, offers=offers(plan, visit.person, strict=strict))
    shown = everything if view == "all" else [row for row in everything if row in different or desk.about(row.id)]
    looked = visit.signed_in.at(plan.name).looked
    author = _author(found)
    return ReviewPage(
        title=f"{visit.t('review.title')} · {code(client)}",
        address=f"/{plan.name}/review",
        plan=f"/{plan.name}",
        client=client,
        code=code(client),
        state=plan_state(plan, visit.console.texts),
        version=plan.version,
        author=author,
        turn=_turn(visit, found.item),
        waiting=_waiting(visit, found.item),
        view=view,
        views=tuple(Choice(value=each, name=visit.t(f"review.view.{each}")) for each in VIEWS),
        compared=_compared(visit, found, view, author),
        counted=" ".join(f"{sign}{n}" for sign, n in counts(everything)),
        minutes=visit.t(
            "review.minutes", planned=minutes_text(plan.planned_duration), budget=minutes_text(plan.time_budget)
        ),
        rows=tuple(desk.row(row, seen=row.mark in looked) for row in shown),
        nothing="" if shown else visit.t(_nothing(found, view)),
        worked=f"/{plan.name}/changes" if found.worked else "",
        seen=visit.t("review.seen_of", n=sum(row.mark in looked for row in different), all=len(different))
        if different
        else "",
        general=desk.general({row.id for row in shown}),
        drafts=desk.drafts(),
        addable=desk.addable(),
        kinds=tuple(Choice(value=kind, name=visit.t(f"review.kind.{kind}")) for kind in KINDS),
        checks=checks(plan, found.findings.findings, words),
        flags=_flags(visit, plan),
        offers=desk.offers,
        attestations=tuple(
            Choice(value=Attestation.Name(each), name=visit.t(f"review.attestation.{Attestation.Name(each)}"))
            for each in ATTESTATIONS
        ),
        colleagues=_colleagues(visit, plan),
        cosigner=plan.expected_cosigner,
        proof=proof_of(visit),
        signed=tuple(_signature(visit, each) for each in plan.signatures),
        predicted=tuple(_predicted(visit, found)),
        history=tuple(_event(visit, each) for each in found.events[:SHOWN_EVENTS]),
        etag=plan.etag,
        digest=plan.digest,
        request_id=str(uuid.uuid4()),
        done=done,
        told=told,
        details=details,
        values=values or {},
        reviewed=plan.knowledge_reviewed,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """Rows and comments of one page."""

    visit: Visit
    words: Words
    found: Materials
    offers: Offers

    @property
    def steps(self) -> dict[str, Step]:
        """Every step that a comment can be about, by id."""
        gone = {each.earlier.id: each.earlier for each in self.found.diff.steps}
        return gone | {step.id: step for step in self.found.plan.steps}

    def about(self, step: str) -> list[Comment]:
        """Returns what is said about a step, answers left out."""
        return [
            each
            for each in self.found.comments
            if each.step == step and each.status != Comment.DRAFT and not each.reply_to
        ]

    def row(self, row: Row, *, seen: bool) -> ReviewRow:
        step = self.steps.get(row.id)
        on_muscle = bool(step and step.muscle)
        return ReviewRow(
            step=row,
            seen=seen,
            comments=tuple(self.comment(each) for each in self.about(row.id)),
            techniques=self.techniques(step) if step and row.change != "removed" else (),
            suggests=("in" if row.change == "removed" else "out") if on_muscle else "",
        )

    def techniques(self, step: Step) -> tuple[Choice, ...]:
        """Returns what else treats the muscle of a step that works on one."""
        if step.phase not in {Step.RELEASE, Step.LENGTHEN}:
            return ()
        base = self.words.vocabulary.base
        treated = sorted((each for each in base.treated_by if each.muscle == step.muscle), key=lambda each: each.order)
        names = (each.technique for each in treated if each.technique != step.technique)
        return tuple(Choice(value=each, name=self.words.vocabulary.name("technique", each)) for each in names)

    def general(self, shown: set[str]) -> tuple[CommentRow, ...]:
        """Returns what is said about the plan as a whole or about a step that is not shown."""
        return tuple(
            self.comment(each)
            for each in self.found.comments
            if each.status != Comment.DRAFT and not each.reply_to and each.step not in shown
        )

    def drafts(self) -> tuple[CommentRow, ...]:
        return tuple(self.comment(each) for each in self.found.comments if each.status == Comment.DRAFT)

    def addable(self) -> tuple[Choice, ...]:
        """Returns the muscles that the findings point to and the plan does not treat."""
        treated = {(step.muscle, step.side) for step in self.found.plan.steps}
        return tuple(
            Choice(
                value=f"{each.muscle} {side_word(each.side)}",
                name=f"{self.words.vocabulary.name('muscle', each.muscle)} {self.words.side(each.side)}",
            )
            for each in self.found.plan.candidates
            if (each.muscle, each.side) not in treated
        )

    def comment(self, said: Comment) -> CommentRow:
        visit, is_open = self.visit, said.status == Comment.OPEN
        own = said.author.id == visit.person.person
        step = self.steps.get(said.step)
        may_close = said.kind != Comment.MUST_FIX or own or "supervisor" in visit.person.roles
        kind = Comment.Kind.Name(said.kind).lower()
        answers = [each for each in self.found.comments if each.reply_to == said.id and each.status != Comment.DRAFT]
        status = Comment.Status.Name(said.status)
        return CommentRow(
            id=said.id,
            kind=kind,
            kind_word=visit.t(f"review.kind.{kind}"),
            author=said.author.display_name or said.author.id,
            when=_when(visit, said.publish_time) if said.HasField("publish_time") else "",
            text=said.text,
            status=status,
            status_word=visit.t(f"review.status.{status}", who=said.resolver.display_name),
            about=self.words.step(step) if step else "",
            lines=suggestion_lines(said.suggestion, self.steps, self.words),
            can_take=is_open and bool(said.suggestion) and self.offers.edit and not own,
            can_resolve=is_open and may_close and self.offers.talk,
            can_answer=is_open and self.offers.talk,
            answers=tuple(self.comment(each) for each in answers),
        )


def _nothing(found: Materials, view: str) -> str:
    if view != "since":
        return "review.nothing.changes"
    return "review.nothing.since" if found.base is None else "review.nothing.same"


def _compared(visit: Visit, found: Materials, view: str, author: str) -> str:
    if view == "since":
        return visit.t("review.compared.since", author=author)
    amended = found.base is not None and found.base > 1
    return visit.t("review.compared.approved" if amended else "review.compared.suggested", author=author)


def _author(found: Materials) -> str:
    if found.item is not None and found.item.author.display_name:
        return found.item.author.display_name
    people = [each.person.display_name for each in found.plan.contributors]
    return people[0] if people else found.plan.author.display_name


def _turn(visit: Visit, item: ReviewItem | None) -> str:
    if item is None:
        return ""
    if item.your_turn:
        return visit.t("review.your_turn", reason=item.reason)
    return visit.t("review.others_turn", reason=item.reason)


def _waiting(visit: Visit, item: ReviewItem | None) -> str:
    if item is None or not item.HasField("since"):
        return ""
    waited = visit.console.local_time(visit.console.clock()) - moment(item.since, visit.console)
    return visit.t("queue.waits", time=waiting_text(visit.console.texts, waited))


def _when(visit: Visit, stamp: Timestamp) -> str:
    return when_text(moment(stamp, visit.console), visit.console.local_time(visit.console.clock()))


def when_text(when: datetime, now: datetime) -> str:
    """Returns the hour of today, or day and hour."""
    return f"{when:%H:%M}" if when.date() == now.date() else f"{day_text(when)} {when:%H:%M}"


def _flags(visit: Visit, plan: Plan) -> tuple[FlagRow, ...]:
    told = {each.rule: each.message for each in plan.cautions}
    told |= {each.rule: each.message for each in plan.referrals}
    return tuple(
        FlagRow(
            rule=each.rule,
            message=told.get(each.rule, each.rule.replace("_", " ")),
            read=visit.t("review.flag_read", who=each.person.display_name, when=_when(visit, each.time))
            if each.HasField("person")
            else "",
        )
        for each in plan.acknowledgements
    )


def _colleagues(visit: Visit, plan: Plan) -> tuple[Choice, ...]:
    """Returns who could be asked to co-sign, where this console knows the people of the clinic."""
    if visit.console.local is None:
        return ()
    barred = {visit.person.person} | {each.person.id for each in plan.contributors if each.trainee}
    people = visit.console.local.colleagues(visit.person.clinic)
    licensed = (each for each in people if each.roles & {"therapist", "supervisor"} and each.person not in barred)
    ordered = sorted(licensed, key=lambda each: ("supervisor" not in each.roles, each.name.casefold()))
    return tuple(Choice(value=each.person, name=each.name) for each in ordered)


def _predicted(visit: Visit, found: Materials) -> Iterator[Predicted]:
    """Yields what those who wrote the plan had predicted; a supervisor sees that of others, everybody their own."""
    writers = {each.person.id for each in found.plan.contributors}
    counts = {each.prediction: each for each in found.predictions.counts}
    for each in found.predictions.predictions:
        count = counts.get(each.name)
        if each.assessment != found.plan.assessment or each.person.id not in writers or count is None:
            continue
        told = visit.t(
            "review.predicted.told",
            who=each.person.display_name,
            n=count.agreed,
            all=count.agreed + count.missed,
        )
        asked = visit.t("review.predicted.asked", who=each.person.display_name)
        yield Predicted(text=asked if each.shown else told, address=f"/{each.name}")


def _signature(visit: Visit, signature: Signature) -> str:
    attestation = Attestation.Name(signature.attestation)
    parts: Iterable[str] = (
        visit.t(
            f"review.signed.{Signature.Meaning.Name(signature.meaning)}",
            who=signature.signer.display_name,
            role=signature.role,
            when=_when(visit, signature.time),
        ),
        visit.t(f"review.attestation.{attestation}") if signature.attestation else "",
        signature.text,
    )
    return " · ".join(part for part in parts if part)


def _event(visit: Visit, event: PlanEvent) -> HistoryRow:
    key = f"review.event.{event.action}"
    return HistoryRow(
        when=_when(visit, event.time),
        what=visit.t(key) if key in visit.console.texts else event.action.replace("_", " ").lower(),
        person=event.person.display_name or event.person.id,
        reason=event.reason,
    )


__all__: Sequence[str] = ("KINDS", "VIEWS", "Materials", "ReviewPage", "gather", "review_page", "when_text")
