"""What can be done to one muscle: its tasks with doses, positions and needs, and every sensible way to combine them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from operator import le

from knowledge.model import Handling, Muscle, Technique
from knowledge.model import Phase as KnowledgePhase
from services.planner.domain.constraints import Constraints, Target
from services.planner.domain.plan import KeptStep, OmissionKind, Phase
from services.planner.domain.problem import HALF_MINUTE_SECONDS, Companion, HandLoads, Option, Task, Variant
from services.planner.domain.reasons import Reason, Rule
from services.planner.domain.sides import Side, position_of
from services.planner.formulate.doses import WHOLE, half_minutes, hand_loads, longest_within, warm_up_dose, worth
from services.planner.formulate.movement import movements
from services.planner.graph.index import KnowledgeGraph
from services.planner.screen.limits import Cut, Limits

_TREATMENT = (Phase.RELEASE, Phase.LENGTHEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Why nothing can be done to a muscle. `safety`: no demand of a person can change it."""

    kind: OmissionKind
    reasons: tuple[Reason, ...]
    message: str
    safety: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What can be done to one muscle on one side; `blocked` says why nothing can, `cuts` which techniques cannot."""

    muscle: Muscle
    side: Side
    tasks: tuple[Task, ...]
    variants: tuple[Variant, ...]
    companions: tuple[Companion, ...]
    cuts: tuple[tuple[Technique, Cut], ...]
    blocked: Blocked | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all muscles of one session share. `retests` are companions by finding id, `integration` the one to join up.

    `lead` is the side that goes first where nothing else decides.
    """

    graph: KnowledgeGraph
    limits: Limits
    constraints: Constraints
    budget_seconds: int
    retests: Mapping[str, Companion]
    integration: Companion | None
    lead: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked of one muscle: to treat it, to confirm it, or both; `techniques` have to be among what is done.

    `kept` are the steps on it of the plan before, by task id: they stay possible, alone and as they were combined.
    """

    treat: bool
    confirm: bool
    priority: int
    findings: tuple[str, ...]
    techniques: tuple[str, ...] = ()
    kept: Mapping[str, KeptStep] = field(default_factory=dict)


def package_id(muscle: str, side: Side) -> str:
    """Returns the id of a muscle on one side, as step ids carry it."""
    return f"{muscle}-{side}"


def set_seconds(muscle: str, side: Side, technique: str, constraints: Constraints) -> int | None:
    """Returns how long a person wants this work to take [s]; None: nobody said."""
    wanted = Target(muscle=muscle, side=side, technique=technique)
    return next((one.duration_seconds for one in constraints.durations if one.target == wanted), None)


def kept_choice(tasks: Iterable[Task], kept: Mapping[str, KeptStep]) -> tuple[tuple[str, int], ...] | None:
    """Returns what the plan before did on a muscle as a choice among these tasks; None: it is not possible any more.

    A step keeps its dose and minutes; where a set-up or a person changed the minutes, the dose of that name stands in.
    """
    by_id = {task.id: task for task in tasks}
    choice = []
    for identifier in kept:
        options = by_id[identifier].options if identifier in by_id else ()
        places = sorted(range(len(options)), key=lambda place: _unlike(options[place], kept[identifier]))
        if not places or (len(options) > 1 and options[places[0]].level != kept[identifier].level):
            return None
        choice.append((identifier, places[0]))
    order = list(by_id)
    return tuple(sorted(choice, key=lambda one: order.index(one[0])))


def _unlike(option: Option, kept: KeptStep) -> tuple[bool, bool]:
    return (option.level != kept.level, option.half_minutes * HALF_MINUTE_SECONDS != kept.duration_seconds)


def work_on(muscle: Muscle, side: Side, wish: Wish, setting: Setting) -> Work:
    """Returns every sensible way to do what is wished, or why there is none."""
    cuts = setting.limits.muscle_cuts(muscle, side)
    if cuts:
        return _nothing(muscle, side, _blocked_by(cuts), ())
    positions, position_cuts = _positions(muscle, side, setting)
    if not positions:
        return _nothing(muscle, side, _no_position(muscle, position_cuts), ())
    uses = _Uses(muscle, side, setting)
    build = _Build(muscle, side, wish, setting, positions, uses)
    tasks = build.tasks()
    variants = _variants(tasks, build.companions, wish, setting)
    if not variants:
        return _nothing(muscle, side, _no_technique(muscle, wish, uses), uses.cuts)
    used = {choice for variant in variants for choice, _ in variant.choices}
    brought = {companion for variant in variants for companion in variant.companions}
    return Work(
        muscle=muscle,
        side=side,
        # What no sensible way uses is not part of the problem, and nobody needs it.
        tasks=tuple(
            replace(task, needs=tuple(tuple(one for one in group if one in used) for group in task.needs))
            for task in tasks
            if task.id in used
        ),
        variants=variants,
        companions=tuple(build.companions[companion] for companion in sorted(brought)),
        cuts=uses.cuts,
        blocked=None,
    )


def _nothing(muscle: Muscle, side: Side, blocked: Blocked, cuts: tuple[tuple[Technique, Cut], ...]) -> Work:
    return Work(muscle=muscle, side=side, tasks=(), variants=(), companions=(), cuts=cuts, blocked=blocked)


# --- why nothing can be done --------------------------------------------------------------------------------------


def _blocked_by(cuts: Iterable[Cut]) -> Blocked:
    cuts = tuple(dict.fromkeys(cuts))
    first = next((cut for cut in cuts if cut.safety), cuts[0])
    return Blocked(
        kind=first.kind,
        reasons=tuple(dict.fromkeys(cut.reason for cut in (first, *cuts))),
        message=first.message,
        safety=any(cut.safety for cut in cuts),
    )


def _no_position(muscle: Muscle, cuts: tuple[Cut, ...]) -> Blocked:
    if not cuts:
        return Blocked(
            kind=OmissionKind.MISSING_PREREQUISITE,
            reasons=(Reason(rule=Rule.NO_TECHNIQUE),),
            message=f"The knowledge base names no position in which the {muscle.names[0]} can be reached.",
            safety=False,
        )
    return Blocked(
        kind=OmissionKind.POSITION_UNAVAILABLE,
        reasons=tuple(dict.fromkeys(cut.reason for cut in cuts)),
        message=" ".join(dict.fromkeys(cut.message for cut in cuts)),
        safety=all(cut.safety for cut in cuts),
    )


def _no_technique(muscle: Muscle, wish: Wish, uses: _Uses) -> Blocked:
    decisive = [cut for technique, cut in uses.cuts if not wish.techniques or technique.id in wish.techniques]
    if decisive and (wish.techniques or not uses.allowed(KnowledgePhase.RELEASE)):
        return _blocked_by(decisive)
    return Blocked(
        kind=OmissionKind.MISSING_PREREQUISITE,
        reasons=(Reason(rule=Rule.NO_TECHNIQUE if not uses.cuts else Rule.MISSING_PREREQUISITE),),
        message=f"There is no technique for the {muscle.names[0]} whose needs can be met today."
        if wish.treat
        else f"Fingers do not reach the {muscle.names[0]}, so it cannot be confirmed by palpation.",
        safety=False,
    )


# --- positions and techniques -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reach:
    """A position with how well it reaches the muscle (thousandths) and its set-up time [s]."""

    position: str
    quality: int
    setup_seconds: int


def _positions(muscle: Muscle, side: Side, setting: Setting) -> tuple[tuple[_Reach, ...], tuple[Cut, ...]]:
    """Returns the positions that are possible and reach the muscle nearly as well as the best of them."""
    best: dict[str, _Reach] = {}
    cuts: list[Cut] = []
    for access in muscle.access:
        for position in position_of(access.position, side):
            found = setting.limits.position_cuts(position)
            cuts += found
            reach = _Reach(position, round(WHOLE * access.quality), access.setup_seconds)
            if not found and (position not in best or best[position].quality < reach.quality):
                best[position] = reach
    least = setting.graph.numbers.access_quality_share_least * max((r.quality for r in best.values()), default=0)
    reaches = [reach for reach in best.values() if reach.quality >= least]
    return tuple(sorted(reaches, key=lambda reach: -reach.quality)), tuple(cuts)


def _moved_positions(
    muscle: Muscle, side: Side, reached: tuple[tuple[str, int], ...], setting: Setting
) -> tuple[tuple[str, int], ...]:
    """Returns the positions in which a movement lengthens the muscle; where none is known, those that reach it.

    Of equals the position that also reaches the muscle goes first.
    """
    moves = movements(muscle.id, side, setting.graph)
    if not moves:
        return reached
    quality = dict(reached)
    free = dict.fromkeys(position for move in moves for position in move.positions)
    possible = [(position, quality.get(position, 0)) for position in free if not setting.limits.position_cuts(position)]
    return tuple(sorted(possible, key=lambda one: -one[1]))


class _Uses:
    """The techniques used on a muscle, by phase, with their rank; and those that are cut, with why."""

    def __init__(self, muscle: Muscle, side: Side, setting: Setting) -> None:
        self._allowed: dict[KnowledgePhase, list[tuple[int, Technique]]] = {}
        cuts: list[tuple[Technique, Cut]] = []
        ranks: dict[KnowledgePhase, int] = {}
        for use in setting.graph.treatments_of.get(muscle.id, ()):
            technique = setting.graph.base.techniques[use.technique]
            rank = ranks.get(technique.phase, 0)
            ranks[technique.phase] = rank + 1
            found = setting.limits.technique_cuts(technique, muscle.region, muscle.id, side)
            cuts += [(technique, cut) for cut in found]
            if not found:
                self._allowed.setdefault(technique.phase, []).append((rank, technique))
        self.cuts = tuple(cuts)

    def allowed(self, phase: KnowledgePhase) -> list[tuple[int, Technique]]:
        """Returns (rank, technique) of a phase, first choice first."""
        return self._allowed.get(phase, [])


class _Build:
    """Makes the tasks of one muscle, and collects the companions that they bring along."""

    def __init__(
        self, muscle: Muscle, side: Side, wish: Wish, setting: Setting, positions: tuple[_Reach, ...], uses: _Uses
    ) -> None:
        self._muscle, self._side, self._wish, self._setting = muscle, side, wish, setting
        self._positions = tuple((reach.position, reach.quality) for reach in positions)
        self._moved = _moved_positions(muscle, side, self._positions, setting)
        self._setup_seconds = max(reach.setup_seconds for reach in positions)
        self._uses = uses
        self.companions: dict[str, Companion] = {}

    def tasks(self) -> tuple[Task, ...]:
        """Returns the tasks in the order of a session."""
        tasks: list[Task] = []
        confirm = self._confirm() if self._wish.confirm else None
        if self._wish.confirm and confirm is None:
            return ()
        if confirm:
            tasks.append(confirm)
        if not self._wish.treat:
            return tuple(tasks)
        setup = 0 if confirm else self._setup_seconds
        first = ((confirm.id,),) if confirm else ()
        releases = self._releases(setup, first)
        tasks += releases
        lengthenings = [
            task
            for rank, technique in self._picked(KnowledgePhase.LENGTHEN, 1)
            if (task := self._task(technique, Phase.LENGTHEN, rank, 0, first, releases))
        ]
        tasks += lengthenings
        tasks += [
            task
            for rank, technique in self._picked(KnowledgePhase.INTEGRATE, 1)
            if technique.acts_on != "region"
            and (task := self._task(technique, Phase.INTEGRATE, rank, 0, first, [*releases, *lengthenings]))
        ]
        return tuple(tasks)

    def _releases(self, setup: int, first: tuple[tuple[str, ...], ...]) -> list[Task]:
        """Returns the releases from outside, and those inside the mouth, which come after one from outside."""
        gloved = self._setting.graph.intraoral_techniques
        uses = self._weighed_releases()
        outside = [
            task
            for rank, technique in uses
            if technique.id not in gloved and (task := self._task(technique, Phase.RELEASE, rank, setup, first, []))
        ]
        only_inside = self._muscle.handling is Handling.INTRAORAL
        if not outside and not only_inside:
            return []
        softened = first if only_inside else (*first, tuple(task.id for task in outside))
        inside = [
            task
            for rank, technique in uses
            if technique.id in gloved
            and (task := self._task(technique, Phase.RELEASE, rank, setup if only_inside else 0, softened, []))
        ]
        return [*outside, *inside]

    def _weighed_releases(self) -> list[tuple[int, Technique]]:
        """Returns the first choice, and the next ones that spare the hand where all before them load it.

        So a hand that has done enough has a substitute; apart from that the order of the knowledge base stands.
        """
        gloved = self._setting.graph.intraoral_techniques
        picked: list[tuple[int, Technique]] = []
        for inside in (False, True):
            burdened: set[int] | None = None
            for rank, technique in self._uses.allowed(KnowledgePhase.RELEASE):
                if (technique.id in gloved) is not inside:
                    continue
                loaded = {place for place, load in enumerate(hand_loads(technique)) if load}
                spares = burdened is None or bool(burdened - loaded)
                if spares:
                    burdened = loaded if burdened is None else burdened & loaded
                if spares or self._stays(technique):
                    picked.append((rank, technique))
        return picked

    def _picked(self, phase: KnowledgePhase, most: int) -> list[tuple[int, Technique]]:
        allowed = self._uses.allowed(phase)
        return [use for place, use in enumerate(allowed) if place < most or self._stays(use[1])]

    def _stays(self, technique: Technique) -> bool:
        """Whether a person asks for the technique, or the plan before used it."""
        kept = self._id(Phase(technique.phase.value), technique) in self._wish.kept
        return kept or technique.id in self._wish.techniques

    def _confirm(self) -> Task | None:
        for _, technique in self._uses.allowed(KnowledgePhase.CONFIRM):
            dose = longest_within(technique.doses, self._setting.graph.numbers.confirm_seconds)
            option = Option(
                level=dose.level,
                half_minutes=half_minutes(dose.seconds + self._setup_seconds),
                effect=0,
                tissue_load=dose.tissue_load,
                hand_load=hand_loads(technique),
            )
            seconds = set_seconds(self._muscle.id, self._side, technique.id, self._setting.constraints)
            if seconds is not None:
                option = _set_option(technique, seconds, self._setup_seconds, 0.0)
            return Task(
                id=self._id(Phase.CONFIRM, technique),
                package=package_id(self._muscle.id, self._side),
                phase=Phase.CONFIRM,
                technique=technique.id,
                positions=self._positions,
                options=(option,),
                pressure=self._pressure(technique),
            )
        return None

    def _task(
        self,
        technique: Technique,
        phase: Phase,
        rank: int,
        setup_seconds: int,
        first: tuple[tuple[str, ...], ...],
        earlier: list[Task],
    ) -> Task | None:
        """Returns the task, or None if something that has to come first is not possible."""
        needs = list(first)
        companions = self._always()
        warming = [t for t in technique.needs if self._technique(t).phase is KnowledgePhase.WARM_UP]
        if warming:
            companion = self._warm_up(warming)
            if companion is None:
                return None
            companions.append(companion)
        elif technique.needs:
            if not self._moved:
                return None
            group = tuple(task.id for task in earlier if task.technique in technique.needs)
            if not group:
                return None
            needs.append(group)
        return Task(
            id=self._id(phase, technique),
            package=package_id(self._muscle.id, self._side),
            phase=phase,
            technique=technique.id,
            positions=self._positions if phase is Phase.RELEASE else self._moved,
            options=self._options(technique, phase, rank, setup_seconds),
            pressure=self._pressure(technique),
            needs=tuple(needs),
            companions=tuple(dict.fromkeys(companions)),
        )

    def _options(self, technique: Technique, phase: Phase, rank: int, setup_seconds: int) -> tuple[Option, ...]:
        numbers = self._setting.graph.numbers
        share = {
            Phase.RELEASE: numbers.benefit_share_release,
            Phase.LENGTHEN: numbers.benefit_share_lengthen,
            Phase.INTEGRATE: numbers.benefit_share_integrate,
        }[phase]
        weight = share * numbers.of_grade(technique.evidence_grade) * numbers.technique_order_multiplier**rank
        seconds = set_seconds(self._muscle.id, self._side, technique.id, self._setting.constraints)
        if seconds is not None:
            return (_set_option(technique, seconds, setup_seconds, weight),)
        return tuple(
            Option(
                level=dose.level,
                half_minutes=half_minutes(dose.seconds + setup_seconds),
                effect=round(WHOLE * weight * dose.effect),
                tissue_load=dose.tissue_load,
                hand_load=hand_loads(technique),
            )
            for dose in sorted(technique.doses, key=lambda dose: dose.seconds)
        )

    def _always(self) -> list[str]:
        """Returns what treating this muscle brings: re-tests of the reduced motions it limits, integration."""
        retests = [
            self._setting.retests[finding] for finding in self._wish.findings if finding in self._setting.retests
        ]
        brought = [*retests, *([self._setting.integration] if self._setting.integration else [])]
        self.companions.update({companion.id: companion for companion in brought})
        return [companion.id for companion in brought]

    def _warm_up(self, techniques: list[str]) -> str | None:
        region, limits = self._muscle.region, self._setting.limits
        if limits.region_cuts(region):
            return None
        for technique in map(self._technique, techniques):
            if not limits.technique_cuts(technique, region, "", None):
                dose = warm_up_dose(technique, self._setting.budget_seconds, self._setting.graph.numbers)
                side = self._side if region in self._setting.graph.limb_regions else None
                companion = Companion(
                    id="-".join(("warm_up", region, *([side] if side else ()), technique.id)),
                    phase=Phase.WARM_UP,
                    technique=technique.id,
                    level=dose.level,
                    half_minutes=half_minutes(dose.seconds),
                    tissue_load=dose.tissue_load,
                    hand_load=hand_loads(technique),
                    pressure=min(int(technique.pressure.usual), limits.pressure_cap(region, "").level),
                    region=region,
                    side=side,
                    order=(self._setting.graph.region_rank[region], int(side not in {None, self._setting.lead}), 0),
                )
                self.companions[companion.id] = companion
                return companion.id
        return None

    def _technique(self, identifier: str) -> Technique:
        return self._setting.graph.base.techniques[identifier]

    def _pressure(self, technique: Technique) -> int:
        cap = self._setting.limits.pressure_cap(self._muscle.region, self._muscle.id).level
        return min(int(technique.pressure.usual), cap)

    def _id(self, phase: Phase, technique: Technique) -> str:
        return f"{phase}-{package_id(self._muscle.id, self._side)}-{technique.id}"


def _set_option(technique: Technique, seconds: int, setup_seconds: int, weight: float) -> Option:
    """Returns the dose that takes as long as a person says [s]; its effect lies on the line between its neighbours.

    It is named after, and loads the tissue like, the shortest dose that is at least as long.
    """
    doses = sorted(technique.doses, key=lambda dose: dose.seconds)
    work = min(max(seconds - setup_seconds, doses[0].seconds), doses[-1].seconds)
    above = next(dose for dose in doses if dose.seconds >= work)
    below = doses[max(0, doses.index(above) - 1)]
    share = (work - below.seconds) / (above.seconds - below.seconds) if above.seconds > below.seconds else 1.0
    return Option(
        level=above.level,
        half_minutes=seconds // HALF_MINUTE_SECONDS,
        effect=round(WHOLE * weight * (below.effect + share * (above.effect - below.effect))),
        tissue_load=above.tissue_load,
        hand_load=hand_loads(technique),
    )


# --- ways to combine ----------------------------------------------------------------------------------------------


def _variants(
    tasks: tuple[Task, ...], companions: Mapping[str, Companion], wish: Wish, setting: Setting
) -> tuple[Variant, ...]:
    """Returns the combinations worth weighing, shortest first.

    One release from outside, one inside the mouth, one lengthening, one closing movement at most, each at one dose.
    Release and lengthening together take at least and at most the minutes that a muscle deserves; where no combination
    does, the nearest ones stand in. Where a person sets the minutes of a step, they count and not these bounds; what
    the plan before did stays possible, whatever else would be better.
    """
    numbers = setting.graph.numbers
    complete = [choice for choice in _combinations(tasks) if _meets(choice, tasks, wish)]
    least, most = (
        half_minutes(60 * numbers.minutes_per_muscle_least),
        half_minutes(60 * numbers.minutes_per_muscle_most),
    )
    by_id = {task.id: task for task in tasks}

    def treatment(choice: tuple[tuple[str, int], ...]) -> int:
        return sum(by_id[t].options[o].half_minutes for t, o in choice if by_id[t].phase in _TREATMENT)

    timed = {package_id(one.target.muscle, one.target.side) for one in setting.constraints.durations}
    bounded = wish.treat and timed.isdisjoint(task.package for task in tasks)
    fitting = [choice for choice in complete if least <= treatment(choice) <= most] if bounded else complete
    if not fitting and complete:
        below = [treatment(choice) for choice in complete if treatment(choice) < least]
        nearest = max(below) if below else min(map(treatment, complete))
        fitting = [choice for choice in complete if treatment(choice) == nearest]
    before = kept_choice(tasks, wish.kept) if wish.kept else None
    if before in complete and before not in fitting:
        fitting.append(before)
    variants = [_variant(choice, by_id, companions, wish, setting) for choice in fitting]
    return tuple(
        sorted(
            undominated(variants, before),
            key=lambda variant: (variant.half_minutes, -variant.benefit, variant.choices),
        )
    )


def _combinations(tasks: tuple[Task, ...]) -> Iterator[tuple[tuple[str, int], ...]]:
    """Yields every choice of at most one task of each phase, a release inside the mouth beside one from outside."""
    releases = {task.id for task in tasks if task.phase is Phase.RELEASE}
    kinds: dict[tuple[Phase, bool], list[Task]] = {}
    for task in tasks:
        follows = task.id in releases and any(not releases.isdisjoint(group) for group in task.needs)
        kinds.setdefault((task.phase, follows), []).append(task)
    choices: list[list[tuple[str, int] | None]] = [
        [None, *((task.id, place) for task in alike for place in range(len(task.options)))] for alike in kinds.values()
    ]
    for combination in product(*choices):
        yield tuple(choice for choice in combination if choice is not None)


def _meets(choice: tuple[tuple[str, int], ...], tasks: tuple[Task, ...], wish: Wish) -> bool:
    """Whether a choice does what is wished and has everything that each of its tasks needs."""
    chosen = {identifier for identifier, _ in choice}
    done = [task for task in tasks if task.id in chosen]
    phases = {task.phase for task in done}
    return (
        (not wish.treat or bool(phases & set(_TREATMENT)))
        and (not wish.confirm or Phase.CONFIRM in phases)
        and all(chosen & set(group) for task in done for group in task.needs)
        and set(wish.techniques) <= {task.technique for task in done}
    )


def _variant(
    choice: tuple[tuple[str, int], ...],
    by_id: Mapping[str, Task],
    companions: Mapping[str, Companion],
    wish: Wish,
    setting: Setting,
) -> Variant:
    options = [by_id[identifier].options[place] for identifier, place in choice]
    numbers = setting.graph.numbers
    if wish.treat:
        value = worth(sum(option.effect for option in options), numbers)
    else:
        value = round(WHOLE * numbers.confirm_benefit_share)
    brought = dict.fromkeys(c for identifier, _ in choice for c in by_id[identifier].companions if c in companions)
    return Variant(
        choices=choice,
        half_minutes=sum(option.half_minutes for option in options),
        benefit=wish.priority * value // WHOLE,
        tissue_load=sum(option.tissue_load for option in options),
        hand_load=_summed(option.hand_load for option in options),
        companions=tuple(brought),
    )


def _summed(loads: Iterable[HandLoads]) -> HandLoads:
    thumb = wrist = elbow = tool = 0
    for load in loads:
        thumb, wrist, elbow, tool = thumb + load[0], wrist + load[1], elbow + load[2], tool + load[3]
    return (thumb, wrist, elbow, tool)


def undominated(variants: Iterable[Variant], before: tuple[tuple[str, int], ...] | None = None) -> Iterator[Variant]:
    """Yields the variants that something can speak for, and the one chosen `before`; those that cost least first.

    Another speaks against a variant for good if it takes no more time, load or company and brings no less benefit; of
    equals the first by id stays. What does that stands earlier in the order of costs, so looking back is enough.
    """
    front: list[tuple[tuple[int, ...], frozenset[str], Variant]] = []
    for variant in sorted(variants, key=lambda one: (_costs(one), -one.benefit, one.choices)):
        costs, company = _costs(variant), frozenset(variant.companions)
        beaten = any(
            other.benefit >= variant.benefit
            and other_company <= company
            and all(map(le, other_costs, costs))
            and (other_costs != costs or other.benefit > variant.benefit or other.choices < variant.choices)
            for other_costs, other_company, other in front
        )
        if not beaten or variant.choices == before:
            front.append((costs, company, variant))
            yield variant


def _costs(variant: Variant) -> tuple[int, ...]:
    return (variant.half_minutes, variant.tissue_load, *variant.hand_load)
