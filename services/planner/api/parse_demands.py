"""Reads what constraints say about minutes, order and rules that were set aside."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from knowledge.model import KnowledgeBase
from myoplan.planner.v1 import plan_pb2 as pb
from services.planner.api.reading import Reader
from services.planner.domain.constraints import (
    Override,
    OverrideReason,
    Target,
    TargetDuration,
)
from services.planner.domain.constraints import Sequence as Order
from services.planner.domain.plan import STEP_SECONDS
from services.planner.formulate.doses import half_minutes
from services.planner.formulate.precedence import ORDER_RULES

MOST_DEMANDS = 64
_MOST_WORD = 128
_MOST_COMMENT = 2048
_MICROS = 1_000_000
_NANOS_PER_MICRO = 1000

ReadTarget = Callable[[Reader, str, pb.Target], Target | None]


def durations(
    reader: Reader, path: str, messages: Sequence[pb.TargetDuration], read: ReadTarget, base: KnowledgeBase
) -> tuple[TargetDuration, ...]:
    """Reads how long work has to take."""
    if not reader.most(path, messages, MOST_DEMANDS):
        return ()
    found: dict[Target, TargetDuration] = {}
    for number, message in enumerate(messages):
        here = f"{path}[{number}]"
        target = _with_technique(reader, f"{here}.target", message.target, read)
        if target is None:
            continue
        if target in found:
            reader.tell(here, "is there twice")
        found[target] = TargetDuration(
            target=target, duration_seconds=_dose_seconds(reader, f"{here}.duration", message, target, base)
        )
    return tuple(found.values())


def _dose_seconds(reader: Reader, path: str, message: pb.TargetDuration, target: Target, base: KnowledgeBase) -> int:
    doses = [dose.seconds for dose in base.techniques[target.technique].doses]
    setup = max((access.setup_seconds for access in base.muscles[target.muscle].access), default=0)
    low, high = half_minutes(min(doses)) * STEP_SECONDS, half_minutes(max(doses) + setup) * STEP_SECONDS
    seconds, nanos = message.duration.seconds, message.duration.nanos
    if nanos or seconds % STEP_SECONDS or not low <= seconds <= high:
        reader.tell(path, f"is not {low / 60:g} to {high / 60:g} minutes in half minutes, the doses of the technique")
    return seconds


def sequences(reader: Reader, path: str, messages: Sequence[pb.Sequence], read: ReadTarget) -> tuple[Order, ...]:
    """Reads what has to come before what."""
    if not reader.most(path, messages, MOST_DEMANDS):
        return ()
    found: dict[Order, None] = {}
    for number, message in enumerate(messages):
        here = f"{path}[{number}]"
        first = _with_technique(reader, f"{here}.first", message.first, read)
        then = _with_technique(reader, f"{here}.then", message.then, read)
        if first and first == then:
            reader.tell(here, "names the same work twice")
        elif first and then:
            found[Order(first=first, then=then)] = None
    return tuple(found)


def _with_technique(reader: Reader, path: str, message: pb.Target, read: ReadTarget) -> Target | None:
    if not message.technique:
        reader.tell(f"{path}.technique", "is required")
    target = read(reader, f"{path}.", message)
    return target if target and target.technique else None


def overrides(
    reader: Reader, path: str, messages: Sequence[pb.Override], read: ReadTarget, *, stamped: bool
) -> tuple[Override, ...]:
    """Reads what was set aside; `stamped`: with who did it and when, as a plan that was made carries it."""
    if not reader.most(path, messages, MOST_DEMANDS):
        return ()
    found = []
    for number, message in enumerate(messages):
        here = f"{path}[{number}]"
        rule = ORDER_RULES.get(message.rule)
        if not message.rule:
            reader.tell(f"{here}.rule", "is required")
        elif rule and rule.safety:
            reader.tell(f"{here}.rule", f"{message.rule} is a rule of safety; nothing overrides it")
        found.append(override(reader, here, message, read, stamped=stamped))
    return tuple(found)


def override(
    reader: Reader, path: str, message: pb.Override, read: ReadTarget | None = None, *, stamped: bool = False
) -> Override:
    """Reads one override. Without a rule it is for whatever preference the edit goes against."""
    reason = reader.choice(f"{path}.reason_code", message.reason_code, pb.Override.ReasonCode, required=True)
    comment = reader.text(f"{path}.comment", message.comment, _MOST_COMMENT)
    if reason == OverrideReason.OTHER and not comment:
        reader.tell(f"{path}.comment", "is required with OTHER")
    rule = ORDER_RULES.get(message.rule)
    if message.rule and rule is None:
        known = ", ".join(name for name, one in ORDER_RULES.items() if not one.safety)
        reader.tell(f"{path}.rule", f"is not a rule of preference: {known}")
    targets: tuple[Target, ...] = ()
    if read and reader.most(f"{path}.targets", message.targets, MOST_DEMANDS):
        every = (read(reader, f"{path}.targets[{n}].", one) for n, one in enumerate(message.targets))
        targets = tuple(target for target in every if target)
    return Override(
        rule=message.rule,
        reason=OverrideReason(reason) if reason else OverrideReason.OTHER,
        comment=comment,
        targets=targets,
        person=message.person.id if stamped else "",
        display_name=message.person.display_name if stamped else "",
        time_micros=_micros(message.time) if stamped else 0,
    )


def _micros(time: Timestamp) -> int:
    return time.seconds * _MICROS + time.nanos // _NANOS_PER_MICRO
