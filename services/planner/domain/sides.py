"""Left, right and midline: the only place where a side is mirrored or resolved."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from knowledge.model import AccessPosition
from knowledge.model import Side as Relation

SIDE_LYING_LEFT = "side_lying_left"
SIDE_LYING_RIGHT = "side_lying_right"
# How a client can be before lying down: what is measured so needs no turn on arrival.
OFF_THE_TABLE = ("standing", "seated")


class Side(StrEnum):
    """The client's own side."""

    LEFT = "left"
    RIGHT = "right"
    MIDLINE = "midline"

    @property
    def other(self) -> Side:
        """The same place on the other side of the body; the midline is its own mirror."""
        return {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT}.get(self, self)


def muscle_sides(far: Side, relation: Relation, *, paired: bool) -> tuple[Side, ...]:
    """Returns the sides on which a muscle can lie whose edge of this relation reaches `far`.

    A midline muscle has one place; the midline of a zone or motion is reached from both sides.
    """
    if not paired:
        return (Side.MIDLINE,)
    if far is Side.MIDLINE:
        return (Side.LEFT, Side.RIGHT)
    return {Relation.SAME: (far,), Relation.OPPOSITE: (far.other,), Relation.BOTH: (far, far.other)}[relation]


def position_of(access: AccessPosition, treated: Side) -> tuple[str, ...]:
    """Returns the position ids that an access means for the treated side.

    The client lies on the left side for a right muscle that has to be on top; for a midline muscle either side will do.
    """
    if access is AccessPosition.SIDE_LYING_TREATED_SIDE_UP:
        lying_on = treated.other
    elif access is AccessPosition.SIDE_LYING_TREATED_SIDE_DOWN:
        lying_on = treated
    else:
        return (access.value,)
    return {
        Side.LEFT: (SIDE_LYING_LEFT,),
        Side.RIGHT: (SIDE_LYING_RIGHT,),
        Side.MIDLINE: (SIDE_LYING_LEFT, SIDE_LYING_RIGHT),
    }[lying_on]


def with_side(name: str, side: Side | None) -> str:
    """Returns a name with its side in front, `RIGHT infraspinatus`; what lies in the middle has none."""
    return name if side is None or side is Side.MIDLINE else f"{side.name} {name}"


def leading_side(sides: Iterable[Side]) -> Side:
    """Returns the first of LEFT and RIGHT that is named; it goes first wherever nothing else decides.

    So a mirrored assessment gives the mirrored plan. Where no side is named, LEFT goes first.
    """
    return next((side for side in sides if side is not Side.MIDLINE), Side.LEFT)
