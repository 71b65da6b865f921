"""The steps of a session: placements with times, turns between positions, instructions, reasons and cautions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from knowledge.model import Muscle, Technique
from services.planner.domain.constraints import Constraints
from services.planner.domain.plan import Candidate, Caution, Phase, Step
from services.planner.domain.problem import HALF_MINUTE_SECONDS, Companion, Placement, Problem, Solution, Task
from services.planner.domain.reasons import PathEdge, Reason, Rule
from services.planner.domain.sides import OFF_THE_TABLE, Side, position_of
from services.planner.domain.snapshot import Snapshot
from services.planner.formulate.formulation import Formulation, tested_in
from services.planner.formulate.movement import movements
from services.planner.graph.index import KnowledgeGraph
from services.planner.screen.limits import Limits
from services.planner.session.words import capital, dosed, in_words, minutes, on_muscle

# Phases in which no hand presses.
_NO_PRESSURE = {Phase.ARRIVAL, Phase.RETEST, Phase.CLOSE, Phase.TURN}
_WORK = (Phase.RELEASE, Phase.LENGTHEN)
# Phases in which a hand presses on the muscle itself.
_PRESSED = (Phase.CONFIRM, Phase.RELEASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the steps are written from. `shared` holds every shared step by id, at the length it has in the session."""

    formulation: Formulation
    solution: Solution
    shared: Mapping[str, Companion]
    limits: Limits
    constraints: Constraints
    snapshot: Snapshot
    graph: KnowledgeGraph

    @property
    def pain_ceiling(self) -> int:
        """The most discomfort that this client should report, [0, 10], whatever the technique would allow."""
        numbers = self.graph.numbers
        return int(numbers.pain_ceiling_sensitised if self.limits.sensitised else numbers.pain_ceiling_default)

    @property
    def problem(self) -> Problem:
        """The problem that was solved."""
        return self.formulation.problem


def steps(layout: Layout) -> tuple[Step, ...]:
    """Returns the session in order, with start and duration of every step, turns included."""
    return tuple(_timed(_untimed(layout)))


def _timed(untimed: Iterable[Step]) -> Iterator[Step]:
    start = 0
    for step in untimed:
        yield replace(step, start_seconds=start)
        start += step.duration_seconds


def _untimed(layout: Layout) -> Iterator[Step]:
    turned: dict[str, int] = {}
    position, region = "", ""
    for placement in layout.solution.placements:
        if position and placement.position != position:
            turned[placement.position] = turned.get(placement.position, 0) + 1
            yield _turn(position, placement.position, turned[placement.position], layout)
        position = placement.position
        task = layout.problem.tasks.get(placement.id)
        if task and placement.option is not None:
            if task.phase in _WORK:
                region = layout.graph.base.muscles[layout.formulation.subjects[task.package].muscle].region
            yield _muscle_step(task, placement, layout)
        else:
            yield _shared_step(layout.shared[placement.id], placement, region, layout)


def _turn(start: str, end: str, count: int, layout: Layout) -> Step:
    base = layout.graph.base
    change = next(change for change in base.position_changes if set(change.between) == {start, end})
    edge = PathEdge(
        start=f"position/{start}", edge="position_change", end=f"position/{end}", weight=None, source=change.source
    )
    to = base.positions[end]
    return Step(
        id=f"turn-{end}" if count == 1 else f"turn-{end}-{count}",
        phase=Phase.TURN,
        position=end,
        start_seconds=0,
        duration_seconds=layout.problem.position_changes[start, end] * HALF_MINUTE_SECONDS,
        instruction=f"Turn the client: {to.names[0]}. Support: {to.bolsters}.",
        reasons=(Reason(rule=Rule.TURN_TO_REACH, path=(edge,)),),
    )


# --- work on a muscle ---------------------------------------------------------------------------------------------


