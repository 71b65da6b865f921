"""A clinic's own folder over the curated knowledge: it adds and overrides, and says what it does.

Files have the form of knowledge files. A node overrides the fields it gives and must bring its own evidence; edges
replace all edges of their kind between the same two ends; `remove: true` takes a node, or the edges between two ends,
away. An overlay that protects a client less than the curated knowledge is refused, unless its file says so in
`weakens_safety`, a list of ids, with a `reason`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.diff import Difference, compare
from knowledge.kinds import EDGES, KINDS, NODES, ends_of
from knowledge.load import CURATED, OVERLAY_KEYS, KnowledgeInvalid, Problem, Reading, Row, Rows, load, regions_of
from knowledge.model import Evidence, KnowledgeBase
from knowledge.strictness import Weakening

_EVIDENCE = frozenset({"source", "basis", "confidence", "status", "reviewed_by"})
_REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Permission:
    """What a file of the overlay says it makes less safe, and why."""

    file: str
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class OverlayReport:
    """What an overlay does to the curated knowledge."""

    difference: Difference
    permissions: tuple[Permission, ...]

    def lines(self) -> Iterator[str]:
        """Yields one line for each thing to know, the loudest first."""
        for permission in self.permissions:
            yield f"WEAKENED ON PURPOSE: {permission.subject} by {permission.file}: {permission.reason}"
        yield from self.difference.lines()


def in_use(overlay: Path | None) -> KnowledgeBase:
    """Returns the curated knowledge, with `overlay` over it if there is one. Raises KnowledgeInvalid."""
    return apply(None, overlay)[0] if overlay else load()


def apply(base: Path | None, overlay: Path) -> tuple[KnowledgeBase, OverlayReport]:
    """Returns the knowledge of the folder `base` (None: the curated one) with `overlay` over it, and what that changes.

    Raises KnowledgeInvalid with every problem; nothing of the overlay is then used.
    """
    reading = Reading()
    reading.read(base or CURATED)
    before = reading.finish()
    own = Reading(further_keys=OVERLAY_KEYS)
    own.read(overlay)
    merged = _merged(reading, own)
    if own.problems:
        raise KnowledgeInvalid(own.problems)
    after = merged.finish()
    difference = compare(before, after)
    permissions = tuple(_permissions(own, overlay))
    _check_safety(own, difference.weaker, permissions)
    if own.problems:
        raise KnowledgeInvalid(own.problems)
    return after, OverlayReport(difference, permissions)


def _merged(base: Reading, own: Reading) -> Reading:
    """Returns the rows of both; what the overlay says stands in place of what the base says."""
    rows: Rows = base.expanded()
    own.find_repeated(own.rows)
    for kind in NODES:
        rows[kind] = _nodes_over(own, kind, rows[kind])
    expanded = own.expanded(regions_of(rows))
    for kind in EDGES:
        rows[kind] = _edges_over(own, kind, rows[kind], expanded[kind])
    merged = Reading()
    merged.rows = rows
    return merged


def _nodes_over(own: Reading, kind: str, below: list[Row]) -> list[Row]:
    result = {row.values["id"]: row for row in below}
    for row in own.rows[kind]:
        identifier = row.values["id"]
        known = result.get(identifier)
        if _REMOVE in row.values:
            if _may_remove(own, row, exists=known is not None):
                del result[identifier]
        elif known is None:
            result[identifier] = row
        else:
            # The clinic's facts are not the book's: evidence is never inherited.
            kept = {
                name: value
                for name, value in known.values.items()
                if name not in _EVIDENCE or not issubclass(KINDS[kind].type, Evidence)
            }
            result[identifier] = row.with_values({**kept, **row.values})
    return list(result.values())


def _edges_over(own: Reading, kind: str, below: list[Row], above: list[Row]) -> list[Row]:
    replaced: set[tuple[str, str]] = set()
    added = []
    there = {ends for row in below if (ends := _ends(kind, row))}
    for row in above:
        ends = _ends(kind, row)
        if ends is None:
            own.problem(row, (), "names no two ends", f"see {KINDS[kind].type.__name__} in knowledge/model.py")
        elif _REMOVE not in row.values:
            added.append(row)
            replaced.add(ends)
        elif _may_remove(own, row, exists=ends in there):
            replaced.add(ends)
    return [*(row for row in below if _ends(kind, row) not in replaced), *added]


def _ends(kind: str, row: Row) -> tuple[str, str] | None:
    try:
        one, other = ends_of(EDGES[kind], row.values)
    except (KeyError, TypeError, ValueError):
        return None
    return (one, other) if isinstance(one, str) and isinstance(other, str) else None


def _may_remove(own: Reading, row: Row, *, exists: bool) -> bool:
    if row.values[_REMOVE] is not True:
        own.problem(row, (_REMOVE,), "remove has only one value", "write remove: true, or leave it out")
    elif not exists:
        own.problem(row, (), "there is nothing to remove", "use an id or ends that exist")
    return row.values[_REMOVE] is True and exists


def _permissions(own: Reading, root: Path) -> Iterator[Permission]:
    for path, further in own.further:
        file = str(path.relative_to(root))
        subjects, reason = further.get("weakens_safety", []), further.get("reason", "")
        if not isinstance(subjects, list) or not all(isinstance(subject, str) for subject in subjects):
            own.problems.append(Problem(file, 1, "weakens_safety has the wrong form", "write a list of ids"))
        elif subjects and not (isinstance(reason, str) and reason.strip()):
            own.problems.append(Problem(file, 1, "weakens_safety without a reason", "say why under reason:"))
        elif reason and not subjects:
            own.problems.append(Problem(file, 1, "reason without weakens_safety", "list the ids, or leave it out"))
        else:
            yield from (Permission(file, subject, str(reason).strip()) for subject in subjects)


def _check_safety(own: Reading, weaker: tuple[Weakening, ...], permissions: tuple[Permission, ...]) -> None:
    """Notes a problem for everything that is weakened without saying so, and for everything said in vain."""
    allowed = {permission.subject for permission in permissions}
    for weak in weaker:
        if weak.subject in allowed:
            continue
        told = f"makes {weak.kind} '{weak.subject}' weaker: {weak.message}"
        remedy = f"leave it out, or list '{weak.subject}' under weakens_safety with a reason"
        row = _row_of(own, weak)
        if row:
            own.problem(row, (), told, remedy)
        else:
            own.problems.append(Problem("(overlay)", 0, told, remedy))
    weakened = {weak.subject for weak in weaker}
    for permission in permissions:
        if permission.subject not in weakened:
            told = f"weakens_safety names '{permission.subject}', which is not weakened"
            own.problems.append(Problem(permission.file, 1, told, "take it off the list"))


def _row_of(own: Reading, weak: Weakening) -> Row | None:
    rows: list[Any] = own.rows[weak.kind]
    return next((row for row in rows if row.values["id"] == weak.subject), None)
