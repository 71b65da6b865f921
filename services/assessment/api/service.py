"""The handlers: parse, call, render."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from myoplan.assessment.v1 import assessment_pb2 as pb
from myoplan.assessment.v1 import assessment_service_pb2 as service_pb
from myoplan.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceServicer
from services.assessment.api import render, render_comparison
from services.assessment.api.parse import Parser
from services.assessment.ports import StoredAssessment
from services.assessment.usecases.compare import compare_assessments
from services.assessment.usecases.create import create_assessment
from services.assessment.usecases.findings import record_findings, retract_findings
from services.assessment.usecases.lifecycle import amend_assessment, complete_assessment, void_assessment
from services.assessment.usecases.read import get_assessment, list_assessments
from services.assessment.usecases.records import Records
from services.assessment.usecases.refusals import record_refusal
from services.assessment.usecases.revisions import list_revisions
from services.assessment.usecases.update import update_assessment
from services.assessment.usecases.watch import watch_assessments
from services.runtime.callers import actor_of, current_actor
from services.runtime.identity import Caller


class AssessmentService(AssessmentServiceServicer):
    """Implements the contract. Errors pass through; `errors.explain` says what they mean."""

    def __init__(self, parser: Parser, records: Records, knowledge_revision: str) -> None:
        self._parse = parser
        self._records = records
        self._knowledge_revision = knowledge_revision

    def _rendered(self, stored: StoredAssessment) -> pb.Assessment:
        return render.assessment(stored, self._knowledge_revision)

    async def on_denied(self, caller: Caller, method: str) -> None:
        """Leaves a trace of a call that the caller had no right to."""
        await record_refusal(self._records, actor_of(caller), method.rpartition("/")[2])

    async def CreateAssessment(self, request: service_pb.CreateAssessmentRequest, context: Any) -> pb.Assessment:
        """Creates an assessment."""
        command = self._parse.create(current_actor(), request)
        stored = await create_assessment(self._records, command)
        return self._rendered(stored)

    async def GetAssessment(self, request: service_pb.GetAssessmentRequest, context: Any) -> pb.Assessment:
        """Gets an assessment."""
        query = self._parse.get(current_actor(), request)
        stored = await get_assessment(self._records, query)
        return self._rendered(stored)

    async def ListAssessments(
        self,
        request: service_pb.ListAssessmentsRequest,
        context: Any,
    ) -> service_pb.ListAssessmentsResponse:
        """Lists assessments."""
        query = self._parse.list(current_actor(), request)
        page = await list_assessments(self._records, query)
        return render.assessment_page(query, page, self._knowledge_revision)

    async def UpdateAssessment(self, request: service_pb.UpdateAssessmentRequest, context: Any) -> pb.Assessment:
        """Changes intake fields."""
        command = self._parse.update(current_actor(), request)
        stored = await update_assessment(self._records, command)
        return self._rendered(stored)

    async def RecordFindings(self, request: service_pb.RecordFindingsRequest, context: Any) -> pb.Assessment:
        """Records findings."""
        command = self._parse.record(current_actor(), request)
        stored = await record_findings(self._records, command)
        return self._rendered(stored)

    async def RetractFindings(self, request: service_pb.RetractFindingsRequest, context: Any) -> pb.Assessment:
        """Takes findings back."""
        command = self._parse.retract(current_actor(), request)
        stored = await retract_findings(self._records, command)
        return self._rendered(stored)

    async def CompleteAssessment(self, request: service_pb.CompleteAssessmentRequest, context: Any) -> pb.Assessment:
        """Seals an assessment."""
        command = self._parse.complete(current_actor(), request)
        stored = await complete_assessment(self._records, command)
        return self._rendered(stored)

    async def VoidAssessment(self, request: service_pb.VoidAssessmentRequest, context: Any) -> pb.Assessment:
        """Voids an assessment."""
        command = self._parse.void(current_actor(), request)
        stored = await void_assessment(self._records, command)
        return self._rendered(stored)

    async def AmendAssessment(self, request: service_pb.AmendAssessmentRequest, context: Any) -> pb.Assessment:
        """Opens a sealed assessment again."""
        command = self._parse.amend(current_actor(), request)
        stored = await amend_assessment(self._records, command)
        return self._rendered(stored)

    async def ListAssessmentRevisions(
        self,
        request: service_pb.ListAssessmentRevisionsRequest,
        context: Any,
    ) -> service_pb.ListAssessmentRevisionsResponse:
        """Lists revisions."""
        query = self._parse.revisions(current_actor(), request)
        page = await list_revisions(self._records, query)
        return render.revision_page(query, page)

    async def CompareAssessments(
        self,
        request: service_pb.CompareAssessmentsRequest,
        context: Any,
    ) -> service_pb.AssessmentComparison:
        """Compares two assessments."""
        query = self._parse.compare(current_actor(), request)
        compared = await compare_assessments(self._records, query)
        return render_comparison.comparison(compared)

    async def WatchAssessments(
        self,
        request: service_pb.WatchAssessmentsRequest,
        context: Any,
    ) -> AsyncIterator[service_pb.AssessmentEvent]:
        """Streams events."""
        query = self._parse.watch(current_actor(), request)
        async with aclosing(watch_assessments(self._records, query)) as entries:
            async for entry in entries:
                yield render.event(entry)
