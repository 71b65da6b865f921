"""Keys: every one begins with service and clinic, and no two names share one."""

from __future__ import annotations

import re

import pytest

from services.store.layout import Layout, collections_of
from tests.support.store import RECORD, person, request

LAYOUT = Layout("assessment", "north")


def test_every_key_begins_with_service_and_clinic() -> None:
    keys = [
        LAYOUT.trail,
        LAYOUT.newest(RECORD),
        LAYOUT.earlier(RECORD, 3),
        LAYOUT.index("clients/ada/plans"),
        LAYOUT.index("clients/ada/predictions"),
        LAYOUT.index("clients/-/plans"),
        LAYOUT.request(person("north"), request("r1")),
    ]
    assert len(set(keys)) == len(keys)
    # The braces make a cluster put all keys of a clinic in one slot.
    assert all(key.startswith("assessment:{north}:") for key in keys)
    assert all(re.search(r"\{(.+?)\}", key)[1] == "north" for key in keys)  # type: ignore[index]


def test_a_request_key_holds_no_text_of_the_request() -> None:
    key = LAYOUT.request(person("north"), request("{x}:*\n"))
    assert re.fullmatch(r"assessment:\{north\}:request:[0-9a-f]{64}", key)


def test_the_lists_of_a_record() -> None:
    assert collections_of("clients/a-1/plans/p") == ("clients/-/plans", "clients/a-1/plans")


@pytest.mark.parametrize(
    "name", ["clients/-/plans/p", "clients/a", "client/a/plans/p", "clients/a/plans/p/q", "clients/a//p"]
)
def test_a_malformed_name_has_no_key(name: str) -> None:
    for build in (LAYOUT.newest, collections_of):
        with pytest.raises(ValueError, match="not of the allowed form"):
            build(name)


@pytest.mark.parametrize(
    "collection",
    [
        "clients/",
        "clients/a",
        "clients/-",
        "clients/A/plans",
        "clients/*/plans",
        "clients/a/plans/p",
        "clients/--x/plans",
    ],
)
def test_a_malformed_collection_has_no_key(collection: str) -> None:
    with pytest.raises(ValueError, match="not of the allowed form"):
        LAYOUT.index(collection)


@pytest.mark.parametrize(
    ("service", "clinic"), [("assessment", "a}"), ("assessment", ""), ("a:b", "c"), ("", "c"), ("a", "*")]
)
def test_a_malformed_scope_has_no_keys(service: str, clinic: str) -> None:
    with pytest.raises(ValueError, match="not of the allowed form"):
        Layout(service, clinic)


def test_an_error_repeats_nothing_of_a_wrong_name() -> None:
    with pytest.raises(ValueError, match="allowed form") as caught:
        LAYOUT.newest("clients/Mary Smith/plans/p")
    assert "Mary" not in str(caught.value)
