"""What every answer of the console keeps to, and what a refused call looks like to the person at the screen."""

from __future__ import annotations

import dataclasses
import json

import grpc
import pytest
from starlette.routing import Route

from myoplan.assessment.v1 import assessment_pb2 as a
from services.console.guard import HEADERS, MOST_BODY_BYTES, POLICY
from services.console.kept_files import STATIC_ADDRESS
from services.console.pages import ROUTES
from services.console.pages.assessment.context import AssessmentPage
from services.console.pages.clients import ClientPage, NewVisitPage
from services.console.pages.today import TodayPage
from services.console.web import STATUS_OF
from tests.support.console import PASSWORD, SAME_ORIGIN, Asking
from tests.support.planner_service import ASSESSMENT_NAME, headache

TAP = {"kind": "palpation", "muscle": "infraspinatus", "side": "right", "level": "active"}


async def test_every_answer_carries_the_headers(asking: Asking) -> None:
    asking.sign_in()
    answers = [
        await asking.get("/today"),
        await asking.get("/nowhere"),
        await asking.get("/sign-in/provider"),
        await asking.client.post("/sign-in", data={"person": "x"}),
        await asking.client.post("/sign-in", content=b"x" * (MOST_BODY_BYTES + 1), headers=SAME_ORIGIN),
        await asking.client.put("/today", headers=SAME_ORIGIN),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 404, 403, 413, 405]
    for answer in answers:
        assert {name: answer.headers.get(name) for name, _ in HEADERS} == dict(HEADERS)
        assert answer.headers["cache-control"] == "no-store"
    assert "unsafe" not in POLICY
    assert "*" not in POLICY


async def test_one_worker_may_answer_for_rooms_and_no_other_script_for_more_than_its_folder(asking: Asking) -> None:
    answers = {
        name: await asking.get(f"{STATIC_ADDRESS}/{name}") for name in ("room-worker.js", "room.js", "nothing.js")
    }
    assert [answer.status_code for answer in answers.values()] == [200, 200, 404]
    assert {name: answer.headers.get("service-worker-allowed") for name, answer in answers.items()} == {
        "room-worker.js": "/clients/",
        "room.js": None,
        "nothing.js": None,
    }
    assert (await asking.get("/clients/room-worker.js")).headers.get("service-worker-allowed") is None
    assert "worker-src 'self'" in POLICY


async def test_no_template_holds_inline_style_or_script(asking: Asking) -> None:
    asking.sign_in()
    name = await asking.services.open()
    for path in ("/today", "/new-client", f"/{name.name}/palpate"):
        text = (await asking.get(path)).text
        assert " style=" not in text
        assert "<style" not in text
        assert " onclick=" not in text
        assert "javascript:" not in text


@pytest.mark.parametrize(
    ("path", "context"),
    [
        ("/today", TodayPage),
        ("/new-client", NewVisitPage),
        ("/clients/ada", ClientPage),
        (f"/{ASSESSMENT_NAME}", AssessmentPage),
        (f"/{ASSESSMENT_NAME}/rom", AssessmentPage),
    ],
)
async def test_the_same_address_with_json_answers_with_the_context(
    asking: Asking, path: str, context: type[object]
) -> None:
    asking.sign_in()
    await asking.services.open()
    assert (await asking.get(path)).headers["content-type"].startswith("text/html")
    answer = await asking.get(path + ".json")
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {each.name for each in dataclasses.fields(context)}  # type: ignore[arg-type]


def test_every_page_has_its_json() -> None:
    paths = {route.path for route in ROUTES if isinstance(route, Route) and "GET" in (route.methods or ())}
    pages = {path for path in paths if not path.endswith(".json")}
    assert {f"{page}.json" for page in pages} == paths - pages


async def test_without_a_sign_in_nothing_is_shown(asking: Asking) -> None:
    await asking.services.open()
    for route in ROUTES:
        assert isinstance(route, Route)
        path = route.path.replace("{client}", "ada").replace("{assessment}", "first")
        for field in ("section", "plan", "muscle", "side"):
            path = path.replace(f"{{{field}}}", "x")
        if "{" in path or path.removesuffix(".json") in {
            "/sign-in",
            "/sign-in/provider",
            "/sign-in/callback",
            "/lock",
            "/session",
            "/theme",
            "/sign-out",
        }:
            continue
        method = "POST" if "POST" in (route.methods or ()) else "GET"
        answer = await asking.client.request(method, path, headers=SAME_ORIGIN)
        led = answer.headers.get("location", "")
        assert answer.status_code == 401 or (answer.status_code == 303 and led.startswith("/sign-in")), path
        assert "ada" not in answer.text.lower() or answer.status_code == 303


async def test_a_tap_that_is_sent_again_is_stored_once(asking: Asking) -> None:
    asking.sign_in()
    opened = await asking.services.open(a.Assessment())
    entry = {**TAP, "entry": "0f6f1f4b-7e9a-4550-9d9a-3f1f8a015f0c"}
    for _ in range(3):
        answer = await asking.post(f"/{opened.name}/entries", entry, **{"hx-request": "true"})
        assert answer.status_code == 200
        assert 'id="finding-list"' in answer.text
    stored = (await asking.get(f"/{opened.name}/palpate.json")).json()
    assert [(each["muscle"], each["level"]) for each in stored["findings"]] == [("infraspinatus", "active")]
    assert stored["revision"] == opened.revision + 1


