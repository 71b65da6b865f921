"""The independent checker: reads a plan and the knowledge base, shares no code with what made the plan.

It runs on every plan before it is stored or returned. A finding on a plan of our own is a bug.
"""

from services.planner.check.checker import check
from services.planner.check.findings import Finding

__all__ = ["Finding", "check"]