def _muscle_step(task: Task, placement: Placement, layout: Layout) -> Step:
    base = layout.graph.base
    candidate = layout.formulation.subjects[task.package]
    muscle, technique = base.muscles[candidate.muscle], base.techniques[task.technique]
    option = task.options[placement.option or 0]
    dose = dosed(technique, option.level, layout.pain_ceiling)
    pinned = _pinned(candidate, task, layout.constraints)
    limb = limb_placement(muscle, candidate.side, placement.position)
    sentences = [
        f"{capital(technique.names[0])}: {on_muscle(muscle, candidate.side)}, {minutes(option.half_minutes)}."
        + (f" Placement: {limb}." if limb and task.phase in _PRESSED else ""),
        _condition(task, layout),
        movement_words(candidate, placement.position, layout.snapshot, layout.graph)
        if task.phase not in _PRESSED
        else "",
        technique.instruction,
        in_words(dose, task.pressure),
    ]
    return Step(
        id=task.id,
        phase=task.phase,
        position=placement.position,
        start_seconds=0,
        duration_seconds=option.half_minutes * HALF_MINUTE_SECONDS,
        instruction=" ".join(sentence for sentence in sentences if sentence),
        reasons=_muscle_reasons(task, candidate, layout, pinned=pinned),
        muscle=muscle.id,
        side=candidate.side,
        technique=technique.id,
        pressure_level=task.pressure,
        dose=dose,
        pinned=pinned,
        cautions=(*_technique_cautions(technique), *_muscle_cautions(task, candidate, layout)),
    )


def _condition(task: Task, layout: Layout) -> str:
    """What a check decides, said on the check and on the work that hangs on it."""
    confirmed = any(layout.problem.tasks[one].phase is Phase.CONFIRM for group in task.needs for one in group)
    if confirmed:
        return "Only if the check before it found the muscle tender or the pain familiar; otherwise leave it out."
    if task.phase is not Phase.CONFIRM:
        return ""
    hangs = any(task.id in group for other in layout.problem.tasks.values() for group in other.needs)
    if hangs:
        return "Treat the muscle only if it is tender or brings on the pain that the client knows."
    return "If it is tender or brings on the pain that the client knows, note it and plan again."


def limb_placement(muscle: Muscle, side: Side, position: str) -> str:
    """Returns how the limb lies while the muscle is reached in this position; empty: it does not matter."""
    return next((a.limb for a in muscle.access if position in position_of(a.position, side) and a.limb), "")


def movement_words(candidate: Candidate, position: str, snapshot: Snapshot, graph: KnowledgeGraph) -> str:
    """Names the movement that lengthens the muscle in this position: what was found reduced first."""
    reduced = {finding for reason in candidate.reasons for finding in reason.findings}
    tested = {test.motion for test in snapshot.rom_tests if test.id in reduced}
    possible = [move for move in movements(candidate.muscle, candidate.side, graph) if position in move.positions]
    if not possible:
        return ""
    move = min(possible, key=lambda move: move.motion.id not in tested)
    where = " to either side" if move.side is None else ""
    if move.side not in {None, Side.MIDLINE}:
        where = f" to the {move.side.name}" if move.motion.side_means == "direction" else f", {move.side.name}"
    held = f" ({move.variant})" if move.variant else ""
    return f"Movement that lengthens it: {move.motion.names[0]}{where}{held}."


def _pinned(candidate: Candidate, task: Task, constraints: Constraints) -> bool:
    return any(
        target.muscle == candidate.muscle
        and target.side is candidate.side
        and (target.technique == task.technique or (not target.technique and task.phase in _WORK))
        for target in constraints.pinned
    )


def _muscle_reasons(task: Task, candidate: Candidate, layout: Layout, *, pinned: bool) -> tuple[Reason, ...]:
    rule = {
        Phase.CONFIRM: Rule.CONFIRM_BEFORE_TREATMENT,
        Phase.RELEASE: Rule.RELEASE_OF_CANDIDATE,
        Phase.LENGTHEN: Rule.LENGTHEN_AFTER_RELEASE,
        Phase.INTEGRATE: Rule.INTEGRATE_AFTER_DEEP_WORK,
    }[task.phase]
    uses = layout.graph.treatments_of.get(candidate.muscle, ())
    path = tuple(
        PathEdge(
            start=f"muscle/{use.muscle}",
            edge="treated_by",
            end=f"technique/{use.technique}",
            weight=layout.graph.numbers.of_confidence(use.confidence),
            source=use.source,
        )
        for use in uses
        if use.technique == task.technique
    )
    own = [Reason(rule=rule, path=path)]
    if pinned:
        own.insert(0, Reason(rule=Rule.PINNED_BY_PERSON))
    if any(t.muscle == candidate.muscle and t.side is candidate.side for t in layout.constraints.must_include):
        own.insert(0, Reason(rule=Rule.MUST_INCLUDE))
    found = candidate.reasons
    if task.phase in {Phase.LENGTHEN, Phase.INTEGRATE}:
        # What is lengthened is what movement has lost; why the muscle is treated at all stands at its release.
        found = tuple(r for r in found if r.rule in {Rule.LIMITS_REDUCED_MOTION, Rule.LIMITS_PAINFUL_MOTION})
    return tuple(dict.fromkeys((*own, *found)))


