"""The planning problem: which muscles to treat, how long, in which order and positions, inside a budget.

All data are whole numbers, so that every solver agrees exactly: time in half minutes, benefit in thousandths. Ids are
step ids; a package is everything that can be done to one muscle on one side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.planner.domain.plan import Phase
from services.planner.domain.sides import Side

HALF_MINUTE_SECONDS = 30
# Thumb, wrist, elbow, tool.
HandLoads = tuple[int, int, int, int]
NO_HAND_LOAD: HandLoads = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One dose level of a task. `effect` is in thousandths of the full effect on a muscle."""

    level: str
    half_minutes: int
    effect: int
    tissue_load: int
    hand_load: HandLoads


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One possible step on a muscle. `positions` holds (position id, quality in thousandths), best first.

    `needs`: of each group at least one task has to be chosen too. `companions`: shared steps that come with it.
    """

    id: str
    package: str
    phase: Phase
    technique: str
    positions: tuple[tuple[str, int], ...]
    options: tuple[Option, ...]
    pressure: int
    needs: tuple[tuple[str, ...], ...] = ()
    companions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion:
    """A step that many tasks share, paid for once: the warm-up of a region, the re-test of a motion, the integration.

    `order` sorts a warm-up among the work of its region. `positions`: where it can take place (None: anywhere).
    """

    id: str
    phase: Phase
    technique: str
    level: str
    half_minutes: int
    tissue_load: int = 0
    hand_load: HandLoads = NO_HAND_LOAD
    pressure: int | None = None
    region: str = ""
    side: Side | None = None
    motion: str = ""
    order: tuple[int, ...] = ()
    positions: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to treat a muscle: which tasks at which dose, in order. `choices` holds (task id, place of the option).

    `benefit` is in thousandths: the priority of the muscle times what the summed effect is worth, growing ever slower.
    """

    choices: tuple[tuple[str, int], ...]
    half_minutes: int
    benefit: int
    tissue_load: int
    hand_load: HandLoads
    companions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A muscle on one side and the ways to treat it, of which at most one is chosen.

    `counts`: it is a treatment and counts against the most muscles of a session; what does not count is a check, which
    is worth no turn of its own. `demanded`: it has to be in if that is possible at all. `rank` breaks every tie;
    `order` sorts work inside a position.
    """

    id: str
    muscle: str
    side: Side
    region: str
    rank: int
    order: tuple[int, ...]
    counts: bool
    demanded: bool
    variants: tuple[Variant, ...]

    @property
    def check(self) -> bool:
        """Whether it only looks at the muscle and nobody asked for it: then it is worth no turn of its own."""
        return not self.counts and not self.demanded


class Cap(StrEnum):
    """What can be too much although there is time."""

    TURNS = "turns"
    MUSCLES = "muscles"
    TISSUE_LOAD = "tissue_load"
    HAND_LOAD = "hand_load"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Everything a solver needs. `frame` is what every session has: arrival and close.

    `before`: pairs of task ids, the first goes first if both are chosen; together they have no cycle.
    `position_changes`: half minutes between two positions. `position_order` breaks ties between positions.
    """

    half_minutes: int
    frame: tuple[Companion, ...]
    tasks: Mapping[str, Task]
    companions: Mapping[str, Companion]
    packages: tuple[Package, ...]
    before: frozenset[tuple[str, str]]
    position_changes: Mapping[tuple[str, str], int]
    position_order: tuple[str, ...]
    turn_limit: int
    muscle_limit: int
    tissue_load_cap: int
    region_load_cap: int
    hand_load_cap: HandLoads

    @property
    def frame_half_minutes(self) -> int:
        """The time that every session needs beside its packages [half minutes]."""
        return sum(companion.half_minutes for companion in self.frame)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """One step of a solution: a task at one of its options, or a companion (`option` None), and where."""

    id: str
    option: int | None
    position: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A package that was not chosen: what it would add [half minutes], and the cap that forbids it (None: time)."""

    package: str
    half_minutes: int
    cap: Cap | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """What a solver chose, in order. `upper_bound` None: none was computed.

    Turns follow from the positions of neighbours. No placement: nothing fits, or there is nothing to do. `unplaced` are
    companions of the chosen tasks that no position of the session and no affordable turn has room for.
    """

    placements: tuple[Placement, ...]
    left_out: tuple[LeftOut, ...]
    objective: int
    upper_bound: int | None
    proven: bool
    unplaced: tuple[str, ...] = ()
