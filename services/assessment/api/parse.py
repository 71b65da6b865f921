"""Requests as commands and queries: parsed once, here, with everything that is wrong told at once."""

from __future__ import annotations

import hashlib
from typing import TypeVar

from google.protobuf.message import Message

from myoplan.assessment.v1 import assessment_pb2 as pb
from myoplan.assessment.v1 import assessment_service_pb2 as service_pb
from services.assessment.api import names, positions
from services.assessment.api.parse_findings import FINDING_ID_FORM, read_findings
from services.assessment.api.reading import Reader, members, quoted
from services.assessment.domain import limits
from services.assessment.domain.assessment import State
from services.assessment.domain.finding_ids import FINDING_ID
from services.assessment.domain.findings import Findings
from services.assessment.domain.profile import (
    INTAKE_PATHS,
    ClientProfile,
    Consents,
    Intake,
    SessionPreferences,
    Sex,
)
from services.assessment.ports import Vocabulary
from services.assessment.usecases.compare import CompareAssessments
from services.assessment.usecases.create import Create
from services.assessment.usecases.findings import Record, Retract
from services.assessment.usecases.lifecycle import ChangeState
from services.assessment.usecases.read import Get, List
from services.assessment.usecases.revisions import ListRevisions
from services.assessment.usecases.update import Update
from services.assessment.usecases.watch import Watch
from services.store.model import Actor, Request

DEFAULT_PAGE, LARGEST_PAGE = 50, 200
SEXES = members(pb.ClientProfile.Sex, Sex)
STATES = members(pb.Assessment.State, State)
NAME_FORM = "a name, clients/{client}/assessments/{assessment}"
CLIENT_FORM = "a client, clients/{client}"
CLIENTS_FORM = "a client, clients/{client}, or clients/- for all"
ID_FORM = "an id: a-z, 0-9 and -, at most 63 characters, a letter or digit at both ends"

Write = TypeVar("Write", bound=Message)