def _technique_cautions(technique: Technique) -> Iterator[Caution]:
    if technique.consent:
        yield Caution(message=technique.consent, rule=Rule.TECHNIQUE_CONSENT, source=technique.source)
    if technique.stop_when:
        yield Caution(message=f"Stop when: {technique.stop_when}", rule=Rule.STOP_WHEN, source=technique.source)


def _muscle_cautions(task: Task, candidate: Candidate, layout: Layout) -> Iterator[Caution]:
    muscle = layout.graph.base.muscles[candidate.muscle]
    for site in layout.graph.sites_of.get(muscle.id, ()) if task.phase in _PRESSED else ():
        yield Caution(message=f"{capital(site.names[0])}: {site.rule}", rule=Rule.ENDANGERMENT_SITE, source=site.source)
    yield from _pressure_caution(task.technique, task.pressure, muscle.region, muscle.id, layout)


def _pressure_caution(
    technique: str, pressure: int | None, region: str, muscle: str, layout: Layout
) -> Iterator[Caution]:
    """Says why the pressure is lighter than usual, where something made it so."""
    cap = layout.limits.pressure_cap(region, muscle)
    if pressure is not None and cap.cut and pressure < layout.graph.base.techniques[technique].pressure.usual:
        source = next((edge.source for edge in cap.cut.reason.path), "")
        yield Caution(
            message=f"Pressure no firmer than {cap.level} of 5: {cap.cut.message}",
            rule=cap.cut.reason.rule,
            source=source,
            findings=cap.cut.reason.findings,
        )


# --- what the session needs beside the muscles --------------------------------------------------------------------


def _shared_step(companion: Companion, placement: Placement, region: str, layout: Layout) -> Step:
    technique = layout.graph.base.techniques[companion.technique]
    dose = dosed(technique, companion.level, layout.pain_ceiling)
    pressure = None if companion.phase in _NO_PRESSURE else companion.pressure
    # The joining strokes go to the region that was worked last, in the position the client is in.
    where = region if companion.phase is Phase.INTEGRATE else companion.region
    step = Step(
        id=f"integrate-{where}" if companion.phase is Phase.INTEGRATE else companion.id,
        phase=companion.phase,
        position=_arrival_position(companion, placement, layout)
        if companion.phase is Phase.ARRIVAL
        else placement.position,
        start_seconds=0,
        duration_seconds=companion.half_minutes * HALF_MINUTE_SECONDS,
        instruction="",
        reasons=tuple(_shared_reasons(companion, layout)),
        side=companion.side,
        region=where,
        motion=companion.motion,
        technique=technique.id,
        pressure_level=pressure,
        dose=dose,
        cautions=(*_technique_cautions(technique), *_region_cautions(companion, where, pressure, layout)),
    )
    return replace(step, instruction=_shared_instruction(step, technique, companion.half_minutes, layout))


def _arrival_position(companion: Companion, placement: Placement, layout: Layout) -> str:
    """On arrival the client is not on the table yet, unless the key motion is measured lying down."""
    tested = tested_in(companion.motion, layout.limits, layout.graph) if companion.motion else None
    return "" if tested is None or set(tested) & set(OFF_THE_TABLE) else placement.position


