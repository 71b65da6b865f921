"""Marks fields that a class got after its values were first signed; see `canonical`."""

from __future__ import annotations

from collections.abc import Mapping

LATER = "later"
ADDED_LATER: Mapping[str, bool] = {LATER: True}
"""The metadata of such a field; it has to have a default."""

UNSIGNED = "unsigned"
NOT_SIGNED: Mapping[str, bool] = {UNSIGNED: True}
"""The metadata of a field that says how a value came about and that nobody sees: it is stored, and not signed."""
