"""What differs between two knowledge bases, fact by fact and in words, what makes a session less safe first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Any

from knowledge.kinds import EDGES, NODES, ends_of
from knowledge.model import KnowledgeBase
from knowledge.strictness import Weakening, weakenings

SAFETY_KINDS = ("safety_rule", "condition", "endangerment_site", "mimic")


class What(StrEnum):
    """What happened to a fact."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One fact, or one field of it, that differs. `subject` is an id, or the two ends of an edge.

    `before` and `after` are values in words; of a list they hold only what left it and what came to it (`listed`).
    """

    kind: str
    subject: str
    what: What
    field: str = ""
    before: str = ""
    after: str = ""
    listed: bool = False

    def __str__(self) -> str:
        where = f"{self.kind} {self.subject}"
        if self.what is not What.CHANGED:
            told = self.before or self.after
            return f"{self.what} {where}{f': {told}' if told else ''}"
        if not self.listed:
            return f"changed {where}: {self.field} {self.before} → {self.after}"
        parts = [f"{word} {items}" for word, items in (("without", self.before), ("with", self.after)) if items]
        return f"changed {where}: {self.field} {', '.join(parts) or 'in another order'}"


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that differs: what protects less than before, then every change, safety first."""

    weaker: tuple[Weakening, ...]
    changes: tuple[Change, ...]

    def lines(self) -> Iterator[str]:
        """Yields one line for each thing to know, the loudest first; none if nothing differs."""
        removed = {(change.kind, change.subject): change for change in self.changes if change.what is What.REMOVED}
        gone = [weak for weak in self.weaker if (weak.kind, weak.subject) in removed]
        for weak in gone:
            word = "CONTRAINDICATION REMOVED" if weak.kind == "safety_rule" else "PROTECTION REMOVED"
            yield f"{word}: {weak.kind} {weak.subject}: {removed[weak.kind, weak.subject].before}"
        for weak in self.weaker:
            if weak not in gone:
                yield f"LESS SAFE: {weak.kind} {weak.subject}: {weak.message}"
        told = {(weak.kind, weak.subject) for weak in gone}
        yield from (str(change) for change in self.changes if (change.kind, change.subject) not in told)


def compare(before: KnowledgeBase, after: KnowledgeBase) -> Difference:
    """Returns what differs from `before` to `after`."""
    changes = [*_node_changes(before, after), *_edge_changes(before, after)]
    changes.sort(key=lambda change: change.kind not in SAFETY_KINDS)
    return Difference(tuple(weakenings(before, after)), tuple(changes))


def _node_changes(before: KnowledgeBase, after: KnowledgeBase) -> Iterator[Change]:
    for name, kind in NODES.items():
        old, new = getattr(before, kind.field), getattr(after, kind.field)
        for identifier, thing in old.items():
            if identifier not in new:
                yield Change(name, identifier, What.REMOVED, before=_summary(thing))
            else:
                yield from _field_changes(name, identifier, thing, new[identifier])
        for identifier, thing in new.items():
            if identifier not in old:
                yield Change(name, identifier, What.ADDED, after=_summary(thing))


def _edge_changes(before: KnowledgeBase, after: KnowledgeBase) -> Iterator[Change]:
    for name in EDGES:
        old, new = _by_ends(before, name), _by_ends(after, name)
        for ends in dict.fromkeys((*old, *new)):
            subject = " -> ".join(ends)
            gone = [edge for edge in old.get(ends, ()) if edge not in new.get(ends, ())]
            come = [edge for edge in new.get(ends, ()) if edge not in old.get(ends, ())]
            if len(gone) == len(come) == 1:
                yield from _field_changes(name, subject, gone[0], come[0])
                continue
            yield from (Change(name, subject, What.REMOVED, before=_statement(name, edge)) for edge in gone)
            yield from (Change(name, subject, What.ADDED, after=_statement(name, edge)) for edge in come)


def _by_ends(base: KnowledgeBase, name: str) -> dict[tuple[str, str], list[Any]]:
    found: dict[tuple[str, str], list[Any]] = {}
    for edge in getattr(base, EDGES[name].field):
        found.setdefault(ends_of(EDGES[name], edge), []).append(edge)
    return found


def _field_changes(kind: str, subject: str, before: Any, after: Any, inside: str = "") -> Iterator[Change]:
    for field in fields(before):
        old, new = getattr(before, field.name), getattr(after, field.name)
        name = inside + field.name
        if old == new:
            continue
        if is_dataclass(old) and type(old) is type(new):
            yield from _field_changes(kind, subject, old, new, f"{name}.")
        elif isinstance(old, tuple):
            gone, come = [one for one in old if one not in new], [one for one in new if one not in old]
            yield Change(kind, subject, What.CHANGED, name, words(tuple(gone)), words(tuple(come)), listed=True)
        else:
            yield Change(kind, subject, What.CHANGED, name, words(old) or "nothing", words(new) or "nothing")


def _summary(thing: Any) -> str:
    """Returns the sentence or the first name by which people know a thing."""
    for name in ("message", "warning", "rule", "question", "text", "advice", "meaning", "citation"):
        if hasattr(thing, name):
            return str(getattr(thing, name))
    return str(thing.names[0])


def _statement(name: str, edge: Any) -> str:
    """Returns what an edge says beside its ends."""
    kind = EDGES[name]
    return words(edge, leave_out=(kind.first, kind.second))


def words(value: Any, leave_out: tuple[str, ...] = ()) -> str:
    """Returns a value as a person would write it; nothing for nothing."""
    if isinstance(value, tuple):
        return ", ".join(map(words, value))
    if is_dataclass(value):
        told = [
            f"{field.name} {told_value}"
            for field in fields(value)
            if field.name not in leave_out and not _is_usual(field, getattr(value, field.name))
            if (told_value := words(getattr(value, field.name)))
        ]
        return f"({', '.join(told)})"
    if isinstance(value, float):
        return f"{value:g}"
    plain = {None: "", True: "yes", False: "no"}
    return plain[value] if value is None or isinstance(value, bool) else str(value)


def _is_usual(field: Any, value: Any) -> bool:
    return field.default is not MISSING and value == field.default
