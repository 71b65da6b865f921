"""TLS and mutual TLS by configuration: who has no good certificate gets no connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from services.runtime.client import blocking_channel, open_channel
from services.runtime.server import ServerInvalid, ServerOptions, TlsFiles
from tests.support.trial_service import RECORD, Trial, trial_server


@dataclass(frozen=True, slots=True)
class Certificate:
    """Paths of a certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            self._draft(self._name, self._key, datetime.now(UTC) + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = folder / f"{name}.pem"
        self.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))

    def _draft(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, end: datetime) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(end - timedelta(days=2))
            .not_valid_after(end)
        )

    def issue(self, name: str, address: str = "127.0.0.1", end: datetime | None = None) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._draft(
                x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
                key,
                end or datetime.now(UTC) + timedelta(days=1),
            )
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        files = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        files.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
        files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return files


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


def tls(server: Certificate, clients: Authority | None = None) -> ServerOptions:
    files = TlsFiles(
        certificate=server.certificate,
        key=server.key,
        client_authority=None if clients is None else clients.certificate,
    )
    return ServerOptions(tls=files)


def impatient_channel(address: str, authority: Authority | None, own: Certificate | None = None) -> grpc.aio.Channel:
    """Opens a channel that does not try again: a failed handshake stays one."""
    options = [("grpc.enable_retries", 0)]
    if authority is None:
        return grpc.aio.insecure_channel(address, options)
    pair = (None, None) if own is None else (own.key.read_bytes(), own.certificate.read_bytes())
    credentials = grpc.ssl_channel_credentials(authority.certificate.read_bytes(), *pair)
    return grpc.aio.secure_channel(address, credentials, options)


async def code_of(trial: Trial, channel: grpc.aio.Channel) -> grpc.StatusCode:
    async with channel:
        call: Any = channel.unary_unary(RECORD)
        try:
            await call(b"", metadata=trial.issuer.metadata(), timeout=3)
        except grpc.aio.AioRpcError as error:
            return error.code()
        return grpc.StatusCode.OK


async def test_tls_serves_who_trusts_the_authority(tmp_path: Path, authority: Authority) -> None:
    stranger = Authority(tmp_path, "stranger")
    async with trial_server(tmp_path, options=tls(authority.issue("server"))) as trial:
        address = trial.server.address
        good = open_channel(address, authority=str(authority.certificate))
        assert await code_of(trial, good) is grpc.StatusCode.OK
        assert await code_of(trial, impatient_channel(address, stranger)) is grpc.StatusCode.UNAVAILABLE
        assert await code_of(trial, impatient_channel(address, None)) is grpc.StatusCode.UNAVAILABLE
        assert trial.service.entered == 1


async def test_tls_of_another_address_is_refused_by_the_client(tmp_path: Path, authority: Authority) -> None:
    async with trial_server(tmp_path, options=tls(authority.issue("server", "127.0.0.9"))) as trial:
        channel = impatient_channel(trial.server.address, authority)
        assert await code_of(trial, channel) is grpc.StatusCode.UNAVAILABLE


async def test_old_versions_of_tls_are_refused(tmp_path: Path, authority: Authority) -> None:
    async with trial_server(tmp_path, options=tls(authority.issue("server"))) as trial:
        host, _, port = trial.server.address.rpartition(":")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(authority.certificate)
        context.set_alpn_protocols(["h2"])
        accepted = []
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context.minimum_version = context.maximum_version = version
            accepted.append(await _handshake(context, host, int(port)))
        assert accepted == ["TLSv1.2", "TLSv1.3"]
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ConnectionError, ssl.SSLError)) as caught:
            await _handshake(context, host, int(port))
        # The server said no, or just hung up; this side did offer it.
        assert isinstance(caught.value, ConnectionError) or "PROTOCOL_VERSION" in str(caught.value)


async def _handshake(context: ssl.SSLContext, host: str, port: int) -> str | None:
    _, writer = await asyncio.wait_for(asyncio.open_connection(host, port, ssl=context), 5)
    version: str | None = writer.get_extra_info("ssl_object").version()
    writer.close()
    return version


CLIENTS: dict[str, tuple[Callable[[Authority, Path], Certificate | None], bool]] = {
    "good": (lambda authority, _: authority.issue("client"), True),
    "none": (lambda _, __: None, False),
    "of another authority": (lambda _, folder: Authority(folder, "stranger").issue("client"), False),
    "expired": (lambda authority, _: authority.issue("client", end=datetime.now(UTC) - timedelta(hours=1)), False),
}


@pytest.mark.parametrize("client", CLIENTS)
async def test_mutual_tls_needs_a_certificate_of_the_client(tmp_path: Path, authority: Authority, client: str) -> None:
    make, accepted = CLIENTS[client]
    own = make(authority, tmp_path)
    async with trial_server(tmp_path, options=tls(authority.issue("server"), authority)) as trial:
        expected = grpc.StatusCode.OK if accepted else grpc.StatusCode.UNAVAILABLE
        assert await code_of(trial, impatient_channel(trial.server.address, authority, own)) is expected
        assert trial.service.entered == int(accepted)


async def test_client_of_the_services_shows_its_certificate(tmp_path: Path, authority: Authority) -> None:
    own = authority.issue("client")
    async with trial_server(tmp_path, options=tls(authority.issue("server"), authority)) as trial:
        channel = open_channel(
            trial.server.address,
            authority=str(authority.certificate),
            certificate=str(own.certificate),
            key=str(own.key),
        )
        assert await code_of(trial, channel) is grpc.StatusCode.OK


async def test_blocking_client_speaks_tls_too(tmp_path: Path, authority: Authority) -> None:
    async with trial_server(tmp_path, options=tls(authority.issue("server"))) as trial:

        def call() -> bytes:
            with blocking_channel(trial.server.address, str(authority.certificate)) as channel:
                method: Any = channel.unary_unary(RECORD)
                answer: bytes = method(b"", metadata=trial.issuer.metadata(), timeout=5)
                return answer

        assert await asyncio.to_thread(call) == b""


async def test_missing_tls_file_stops_the_build(tmp_path: Path, authority: Authority) -> None:
    server = authority.issue("server")
    server.key.unlink()
    with pytest.raises(ServerInvalid, match=r"server\.key"):
        async with trial_server(tmp_path, options=tls(server)):
            pass


async def test_taken_port_stops_the_build(tmp_path: Path) -> None:
    async with trial_server(tmp_path) as trial:
        with pytest.raises(ServerInvalid, match="cannot serve on"):
            async with trial_server(tmp_path, options=ServerOptions(address=trial.server.address)):
                pass
