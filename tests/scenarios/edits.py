"""The words of `edits`: one line is one edit, in the words of the contract, and names a step by what it does.

`{pin: {muscle: soleus, side: LEFT}}`, `exclude`, `include`, `unpin`; `{move: {muscle: soleus, side: LEFT}, before:
{muscle: tibialis_posterior, side: LEFT}}` or `after`; `{set_duration: {muscle: soleus, side: LEFT}, minutes: 3}`;
`{set_technique: {muscle: soleus, side: LEFT}, technique: myofascial_release}`; `{set_time_budget: 45}` in minutes;
`{mark_position_unavailable: prone}`; `{refit: true}`. A step is the release of the muscle unless the line names another
phase. `override: {reason_code: CLIENT_WISH}` stands beside any of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration

from myoplan.planner.v1 import edit_pb2
from myoplan.planner.v1 import plan_pb2 as pb
from services.planner.api import render
from services.planner.api.parse import Parser
from services.planner.api.parse_edit import edits as parse_edits
from services.planner.api.reading import Reader
from services.planner.domain.edits import Edit
from services.planner.domain.errors import EditsConflict
from services.planner.domain.plan import PlanContent
from services.planner.graph.index import KnowledgeGraph
from services.planner.revise import Revised, Stamp, revise

NOBODY = Stamp(person="nobody", display_name="Nobody", time_micros=1)
_TARGETED = ("pin", "unpin", "exclude", "include")
_SECONDS = 60
_MICROS = 1_000_000


def messages(lines: Iterable[dict[str, Any]], plan: pb.Plan) -> list[edit_pb2.PlanEdit]:
    """Returns the edits of a scenario on a plan."""
    return [_message(line, plan.steps) for line in lines]


def _message(line: dict[str, Any], steps: Iterable[pb.Step]) -> edit_pb2.PlanEdit:
    steps = list(steps)
    edit = edit_pb2.PlanEdit()
    if "override" in line:
        json_format.ParseDict(line["override"], edit.override)
    for word in _TARGETED:
        if word in line:
            json_format.ParseDict(line[word], getattr(edit, word))
    if "move" in line:
        place = "before" if "before" in line else "after"
        edit.move.step = _step(line["move"], steps)
        setattr(edit.move, place, _step(line[place], steps))
    if "set_duration" in line:
        seconds = round(_SECONDS * line["minutes"])
        edit.set_duration.MergeFrom(
            edit_pb2.SetDuration(step=_step(line["set_duration"], steps), duration=Duration(seconds=seconds))
        )
    if "set_technique" in line:
        edit.set_technique.step = _step(line["set_technique"], steps)
        edit.set_technique.technique = line["technique"]
    if "set_time_budget" in line:
        edit.set_time_budget.seconds = round(_SECONDS * line["set_time_budget"])
    if "mark_position_unavailable" in line:
        edit.mark_position_unavailable = line["mark_position_unavailable"]
    if "refit" in line:
        edit.refit.SetInParent()
    return edit


def _step(named: dict[str, Any], steps: list[pb.Step]) -> str:
    """Returns the id of the step that does this."""
    wanted = {"phase": "RELEASE", **named}
    for step in steps:
        said = {"phase": pb.Step.Phase.Name(step.phase), "side": pb.Side.Name(step.side)}
        if all(said.get(name, getattr(step, name, None)) == value for name, value in wanted.items()):
            return step.id
    raise AssertionError(f"the plan has no step {wanted}: {[step.id for step in steps]}")


def asked(lines: Iterable[dict[str, Any]], content: PlanContent, graph: KnowledgeGraph) -> tuple[Edit, ...]:
    """Returns the edits of a scenario on a plan, as the domain knows them."""
    steps = [render.step(step) for step in content.steps]
    reader = Reader()
    found = parse_edits(Parser(graph.base), reader, "edits", [_message(line, steps) for line in lines])
    reader.raise_any()
    return found


def revised(
    content: PlanContent, lines: Sequence[dict[str, Any]], graph: KnowledgeGraph, like: pb.Plan | None
) -> Revised:
    """Edits a plan in the domain. `like` was edited over gRPC: it says who overrode what and when."""
    stamped = NOBODY
    for override in like.constraints.overrides if like else ():
        stamped = Stamp(
            person=override.person.id,
            display_name=override.person.display_name,
            time_micros=override.time.seconds * _MICROS + override.time.nanos // 1000,
        )
    return revise(content, asked(lines, content, graph), graph, stamped=stamped)


def told(error: BaseException) -> str:
    """Returns what a refusal says, in the words of the contract."""
    return "the demands cannot hold together" if isinstance(error, EditsConflict) else str(error)


def touched(before: pb.Plan, after: pb.Plan, muscles: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yields the muscles whose work an edit changed although it should not have."""
    for one in muscles:
        if list(_work(before, one)) != list(_work(after, one)):
            yield f"{one}: {list(_work(before, one))} became {list(_work(after, one))}"


def _work(plan: pb.Plan, muscle: dict[str, Any]) -> Iterator[tuple[str, float, str]]:
    for step in plan.steps:
        if step.muscle == muscle["muscle"] and pb.Side.Name(step.side) == muscle["side"]:
            yield step.id, step.duration.seconds / _SECONDS, step.position
