"""Records survive a crash of Redis under the ACL of the deployment; its users reach only what is theirs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, RedisError

from cli.local.redis_server import DURABLE, RedisServer, find_redis
from services.store.model import Actor, Write
from services.store.redis import RedisStore
from services.store.seals import Sealer

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The secrets of a deployment, made by its own script."""
    shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=shutil.ignore_patterns("secrets"))
    subprocess.run(["sh", tmp_path / "deploy" / "make-secrets.sh"], check=True, capture_output=True)
    return tmp_path / "deploy" / "secrets"


async def test_records_survive_a_crash_under_the_acl(tmp_path: Path, secrets: Path) -> None:
    """Redis reads its file back as the default user: without rights it would start without the records."""
    address = (secrets / "assessment" / "MYOPLAN_REDIS_URL").read_text()
    password = address.partition("assessment:")[2].partition("@")[0]
    server = RedisServer(find_redis(), tmp_path / "redis", {**DURABLE, "aclfile": str(secrets / "users.acl")})
    try:
        server.start(ready=b"-NOAUTH")
        url = f"unix://assessment:{password}@{server.socket}"
        actor = Actor(clinic="demo", person="tess", display_name="Tess", roles=("therapist",))
        name = "clients/ada/assessments/first"
        write = Write(actor=actor, name=name, expected_etag=None, content=b"kept", action="CREATED", time_micros=1)
        async with RedisStore(url, "assessment", Sealer.from_key(b"k" * 32)) as store:
            await store.write(write)
        server.kill()
        server.start(ready=b"-NOAUTH")
        async with RedisStore(url, "assessment", Sealer.from_key(b"k" * 32)) as store:
            assert (await store.read("demo", name)).content == b"kept"
            assert await store.verify("demo") == ()
        async with Redis.from_url(url) as client:
            for forbidden in (
                client.get("planner:{demo}:x"),
                client.flushall(),
                client.config_set("appendfsync", "no"),
            ):
                with pytest.raises(NoPermissionError):
                    await forbidden
        async with Redis(unix_socket_path=str(server.socket)) as nobody:
            with pytest.raises(RedisError):
                await nobody.ping()
    finally:
        server.stop()
