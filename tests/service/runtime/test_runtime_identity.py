"""Nobody reaches a handler without a good token and a right; nothing else is read before that is settled."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse, HealthListRequest
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

from myoplan.assessment.v1.assessment_pb2 import Assessment
from myoplan.assessment.v1.assessment_service_pb2 import AssessmentEvent, CreateAssessmentRequest
from services.runtime.client import error_of
from services.runtime.identity import Caller, Role, current_caller
from services.runtime.logs import make_logger
from services.runtime.server import ServerInvalid, ServerOptions, build_server
from services.runtime.status import CallRefused
from tests.support.tokens import TokenIssuer
from tests.support.trial_service import (
    FOLLOW,
    NAME,
    RECORD,
    RIGHTS,
    SUPERVISE,
    Trial,
    TrialService,
    descriptors,
    registration,
    trial_server,
)

UNREADABLE = b"\xff\xff\xff"
Metadata = tuple[tuple[str, str], ...]


@pytest.fixture
async def trial(tmp_path: Path) -> AsyncIterator[Trial]:
    async with trial_server(tmp_path) as running:
        yield running


def bearer(token: str) -> Metadata:
    return (("authorization", f"Bearer {token}"),)


def segment(content: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def unsigned(issuer: TokenIssuer) -> Metadata:
    return bearer(f"{segment({'alg': 'none', 'kid': issuer.key_id})}.{segment(issuer.claims())}.")


def signed_with_public_key(issuer: TokenIssuer, shared_key: bytes) -> Metadata:
    """An HS256 token whose shared secret is the public key, which everybody can read."""
    signing_input = f"{segment({'alg': 'HS256', 'kid': issuer.key_id})}.{segment(issuer.claims())}"
    digest = hmac.new(shared_key, signing_input.encode(), hashlib.sha256).digest()
    return bearer(f"{signing_input}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}")


def public_pem(issuer: TokenIssuer) -> bytes:
    pem: bytes = issuer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


def public_raw(issuer: TokenIssuer) -> bytes:
    raw: bytes = issuer.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return raw


def tampered(issuer: TokenIssuer) -> Metadata:
    head, _, signature = issuer.token().split(".")
    return bearer(f"{head}.{segment(issuer.claims(roles=['supervisor']))}.{signature}")


CREDENTIALS: dict[str, tuple[Callable[[TokenIssuer], Metadata], str]] = {
    "none": (lambda _: (), "missing"),
    "another scheme": (lambda issuer: (("authorization", f"Basic {issuer.token()}"),), "malformed"),
    "no token": (lambda _: (("authorization", "Bearer "),), "malformed"),
    "two credentials": (lambda issuer: issuer.metadata() * 2, "malformed"),
    "not a token": (lambda _: bearer("abc"), "malformed"),
    "five parts": (lambda _: bearer("a.b.c.d.e"), "malformed"),
    "bytes that are no JSON": (lambda _: bearer("AAAA.AAAA.AAAA"), "malformed"),
    "not signed": (unsigned, "algorithm"),
    "public key as shared key": (lambda issuer: signed_with_public_key(issuer, public_pem(issuer)), "algorithm"),
    "public key bytes as shared key": (lambda issuer: signed_with_public_key(issuer, public_raw(issuer)), "algorithm"),
    "RS256 under the name of an Ed25519 key": (
        lambda issuer: bearer(TokenIssuer("RS256", issuer.key_id).token()),
        "algorithm",
    ),
    "claims changed after signing": (tampered, "signature"),
    "another key of the same name": (lambda issuer: bearer(TokenIssuer(key_id=issuer.key_id).token()), "signature"),
    "unknown key": (lambda _: bearer(TokenIssuer(key_id="other").token()), "key"),
    "wrong issuer": (lambda issuer: issuer.metadata(iss="https://elsewhere.test"), "issuer"),
    "no issuer": (lambda issuer: issuer.metadata(iss=None), "no iss"),
    "wrong audience": (lambda issuer: issuer.metadata(aud="another"), "audience"),
    "no audience": (lambda issuer: issuer.metadata(aud=None), "no aud"),
    "expired": (lambda issuer: issuer.metadata(now=datetime.now(UTC) - timedelta(hours=2)), "expired"),
    "never expires": (lambda issuer: issuer.metadata(exp=None), "no exp"),
    "expires at no time": (lambda issuer: issuer.metadata(exp="soon"), "exp"),
    "expires in the year 100000": (lambda issuer: issuer.metadata(exp=10**13), "exp"),
    "not yet valid": (lambda issuer: issuer.metadata(now=datetime.now(UTC) + timedelta(hours=2)), "not yet valid"),
    "proved in the future": (lambda issuer: issuer.metadata(auth_time=4_000_000_000), "auth_time"),
    "no clinic": (lambda issuer: issuer.metadata(clinic=None), "clinic"),
    "clinic with a brace": (lambda issuer: issuer.metadata(clinic="a}:{b"), "clinic"),
    "clinic with a line break": (lambda issuer: issuer.metadata(clinic="clinic-a\n"), "clinic"),
    "clinic of 64 letters": (lambda issuer: issuer.metadata(clinic="a" * 64), "clinic"),
    "nobody": (lambda issuer: issuer.metadata(sub=""), "sub"),
    "person with a line break": (lambda issuer: issuer.metadata(person="tess\nadmin"), "sub"),
    "person of 129 letters": (lambda issuer: issuer.metadata(person="a" * 129), "sub"),
    "name that is no text": (lambda issuer: issuer.metadata(name=5), "name"),
    "no roles": (lambda issuer: issuer.metadata(roles=[]), "roles"),
    "only unknown roles": (lambda issuer: issuer.metadata(roles=["owner", {"therapist": True}]), "roles"),
}


@pytest.mark.parametrize("credential", CREDENTIALS)
async def test_bad_credential_never_reaches_a_handler(trial: Trial, credential: str) -> None:
    make, problem = CREDENTIALS[credential]
    metadata = make(trial.issuer)
    with pytest.raises(grpc.aio.AioRpcError) as unary:
        await trial.raw()(UNREADABLE, metadata=metadata)
    with pytest.raises(grpc.aio.AioRpcError) as stream:
        await trial.follow(metadata=metadata).read()
    for caught in (unary, stream):
        error = error_of(caught.value)
        assert error.code is grpc.StatusCode.UNAUTHENTICATED
        assert error.reason == "CREDENTIAL_INVALID"
        assert error.metadata == {"problem": problem}
    assert trial.service.entered == 0
    assert all(value not in trial.log.getvalue() for _, value in metadata if value.startswith("Bearer ey"))


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
async def test_good_token_says_who_calls(tmp_path: Path, algorithm: str) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    async with trial_server(tmp_path) as trial:
        issuer = TokenIssuer(algorithm, "the-new-key")
        trial.issuer.write_key_set(tmp_path / "keys.json", issuer)  # the clinic adds a key while we run
        callers: list[Caller] = []

        async def answer(_request: CreateAssessmentRequest) -> Assessment:
            callers.append(current_caller())
            return Assessment()

        async def events() -> AsyncIterator[AssessmentEvent]:
            callers.append(current_caller())
            yield AssessmentEvent()

        trial.service.answer, trial.service.events = answer, events
        token = issuer.token(roles=["therapist", "owner", "trainee"], clinic="clinic-b", person="tess", now=now)
        await trial.record(metadata=bearer(token))
        await trial.follow(metadata=bearer(token)).read()
        expected = Caller(
            clinic="clinic-b",
            person="tess",
            display_name="Tess",
            roles=frozenset({Role.THERAPIST, Role.TRAINEE}),
            token=token,
            auth_time=now,
        )
        assert callers == [expected, expected]
        assert token not in repr(callers)
        assert token not in trial.log.getvalue()


async def test_caller_is_nobody_outside_of_a_call() -> None:
    with pytest.raises(LookupError):
        current_caller()


async def test_only_health_is_anonymous(trial: Trial) -> None:
    health = trial.health()
    not_serving, serving = HealthCheckResponse.NOT_SERVING, HealthCheckResponse.SERVING
    assert (await health.Check(HealthCheckRequest(service=NAME))).status == not_serving
    assert (await health.Check(HealthCheckRequest())).status == not_serving
    watch = health.Watch(HealthCheckRequest(service=NAME))
    stranger = health.Watch(HealthCheckRequest(service="stranger"))
    assert (await watch.read()).status == not_serving
    assert (await stranger.read()).status == HealthCheckResponse.SERVICE_UNKNOWN
    trial.server.health.set(NAME, serving=True)
    assert (await watch.read()).status == serving
    assert (await health.Check(HealthCheckRequest(service=NAME))).status == serving
    listed = await health.List(HealthListRequest())
    assert {name: answer.status for name, answer in listed.statuses.items()} == {"": serving, NAME: serving}
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health.Check(HealthCheckRequest(service="stranger"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    with pytest.raises(KeyError):
        trial.server.health.set("stranger", serving=True)
    watch.cancel()
    stranger.cancel()


def list_services(channel: grpc.aio.Channel, metadata: Metadata) -> grpc.aio.StreamStreamCall[object, object]:
    method: grpc.aio.StreamStreamMultiCallable[object, object] = channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        request_serializer=ServerReflectionRequest.SerializeToString,
        response_deserializer=ServerReflectionResponse.FromString,
    )
    return method(iter([ServerReflectionRequest(list_services="")]), metadata=metadata)


async def test_reflection_is_off_unless_asked_for(trial: Trial) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await list_services(trial.channel, trial.issuer.metadata()).read()
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_reflection_needs_a_token(tmp_path: Path) -> None:
    async with trial_server(tmp_path, options=ServerOptions(reflection=True)) as trial:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await list_services(trial.channel, ()).read()
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        call = list_services(trial.channel, trial.issuer.metadata(roles=["auditor"]))
        answer = await call.read()
        assert isinstance(answer, ServerReflectionResponse)
        assert NAME in {service.name for service in answer.list_services_response.service}
        call.cancel()


async def test_role_without_the_right_is_denied_before_anything_is_read(tmp_path: Path) -> None:
    denied: list[tuple[str, str]] = []

    async def on_denied(caller: Caller, method: str) -> None:
        denied.append((caller.person, method))

    async with trial_server(tmp_path, on_denied=on_denied) as trial:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await trial.raw(SUPERVISE)(UNREADABLE, metadata=trial.issuer.metadata())
        error = error_of(caught.value)
        assert error.code is grpc.StatusCode.PERMISSION_DENIED
        assert error.reason == "ROLE_LACKS_RIGHT"
        assert error.metadata == {"method": "Supervise", "roles": "therapist"}
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await trial.follow(metadata=trial.issuer.metadata(roles=["auditor", "admin"])).read()
        error = error_of(caught.value)
        assert error.metadata == {"method": "Follow", "roles": "admin,auditor"}
        assert denied == [("tess", SUPERVISE), ("tess", FOLLOW)]
        assert trial.service.entered == 0
        supervisor = trial.issuer.metadata(roles=["supervisor"])
        assert await trial.raw(SUPERVISE)(b"", metadata=supervisor) == b""
        assert len(denied) == 2


async def test_denied_call_stays_refused_when_its_entry_cannot_be_written(tmp_path: Path) -> None:
    async def on_denied(_caller: Caller, _method: str) -> None:
        raise ConnectionError("canary")

    def explain(error: Exception) -> CallRefused | None:
        if isinstance(error, ConnectionError):
            return CallRefused(code=grpc.StatusCode.UNAVAILABLE, reason="STORE_UNAVAILABLE", message="no store")
        return None

    async with trial_server(tmp_path, on_denied=on_denied, explain=explain) as trial:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await trial.raw(SUPERVISE)(b"", metadata=trial.issuer.metadata())
        assert error_of(caught.value).reason == "STORE_UNAVAILABLE"
        assert trial.service.entered == 0


async def test_denied_calls_take_room_while_their_entry_is_written(tmp_path: Path) -> None:
    """Each of them writes: a role without rights must not be able to flood the store."""
    writing, release = 0, asyncio.Event()
    full = asyncio.Event()

    async def on_denied(_caller: Caller, _method: str) -> None:
        nonlocal writing
        writing += 1
        if writing == 16:
            full.set()
        await release.wait()

    async with trial_server(tmp_path, on_denied=on_denied) as trial:
        metadata = trial.issuer.metadata()
        calls = [trial.raw(SUPERVISE)(b"", metadata=metadata) for _ in range(16)]
        await asyncio.wait_for(full.wait(), 5)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await trial.raw(SUPERVISE)(b"", metadata=metadata)
        assert error_of(caught.value).metadata == {"limit": "calls_per_clinic", "most": "16"}
        release.set()
        assert {await call.code() for call in calls} == {grpc.StatusCode.PERMISSION_DENIED}
        assert writing == 16


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("method", RIGHTS)
async def test_table_of_rights_decides(trial: Trial, method: str, role: Role) -> None:
    metadata = trial.issuer.metadata(roles=[role])
    call = trial.raw(method)(b"", metadata=metadata)
    allowed = role in RIGHTS[method]
    with contextlib.nullcontext() if allowed else pytest.raises(grpc.aio.AioRpcError, match="has no right"):
        await (call.read() if method == FOLLOW else call)
    assert trial.service.entered == int(allowed)


@pytest.mark.parametrize(
    ("rights", "pool", "problem"),
    [
        ({RECORD: RIGHTS[RECORD], FOLLOW: RIGHTS[FOLLOW]}, descriptors(), f"{SUPERVISE} has no row"),
        ({**RIGHTS, f"/{NAME}/Erase": RIGHTS[RECORD]}, descriptors(), f"{NAME}/Erase, which no service has"),
        ({**RIGHTS, SUPERVISE: frozenset()}, descriptors(), f"lets nobody call {SUPERVISE}"),
        ({}, DescriptorPool(), f"{NAME} has no descriptor"),
    ],
)
async def test_server_is_not_built_on_an_incomplete_table(
    tmp_path: Path, rights: dict[str, frozenset[Role]], pool: DescriptorPool, problem: str
) -> None:
    verifier = await TokenIssuer().verifier(tmp_path)
    with pytest.raises(ServerInvalid, match=problem.replace("/", "[/]")):
        build_server(
            ServerOptions(),
            [registration(TrialService())],
            rights,
            verifier,
            lambda _: None,
            make_logger("error"),
            pool=pool,
        )
