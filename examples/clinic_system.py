"""A clinic system in one file: records an assessment, gets a plan, follows events.

    python examples/clinic_system.py ASSESSMENT_ADDRESS PLANNER_ADDRESS TOKEN

The addresses are those that `./run up` prints; the token is the clinic's own (for a trial:
`./run myoplan token --role system`).
A stub is all it takes: nothing of Myoplan but the generated package `myoplan` is imported.
"""

from __future__ import annotations

import sys
import uuid

import grpc
from google.protobuf.duration_pb2 import Duration

from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.assessment.v1 import assessment_service_pb2 as assessments
from myoplan.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceStub
from myoplan.planner.v1 import plan_pb2 as p
from myoplan.planner.v1 import planner_service_pb2 as plans
from myoplan.planner.v1.planner_service_pb2_grpc import PlannerServiceStub

MINUTE = 60


def record(service: AssessmentServiceStub, credential: tuple[tuple[str, str]]) -> a.Assessment:
    """Records one assessment in three calls; each write carries a request_id, so it can be repeated safely."""
    created = service.CreateAssessment(
        assessments.CreateAssessmentRequest(
            parent=f"clients/c-{uuid.uuid4().hex[:8]}",
            assessment=a.Assessment(
                client_label="Example client",
                profile=a.ClientProfile(age_years=41, sex=a.ClientProfile.FEMALE),
                complaint="Neck pain and headache on the right",
            ),
            request_id=str(uuid.uuid4()),
        ),
        metadata=credential,
    )
    recorded = service.RecordFindings(
        assessments.RecordFindingsRequest(
            name=created.name,
            pain_areas=[a.PainArea(zone="back_of_neck", side=a.RIGHT, intensity=6)],
            palpation_findings=[
                a.PalpationFinding(
                    muscle="levator_scapulae",
                    side=a.RIGHT,
                    taut_band=True,
                    spot_tenderness=True,
                    tenderness=7,
                    reproduces_familiar_pain=True,
                )
            ],
            rom_tests=[
                a.RomTest(
                    motion="cervical_rotation",
                    side=a.RIGHT,
                    mode=a.RomTest.ACTIVE,
                    measured=a.RomTest.Measurement(value=48, pain=4),
                )
            ],
            health_flags=[a.HealthFlag(condition="anticoagulant", answer=a.HealthFlag.ABSENT)],
            request_id=str(uuid.uuid4()),
        ),
        metadata=credential,
    )
    return service.CompleteAssessment(
        assessments.CompleteAssessmentRequest(name=recorded.name, etag=recorded.etag, request_id=str(uuid.uuid4())),
        metadata=credential,
    )


def plan(service: PlannerServiceStub, credential: tuple[tuple[str, str]], assessment: a.Assessment) -> p.Plan:
    """Asks for a plan of 60 minutes."""
    return service.CreatePlan(
        plans.CreatePlanRequest(
            parent=assessment.name.partition("/assessments/")[0],
            plan=p.Plan(assessment=assessment.name, time_budget=Duration(seconds=60 * MINUTE)),
            request_id=str(uuid.uuid4()),
        ),
        metadata=credential,
    )


def main() -> None:
    """Records, plans, and reads the event stream until the assessment's sealing has come by."""
    assessment_address, planner_address, token = sys.argv[1:4]
    credential = (("authorization", f"Bearer {token}"),)
    with (
        grpc.insecure_channel(assessment_address) as to_assessment,
        grpc.insecure_channel(planner_address) as to_planner,
    ):
        assessment_service = AssessmentServiceStub(to_assessment)
        sealed = record(assessment_service, credential)
        finding = sealed.palpation_findings[0]
        print(f"{sealed.name}: {a.PalpationFinding.Classification.Name(finding.classification)} in {finding.muscle}")

        proposal = plan(PlannerServiceStub(to_planner), credential, sealed)
        print(f"{proposal.name}: {p.Plan.Disposition.Name(proposal.disposition)}, {len(proposal.steps)} steps")
        for step in proposal.steps:
            what = step.muscle or step.region or step.motion or step.position
            minutes, phase, side = step.duration.seconds / MINUTE, p.Step.Phase.Name(step.phase), p.Side.Name(step.side)
            print(f"  {minutes:4.1f} min  {phase:9}  {side:16}  {what}  {step.technique}")

        # Keep the last cursor: after a restart the stream goes on behind it, and nothing is missed.
        watching = assessments.WatchAssessmentsRequest(parent=sealed.name.partition("/assessments/")[0])
        for event in assessment_service.WatchAssessments(watching, metadata=credential):
            print(f"event {event.cursor}: {assessments.Action.Name(event.action)} revision {event.revision}")
            if event.action == assessments.COMPLETED:
                break


if __name__ == "__main__":
    main()
