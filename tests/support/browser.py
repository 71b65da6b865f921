"""A real Chromium against a real console: finding the browser, watching what a page must never do, counting taps."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright

from cli.cases import read_case
from cli.local.accounts import Account, LocalKeys
from cli.local.redis_server import RedisServer, running_redis
from cli.local.stack import Running, console, stack
from myoplan.assessment.v1 import assessment_pb2 as a
from myoplan.assessment.v1.assessment_service_pb2 import (
    CompleteAssessmentRequest,
    CreateAssessmentRequest,
    GetAssessmentRequest,
)
from myoplan.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceStub
from myoplan.planner.v1.plan_pb2 import Plan
from myoplan.planner.v1.planner_service_pb2 import CreatePlanRequest
from myoplan.planner.v1.planner_service_pb2_grpc import PlannerServiceStub
from services.console.signin.accounts import Account as ConsoleAccount
from services.console.signin.accounts import hash_password, write_accounts

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "cases"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PASSWORD = "a password of the tests"
PATIENCE_MILLISECONDS = 10_000
TABLET = (1180, 820)
PHONE = (390, 844)
PEOPLE = {
    "tess": Account(clinic="demo", person="tess", display_name="Tess", roles=("therapist",)),
    "theo": Account(clinic="demo", person="theo", display_name="Theo", roles=("trainee",)),
    "sara": Account(clinic="demo", person="sara", display_name="Sara", roles=("supervisor",)),
    "otto": Account(clinic="other", person="otto", display_name="Otto", roles=("therapist",)),
}


def find_browser() -> str:
    """Returns the path of the browser: MYOPLAN_TEST_BROWSER, or the first of BROWSERS on PATH; fails without one."""
    chosen = os.environ.get("MYOPLAN_TEST_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if chosen is None:
        pytest.fail(
            "the browser tests need Chromium: install the package chromium (Debian: apt install chromium), "
            "or set MYOPLAN_TEST_BROWSER to the path of a Chromium",
            pytrace=False,
        )
    return chosen


def launch(playwright: Playwright) -> Browser:
    """Starts the browser."""
    return playwright.chromium.launch(executable_path=find_browser(), args=list(ARGUMENTS))


@dataclass(slots=True)
class RunningConsole:
    """A console over its services, and a way to look at what they stored."""

    address: str
    assessments: AssessmentServiceStub
    plans: PlannerServiceStub
    keys: LocalKeys
    running: Running
    redis: RedisServer

    def credentials(self, person: str = "tess") -> tuple[tuple[str, str]]:
        """Returns what a direct call carries."""
        return (("authorization", f"Bearer {self.keys.token(PEOPLE[person], timedelta(minutes=5))}"),)

    @contextmanager
    def without_store(self) -> Iterator[None]:
        """Takes the store away, as a crash would, for the length of a with block."""
        self.redis.kill()
        try:
            yield
        finally:
            self.redis.start()

    def open_assessment(self, client: str = "", person: str = "tess", **content: Any) -> str:
        """Opens an assessment of a new client and returns its name."""
        request = CreateAssessmentRequest(
            parent=f"clients/{client or new_client()}",
            assessment=a.Assessment(**{"client_label": "T.T.", **content}),
        )
        return self.assessments.CreateAssessment(request, metadata=self.credentials(person), timeout=10).name

    def open_example(self, client: str, case: str = "neck_pain") -> str:
        """Records and seals one of the example cases for a client and returns its name."""
        request = CreateAssessmentRequest(parent=f"clients/{client}", assessment=read_case(EXAMPLES / f"{case}.yaml"))
        name = self.assessments.CreateAssessment(request, metadata=self.credentials(), timeout=10).name
        self.seal(name)
        return name

    def plan(self, assessment: str, minutes: int = 50) -> str:
        """Makes a plan from a sealed assessment and returns its name."""
        request = CreatePlanRequest(
            parent=assessment.partition("/assessments/")[0],
            plan=Plan(assessment=assessment, time_budget=Duration(seconds=60 * minutes)),
        )
        return self.plans.CreatePlan(request, metadata=self.credentials(), timeout=30).name

    def seal(self, name: str, person: str = "tess") -> None:
        """Seals an assessment."""
        request = CompleteAssessmentRequest(name=name, etag=self.stored(name, person).etag)
        self.assessments.CompleteAssessment(request, metadata=self.credentials(person), timeout=10)

    def stored(self, name: str, person: str = "tess") -> a.Assessment:
        """Returns what the service has stored."""
        return self.assessments.GetAssessment(
            GetAssessmentRequest(name=name), metadata=self.credentials(person), timeout=10
        )


def new_client() -> str:
    """Returns a client id that no other test has."""
    return f"c-{uuid.uuid4().hex[:8]}"


@contextmanager
def running_console(
    folder: Path, serve: Callable[..., AbstractContextManager[str]] = console
) -> Iterator[RunningConsole]:
    """Runs Redis, both services and the console on free ports for a with block; `serve` starts the console."""
    with ExitStack() as ends:
        redis = ends.enter_context(running_redis(folder / "redis"))
        ends.enter_context(pytest.MonkeyPatch.context()).setenv("MYOPLAN_REDIS_URL", redis.url)
        running = ends.enter_context(stack(folder, lambda _: None))
        keys = LocalKeys(Path(running.keys))
        hashed = hash_password(PASSWORD)
        write_accounts(
            keys.accounts_file,
            [
                ConsoleAccount(
                    person=each.person, name=each.display_name, clinic=each.clinic, roles=each.roles, hash=hashed
                )
                for each in PEOPLE.values()
            ],
        )
        address = ends.enter_context(serve(running, folder, lambda _: None))
        channel = ends.enter_context(grpc.insecure_channel(running.assessment))
        to_planner = ends.enter_context(grpc.insecure_channel(running.planner))
        yield RunningConsole(
            address=address,
            assessments=AssessmentServiceStub(channel),
            plans=PlannerServiceStub(to_planner),
            keys=keys,
            running=running,
            redis=redis,
        )


@dataclass(slots=True)
class Screen:
    """One browser window, with everything that a page must never do written down in `faults`."""

    console: RunningConsole
    context: BrowserContext
    page: Page
    faults: list[str] = field(default_factory=list)
    taps: int = 0
    keys: int = 0

    def open(self, path: str) -> None:
        """Goes to a page of the console; its scripts have run."""
        self.page.goto(self.console.address + path)
        self.settle()

    def settle(self) -> None:
        """Waits until the page is loaded and every entry is stored."""
        self.page.wait_for_load_state("load")
        self.page.wait_for_function("() => !(document.getElementById('queue')?.textContent)")

    def sign_in(self, person: str = "tess", to: str = "/today") -> None:
        """Signs in by the form."""
        self.page.goto(f"{self.console.address}{to}")
        self.page.fill("[name=person]", person)
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("main button.main")
        self.page.wait_for_url(f"**{to}")

    def give_away(self, assessment: str) -> None:
        """Puts the tablet into the hands of the client of an assessment."""
        self.open(f"/{assessment}/pain")
        self.tap("#give-form button")
        self.page.wait_for_url("**/pain-map")
        self.page.wait_for_selector("#pain-chart [data-part]")

    def tap(self, target: Locator | str) -> None:
        """Taps a control with a finger, and counts it."""
        where = self.page.locator(target) if isinstance(target, str) else target
        where.tap()
        self.taps += 1

    def tap_region(self, region: str) -> None:
        """Taps a region of the body chart at its centre, and counts it."""
        x, y = self.centre(region)
        self.page.touchscreen.tap(x, y)
        self.taps += 1

    def tap_bar(self, bar: Locator, share: float) -> None:
        """Taps a bar at a share of its length, and counts it."""
        bar.scroll_into_view_if_needed()
        box = bar.bounding_box()
        assert box is not None
        self.page.touchscreen.tap(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
        self.taps += 1

    def centre(self, region: str) -> tuple[float, float]:
        """Returns where on the screen the centre of a region is, as soon as it is drawn."""
        self.page.wait_for_selector(f"[id='{region}']", state="attached")
        x, y = self.page.evaluate(
            """id => {
              const shape = document.getElementById(id);
              shape.scrollIntoView({block: 'nearest'});
              const at = new DOMPoint(+shape.dataset.cx, +shape.dataset.cy).matrixTransform(shape.getScreenCTM());
              return [at.x, at.y];
            }""",
            region,
        )
        return x, y

    def press(self, *keys: str) -> None:
        """Presses keys, and counts them."""
        for key in keys:
            self.page.keyboard.press(key)
            self.keys += 1


def open_screen(
    browser: Browser,
    console: RunningConsole,
    *,
    size: tuple[int, int] = TABLET,
    dark: bool = False,
    finger: bool = True,
    **more: Any,
) -> Screen:
    """Opens a window of its own that writes down every fault of its pages; without `finger` it cannot be touched."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        has_touch=finger,
        color_scheme="dark" if dark else "light",
        **more,
    )
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    page = context.new_page()
    screen = Screen(console=console, context=context, page=page)
    context.expose_function("tellViolation", lambda text: screen.faults.append(f"content security policy: {text}"))
    context.add_init_script(
        "addEventListener('securitypolicyviolation', e => tellViolation(`${e.violatedDirective} ${e.blockedURI}`))"
    )
    page.on("pageerror", lambda error: screen.faults.append(f"script: {error}"))
    page.on("dialog", lambda dialog: screen.faults.append(f"a dialog opened: {dialog.message}"))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((console.address, "data:", "blob:"))
            else screen.faults.append(f"asked elsewhere: {request.url}")
        ),
    )
    return screen


def findings(assessment: a.Assessment) -> Sequence[tuple[str, str, str]]:
    """Returns the palpation findings as muscle, side and class, in a fixed order."""
    return sorted(
        (each.muscle, a.Side.Name(each.side), a.PalpationFinding.Classification.Name(each.classification))
        for each in assessment.palpation_findings
    )
