"""Emergency access: with a reason, for a time, to one client, to read only; and all of it in the report."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from myoplan.planner.v1 import planner_service_pb2 as service_pb
from myoplan.planner.v1 import review_pb2 as pb
from myoplan.planner.v1.session_pb2 import GetSessionRequest
from tests.support.planner_service import CLIENT, PLAN_NAME, Running, planning

ADMIN: dict[str, Any] = {"sub": "ann", "roles": ["admin"]}
READS = {
    "GetPlan": service_pb.GetPlanRequest(name=PLAN_NAME),
    "ListPlans": service_pb.ListPlansRequest(parent=CLIENT),
    "ListComments": pb.ListCommentsRequest(parent=PLAN_NAME),
    "ListPlanEvents": pb.ListPlanEventsRequest(parent=PLAN_NAME),
    "GetSession": GetSessionRequest(name=PLAN_NAME),
    "ExportPlan": pb.ExportPlanRequest(name=PLAN_NAME, format=pb.ExportPlanRequest.HTML),
}
REASON = "the client fainted after the session"


def asking(**changes: Any) -> pb.RequestBreakGlassRequest:
    """Returns a good request for ten minutes."""
    return pb.RequestBreakGlassRequest(
        **{"client": CLIENT, "reason": REASON, "duration": Duration(seconds=600), **changes}
    )


@pytest.fixture
async def planned(service: Running) -> Running:
    """A clinic with one plan."""
    await service.assess()
    await service.call("CreatePlan", planning(40))
    return service


@pytest.mark.parametrize("method", READS)
async def test_an_admin_reads_only_with_a_grant(planned: Running, method: str) -> None:
    before = await planned.refused(method, READS[method], **ADMIN)
    assert (before.code, before.reason) == (grpc.StatusCode.PERMISSION_DENIED, "BREAK_GLASS_NEEDED")
    await planned.call("RequestBreakGlass", asking(), **ADMIN)
    if method == "GetSession":
        assert (await planned.refused(method, READS[method], **ADMIN)).code is grpc.StatusCode.NOT_FOUND
    else:
        await planned.call(method, READS[method], **ADMIN)


async def test_a_grant_is_for_one_person_and_one_client(planned: Running) -> None:
    await planned.call("RequestBreakGlass", asking(client="clients/bob"), **ADMIN)
    await planned.call("RequestBreakGlass", asking(), **{**ADMIN, "sub": "another"})
    refused = await planned.refused("GetPlan", READS["GetPlan"], **ADMIN)
    assert refused.reason == "BREAK_GLASS_NEEDED"
    everybody = service_pb.ListPlansRequest(parent="clients/-")
    assert (await planned.refused("ListPlans", everybody, **ADMIN)).reason == "BREAK_GLASS_NEEDED"


async def test_a_grant_ends_by_itself(planned: Running) -> None:
    """The clock of this service goes on by a second whenever somebody looks at it."""
    await planned.call("RequestBreakGlass", asking(duration=Duration(seconds=2)), **ADMIN)
    await planned.call("GetPlan", READS["GetPlan"], **ADMIN)
    for _ in range(2):
        refused = None
        try:
            await planned.call("GetPlan", READS["GetPlan"], **ADMIN)
        except grpc.aio.AioRpcError as error:
            refused = error
    assert refused is not None
    assert refused.code() is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": ""},
        {"reason": "too short"},
        {"duration": Duration(seconds=0)},
        {"duration": Duration(seconds=3601)},
        {"duration": None},
        {"client": "clients/-"},
    ],
    ids=str,
)
async def test_a_bad_request_gives_nothing(planned: Running, changes: dict[str, Any]) -> None:
    refused = await planned.refused("RequestBreakGlass", asking(**changes), **ADMIN)
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert (await planned.refused("GetPlan", READS["GetPlan"], **ADMIN)).reason == "BREAK_GLASS_NEEDED"


async def test_a_grant_lets_nobody_write(planned: Running) -> None:
    await planned.call("RequestBreakGlass", asking(), **ADMIN)
    plan = await planned.call("GetPlan", READS["GetPlan"], **ADMIN)
    approve = pb.ApprovePlanRequest(name=plan.name, etag=plan.etag, digest=plan.digest)
    for method, request in (("ApprovePlan", approve), ("CreatePlan", planning(30))):
        refused = await planned.refused(method, request, **ADMIN)
        assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_LACKS_RIGHT")


async def test_every_grant_is_in_the_report(planned: Running) -> None:
    for person in ("ann", "abe", "ann"):
        await planned.call("RequestBreakGlass", asking(), **{**ADMIN, "sub": person})
    listing = pb.ListBreakGlassGrantsRequest(parent="clients/-", page_size=2)
    first = await planned.call("ListBreakGlassGrants", listing, sub="sue", roles=["supervisor"])
    listing.page_token = first.next_page_token
    second = await planned.call("ListBreakGlassGrants", listing, sub="sue", roles=["supervisor"])
    found = [*first.grants, *second.grants]
    assert [grant.person.id for grant in found] == ["ann", "abe", "ann"]
    assert {(grant.client, grant.reason) for grant in found} == {(CLIENT, REASON)}
    assert all(grant.expire_time.seconds - grant.start_time.seconds == 600 for grant in found)
    denied = await planned.refused("ListBreakGlassGrants", listing)
    assert denied.reason == "ROLE_LACKS_RIGHT"


async def test_the_same_request_gives_one_grant(planned: Running) -> None:
    request = asking(request_id="5c2f0a38-9a0e-4a52-8a52-1d6b7d2f6b11")
    first, again = [await planned.call("RequestBreakGlass", request, **ADMIN) for _ in range(2)]
    assert first == again
    listing = pb.ListBreakGlassGrantsRequest(parent=CLIENT)
    assert len((await planned.call("ListBreakGlassGrants", listing, **ADMIN)).grants) == 1