async def test_a_form_without_scripts_leads_back_to_its_section(asking: Asking) -> None:
    asking.sign_in()
    opened = await asking.services.open(a.Assessment())
    answer = await asking.post(f"/{opened.name}/entries", {**TAP, "section": "palpate"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/{opened.name}/palpate")


async def test_a_sealed_assessment_takes_no_entry_and_says_so(asking: Asking) -> None:
    asking.sign_in()
    name = await asking.services.assess()
    answer = await asking.post(f"/{name}/entries", TAP, **{"hx-request": "true"})
    assert answer.status_code == 409
    assert 'data-problem="state"' in answer.text


async def test_fit_seals_once_and_can_be_repeated(asking: Asking) -> None:
    asking.sign_in()
    opened = await asking.services.open(headache())
    form = {"minutes": "60", "request_id": "r", "position_out": "prone\nseated", "technique_out": "skin_rolling"}
    first = await asking.post(f"/{opened.name}/fit", form)
    assert first.status_code == 303
    again = await asking.post(f"/{opened.name}/fit", form)
    assert again.headers["location"] == first.headers["location"]
    plan = (await asking.get(first.headers["location"] + ".json")).json()
    assert plan["minutes"] == "60"
    stored = (await asking.get(f"/{opened.name}/fit.json")).json()
    assert stored["fit"]["positions_out"] == ["prone", "seated"]
    assert stored["fit"]["techniques_out"] == ["skin_rolling"]
    none = await asking.post(f"/{opened.name}/fit", {"request_id": "r"})
    assert none.status_code == 422


async def test_a_role_that_may_not_do_it_is_told(asking: Asking) -> None:
    opened = await asking.services.open(a.Assessment())
    asking.sign_in(roles=frozenset({"auditor"}))
    assert (await asking.get(f"/{opened.name}")).status_code == 200
    answer = await asking.post(f"/{opened.name}/entries", TAP)
    assert answer.status_code == 403
    assert "Your role may not do this" in answer.text


async def test_a_form_that_is_too_large_changes_nothing(asking: Asking) -> None:
    asking.sign_in()
    opened = await asking.services.open(a.Assessment())
    for form in ({**TAP, "level": "x" * 20_000}, {f"field-{n}": "x" for n in range(500)}):
        answer = await asking.post(f"/{opened.name}/entries", form)
        assert answer.status_code in {400, 413}
    assert (await asking.get(f"/{opened.name}/palpate.json")).json()["findings"] == []


async def test_after_five_wrong_passwords_the_account_waits(asking: Asking) -> None:
    page = await asking.get("/sign-in")
    token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
    form = {"form_token": token, "person": "tess", "password": "wrong"}
    for _ in range(5):
        answer = await asking.client.post("/sign-in", data=form, headers=SAME_ORIGIN)
        assert answer.status_code == 401
    answer = await asking.client.post("/sign-in", data={**form, "password": PASSWORD}, headers=SAME_ORIGIN)
    assert answer.status_code == 401
    assert "Too many attempts" in answer.text
    assert PASSWORD not in answer.text + asking.log.getvalue()


async def test_an_expired_or_removed_credential_locks_and_the_entry_is_kept(asking: Asking) -> None:
    asking.sign_in()
    session = asking.console.sessions.find(asking.client.cookies["session-8000"])
    assert session is not None
    session.locked = True
    answer = await asking.post("/new-visit", {"client": "kept", "here": "/new-client"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/lock?return=/new-client")
    part = await asking.post("/session/used", {}, **{"hx-request": "true"})
    assert part.status_code == 423
    assert session.held is not None
    assert dict(session.held.fields)["client"] == "kept"
    assert (await asking.get("/today.json")).status_code == 423
    assert (await asking.get("/session.json")).json()["state"] == "locked"


async def test_a_fault_is_a_page_with_all_headers_and_a_line_in_the_log_without_texts(asking: Asking) -> None:
    asking.sign_in()
    answer = await asking.get("/today?find=a-secret-word")
    assert answer.status_code == 200
    broken = dataclasses.replace(asking.console, clock=None)  # type: ignore[arg-type]
    asking.client._transport.app.state.console = broken  # type: ignore[attr-defined]
    answer = await asking.get("/today?find=a-secret-word")
    assert answer.status_code == 500
    assert answer.headers["content-security-policy"] == POLICY
    line = json.loads(asking.log.getvalue().splitlines()[-1])
    assert line["event"] == "a page failed"
    assert "a-secret-word" not in asking.log.getvalue()


def test_every_code_that_a_service_sends_has_a_page() -> None:
    unused = {
        grpc.StatusCode.OK,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNIMPLEMENTED,
    }
    assert set(STATUS_OF) == set(grpc.StatusCode) - unused
