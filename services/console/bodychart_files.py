"""The drawings of the body chart as the pages need them: one file for each layer, and whether they are reviewed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.console.kept_files import KeptFile, kept

REGIONS = Path(__file__).parent / "bodychart" / "regions.json"
LAYERS = ("zones", "surface", "deep")
SENT = ("id", "part", "side", "view", "d", "cx", "cy", "radius")
"""What the script needs of a region."""
WHOLE_NUMBER = re.compile(r"(?<=\d)\.0(?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyChart:
    """What is drawn. `reviewed`: a named clinician has signed off every shape. `layers`: JSON for the script."""

    reviewed: bool
    layers: Mapping[str, KeptFile] = field(repr=False)

    def address(self, layer: str) -> str:
        """Returns the address of a layer, with its hash, so that browsers may keep it."""
        return f"/static/chart/{self.layers[layer].hash}/{layer}.json"


def read_chart(path: Path = REGIONS) -> BodyChart:
    """Reads the drawings. A page loads one layer at a time: the whole is too much for a slow line."""
    drawn = json.loads(path.read_text(encoding="utf-8"))
    return BodyChart(
        reviewed=all(region["reviewed_by"] for region in drawn["regions"]),
        layers={layer: kept(f"{layer}.json", _layer(drawn, layer)) for layer in LAYERS},
    )


def _layer(drawn: Mapping[str, Any], layer: str) -> bytes:
    regions = [region for region in drawn["regions"] if region["layer"] == layer]
    names = {region["id"] for region in regions}
    zooms = [{**zoom, "region_ids": [name for name in zoom["region_ids"] if name in names]} for zoom in drawn["zooms"]]
    part = {
        "views": drawn["views"],
        "zooms": [zoom for zoom in zooms if zoom["region_ids"]],
        "regions": [{name: region[name] for name in SENT} for region in regions],
    }
    return WHOLE_NUMBER.sub("", json.dumps(part, separators=(",", ":"))).encode()
