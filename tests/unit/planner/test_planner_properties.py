"""What holds for every plan that the real knowledge base makes, of any assessment, sensible or not."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.planner.api import render
from services.planner.check import check
from services.planner.domain.canonical import content_digest
from services.planner.domain.constraints import Constraints
from services.planner.domain.errors import DemandUnsafe
from services.planner.domain.plan import Disposition, Plan, State
from services.planner.domain.review import Person
from services.planner.domain.snapshot import Snapshot
from services.planner.ports import StoredPlan
from services.planner.storage.documents import JsonDocuments
from tests.support.planner import (
    LEFT,
    RIGHT,
    active,
    demands,
    flags,
    load_once,
    mirrored,
    pain,
    plan,
    reduced,
    snapshots,
)

BASE = load_once()
MESSAGE_BYTES = 256 * 1024
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@few
@given(snapshot=snapshots(BASE), demanded=demands(BASE), half_minutes=st.integers(1, 360))
def test_checker_finds_nothing(snapshot: Snapshot, demanded: Constraints, half_minutes: int) -> None:
    try:
        content = plan(snapshot, half_minutes / 2, demanded)
    except DemandUnsafe:
        return
    assert [str(finding) for finding in check(content, BASE)] == []
    assert content.disposition.hands_on or not content.steps


@few
@given(snapshot=snapshots(BASE, one_sided=True), half_minutes=st.integers(20, 180))
def test_mirrored_assessment_gives_the_mirrored_plan(snapshot: Snapshot, half_minutes: int) -> None:
    assert mirrored(plan(snapshot, half_minutes / 2)) == plan(mirrored(snapshot), half_minutes / 2)


@few
@given(snapshot=snapshots(BASE), half_minutes=st.integers(1, 240))
def test_same_input_same_bytes(snapshot: Snapshot, half_minutes: int) -> None:
    one, other = plan(snapshot, half_minutes / 2), plan(snapshot, half_minutes / 2)
    assert content_digest(one, 1) == content_digest(other, 1)
    kept = Plan(
        name="clients/ada/plans/first",
        uid="u",
        version=1,
        state=State.PROPOSED,
        content=one,
        digest=content_digest(one, 1),
        author=Person(id="tess", display_name="Tess"),
        create_micros=1,
        update_micros=1,
    )
    assert JsonDocuments().decode(JsonDocuments().encode(kept)) == kept
    assert render.plan(StoredPlan(plan=kept)).steps == render.plan(StoredPlan(plan=kept)).steps


@few
@given(snapshot=snapshots(BASE), one=flags(BASE))
def test_one_more_flag_never_makes_the_disposition_milder(snapshot: Snapshot, one: object) -> None:
    more = replace(snapshot, health_flags=(*snapshot.health_flags, one))  # type: ignore[arg-type]
    ranked = [Disposition.TREAT, Disposition.TREAT_WITH_CAUTION, Disposition.DO_NOT_TREAT, Disposition.REFER]
    before, after = plan(snapshot, 30).disposition, plan(more, 30).disposition
    assert ranked.index(after) >= ranked.index(before)


def test_largest_assessment_fits_into_a_message_and_is_sound() -> None:
    """Every muscle tender on both sides, every zone painful, every motion reduced."""
    everywhere = [(m.id, side) for m in BASE.muscles.values() if m.paired for side in (LEFT, RIGHT)]
    snapshot = Snapshot(
        pain_areas=tuple(pain(zone, side) for zone in BASE.zones for side in (LEFT, RIGHT)),
        palpations=tuple(active(muscle, side) for muscle, side in everywhere),
        rom_tests=tuple(
            reduced(m.id, side) for m in BASE.motions.values() if len(m.sides) > 1 for side in (LEFT, RIGHT)
        ),
    )
    content = plan(snapshot, 120)
    assert [str(finding) for finding in check(content, BASE)] == []
    kept = Plan(
        name="clients/ada/plans/first",
        uid="5f0c5b9e-6f1f-4b7e-9a55-0d9a3f1f8a01",
        version=1,
        state=State.PROPOSED,
        content=content,
        digest=content_digest(content, 1),
        author=Person(id="tess", display_name="Tess"),
        create_micros=1,
        update_micros=1,
    )
    assert render.plan(StoredPlan(plan=kept)).ByteSize() < MESSAGE_BYTES
