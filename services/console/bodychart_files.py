"""The drawings of the body chart as the pages need them: one file for each layer, and whether they are reviewed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REGIONS = Path(__file__).parent / "bodychart" / "regions.json"
LAYERS = ("zones", "surface", "deep")


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyChart:
    """What is drawn. `reviewed`: a named clinician has signed off every shape. `layers`: JSON for the script."""

    reviewed: bool
    layers: Mapping[str, bytes] = field(repr=False)

    def address(self, layer: str) -> str:
        """Returns the address of a layer, with its hash, so that browsers may keep it."""
        return f"/static/chart/{hashlib.sha256(self.layers[layer]).hexdigest()[:12]}/{layer}.json"


def read_chart(path: Path = REGIONS) -> BodyChart:
    """Reads the drawings. A page loads one layer at a time: the whole is too much for a slow line."""
    drawn = json.loads(path.read_text(encoding="utf-8"))
    return BodyChart(
        reviewed=all(region["reviewed_by"] for region in drawn["regions"]),
        layers={layer: _layer(drawn, layer) for layer in LAYERS},
    )


def _layer(drawn: Mapping[str, Any], layer: str) -> bytes:
    regions = [region for region in drawn["regions"] if region["layer"] == layer]
    names = {region["id"] for region in regions}
    zooms = [{**zoom, "region_ids": [name for name in zoom["region_ids"] if name in names]} for zoom in drawn["zooms"]]
    part = {
        "views": drawn["views"],
        "zooms": [zoom for zoom in zooms if zoom["region_ids"]],
        "regions": regions,
        "list_only": drawn["list_only"],
    }
    return json.dumps(part, separators=(",", ":")).encode()
