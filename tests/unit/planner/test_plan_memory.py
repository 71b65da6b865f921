"""Plans that are remembered by what they were made from."""

from __future__ import annotations

from dataclasses import replace

from services.planner.domain.snapshot import Snapshot
from services.planner.explain.replay import request_of
from services.planner.usecases.memory import PlanMemory
from tests.support.planner import active, plan


def test_the_same_request_is_recalled_and_any_other_is_not() -> None:
    content = plan(Snapshot(palpations=(active("upper_trapezius"),)))
    request = request_of(content)
    memory = PlanMemory()
    memory.keep(memory.key(request), content)
    assert memory.recall(memory.key(replace(request))) is content
    others = (
        replace(request, assessment_etag="another"),
        replace(request, time_budget_seconds=request.time_budget_seconds + 30),
        replace(request, constraints=replace(request.constraints, max_pressure=2)),
        replace(request, snapshot=replace(request.snapshot, age_years=70)),
    )
    assert not any(memory.recall(memory.key(other)) for other in others)


def test_only_the_latest_are_remembered() -> None:
    content = plan(Snapshot(palpations=(active("upper_trapezius"),)))
    request = request_of(content)
    memory = PlanMemory()
    keys = [memory.key(replace(request, assessment_etag=str(number))) for number in range(40)]
    for key in keys:
        memory.keep(key, content)
        assert memory.recall(keys[0]) is content, "what is asked for stays"
    assert memory.recall(keys[1]) is None
    assert memory.recall(keys[-1]) is content
