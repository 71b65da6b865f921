"""Remembers plans by what they were made from, so that the same question is answered at the cost of reading it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from services.planner.domain.canonical import digest
from services.planner.domain.plan import PlanContent
from services.planner.session.propose import PlanRequest

_MOST_PLANS = 32


@dataclass(slots=True)
class PlanMemory:
    """The last plans of one planner with one knowledge base; a plan is a pure function of its request."""

    _plans: OrderedDict[str, PlanContent] = field(default_factory=OrderedDict)

    def key(self, request: PlanRequest) -> str:
        """Returns what names a request: the digest of everything in it."""
        return digest(request)

    def recall(self, key: str) -> PlanContent | None:
        """Returns the plan that was made for a request, None if it is not remembered."""
        content = self._plans.get(key)
        if content is not None:
            self._plans.move_to_end(key)
        return content

    def keep(self, key: str, content: PlanContent) -> None:
        """Remembers a plan, and forgets the one that was asked for least lately if there are too many."""
        self._plans[key] = content
        self._plans.move_to_end(key)
        if len(self._plans) > _MOST_PLANS:
            self._plans.popitem(last=False)
