"""What is kept and signed: documents that stay readable, digests that never move."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from services.planner.domain.canonical import canonical, content_digest, digest
from services.planner.domain.constraints import Constraints, HandLoad, Target
from services.planner.domain.edits import Edit, EditKind
from services.planner.domain.plan import Plan, State
from services.planner.domain.review import (
    Attestation,
    Comment,
    CommentKind,
    CommentStatus,
    Meaning,
    Person,
    Reviewer,
)
from services.planner.domain.snapshot import Snapshot
from services.planner.review import acts
from services.planner.storage.documents import JsonDocuments
from services.planner.usecases.plans import planner_actor, reviewer_of
from tests.support import literal_knowledge as lk
from tests.support.planner import LEFT, RIGHT, active, flag, pain, plan, reduced, small_graph

GOLDEN = Path(__file__).parent / "golden"


def golden_plan() -> Plan:
    """A plan with something in every field, from a knowledge base that is written out."""
    graph = small_graph(
        lk.condition("ill"),
        lk.condition("sore", ask_always=True),
        lk.rule("light", "ill", cuts=lk.cuts(techniques=("glide",), positions=("prone",))),
        lk.site("artery", "nape", "cord", max_pressure=2),
    )
    snapshot = Snapshot(
        age_years=41,
        sex="female",
        pain_areas=(pain("temple"), pain("nape"), pain("upper_arm", LEFT)),
        palpations=(active("shield"), active("cord")),
        rom_tests=(reduced("neck_rotation", LEFT),),
        health_flags=(flag("ill"),),
    )
    demands = Constraints(pinned=(Target(muscle="cord", side=RIGHT),), hand_load_used_today=HandLoad(thumb=2))
    content = plan(snapshot, 30, demands, graph)
    return Plan(
        name="clients/ada/plans/first",
        uid="5f0c5b9e-6f1f-4b7e-9a55-0d9a3f1f8a01",
        version=1,
        state=State.PROPOSED,
        content=content,
        digest=content_digest(content, 1),
        author=Person(id="tess", display_name="Tess"),
        create_micros=1_772_442_000_000_000,
        update_micros=1_772_442_000_000_000,
        scheduled_micros=1_772_445_600_000_000,
    )


def test_document_of_version_1_is_still_read() -> None:
    """The file was written by the first planner. It is never written again; a new version adds a file."""
    kept = JsonDocuments().decode((GOLDEN / "plan-1.json").read_bytes())
    assert kept.name == "clients/ada/plans/first"
    assert kept.content.steps
    assert content_digest(kept.content, kept.version) == kept.digest, "the encoding that digests rest on has moved"


def test_a_document_without_details_is_the_same_plan_without_them() -> None:
    whole = golden_plan()
    read = JsonDocuments().decode(JsonDocuments().encode(whole), details=False)
    assert whole.content.steps
    bare = replace(whole.content, steps=(), omissions=(), candidates=(), aftercare=(), kept=())
    assert read == replace(whole, content=bare)


def reviewed_plan() -> Plan:
    """A plan with something in every field that people fill: amended while another version is in force."""
    made = golden_plan()
    tess = Reviewer(id="tess", display_name="Tess", roles=("therapist",), clinic="north")
    kim = Person(id="kim", display_name="Kim")
    longer = replace(made.content, time_budget_seconds=made.content.time_budget_seconds + 600)
    draft = acts.edited(made, by=tess, content=longer, reason="more time", sentences=("Longer.",), now_micros=1)
    signature = acts.signature(draft, tess, "therapist", Meaning.APPROVED, Attestation.AGREE_EXCEPT, "but", 2)
    approved = acts.released(draft, signature=signature, revision=3, now_micros=2)
    told = acts.with_addendum(approved, by=tess, role="therapist", text="warm", now_micros=3)
    held = acts.hold(told, by=reviewer_of(planner_actor("north")), reason="A new flag.", now_micros=4)
    amended = acts.amended(held, by=tess, reason="a new flag", now_micros=5)
    read = acts.acknowledged(amended, rule="light", person=kim, now_micros=6)
    comment = Comment(
        id="c-1",
        step="",
        kind=CommentKind.MUST_FIX,
        text="too firm",
        suggestion=(Edit(kind=EditKind.EXCLUDE, target=Target(muscle="cord", side=RIGHT)),),
        version=3,
        author=kim,
        publish_micros=7,
        status=CommentStatus.RESOLVED,
        resolution="done",
        resolver=kim,
        resolve_micros=8,
    )
    return replace(read, comments=(comment,))


def unpacked(document: bytes) -> object:
    return json.loads(zlib.decompress(document.partition(b"\n")[2]))


def test_document_of_version_2_is_still_read() -> None:
    """The file was written when version 2 was new. It is never written again; a new version adds a file."""
    document = (GOLDEN / "plan-2.bin").read_bytes()
    kept = JsonDocuments().decode(document)
    assert kept.approved
    assert (kept.state, kept.version, kept.approved.version) == (State.DRAFT, 3, 2)
    assert kept.comments[0].suggestion[0].kind is EditKind.EXCLUDE
    assert content_digest(kept.content, kept.version) == kept.digest, "the encoding that digests rest on has moved"
    assert content_digest(kept.approved.content, kept.approved.version) == kept.approved.digest
    assert JsonDocuments().size(document) == len(zlib.decompress(document.partition(b"\n")[2]))
    assert JsonDocuments().decode(JsonDocuments().encode(kept)) == kept


def test_a_document_of_version_1_is_written_as_one_of_version_2() -> None:
    kept = JsonDocuments().decode((GOLDEN / "plan-1.json").read_bytes())
    again = JsonDocuments().encode(kept)
    assert again.startswith(b"myoplan.planner.plan/2 ")
    assert JsonDocuments().decode(again) == kept
    assert {one.rule for one in kept.acknowledgements} == {"light"}, "what has to be read was not kept then"


def test_a_content_is_kept_once_wherever_it_stands() -> None:
    documents = JsonDocuments()
    kept = reviewed_plan()
    document: Any = unpacked(documents.encode(kept))
    assert len(document["contents"]) == 2, "the newest version has the content of the one in force"
    assert documents.decode(documents.encode(kept)) == kept
    assert len(documents.encode(kept)) < documents.size(documents.encode(kept)) / 2


@pytest.mark.parametrize("length", range(1, 60))
def test_a_document_cut_short_is_refused(length: int) -> None:
    whole = JsonDocuments().encode(golden_plan())
    with pytest.raises(ValueError, match=r"."):
        JsonDocuments().decode(whole[: -length * 20])


def test_a_document_that_unpacks_to_more_than_it_says_is_refused() -> None:
    whole = JsonDocuments().encode(golden_plan())
    head, _, rest = whole.partition(b"\n")
    for size in (b"7", b"0", b"-1", b"99999999999999", b"x"):
        with pytest.raises(ValueError, match=r"."):
            JsonDocuments().decode(head.rpartition(b" ")[0] + b" " + size + b"\n" + rest)


def test_a_plan_comes_back_as_it_was() -> None:
    kept = golden_plan()
    back = JsonDocuments().decode(JsonDocuments().encode(kept))
    assert back == kept
    assert content_digest(back.content, 1) == kept.digest


@pytest.mark.parametrize(
    "document",
    [b"{}", b"[]", b'{"format":"other","version":1}', b'{"format":"myoplan.planner.plan","version":2,"plan":{}}',
     b"myoplan.planner.plan/2 2\n{}",
     b'{"format":"myoplan.planner.plan","version":1,"plan":{}}', b"not json"],
)  # fmt: skip
def test_what_is_no_document_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        JsonDocuments().decode(document)


def test_digest_binds_everything() -> None:
    content = golden_plan().content
    changes = [
        replace(content, assessment_etag="2-0123456789abcdef"),
        replace(content, knowledge_revision="other"),
        replace(content, planner_version="other"),
        replace(content, steps=content.steps[1:]),
        replace(content, snapshot=replace(content.snapshot, health_flags=())),
        replace(content, constraints=Constraints()),
    ]
    digests = {content_digest(one, 1) for one in (content, *changes)} | {content_digest(content, 2)}
    assert len(digests) == len(changes) + 2
    assert all(len(one) == 64 for one in digests)


class Word(StrEnum):
    ONE = "one"


@dataclass(frozen=True)
class Record:
    one: object
    two: object = None


def test_canonical_form_is_unambiguous() -> None:
    values = [
        None, False, True, 0, 1, 0.0, 1.0, "", "1", "one", (), (None,), ((),), ("a", "b"), ("ab",), ("a", ("b",)),
        Record(1), Record(None, 1), Record((1, None)),
    ]  # fmt: skip
    assert len({canonical(value) for value in values}) == len(values)


def test_canonical_form_knows_equal_values() -> None:
    assert canonical(-0.0) == canonical(0.0)
    assert canonical(Word.ONE) == canonical("one")
    assert digest("a", 1) == digest("a", 1)


@pytest.mark.parametrize("value", [{1}, {"a": 1}, [1], b"x", object()])
def test_what_has_no_order_has_no_canonical_form(value: object) -> None:
    with pytest.raises(TypeError):
        canonical(value)