class Parser:
    """Reads the requests of all methods. Every method raises RequestInvalid."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def create(self, actor: Actor, request: service_pb.CreateAssessmentRequest) -> Create:
        """Reads a CreateAssessment."""
        reader = Reader(self._vocabulary)
        if not request.HasField("assessment"):
            reader.tell("assessment", "is required")
        inside = reader.inside("assessment")
        command = Create(
            actor=actor,
            parent=reader.matching("parent", request.parent, names.CLIENT_NAME, CLIENT_FORM),
            assessment_id=reader.matching(
                "assessment_id", request.assessment_id, names.ASSESSMENT_ID, ID_FORM, required=False
            ),
            intake=_intake(inside, request.assessment),
            findings=read_findings(inside, request.assessment, actor.person),
            request=_repeatable(reader, "CreateAssessment", request, request.request_id),
        )
        reader.problems.raise_any()
        return command

    def get(self, actor: Actor, request: service_pb.GetAssessmentRequest) -> Get:
        """Reads a GetAssessment."""
        reader = Reader(self._vocabulary)
        query = Get(
            clinic=actor.clinic,
            name=_name(reader, request.name),
            revision=_revision(reader, "revision", request),
        )
        reader.problems.raise_any()
        return query

    def list(self, actor: Actor, request: service_pb.ListAssessmentsRequest) -> List:
        """Reads a ListAssessments."""
        reader = Reader(self._vocabulary)
        first = List(
            clinic=actor.clinic,
            parent=reader.matching("parent", request.parent, names.CLIENT_NAME_OR_ALL, CLIENTS_FORM),
            state=reader.optional_choice("state", request.state, STATES),
            page_size=_page_size(reader, request.page_size),
            after=None,
        )
        after = _page_token(reader, positions.list_scope(first), request.page_token)
        reader.problems.raise_any()
        return List(clinic=first.clinic, parent=first.parent, state=first.state, page_size=first.page_size, after=after)

    def update(self, actor: Actor, request: service_pb.UpdateAssessmentRequest) -> Update:
        """Reads an UpdateAssessment; fields that the mask does not name are not looked at."""
        reader = Reader(self._vocabulary)
        paths = tuple(dict.fromkeys(request.update_mask.paths))
        intake = _intake(reader.inside("assessment"), request.assessment)
        reader.problems.keep_under("assessment.", paths)
        if not paths:
            reader.tell("update_mask", "is empty: name the fields to change")
        for index, path in enumerate(paths):
            if path not in INTAKE_PATHS:
                reader.tell(f"update_mask.paths[{index}]", f"{quoted(path)} is not a field that can be changed")
        inside = reader.inside("assessment")
        command = Update(
            actor=actor,
            name=_name(inside, request.assessment.name),
            etag=_etag(inside, request.assessment.etag),
            intake=intake,
            paths=paths,
            request=_repeatable(reader, "UpdateAssessment", request, request.request_id),
        )
        reader.problems.raise_any()
        return command

    def record(self, actor: Actor, request: service_pb.RecordFindingsRequest) -> Record:
        """Reads a RecordFindings."""
        reader = Reader(self._vocabulary)
        findings = read_findings(reader, request, actor.person)
        if findings == Findings() and not reader.problems.found:
            reader.tell("pain_areas", "is empty, and so is every other kind: name at least one finding")
        command = Record(
            actor=actor,
            name=_name(reader, request.name),
            etag=request.etag,
            findings=findings,
            request=_repeatable(reader, "RecordFindings", request, request.request_id),
        )
        reader.problems.raise_any()
        return command

    def retract(self, actor: Actor, request: service_pb.RetractFindingsRequest) -> Retract:
        """Reads a RetractFindings."""
        reader = Reader(self._vocabulary)
        most = sum(limits.FINDINGS.values())
        ids = tuple(request.finding_ids)
        if not ids:
            reader.tell("finding_ids", "is empty: name the findings to take back")
        if len(ids) > most:
            reader.tell("finding_ids", f"has {len(ids)} entries; at most {most}")
        for index, identifier in enumerate(ids[:most]):
            reader.matching(f"finding_ids[{index}]", identifier, FINDING_ID, FINDING_ID_FORM)
        command = Retract(
            actor=actor,
            name=_name(reader, request.name),
            etag=_etag(reader, request.etag),
            finding_ids=tuple(dict.fromkeys(ids)),
            reason=_reason(reader, request.reason),
            request=_repeatable(reader, "RetractFindings", request, request.request_id),
        )
        reader.problems.raise_any()
        return command

    def complete(self, actor: Actor, request: service_pb.CompleteAssessmentRequest) -> ChangeState:
        """Reads a CompleteAssessment."""
        reader = Reader(self._vocabulary)
        command = ChangeState(
            actor=actor,
            name=_name(reader, request.name),
            etag=_etag(reader, request.etag),
            reason="",
            request=_repeatable(reader, "CompleteAssessment", request, request.request_id),
        )
        reader.problems.raise_any()
        return command

    def void(self, actor: Actor, request: service_pb.VoidAssessmentRequest) -> ChangeState:
        """Reads a VoidAssessment."""
        return self._decision(actor, "VoidAssessment", request)

    def amend(self, actor: Actor, request: service_pb.AmendAssessmentRequest) -> ChangeState:
        """Reads an AmendAssessment."""
        return self._decision(actor, "AmendAssessment", request)

    def _decision(
        self, actor: Actor, method: str, request: service_pb.VoidAssessmentRequest | service_pb.AmendAssessmentRequest
    ) -> ChangeState:
        reader = Reader(self._vocabulary)
        command = ChangeState(
            actor=actor,
            name=_name(reader, request.name),
            etag=_etag(reader, request.etag),
            reason=_reason(reader, request.reason),
            request=_repeatable(reader, method, request, request.request_id),
        )
        reader.problems.raise_any()
        return command

    def revisions(self, actor: Actor, request: service_pb.ListAssessmentRevisionsRequest) -> ListRevisions:
        """Reads a ListAssessmentRevisions."""
        reader = Reader(self._vocabulary)
        name, size = _name(reader, request.name), _page_size(reader, request.page_size)
        first = ListRevisions(clinic=actor.clinic, name=name, page_size=size, after=None)
        after = _page_token(reader, positions.revisions_scope(first), request.page_token)
        reader.problems.raise_any()
        return ListRevisions(clinic=actor.clinic, name=name, page_size=size, after=after)

    def compare(self, actor: Actor, request: service_pb.CompareAssessmentsRequest) -> CompareAssessments:
        """Reads a CompareAssessments."""
        reader = Reader(self._vocabulary)
        parent = reader.matching("parent", request.parent, names.CLIENT_NAME, CLIENT_FORM)
        query = CompareAssessments(
            clinic=actor.clinic,
            earlier=_name_under(reader, parent, "earlier", request.earlier),
            later=_name_under(reader, parent, "later", request.later),
            earlier_revision=_revision(reader, "earlier_revision", request),
            later_revision=_revision(reader, "later_revision", request),
        )
        reader.problems.raise_any()
        return query

    def watch(self, actor: Actor, request: service_pb.WatchAssessmentsRequest) -> Watch:
        """Reads a WatchAssessments."""
        reader = Reader(self._vocabulary)
        parent = reader.matching("parent", request.parent, names.CLIENT_NAME_OR_ALL, CLIENTS_FORM)
        after = None
        try:
            after = positions.event_position(request.cursor)
        except positions.PositionInvalid:
            reader.tell("cursor", "is not a cursor of this clinic's events")
        reader.problems.raise_any()
        return Watch(clinic=actor.clinic, parent=parent, after=after)


def _name(reader: Reader, value: str) -> str:
    return reader.matching("name", value, names.ASSESSMENT_NAME, NAME_FORM)


def _name_under(reader: Reader, parent: str, path: str, value: str) -> str:
    name = reader.matching(path, value, names.ASSESSMENT_NAME, NAME_FORM)
    if names.ASSESSMENT_NAME.fullmatch(value) and not value.startswith(f"{parent}/assessments/"):
        reader.tell(path, "is not an assessment of the client in parent")
    return name


def _revision(reader: Reader, path: str, message: Message) -> int | None:
    if not message.HasField(path):
        return None
    revision: int = getattr(message, path)
    if revision < 1:
        reader.tell(path, f"{revision} is not a revision; the first is 1")
    return revision


def _etag(reader: Reader, value: str) -> str:
    if not value:
        reader.tell("etag", "is required: the etag of the assessment as you saw it")
    return value


def _reason(reader: Reader, value: str) -> str:
    return reader.lines("reason", value, limits.REASON_BYTES, required=True)


def _page_size(reader: Reader, value: int) -> int:
    if value < 0:
        reader.tell("page_size", f"{value} is negative")
    return min(value, LARGEST_PAGE) if value > 0 else DEFAULT_PAGE


def _page_token(reader: Reader, scope: str, token: str) -> int | None:
    try:
        return positions.position_of(scope, token)
    except positions.PositionInvalid:
        reader.tell("page_token", "is not the token of a page of this request")
        return None


def _repeatable(reader: Reader, method: str, request: Write, request_id: str) -> Request | None:
    """Returns what makes a write repeatable: its id, and the digest of everything else in it."""
    reader.matching("request_id", request_id, names.REQUEST_ID, "a UUID4", required=False)
    if not request_id:
        return None
    body = type(request)()
    body.CopyFrom(request)
    body.ClearField("request_id")
    digest = hashlib.sha256(body.SerializeToString(deterministic=True)).hexdigest()
    return Request(method=method, request_id=request_id.lower(), body_digest=digest)


def _intake(reader: Reader, message: pb.Assessment) -> Intake:
    texts, characters = limits.LISTED_TEXTS, limits.SENTENCE_CHARACTERS
    return Intake(
        client_label=reader.line("client_label", message.client_label, limits.LABEL_CHARACTERS),
        profile=_profile(reader.inside("profile"), message.profile),
        complaint=reader.lines("complaint", message.complaint, limits.NOTE_BYTES),
        goals=reader.list_of_lines("goals", message.goals, texts, characters),
        lifestyle=reader.lines("lifestyle", message.lifestyle, limits.NOTE_BYTES),
        daily_activities=reader.lines("daily_activities", message.daily_activities, limits.NOTE_BYTES),
        allergies=reader.list_of_lines("allergies", message.allergies, texts, characters),
        preferences=_preferences(reader.inside("preferences"), message.preferences),
        scheduled_time=reader.moment("scheduled_time", message),
    )


def _profile(reader: Reader, message: pb.ClientProfile) -> ClientProfile:
    return ClientProfile(
        age_years=reader.whole("age_years", message, limits.AGE_YEARS),
        sex=reader.optional_choice("sex", message.sex, SEXES),
    )


def _preferences(reader: Reader, message: pb.SessionPreferences) -> SessionPreferences:
    words = reader.vocabulary
    consents = reader.inside("consents")
    return SessionPreferences(
        pressure_tolerance=reader.whole("pressure_tolerance", message, limits.PRESSURE_TOLERANCE),
        unavailable_positions=reader.chosen(
            "unavailable_positions", "position", words.positions, message.unavailable_positions
        ),
        focus_zones=reader.chosen("focus_zones", "zone", words.zones, message.focus_zones),
        avoid_techniques=reader.chosen("avoid_techniques", "technique", words.techniques, message.avoid_techniques),
        consents=Consents(
            regions_not_to_touch=consents.chosen(
                "regions_not_to_touch", "region", words.regions, message.consents.regions_not_to_touch
            ),
            intraoral_allowed=consents.flag("intraoral_allowed", message.consents),
        ),
    )
