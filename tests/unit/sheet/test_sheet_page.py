"""The sheet as HTML and on paper: words, escaping, one page."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToDict
from pypdf import PdfReader

from myoplan.planner.v1.plan_pb2 import LEFT, RIGHT, Caution, Plan
from sheet import SheetOverfull, html, pdf
from sheet.contents import NOT_REVIEWED, contents_of
from sheet.page import DENSITIES, write_page
from sheet.paper import print_page
from tests.support.sheet import WORDS, approved, press, read, session

ROOT = Path(__file__).resolve().parents[3]
REGIONS = ROOT / "services" / "console" / "bodychart" / "regions.json"
NASTY = "<script>alert(1)</script><img src=http://example.org/x>"
BACKWARDS = "\u202eevil\u202c\u2066"


def full(count: int) -> Plan:
    """A plan of so many steps, each on a muscle of its own and with a caution of its own."""
    return session(
        *(
            press(f"muscle_{number}", (LEFT, RIGHT)[number % 2], (Caution(message=f"Mind the vessel {number}."),))
            for number in range(count)
        )
    )


def test_one_page_with_all_that_matters() -> None:
    pages, text = read(pdf(session(), WORDS))
    assert pages == 1
    for words in (
        "Suggested – not approved",
        NOT_REVIEWED,
        "LEFT shield muscle",
        "RIGHT shield muscle",
        "Turn the client: supine.",
        "3 × 20 s",
        "Bend, LEFT (before: 45°, pain 5/10)",
        "Drink water if you like.",
        "RIGHT cord (needs 6 min): No time.",
        "74f23ca6dc26",
        "950970e05032",
    ):
        assert words in text, words


def test_approved_and_reviewed_plan_carries_no_warning() -> None:
    """The control of the two notices."""
    plan = approved()
    plan.knowledge_reviewed = True
    _, text = read(pdf(plan, WORDS))
    assert "not approved" not in text
    assert "Not clinically reviewed" not in text
    assert "Co-signed by Sam Ortiz (supervisor), 25 Nov 2026, 10:36 UTC" in text


def test_tagged_with_title_and_language() -> None:
    reader = PdfReader(io.BytesIO(pdf(session(), WORDS)))
    assert str(reader.root_object["/MarkInfo"]) == "{'/Marked': True}"
    assert str(reader.root_object["/Lang"]) == "en"
    assert reader.metadata
    assert reader.metadata.title == "Session plan · ada"
    assert [round(float(side)) for side in reader.pages[0].mediabox[2:]] == [595, 842]


@pytest.mark.parametrize("count", [1, 20, 60])
def test_any_session_fits_one_page_with_every_step(count: int) -> None:
    pages, text = read(pdf(full(count), WORDS))
    assert pages == 1
    assert [number for number in range(count) if f"Mind the vessel {number}." not in text] == []
    assert [number for number in range(count) if f"muscle {number}" not in text] == []


def test_what_cannot_fit_is_refused_and_not_cut() -> None:
    with pytest.raises(SheetOverfull):
        print_page(contents_of(full(120), WORDS))


def test_every_density_shows_the_same_steps_cautions_and_blanks() -> None:
    sheet = contents_of(full(12), WORDS)
    for density in DENSITIES:
        text = write_page(sheet, density, "")
        assert all(f"Mind the vessel {number}." in text for number in range(12))
        assert text.count('class="box"') == 2 * 14


def test_refer_is_one_clear_page_without_a_step() -> None:
    plan = session()
    plan.disposition = Plan.REFER
    plan.referrals.add(urgency=2, message="Ask the client to be seen by a doctor.")
    pages, text = read(pdf(plan, WORDS))
    assert pages == 1
    assert "No hands-on work today" in text
    assert "Refer today: Ask the client to be seen by a doctor." in text
    assert "shield" not in text


def test_markup_in_any_text_stays_text() -> None:
    plan = approved()
    plan.cautions.add(message=NASTY)
    plan.referrals.add(message=NASTY)
    plan.unanswered_questions.add(question=NASTY, assumption=NASTY)
    plan.aftercare.add(text=NASTY)
    plan.addenda.add(text=NASTY)
    plan.steps[0].instruction = NASTY
    plan.steps[0].cautions.add(message=NASTY)
    plan.omissions[0].message = NASTY
    plan.signatures[1].text = NASTY
    plan.author.display_name = NASTY
    text = html(plan, WORDS)
    assert "<script" not in text
    assert "<img" not in text
    assert text.count("&lt;script&gt;") >= 9
    pages, printed = read(pdf(plan, WORDS))
    assert pages == 1
    assert "<script>alert(1)</script>" in printed


def test_texts_cannot_turn_what_stands_beside_them() -> None:
    plan = session()
    plan.cautions.add(message=f"{BACKWARDS} שלום \x00 real")
    text = html(plan, WORDS)
    assert not set(BACKWARDS) - set("evil") & set(text)
    assert "evil שלום real" in text
    assert "<bdi>evil" in text


def test_a_word_without_end_does_not_leave_its_column() -> None:
    plan = session()
    plan.steps[0].instruction = "x" * 500
    pages, text = read(pdf(plan, WORDS))
    assert pages == 1
    assert "".join(text.split()).replace("\u200b", "").count("x") >= 500


def test_charts_show_each_treated_muscle_with_its_first_step() -> None:
    regions = json.loads(REGIONS.read_bytes())
    plan = session(press("upper_trapezius", RIGHT), press("soleus", LEFT), press("upper_trapezius", RIGHT))
    found = contents_of(plan, WORDS, regions).charts
    assert sorted(mark.number for chart in found for mark in chart.marks) == [1, 2]
    shapes = {shape["d"]: shape["side"] for shape in regions["regions"] if shape["kind"] == "muscle"}
    assert {mark.number: shapes[mark.path] for chart in found for mark in chart.marks} == {1: "right", 2: "left"}
    text = html(plan, WORDS, regions=regions)
    assert text.count("<figure>") == len(found) > 0
    assert "LEFT</text>" in text
    assert read(pdf(plan, WORDS, regions=regions))[0] == 1


def test_without_shapes_there_is_no_chart() -> None:
    assert "<figure>" not in html(session(), WORDS)


def test_html_needs_nothing_from_outside() -> None:
    text = html(session(), WORDS)
    assert "http" not in text
    assert text.count("url(") == text.count('url("data:font/woff2;base64,') == 2


@pytest.mark.parametrize("kind", ["pdf", "html"])
def test_as_a_child(kind: str) -> None:
    words = {"names": dict(WORDS.names), "units": dict(WORDS.units), "methods": dict(WORDS.methods)}
    given = {"plan": MessageToDict(session()), "newest": None, "words": words}
    done = subprocess.run(
        [sys.executable, "-m", "sheet", kind], input=json.dumps(given).encode(), capture_output=True, check=True
    )
    expected = pdf(session(), WORDS)[:5] if kind == "pdf" else html(session(), WORDS).encode()
    assert done.stdout.startswith(expected)


def test_child_says_what_does_not_fit() -> None:
    given = {"plan": MessageToDict(full(120)), "newest": None, "words": {}}
    done = subprocess.run(
        [sys.executable, "-m", "sheet", "pdf"], input=json.dumps(given).encode(), capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (4, b"")
    assert b"nothing was printed" in done.stderr
