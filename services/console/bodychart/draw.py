"""Draws the body chart: `python -m services.console.bodychart.draw` writes `regions.json` beside this file.

Half a body is authored loosely, in units of the chart: `u` is the distance from the midline, `y` goes down. Each shape
is smoothed, grown, cut by the outline and by every shape painted before it, and mirrored last. Whose side a shape is on
is decided in `side_on_screen` and nowhere else. Needs shapely; the output is committed, so that showing it does not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from shapely import affinity, maximum_inscribed_circle
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box
from shapely.geometry.base import BaseGeometry
from shapely.ops import nearest_points, unary_union

from services.console.bodychart.curves import XY, Frame, chaikin, closed_curve, open_curve

HERE = Path(__file__).parent
OUTPUT = HERE / "regions.json"

WIDTH, MIDLINE = 400, 200
# Each authored figure, the height of its canvas, and the views that show it.
HEIGHTS = {"body": 1000, "side": 440}
FIGURES = {"front": "body", "back": "body", "right": "side", "left": "side"}
# Between two neighbours, so that simplified and rounded borders still do not cross; the stroke hides it.
GAP = 0.3
SIMPLIFY = 0.12
# Smaller pieces are left over from cutting and were never meant.
CRUMB = 4.0
# A region is offered by a zoom box that shows its centre with this margin and at least this share of it.
MARGIN, SHARE = 4.0, 0.6
PAST_MIDLINE = 12.0
WIDE_ENOUGH = 0.8

Authored = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One painted shape of the authored half, in (u, y). A `midline` shape is whole and is not mirrored."""

    authored: Authored
    layer: str
    area: MultiPolygon
    midline: bool = False

    def circle(self) -> tuple[XY, float]:
        """A wide place of the shape, as near to its middle as may be: centre and radius of a circle inside.

        The radius is at least WIDE_ENOUGH of the largest possible; the centre of a midline shape is on the midline.
        """
        if self.midline:
            crossing = LineString([(0, 0), (0, HEIGHTS["body"])]).intersection(self.area)
            centre = max(pieces_of(crossing), key=lambda piece: piece.length).centroid
        else:
            largest = maximum_inscribed_circle(self.area, tolerance=0.05).length
            centre = nearest_points(self.area.buffer(-WIDE_ENOUGH * largest), self.area.centroid)[0]
        return (centre.x, centre.y), self.area.boundary.distance(centre)


def side_on_screen(view: str, *, screen_left: bool) -> str:
    """Whose side it is: in `front` the client faces the viewer, in `back` looks away; the other views show one side."""
    if view in {"right", "left"}:
        return view
    if view == "front":
        return "right" if screen_left else "left"
    return "left" if screen_left else "right"


def on_screen(area: BaseGeometry, view: str, *, screen_left: bool) -> BaseGeometry:
    """The authored half, moved to where the view shows it."""
    if FIGURES[view] == "side":
        return affinity.affine_transform(area, [-1, 0, 0, 1, WIDTH, 0]) if view == "left" else area
    return affinity.affine_transform(area, [-1 if screen_left else 1, 0, 0, 1, MIDLINE, 0])


def halves(view: str) -> tuple[bool, ...]:
    """The `screen_left` of each half that a view shows."""
    return (True, False) if FIGURES[view] == "body" else (view == "left",)


def pieces_of(geometry: BaseGeometry) -> list[BaseGeometry]:
    """The pieces of a geometry; of a single one, itself."""
    return list(getattr(geometry, "geoms", [geometry]))


def polygons(area: BaseGeometry) -> list[Polygon]:
    """The pieces of an area that are large enough to be meant, largest first."""
    pieces = [piece for piece in pieces_of(area) if isinstance(piece, Polygon) and piece.area > CRUMB]
    return sorted(pieces, key=lambda piece: (-piece.area, piece.bounds))


def line_path(points: Iterable[Sequence[float]]) -> str:
    """An open line as SVG path data."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def area_path(area: BaseGeometry) -> str:
    """An area as SVG path data."""
    rings = [ring for piece in polygons(area) for ring in (piece.exterior, *piece.interiors)]
    return "".join(line_path(list(ring.coords)[:-1]) + "Z" for ring in rings)


def by_body_part(table: Authored, authored: Authored) -> float:
    """The value for a shape's body part, or the default."""
    value = table[authored["body_part"]] if authored["body_part"] in table else table["default"]
    return float(value)


def fill_holes(areas: list[MultiPolygon], outline: BaseGeometry) -> None:
    """Gives what no area claimed to the one it touches most, so that a tap on the body always finds something."""
    unclaimed = outline.difference(unary_union(areas).buffer(GAP))
    for hole in sorted(pieces_of(unclaimed), key=lambda hole: hole.bounds):
        touching = hole.buffer(2 * GAP)
        nearest = max(range(len(areas)), key=lambda i: touching.intersection(areas[i]).area)
        others = unary_union([area for i, area in enumerate(areas) if i != nearest])
        grown = unary_union([areas[nearest], touching.intersection(outline).difference(others.buffer(GAP))])
        areas[nearest] = MultiPolygon(polygons(grown.buffer(GAP).buffer(-GAP)))


