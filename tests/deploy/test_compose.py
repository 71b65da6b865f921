"""The compose file and what it mounts keep the promises of docs/deploying.md."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SERVICES = ("assessment", "planner")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())
    assert isinstance(loaded, dict)
    return loaded


def make_secrets(deploy: Path) -> None:
    subprocess.run(["sh", deploy / "make-secrets.sh"], check=True, capture_output=True)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The secrets of a deployment, made by its own script."""
    shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=shutil.ignore_patterns("secrets"))
    make_secrets(tmp_path / "deploy")
    return tmp_path / "deploy" / "secrets"


def settings_of(text: str) -> dict[str, str]:
    lines = (line.partition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: value for name, _, value in lines}


def test_redis_is_durable() -> None:
    settings = settings_of((DEPLOY / "redis" / "redis.conf").read_text())
    wanted = {
        "appendonly": "yes",
        "appendfsync": "always",
        "no-appendfsync-on-rewrite": "no",
        "maxmemory-policy": "noeviction",
    }
    assert wanted.items() <= settings.items()
    assert settings["aclfile"] == "/etc/myoplan/users.acl"


def test_redis_keeps_its_data_in_a_named_volume_and_is_not_published(compose: dict[str, Any]) -> None:
    redis = compose["services"]["redis"]
    assert "records:/data" in redis["volumes"]
    assert "records" in compose["volumes"]
    assert "ports" not in redis


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_keeps_its_anchor_apart_from_the_records(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["environment"]["MYOPLAN_ANCHOR_FILE"].startswith("/var/lib/myoplan/")
    assert f"{name}-anchor:/var/lib/myoplan" in service["volumes"]
    assert f"{name}-anchor" in compose["volumes"]
    assert re.search(r"install -d -o 10001 .* /var/lib/myoplan\n", (DEPLOY / "Dockerfile").read_text())


def test_everything_starts_in_the_order_of_health(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert all("healthcheck" in service for service in services.values())
    assert services["assessment"]["depends_on"] == {"redis": {"condition": "service_healthy"}}
    needed = services["planner"]["depends_on"]
    assert {name: how["condition"] for name, how in needed.items()} == {
        "redis": "service_healthy",
        "assessment": "service_healthy",
    }


@pytest.mark.parametrize("name", ["redis", "console", *SERVICES])
def test_nothing_runs_as_root_or_writes_its_image(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    user = service.get("user") or re.findall(r"^USER (\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)[-1]
    assert user not in {"root", "0", "0:0"}


def test_ports_are_published_on_loopback_only(compose: dict[str, Any]) -> None:
    for name in (*SERVICES, "console"):
        assert all(port.startswith("127.0.0.1:") for port in compose["services"][name]["ports"])


def test_no_secret_is_in_the_file() -> None:
    text = (DEPLOY / "docker-compose.yml").read_text()
    assert not re.search(r"(?i)(password|secret|token)\s*:\s*\S", text)


@pytest.mark.parametrize("name", [*SERVICES, "console"])
def test_secrets_are_files_in_a_folder_of_its_own(compose: dict[str, Any], name: str) -> None:
    """`docker inspect` shows an environment to whoever may ask it; a folder takes a file that is put in its place."""
    service = compose["services"][name]
    assert f"./secrets/{name}:/run/secrets:ro" in service["volumes"]
    assert service["environment"]["MYOPLAN_SECRETS_FOLDER"] == "/run/secrets"
    assert not {"MYOPLAN_REDIS_URL", "MYOPLAN_CLIENT_SECRET"} & set(service["environment"])
    assert service["env_file"] == [{"path": ".env", "required": False}]
    for ignored in (".gitignore", ".dockerignore"):
        assert {"deploy/secrets", "deploy/.env"} <= {
            line.rstrip("/") for line in (DEPLOY.parent / ignored).read_text().splitlines()
        }


@pytest.mark.parametrize("name", [*SERVICES, "console"])
def test_what_an_operator_sets_is_not_overridden_by_nothing(compose: dict[str, Any], name: str) -> None:
    """A value that is empty unless set would win over the same setting in deploy/.env."""
    asked_each_time = {"MYOPLAN_ANCHOR_ACCEPT"}
    empty = {key for key, value in compose["services"][name]["environment"].items() if value.endswith(":-}")}
    assert empty <= asked_each_time


def test_the_planner_follows_assessments(compose: dict[str, Any], secrets: Path) -> None:
    follow = compose["services"]["planner"]["environment"]["MYOPLAN_FOLLOW_TOKENS"]
    assert (secrets / "planner" / Path(follow).relative_to("/run/secrets")).exists()


def test_only_the_services_reach_redis(compose: dict[str, Any]) -> None:
    networks = {name: set(service["networks"]) for name, service in compose["services"].items()}
    assert networks["redis"] == {"store"}
    assert compose["networks"]["store"] == {"internal": True}
    assert {name for name, joined in networks.items() if "store" in joined} == {"redis", *SERVICES}


@pytest.mark.parametrize("name", [*SERVICES, "console"])
def test_a_probe_costs_little_and_has_time(compose: dict[str, Any], name: str) -> None:
    """Every probe starts a Python process; on a busy machine that takes seconds."""
    seconds = {
        key: int(str(value).rstrip("s"))
        for key, value in compose["services"][name]["healthcheck"].items()
        if key != "test"
    }
    assert seconds["interval"] >= 10
    assert seconds["timeout"] >= 10
    assert seconds["start_period"] >= 60


def test_logs_do_not_fill_the_disk(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert {"max-size", "max-file"} <= set(service["logging"]["options"])


def test_everything_that_is_mounted_is_made_first(compose: dict[str, Any], secrets: Path) -> None:
    """What is missing would be made as a folder, by root."""
    mounted = {
        volume.partition(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", ())
        if volume.startswith("./")
    }
    for path in (secrets.parent / each for each in mounted):
        assert path.exists(), path
        assert path.is_dir() == (path.parent == secrets and path.suffix == ""), path


def test_containers_can_read_the_secrets_and_nobody_else_can(secrets: Path) -> None:
    added = secrets / "console" / "accounts.json"
    added.write_text("{}")
    added.chmod(0o600)
    before = {path: path.read_bytes() for path in secrets.rglob("*") if path.is_file()}
    make_secrets(secrets.parent)
    assert {path: path.read_bytes() for path in secrets.rglob("*") if path.is_file()} == before, (
        "the second run keeps all"
    )
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    for path in secrets.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644), path


def test_without_keys_a_service_says_which_setting_is_at_fault(secrets: Path) -> None:
    environment = {
        **os.environ,
        "MYOPLAN_SECRETS_FOLDER": str(secrets / "assessment"),
        "MYOPLAN_ISSUER": "https://id.example.org",
        "MYOPLAN_KEY_SET": str(secrets / "keys.json"),
        "MYOPLAN_SEAL_KEY_FILE": str(secrets / "seal.key"),
    }
    environment.pop("MYOPLAN_REDIS_URL", None)
    started = subprocess.run(
        [sys.executable, "-m", "services.assessment"],
        cwd=DEPLOY.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert started.returncode == 2
    assert started.stderr.splitlines()[-1].startswith("MYOPLAN_KEY_SET: it holds no signing key")
