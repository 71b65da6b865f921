"""The rubric by which a supervisor marks a prediction: criteria and levels are data, listed in docs/learning.md."""

from __future__ import annotations

from collections.abc import Mapping

CRITERIA: Mapping[str, str] = {
    "safety": "Nothing that a health flag or a missing consent forbids; what is urgent is referred.",
    "priorities": "The muscles that the findings point to most strongly come first.",
    "technique": "The techniques fit the muscle, the finding and the client.",
    "sequence": "Warm-up, release, lengthening and re-test stand in an order that makes sense.",
    "dose": "Minutes and pressure fit the finding, the client and the length of the session.",
    "reasoning": "The person says which finding led to what.",
}
"""Each criterion with what it asks for."""

LEVELS: Mapping[int, str] = {
    1: "not yet",
    2: "with help",
    3: "with a hint now and then",
    4: "independent",
}
"""Each level with what it means."""