class Drawing:
    """What is authored, and how it becomes areas of the authored half."""

    def __init__(self, points: Authored, layers: Authored) -> None:
        self.points = points
        self.layers = layers
        self.frames = {name: Frame(**frame) for name, frame in points["frames"].items()}
        self.outlines = {figure: self.outline(figure) for figure in points["outline"]}

    def placed(self, authored: Authored, values: Sequence[Sequence[float]]) -> list[XY]:
        """Authored points in chart units; those of a limb are given along and across its frame."""
        if "frame" in authored:
            return [self.frames[authored["frame"]].at(t, s) for t, s in values]
        return [(x, y) for x, y in values]

    def outline(self, figure: str) -> BaseGeometry:
        """The outline of `side`, or the half of `body` with u >= 0."""
        whole = unary_union([self.piece(piece) for piece in self.points["outline"][figure]])
        right_end = MIDLINE if figure == "body" else WIDTH
        return whole.buffer(1.2).buffer(-2.0).buffer(0.8).intersection(box(0, 0, right_end, HEIGHTS[figure]))

    def piece(self, authored: Authored) -> BaseGeometry:
        """A piece of an outline: a closed curve, or a line with a radius."""
        if "line" in authored:
            return LineString(open_curve(self.placed(authored, authored["line"]))).buffer(authored["radius"])
        return Polygon(closed_curve(self.placed(authored, authored["curve"]))).buffer(0)

    def paint(self, figure: str, view: str, layer: str) -> Iterator[Shape]:
        """The shapes of a layer in paint order: the first claims its area. Zones leave nothing of the body out."""
        listed = self.layers["layers"][view][layer]
        outline = self.outlines[figure]
        areas: list[MultiPolygon] = []
        taken: BaseGeometry = Polygon()
        for authored in listed:
            loose = unary_union([self.smooth(authored, polygon, layer) for polygon in authored["polygons"]])
            left_over = loose.intersection(outline).difference(taken)
            # Opening rounds the corners that cutting left; zones keep theirs and meet without a hole.
            opened = left_over if layer == "zones" else left_over.buffer(-0.5).buffer(0.5)
            # What was cut into more pieces than were authored loses the smallest.
            areas.append(MultiPolygon(polygons(opened)[: len(authored["polygons"])]))
            taken = unary_union([taken, areas[-1].buffer(GAP)])
        if layer == "zones":
            fill_holes(areas, outline)
        for authored, area in zip(listed, areas, strict=True):
            yield from self.split(Shape(authored=authored, layer=layer, area=area), figure)

    def smooth(self, authored: Authored, polygon: Sequence[Sequence[float]], layer: str) -> BaseGeometry:
        """A polygon as it is painted: corners rounded; a muscle's also cut and grown, so that neighbours meet.

        What touches the midline is painted past it, so that its rounding does not show there.
        """
        placed = [(x or -PAST_MIDLINE, y) for x, y in self.placed(authored, polygon)]
        if layer == "zones":
            radius = by_body_part(self.layers["round"], authored)
            return Polygon(placed).buffer(0).buffer(-radius).buffer(2 * radius).buffer(-radius)
        return Polygon(chaikin(placed)).buffer(0).buffer(by_body_part(self.layers["grow"][layer], authored))

    @staticmethod
    def split(shape: Shape, figure: str) -> Iterator[Shape]:
        """Parts the middle from what lies beside it; the authored `midline` is half the width of the middle."""
        if figure == "side":
            yield shape
            return
        part = partial(Shape, authored=shape.authored, layer=shape.layer)
        half_width = shape.authored.get("midline", 0.0)
        if half_width:
            middle = shape.area.intersection(box(0, 0, half_width, HEIGHTS[figure]))
            mirrored = affinity.scale(middle, -1, 1, origin=(0, 0))
            yield part(area=MultiPolygon(polygons(unary_union([middle, mirrored]))), midline=True)
        inner_edge = half_width + (GAP if half_width else GAP / 2)
        beside = shape.area.intersection(box(inner_edge, 0, MIDLINE, HEIGHTS[figure]))
        if polygons(beside):
            yield part(area=MultiPolygon(polygons(beside)))


def view_of(drawing: Drawing, view: str) -> dict[str, str]:
    """Canvas, outline and landmark lines of a view."""
    figure = FIGURES[view]
    outline = unary_union([on_screen(drawing.outlines[figure], view, screen_left=left) for left in halves(view)])
    lines = drawing.points["landmarks"]["side" if figure == "side" else view]
    curves = [LineString(open_curve(drawing.placed(line, line["line"]))).simplify(SIMPLIFY) for line in lines]
    shown = [on_screen(curve, view, screen_left=left) for left in halves(view) for curve in curves]
    return {
        "view_box": f"0 0 {WIDTH} {HEIGHTS[figure]}",
        "outline": area_path(outline.buffer(0.3).buffer(-0.3).simplify(SIMPLIFY)),
        "landmarks": "".join(line_path(curve.coords) for curve in shown),
    }