def _shared_instruction(step: Step, technique: Technique, half_minutes: int, layout: Layout) -> str:
    base = layout.graph.base
    subject = ""
    if step.region:
        subject = base.regions[step.region].names[0] + (f", {step.side.name}" if step.side else "")
    if step.motion:
        motion = base.motions[step.motion]
        side = f", {step.side.name}" if step.side and step.side is not Side.MIDLINE else ""
        subject = f"{motion.names[0]}{side}. {motion.test_position}"
    heading = f"{capital(technique.names[0])}, {minutes(half_minutes)}"
    sentences = [f"{heading}: {subject}" if subject else heading, technique.instruction]
    if step.phase is Phase.ARRIVAL and subject:
        sentences = [heading, technique.instruction, f"Measure the key motion once as the starting value: {subject}"]
    if step.phase not in _NO_PRESSURE and step.dose:
        sentences.append(in_words(step.dose, step.pressure_level))
    return " ".join(sentence if sentence.endswith((".", "?")) else f"{sentence}." for sentence in sentences if sentence)


def _shared_reasons(companion: Companion, layout: Layout) -> Iterator[Reason]:
    if companion.phase is Phase.ARRIVAL:
        yield Reason(rule=Rule.ARRIVAL)
        tests = [t for t in layout.snapshot.rom_tests if (t.motion, t.side) == (companion.motion, companion.side)]
        if tests:
            yield Reason(rule=Rule.KEY_MOTION, findings=tuple(test.id for test in tests))
    elif companion.phase is Phase.WARM_UP:
        yield Reason(rule=Rule.WARM_UP_BEFORE_DEEP_WORK, path=tuple(_needs(companion, layout)))
    elif companion.phase is Phase.RETEST:
        yield from _retest_reasons(companion, layout)
    elif companion.phase is Phase.INTEGRATE:
        yield Reason(rule=Rule.INTEGRATE_AFTER_DEEP_WORK)
    else:
        yield Reason(rule=Rule.CLOSE)


def _needs(companion: Companion, layout: Layout) -> Iterator[PathEdge]:
    """Yields an edge for each technique of the session that this warm-up has to come before."""
    techniques: dict[str, None] = {}
    for placement in layout.solution.placements:
        task = layout.problem.tasks.get(placement.id)
        if task and companion.id in task.companions:
            techniques.setdefault(task.technique)
    for technique in techniques:
        yield PathEdge(
            start=f"technique/{technique}",
            edge="needs",
            end=f"technique/{companion.technique}",
            weight=None,
            source=layout.graph.base.techniques[technique].source,
        )


def _retest_reasons(companion: Companion, layout: Layout) -> Iterator[Reason]:
    """The motion was reduced, and the muscles that limit it were worked on."""
    worked = {
        layout.problem.tasks[placement.id].package
        for placement in layout.solution.placements
        if placement.id in layout.problem.tasks and companion.id in layout.problem.tasks[placement.id].companions
    }
    tests = tuple(
        test.id for test in layout.snapshot.rom_tests if (test.motion, test.side) == (companion.motion, companion.side)
    )
    path = [
        edge
        for package, candidate in layout.formulation.subjects.items()
        if package in worked
        for reason in candidate.reasons
        if reason.rule == Rule.LIMITS_REDUCED_MOTION and set(reason.findings) & set(tests)
        for edge in reason.path
    ]
    yield Reason(rule=Rule.RETEST_OF_TREATED_MOTION, findings=tests, path=tuple(dict.fromkeys(path)))


def _region_cautions(companion: Companion, region: str, pressure: int | None, layout: Layout) -> Iterator[Caution]:
    if not region:
        return
    for found, zone, side in layout.limits.zones_to_spare(region):
        other_side = companion.side is not None and side not in {None, Side.MIDLINE, companion.side}
        if not other_side:
            name = layout.graph.base.zones[zone].names[0]
            yield Caution(
                message=f"Keep off the {name}{f', {side.name}' if side else ''}: {found.rule.message}",
                rule=found.rule.id,
                source=found.rule.source,
                findings=found.findings,
            )
    yield from _pressure_caution(companion.technique, pressure, region, "", layout)


def touched(layout: Layout) -> Mapping[str, Candidate]:
    """Returns the muscles that the session treats, by package, in the order of the session."""
    found: dict[str, Candidate] = {}
    for placement in layout.solution.placements:
        task = layout.problem.tasks.get(placement.id)
        if task and task.phase in _WORK:
            found.setdefault(task.package, layout.formulation.subjects[task.package])
    return found
