"""Turns requests into commands and queries, once, and reports every field problem together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from knowledge.model import KnowledgeBase, Phase
from knowledge.neighbourhood import Neighbourhood, NodeUnknown, neighbourhood
from myoplan.planner.v1 import knowledge_service_pb2 as knowledge_pb
from myoplan.planner.v1 import plan_pb2 as pb
from myoplan.planner.v1 import planner_service_pb2 as service_pb
from services.planner.api import names
from services.planner.api.parse_demands import durations, overrides, sequences
from services.planner.api.reading import Reader
from services.planner.domain.canonical import digest
from services.planner.domain.constraints import Constraints, HandLoad, Target
from services.planner.domain.errors import ResourceMissing
from services.planner.domain.plan import STEP_SECONDS, State
from services.planner.domain.sides import Side
from services.planner.domain.snapshot import Answer, HealthFlag, Parameter
from services.planner.usecases.create import CreatePlan
from services.planner.usecases.explain import ComparePlans, ExplainOmission, ReplayPlan
from services.planner.usecases.read import GetPlan, ListPlans
from services.store.model import Actor, Request

Node = TypeVar("Node")

# What can be demanded of one muscle or taken off it.
_ON_A_MUSCLE = {Phase.CONFIRM, Phase.RELEASE, Phase.LENGTHEN, Phase.INTEGRATE}
_MOST_TARGETS = 64
_MOST_FLAGS = 200
_MOST_PARAMETERS = 16
_MOST_DAYS = 36_500
_MOST_LOAD = 1_000
_MOST_REVISION = 2**53
_FIRMEST = 5
_PLAN = "clients/{client}/plans/{plan}"
_ID = "lower-case letters, digits and hyphens, at most 63"


class Parser:
    """Reads requests against the vocabulary of the knowledge base."""

    def __init__(self, base: KnowledgeBase) -> None:
        self.base = base
        self._most_minutes = int(base.planning["session_minutes_most"].value)
        self._uses: dict[str, set[str]] = {}
        for use in base.treated_by:
            self._uses.setdefault(use.muscle, set()).add(use.technique)

    # --- plans ---

    def create_plan(self, actor: Actor, request: service_pb.CreatePlanRequest) -> CreatePlan:
        """Reads CreatePlan."""
        reader = Reader()
        parent = reader.matching("parent", request.parent, names.CLIENT_NAME, "clients/{client}")
        assessment = reader.matching(
            "plan.assessment",
            request.plan.assessment,
            names.ASSESSMENT_NAME,
            "clients/{client}/assessments/{assessment}",
        )
        if not reader.problems and not assessment.startswith(f"{parent}/"):
            reader.tell("plan.assessment", f"is not an assessment of {parent}")
        command = CreatePlan(
            actor=actor,
            parent=parent,
            assessment=assessment,
            constraints=self.constraints(reader, request.plan.constraints),
            time_budget_seconds=self.budget(reader, request.plan),
            plan_id=reader.matching("plan_id", request.plan_id, names.PLAN_ID, _ID, required=False),
            validate_only=request.validate_only,
            request=None,
        )
        reader.matching("request_id", request.request_id, names.REQUEST_ID, "a UUID4", required=False)
        reader.raise_any()
        return _repeatable(command, request.request_id)

    def budget(self, reader: Reader, plan: pb.Plan) -> int:
        """Reads the time budget of a plan [s]."""
        path = "plan.time_budget"
        if not plan.HasField("time_budget"):
            reader.tell(path, f"is required: more than 0 and at most {self._most_minutes} minutes")
            return STEP_SECONDS
        seconds, nanos = plan.time_budget.seconds, plan.time_budget.nanos
        if not 0 <= seconds <= 60 * self._most_minutes or (seconds, nanos) <= (0, 0):
            reader.tell(path, f"is not more than 0 and at most {self._most_minutes} minutes")
        elif nanos or seconds % STEP_SECONDS:
            reader.tell(path, f"is not a multiple of {STEP_SECONDS} seconds")
        return seconds

    def constraints(self, reader: Reader, message: pb.Constraints, *, stamped: bool = False) -> Constraints:
        """Reads the constraints of a plan; `stamped`: with who overrode what and when, as a plan carries it."""
        path = "plan.constraints"
        pinned = self._targets(reader, f"{path}.pinned", message.pinned)
        must_include = self._targets(reader, f"{path}.must_include", message.must_include)
        excluded = self._targets(reader, f"{path}.excluded", message.excluded)
        for index, target in enumerate(excluded):
            for other in (*pinned, *must_include):
                same = (target.muscle, target.side) == (other.muscle, other.side)
                if same and target.technique in {"", other.technique}:
                    reader.tell(f"{path}.excluded[{index}]", "is demanded by the same constraints")
                    break
        positions = message.unavailable_positions
        if reader.most(f"{path}.unavailable_positions", positions, len(self.base.positions)):
            for index, word in enumerate(positions):
                reader.known(f"{path}.unavailable_positions[{index}]", "position", self.base.positions, word)
        return Constraints(
            pinned=pinned,
            excluded=excluded,
            unavailable_positions=tuple(dict.fromkeys(positions)),
            max_pressure=reader.whole(f"{path}.max_pressure", message, "max_pressure", 1, _FIRMEST),
            must_include=must_include,
            hand_load_used_today=_hand_load(reader, f"{path}.hand_load_used_today", message),
            durations=durations(reader, f"{path}.durations", message.durations, self.target, self.base),
            sequences=sequences(reader, f"{path}.sequences", message.sequences, self.target),
            overrides=overrides(reader, f"{path}.overrides", message.overrides, self.target, stamped=stamped),
        )

    def _targets(self, reader: Reader, path: str, messages: Sequence[pb.Target]) -> tuple[Target, ...]:
        if not reader.most(path, messages, _MOST_TARGETS):
            return ()
        targets = [self.target(reader, f"{path}[{index}].", message) for index, message in enumerate(messages)]
        return tuple(dict.fromkeys(target for target in targets if target))

    def target(
        self, reader: Reader, path: str, message: pb.Target | service_pb.ExplainOmissionRequest
    ) -> Target | None:
        """Reads a muscle on a side, and a technique where one is named; `path` comes before the names of the fields."""
        muscle = reader.known(f"{path}muscle", "muscle", self.base.muscles, message.muscle, self.base.muscle_groups)
        side = read_side(reader, f"{path}side", message.side, required=True)
        if message.technique:
            technique = reader.known(f"{path}technique", "technique", self.base.techniques, message.technique)
            if technique and technique.phase not in _ON_A_MUSCLE:
                reader.tell(f"{path}technique", f"{technique.id} belongs to a region or the session, not to a muscle")
            elif technique and muscle and technique.id not in self._uses.get(muscle.id, set()):
                reader.tell(f"{path}technique", f"{technique.id} is not used on {muscle.id}")
        if muscle is None or side is None:
            return None
        if muscle.paired is (side is Side.MIDLINE):
            reader.tell(f"{path}side", "LEFT or RIGHT for a paired muscle, MIDLINE for a midline one")
        return Target(muscle=muscle.id, side=side, technique=message.technique)

    def get_plan(self, actor: Actor, request: service_pb.GetPlanRequest) -> GetPlan:
        """Reads GetPlan."""
        reader = Reader()
        query = GetPlan(
            clinic=actor.clinic,
            name=reader.matching("name", request.name, names.PLAN_NAME, _PLAN),
            revision=reader.whole("revision", request, "revision", 1, _MOST_REVISION),
        )
        reader.choice("view", request.view, service_pb.PlanView)
        reader.raise_any()
        return query

    def list_plans(self, actor: Actor, request: service_pb.ListPlansRequest) -> ListPlans:
        """Reads ListPlans."""
        reader = Reader()
        state = reader.choice("state", request.state, pb.Plan.State)
        parent = reader.matching("parent", request.parent, names.CLIENT_NAME_OR_ALL, "clients/{client} or clients/-")
        reader.choice("view", request.view, service_pb.PlanView)
        after = reader.place(list_scope(actor, request), request.page_token)
        query = ListPlans(
            clinic=actor.clinic,
            parent=parent,
            state=State(state) if state else None,
            page_size=reader.page_size(request.page_size),
            after=int(after) if after else None,
            details=request.view == service_pb.FULL,
        )
        reader.raise_any()
        return query

    def replay_plan(self, actor: Actor, request: service_pb.ReplayPlanRequest) -> ReplayPlan:
        """Reads ReplayPlan."""
        reader = Reader()
        query = ReplayPlan(clinic=actor.clinic, name=reader.matching("name", request.name, names.PLAN_NAME, _PLAN))
        reader.raise_any()
        return query

    def compare_plans(self, actor: Actor, request: service_pb.ComparePlansRequest) -> ComparePlans:
        """Reads ComparePlans."""
        reader = Reader()
        query = ComparePlans(
            clinic=actor.clinic,
            earlier=reader.matching("earlier", request.earlier, names.PLAN_NAME, _PLAN),
            later=reader.matching("later", request.later, names.PLAN_NAME, _PLAN),
            earlier_revision=reader.whole("earlier_revision", request, "earlier_revision", 1, _MOST_REVISION),
            later_revision=reader.whole("later_revision", request, "later_revision", 1, _MOST_REVISION),
            later_delivered=request.later_delivered,
        )
        reader.raise_any()
        return query

    def explain_omission(self, actor: Actor, request: service_pb.ExplainOmissionRequest) -> ExplainOmission:
        """Reads ExplainOmission."""
        reader = Reader()
        name = reader.matching("name", request.name, names.PLAN_NAME, _PLAN)
        target = self.target(reader, "", request)
        reader.raise_any()
        return ExplainOmission(clinic=actor.clinic, name=name, target=target or Target(muscle="", side=Side.MIDLINE))

    # --- knowledge ---

    def named(self, kind: str, things: Mapping[str, Node], name: str) -> Node:
        """Reads the name of a node and returns the node. Raises ResourceMissing."""
        reader = Reader()
        collection, slash, identifier = name.partition("/")
        if not name:
            reader.tell("name", f"is required: {kind}s/{{{kind}}}")
        elif collection != f"{kind}s" or not slash or not identifier or "/" in identifier:
            reader.tell("name", f"is not {kind}s/{{{kind}}}")
        reader.raise_any()
        if identifier not in things:
            raise ResourceMissing(name)
        return things[identifier]

    def page(self, method: str, things: Iterable[str], request: Any) -> tuple[list[str], str | None]:
        """Reads a request for a page of nodes and returns their ids and the last one if there are more."""
        reader = Reader()
        after = reader.place(method, request.page_token)
        size = reader.page_size(request.page_size)
        reader.raise_any()
        rest = [identifier for identifier in sorted(things) if after is None or identifier > after]
        return rest[:size], rest[size - 1] if len(rest) > size else None

    def zone_and_side(self, request: knowledge_pb.TraceZoneRequest) -> tuple[str, Side]:
        """Reads TraceZone."""
        reader = Reader()
        zone = reader.known("zone", "zone", self.base.zones, request.zone)
        side = read_side(reader, "side", request.side, required=True)
        if zone and side is Side.MIDLINE and not zone.crosses_midline:
            reader.tell("side", f"LEFT or RIGHT: {zone.id} does not cross the midline")
        reader.raise_any()
        return request.zone, side or Side.MIDLINE

    def motion_and_side(self, request: knowledge_pb.TraceMotionRequest) -> tuple[str, Side]:
        """Reads TraceMotion."""
        reader = Reader()
        motion = reader.known("motion", "motion", self.base.motions, request.motion)
        side = read_side(reader, "side", request.side, required=True)
        if motion and side and side.value not in motion.sides:
            reader.tell("side", f"{' or '.join(one.upper() for one in motion.sides)}: that is how it is measured")
        reader.raise_any()
        return request.motion, side or Side.MIDLINE

    def neighbourhood(self, request: knowledge_pb.GetNeighbourhoodRequest) -> Neighbourhood:
        """Reads GetNeighbourhood and looks the node up. Raises ResourceMissing."""
        reader = Reader()
        if not request.name:
            reader.tell("name", "is required: `type/id`, as muscle/upper_trapezius")
        reader.raise_any()
        try:
            return neighbourhood(self.base, request.name)
        except NodeUnknown:
            raise ResourceMissing(request.name) from None

    def health_flags(self, request: knowledge_pb.ScreenHealthRequest) -> tuple[HealthFlag, ...]:
        """Reads ScreenHealth."""
        reader = Reader()
        flags: tuple[HealthFlag, ...] = ()
        if reader.most("health_flags", request.health_flags, _MOST_FLAGS):
            flags = tuple(
                self.flag(reader, f"health_flags[{index}]", flag) for index, flag in enumerate(request.health_flags)
            )
        reader.raise_any()
        return flags

    def flag(self, reader: Reader, path: str, message: pb.AssessmentSnapshot.HealthFlag) -> HealthFlag:
        """Reads the answer to one health question."""
        condition = reader.known(f"{path}.condition", "condition", self.base.conditions, message.condition)
        if message.answer not in set(Answer):
            reader.tell(f"{path}.answer", "is not one of present, absent, unknown")
        if message.zone:
            reader.known(f"{path}.zone", "zone", self.base.zones, message.zone)
        side = read_side(reader, f"{path}.side", message.side, required=False)
        parameters: tuple[Parameter, ...] = ()
        if reader.most(f"{path}.parameters", message.parameters, _MOST_PARAMETERS):
            kinds = {parameter.key: parameter.kind for parameter in condition.parameters} if condition else {}
            parameters = tuple(
                _parameter(reader, f"{path}.parameters[{index}]", parameter, kinds)
                for index, parameter in enumerate(message.parameters)
            )
        return HealthFlag(
            id=message.id or f"{message.condition}-{path}",
            condition=message.condition,
            answer=Answer(message.answer) if message.answer in set(Answer) else Answer.UNKNOWN,
            zone=message.zone,
            side=side,
            onset_days=reader.whole(f"{path}.onset_days", message, "onset_days", 0, _MOST_DAYS),
            parameters=parameters,
        )


def list_scope(actor: Actor, request: service_pb.ListPlansRequest) -> str:
    """Returns what a page of plans was asked for, all but its size."""
    return f"ListPlans {actor.clinic} {request.parent} {request.state} {request.view}"


def read_side(reader: Reader, path: str, value: int, *, required: bool) -> Side | None:
    """Reads a side, None for the unspecified one."""
    word = reader.choice(path, value, pb.Side, required=required)
    return Side(word) if word else None


def _hand_load(reader: Reader, path: str, message: pb.Constraints) -> HandLoad | None:
    if not message.HasField("hand_load_used_today"):
        return None
    load = message.hand_load_used_today
    thumb, wrist, elbow, tool = (
        reader.whole(f"{path}.{name}", load, name, 0, _MOST_LOAD) or 0 for name in ("thumb", "wrist", "elbow", "tool")
    )
    return HandLoad(thumb=thumb, wrist=wrist, elbow=elbow, tool=tool)


def _parameter(
    reader: Reader, path: str, message: pb.AssessmentSnapshot.Parameter, kinds: Mapping[str, str]
) -> Parameter:
    value = message.WhichOneof("value")
    if message.key not in kinds:
        reader.tell(f"{path}.key", f"is not a detail of the condition; it has {', '.join(kinds) or 'none'}")
    elif value != kinds[message.key]:
        reader.tell(path, f"needs a {kinds[message.key]}")
    return Parameter(
        key=message.key,
        number=reader.number(f"{path}.number", message.number) if value == "number" else None,
        text=message.text if value == "text" else None,
        truth=message.truth if value == "truth" else None,
    )


def _repeatable(command: CreatePlan, request_id: str) -> CreatePlan:
    """Adds what makes the command repeatable: the id, and the digest of everything else that was asked."""
    if not request_id:
        return command
    asked = (
        command.parent,
        command.assessment,
        command.constraints,
        command.time_budget_seconds,
        command.plan_id,
        command.validate_only,
    )
    request = Request(method="CreatePlan", request_id=request_id.lower(), body_digest=digest(*asked))
    return replace(command, request=request)