def regions_of(drawing: Drawing, view: str) -> Iterator[Authored]:
    """Every region of a view, layer by layer, in paint order."""
    figure = FIGURES[view]
    source = "side" if figure == "side" else view
    for layer in drawing.layers["layers"][source]:
        for shape in drawing.paint(figure, source, layer):
            for screen_left in (False,) if shape.midline else halves(view):
                side = "midline" if shape.midline else side_on_screen(view, screen_left=screen_left)
                yield region(shape, view, side, screen_left=screen_left)


def region(shape: Shape, view: str, side: str, *, screen_left: bool) -> Authored:
    """One region as it is written."""
    part = shape.authored["part"]
    centre, radius = shape.circle()
    placed = on_screen(Point(centre), view, screen_left=screen_left).centroid
    return {
        "id": f"{view}-{shape.layer}-{part}--{side}",
        "part": part,
        "kind": "zone" if shape.layer == "zones" else "muscle",
        "side": side,
        "view": view,
        "layer": shape.layer,
        "body_part": shape.authored["body_part"],
        # Simplified before it is mirrored, so that both sides keep the same points.
        "d": area_path(on_screen(shape.area.simplify(SIMPLIFY), view, screen_left=screen_left)),
        "cx": round(placed.x, 1),
        "cy": round(placed.y, 1),
        "radius": round(radius - 0.05, 1),
        "reviewed_by": shape.authored["reviewed_by"],
    }


def zooms_of(drawing: Drawing, view: str, regions: Sequence[Authored]) -> Iterator[Authored]:
    """The zoom boxes of a view, each with what it offers. A box of `each` limb is written once per side."""
    figure = FIGURES[view]
    for authored in drawing.points["zooms"]["side" if figure == "side" else view]:
        each = authored["side"] == "each"
        for screen_left in halves(view) if each else (view == "left",):
            side = side_on_screen(view, screen_left=screen_left) if each else "both"
            area = on_screen(box(*authored["box"]), view, screen_left=screen_left)
            left, top, right, bottom = area.bounds
            yield {
                "id": f"{authored['body_part']}-{view}" + (f"-{side}" if each and figure == "body" else ""),
                "body_part": authored["body_part"],
                "view": view,
                "side": side,
                "view_box": f"{left:g} {top:g} {right - left:g} {bottom - top:g}",
                "region_ids": [
                    region["id"] for region in regions if region["view"] == view and offered(region, area, side)
                ],
            }


def offered(region: Authored, area: BaseGeometry, side: str) -> bool:
    """Whether a zoom box shows enough of a region to choose it there."""
    if side not in {"both", region["side"]} and region["side"] != "midline":
        return False
    shape = area_of(region["d"])
    shown = shape.intersection(area).area >= SHARE * shape.area
    return bool(shown and area.buffer(-MARGIN).contains(Point(region["cx"], region["cy"])))


def area_of(d: str) -> BaseGeometry:
    """The area of path data that `area_path` wrote. Holes are cut out."""
    area: BaseGeometry = Polygon()
    for ring in d.split("Z")[:-1]:
        points = [tuple(map(float, point.split())) for point in ring.removeprefix("M").split("L")]
        area = area.symmetric_difference(Polygon(points).buffer(0))
    return area


def draw(points: Authored, layers: Authored) -> Authored:
    """The whole content of `regions.json`."""
    drawing = Drawing(points, layers)
    regions = [region for view in FIGURES for region in regions_of(drawing, view)]
    return {
        "views": {view: view_of(drawing, view) for view in FIGURES},
        "zooms": [zoom for view in FIGURES for zoom in zooms_of(drawing, view, regions)],
        "regions": regions,
        "list_only": layers["list_only"],
    }


def rendered() -> str:
    """The text of `regions.json`: one view, box, region or exception a line."""
    points, layers = (json.loads((HERE / name).read_text(encoding="utf-8")) for name in ("points.json", "layers.json"))
    return "{\n" + ",\n".join(section(*entry) for entry in draw(points, layers).items()) + "\n}\n"


def section(name: str, content: Authored | list[Authored]) -> str:
    """A key of `regions.json` and what is under it."""
    if isinstance(content, dict):
        lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in content.items()]
        return f'"{name}": {{\n' + ",\n".join(lines) + "\n}"
    return f'"{name}": [\n' + ",\n".join(map(json.dumps, content)) + "\n]"


if __name__ == "__main__":
    OUTPUT.write_text(rendered(), encoding="utf-8")
