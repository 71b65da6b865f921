"""The compose file and what it mounts keep the promises of docs/deploying.md."""

from __future__ import annotations

import re
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


@pytest.mark.parametrize("name", ["redis", *SERVICES])
def test_nothing_runs_as_root_or_writes_its_image(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    user = service.get("user") or re.findall(r"^USER (\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)[-1]
    assert user not in {"root", "0", "0:0"}


def test_ports_are_published_on_loopback_only(compose: dict[str, Any]) -> None:
    for name in SERVICES:
        assert all(port.startswith("127.0.0.1:") for port in compose["services"][name]["ports"])


def test_no_secret_is_in_the_file(compose: dict[str, Any]) -> None:
    text = (DEPLOY / "docker-compose.yml").read_text()
    assert not re.search(r"(?i)(password|secret|token)\s*:\s*\S", text)
    for name in SERVICES:
        assert compose["services"][name]["env_file"] == [f"./secrets/{name}.env"]
