"""A share lies between 0 and 1, a pressure between 1 and 5, a pain between 0 and 10."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

from knowledge import model
from knowledge.lint.finding import Finding, subject_of
from knowledge.load import parts, things
from knowledge.model import KnowledgeBase

RULE = "number_out_of_range"
REMEDY = "correct the number"

# Type -> field, least and most. The meaning of each is in the docstring of the type.
_RANGES: Mapping[type[Any], tuple[tuple[str, float, float], ...]] = {
    model.Access: (("quality", 0, 1), ("setup_seconds", 0, 600)),
    model.Muscle: (("palpability", 0, 1),),
    model.Dose: (("effect", 0, 1), ("tissue_load", 0, 10)),
    model.Technique: (("pain_ceiling", 0, 10),),
    model.HandLoad: (("thumb", 0, 3), ("wrist", 0, 3), ("elbow", 0, 3), ("tool", 0, 3)),
    model.Range: (("min", 0, inf),),
    model.Norm: (("age_min", 0, 120), ("age_max", 0, 120), ("sd", 0, 100)),
    model.MeasurementError: (("value", 0, 100),),
    model.TreatedBy: (("order", 1, 100),),
    model.PositionChange: (("seconds", 0, 600),),
    model.Cuts: (("max_pressure", 1, 5), ("max_minutes", 1, 180)),
    model.EndangermentSite: (("max_pressure", 1, 5),),
}


def check(base: KnowledgeBase) -> Iterator[Finding]:
    """Yields numbers outside the range that the type of their field gives."""
    for thing in things(base):
        for part in parts(thing):
            for name, low, high in _RANGES.get(type(part), ()):
                value = getattr(part, name)
                if value is not None and not low <= value <= high:
                    told = f"{name} {value:g} is not within {low:g} to {high:g}"
                    yield Finding(RULE, subject_of(thing), told, REMEDY)
            if isinstance(part, model.Range) and not part.min <= part.usual <= part.max:
                told = f"{part.min:g}, {part.usual:g}, {part.max:g} is not least, usual, most"
                yield Finding(RULE, subject_of(thing), told, REMEDY)
