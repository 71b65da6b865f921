"""The body chart: sides, places, coverage, and that what is committed is what the script draws."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
from shapely import STRtree
from shapely.geometry import Point, box
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from knowledge.load import load
from knowledge.model import KnowledgeBase, Tier
from services.console.bodychart import draw

CONSOLE = Path(draw.__file__).parents[1]
VIEWS = ("front", "back", "right", "left")
LAYERS = ("zones", "surface", "deep")
MIDLINE = 200.0
# Rounding to a tenth may let neighbours touch; a larger shared area is an overlap.
TOUCH = 0.05

Region = dict[str, Any]


@pytest.fixture(scope="module")
def knowledge() -> KnowledgeBase:
    return load()


@pytest.fixture(scope="module")
def chart() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(draw.OUTPUT.read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def regions(chart: dict[str, Any]) -> list[Region]:
    listed: list[Region] = chart["regions"]
    return listed


@pytest.fixture(scope="module")
def areas(regions: list[Region]) -> dict[str, BaseGeometry]:
    return {region["id"]: draw.area_of(region["d"]) for region in regions}


def points(d: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", d)]


def on_wrong_side(regions: Iterable[Region]) -> list[str]:
    """Regions of which any point or the mark is on the half of the other side."""
    wrong = []
    for region in regions:
        xs = [region["cx"], *(x for x, _ in points(region["d"]))]
        if region["side"] == "midline":
            right = region["cx"] == MIDLINE and min(xs) < MIDLINE < max(xs)
        elif region["view"] in {"left", "right"}:
            right = region["side"] == region["view"]
        elif (region["view"] == "front") == (region["side"] == "right"):
            right = max(xs) < MIDLINE
        else:
            right = min(xs) > MIDLINE
        if not right:
            wrong.append(region["id"])
    return wrong


def mirrored(region: Region) -> Region:
    d = re.sub(r"(-?[\d.]+) (-?[\d.]+)", lambda point: f"{400 - float(point[1]):.1f} {point[2]}", region["d"])
    return {**region, "cx": 400 - region["cx"], "d": d}


def of_layer(regions: Iterable[Region], view: str, layer: str) -> list[Region]:
    return [region for region in regions if (region["view"], region["layer"]) == (view, layer)]


def overlapping(areas: list[BaseGeometry]) -> list[tuple[int, int]]:
    near = zip(*STRtree(areas).query(areas, predicate="intersects"), strict=True)
    return [(int(a), int(b)) for a, b in near if a < b and areas[a].intersection(areas[b]).area > TOUCH]


def test_every_region_is_on_its_side(regions: list[Region]) -> None:
    assert on_wrong_side(regions) == []


def test_control_a_mirrored_chart_is_on_the_wrong_side(regions: list[Region]) -> None:
    paired = [region for region in regions if region["side"] != "midline" and region["view"] in {"front", "back"}]
    assert on_wrong_side(mirrored(region) for region in paired) == [region["id"] for region in paired]


def test_control_a_swapped_side_word_is_found(regions: list[Region]) -> None:
    other = {"left": "right", "right": "left"}
    paired = [region for region in regions if region["side"] != "midline"]
    assert len(on_wrong_side({**region, "side": other[region["side"]]} for region in paired)) == len(paired)


def test_left_and_right_are_mirror_images(regions: list[Region]) -> None:
    """Also of the side views: the left cheek is the right cheek mirrored."""
    flipped = {"front": "front", "back": "back", "right": "left"}
    by_id = {region["id"]: region for region in regions}
    for region in regions:
        if region["side"] == "right":
            twin = by_id[f"{flipped[region['view']]}-{region['layer']}-{region['part']}--left"]
            assert (twin["cx"], twin["cy"], twin["radius"]) == (
                pytest.approx(400 - region["cx"], abs=0.11),
                region["cy"],
                region["radius"],
            )
            pairs = zip(points(twin["d"]), points(region["d"]), strict=True)
            assert all(abs(a + b - 400) < 0.11 and y == z for (a, y), (b, z) in pairs), region["id"]


def test_ids_say_what_they_name(regions: list[Region]) -> None:
    for region in regions:
        assert region["id"] == f"{region['view']}-{region['layer']}-{region['part']}--{region['side']}"
        assert region["view"] in VIEWS
        assert region["layer"] in LAYERS
        assert region["kind"] == ("zone" if region["layer"] == "zones" else "muscle")
    assert [name for name, count in Counter(region["id"] for region in regions).items() if count > 1] == []


def test_every_zone_is_drawn_on_each_of_its_sides(regions: list[Region], knowledge: KnowledgeBase) -> None:
    drawn = {(region["part"], region["side"]) for region in regions if region["kind"] == "zone"}
    expected = {(zone.id, side) for zone in knowledge.zones.values() for side in ("left", "right")}
    expected |= {(zone.id, "midline") for zone in knowledge.zones.values() if zone.crosses_midline}
    assert len(knowledge.zones) == 60
    assert drawn == expected


def test_every_muscle_is_drawn_on_its_sides_or_listed(chart: dict[str, Any], knowledge: KnowledgeBase) -> None:
    drawn = {(region["part"], region["side"]) for region in chart["regions"] if region["kind"] == "muscle"}
    listed = {entry["muscle"]: entry["reason"] for entry in chart["list_only"]}
    expected = {
        (muscle.id, side)
        for muscle in knowledge.muscles.values()
        if muscle.id not in listed
        for side in (("left", "right") if muscle.paired else ("midline",))
    }
    assert drawn == expected
    assert set(listed) <= set(knowledge.muscles)
    assert set(listed.values()) <= {"too_deep", "too_small", "pelvic_floor"}
    must = {muscle.id for muscle in knowledge.muscles.values() if muscle.tier is Tier.MUST}
    assert must.isdisjoint(listed), "every must muscle can be pointed at"


def test_a_muscle_lies_under_the_zones_the_knowledge_base_says(
    regions: list[Region], areas: dict[str, BaseGeometry], knowledge: KnowledgeBase
) -> None:
    """The drawing and `lies_in` were made apart: at least half of each shape is under the zones named there."""
    elsewhere = {}
    for view in VIEWS:
        zones = of_layer(regions, view, "zones")
        for region in (region for region in regions if region["view"] == view and region["kind"] == "muscle"):
            lies_in = knowledge.muscles[region["part"]].lies_in
            named = unary_union([areas[zone["id"]] for zone in zones if zone["part"] in lies_in])
            share = areas[region["id"]].intersection(named).area / areas[region["id"]].area
            if share < 0.5:
                elsewhere[region["id"]] = round(share, 2)
    assert elsewhere == {}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("layer", LAYERS)
def test_no_shapes_of_a_layer_overlap(
    regions: list[Region], areas: dict[str, BaseGeometry], view: str, layer: str
) -> None:
    shown = of_layer(regions, view, layer)
    assert shown
    assert [(shown[a]["id"], shown[b]["id"]) for a, b in overlapping([areas[region["id"]] for region in shown])] == []


def test_control_a_moved_shape_overlaps() -> None:
    assert overlapping([box(0, 0, 2, 2), box(2, 0, 4, 2)]) == []
    assert overlapping([box(0, 0, 2, 2), box(1.9, 0, 4, 2)]) == [(0, 1)]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("layer", LAYERS)
def test_a_tap_on_the_mark_finds_that_region_and_no_other(
    regions: list[Region], areas: dict[str, BaseGeometry], view: str, layer: str
) -> None:
    shown = of_layer(regions, view, layer)
    for region in shown:
        mark = Point(region["cx"], region["cy"])
        assert [other["id"] for other in shown if areas[other["id"]].covers(mark)] == [region["id"]]
        assert areas[region["id"]].boundary.distance(mark) >= region["radius"] - 0.15, region["id"]
        assert region["radius"] >= 1.5, f"{region['id']} is too small to point at"


@pytest.mark.parametrize("view", VIEWS)
def test_zones_cover_the_body(
    chart: dict[str, Any], regions: list[Region], areas: dict[str, BaseGeometry], view: str
) -> None:
    """A tap on the body finds a zone: what no zone claims is no wider than the lines between them."""
    outline = draw.area_of(chart["views"][view]["outline"])
    zones = unary_union([areas[region["id"]] for region in of_layer(regions, view, "zones")])
    assert outline.difference(zones.buffer(0.4)).area < TOUCH
    for region in (region for region in regions if region["view"] == view):
        assert areas[region["id"]].difference(outline.buffer(0.2)).area < TOUCH, region["id"]


def test_a_zoom_box_shows_what_it_offers(chart: dict[str, Any], regions: list[Region]) -> None:
    by_id = {region["id"]: region for region in regions}
    own = set()
    for zoom in chart["zooms"]:
        left, top, width, height = map(float, zoom["view_box"].split())
        for region in (by_id[name] for name in zoom["region_ids"]):
            assert region["view"] == zoom["view"]
            assert zoom["side"] in {"both", region["side"]} or region["side"] == "midline"
            assert left < region["cx"] < left + width, (zoom["id"], region["id"])
            assert top < region["cy"] < top + height, (zoom["id"], region["id"])
            if region["body_part"] == zoom["body_part"]:
                own.add(region["id"])
    assert own == set(by_id), "every region is offered by the box of its own body part"


def test_every_body_part_has_a_box_in_front_and_back(chart: dict[str, Any]) -> None:
    both = {"head_neck", "neck_shoulder", "chest_abdomen", "low_back_hip"}
    each = {"arm", "forearm_hand", "hand", "thigh", "leg", "foot"}
    boxes = {(zoom["body_part"], zoom["view"], zoom["side"]) for zoom in chart["zooms"]}
    expected = {(part, view, "both") for part in both for view in ("front", "back")}
    expected |= {(part, view, side) for part in each for view in ("front", "back") for side in ("left", "right")}
    assert expected <= boxes


# From head to foot, or from the midline outwards, as seen in one view.
DOWNWARDS = [
    ("front", "frontalis orbicularis_oculi zygomaticus_major buccinator digastric_anterior_belly infrahyoid_muscles"),
    ("front", "platysma pectoralis_major_clavicular pectoralis_major_sternal pectoralis_major_costal_abdominal"),
    ("front", "pectoralis_major_costal_abdominal rectus_abdominis pyramidalis adductor_longus gracilis"),
    ("front", "rectus_femoris tibialis_anterior peroneus_fibularis_tertius extensor_digitorum_brevis"),
    ("front", "diaphragm transversus_abdominis internal_oblique iliacus adductor_brevis"),
    ("back", "occipitalis splenius_capitis upper_trapezius middle_trapezius lower_trapezius latissimus_dorsi"),
    (
        "back",
        "rectus_capitis_posterior_minor cervical_multifidi rhomboid_minor serratus_posterior_superior rhomboid_major",
    ),
    ("back", "obliquus_capitis_superior obliquus_capitis_inferior levator_scapulae supraspinatus subscapularis"),
    ("back", "infraspinatus teres_minor teres_major serratus_posterior_inferior quadratus_lumborum gluteus_medius"),
    ("back", "piriformis gemellus_superior obturator_internus gemellus_inferior quadratus_femoris"),
    ("back", "gluteus_maximus semitendinosus popliteus flexor_digitorum_longus quadratus_plantae adductor_hallucis"),
    ("right", "temporalis masseter_deep masseter_superficial mylohyoid digastric_anterior_belly infrahyoid_muscles"),
]
OUTWARDS = [
    ("front", "flexor_carpi_ulnaris palmaris_longus flexor_carpi_radialis brachioradialis"),
    ("front", "abductor_digiti_minimi_hand flexor_pollicis_brevis abductor_pollicis_brevis"),
    ("front", "ulnar_forearm volar_forearm radial_forearm"),
    ("front", "medial_epicondyle antecubital lateral_epicondyle"),
    ("front", "gracilis adductor_longus sartorius rectus_femoris vastus_lateralis"),
    ("front", "vastus_medialis rectus_femoris vastus_lateralis"),
    ("front", "gastrocnemius_medial_head tibialis_anterior extensor_digitorum_longus peroneus_fibularis_longus"),
    ("front", "dorsal_great_toe dorsal_lesser_toes"),
    ("front", "medial_ankle anterior_ankle lateral_ankle"),
    ("front", "anterior_deltoid middle_deltoid"),
    ("front", "longus_colli longus_capitis scalenus_anterior scalenus_medius scalenus_posterior"),
    ("back", "lumbar_multifidi longissimus_thoracis iliocostalis_lumborum quadratus_lumborum"),
    ("back", "cervical_multifidi semispinalis_cervicis semispinalis_capitis splenius_cervicis longissimus_capitis"),
    ("back", "rhomboid_major infraspinatus posterior_deltoid middle_deltoid"),
    ("back", "flexor_carpi_ulnaris extensor_carpi_ulnaris extensor_digitorum extensor_carpi_radialis_brevis"),
    ("back", "abductor_digiti_minimi_hand interossei_hand first_dorsal_interosseous_hand"),
    ("back", "triceps_brachii_long_head triceps_brachii_lateral_head"),
    ("back", "semimembranosus semitendinosus biceps_femoris_long_head biceps_femoris_short_head"),
    ("back", "gastrocnemius_medial_head gastrocnemius_lateral_head peroneus_fibularis_longus"),
    ("back", "flexor_digitorum_longus tibialis_posterior flexor_hallucis_longus peroneus_fibularis_brevis"),
    ("back", "abductor_hallucis flexor_digitorum_brevis abductor_digiti_minimi_foot"),
    ("back", "plantar_great_toe plantar_lesser_toes"),
    ("back", "iliosacral buttock lateral_thigh_hip"),
]


def shape(regions: list[Region], view: str, part: str, surface_first: bool) -> Region:
    order = ["zones", "surface", "deep"] if surface_first else ["zones", "deep", "surface"]
    found = [
        region
        for region in regions
        if (region["view"], region["part"]) == (view, part) and region["side"] in {"right", "midline"}
    ]
    return min(found, key=lambda region: order.index(region["layer"]))


@pytest.mark.parametrize(("view", "parts"), DOWNWARDS)
def test_parts_follow_from_head_to_foot(regions: list[Region], view: str, parts: str) -> None:
    heights = [shape(regions, view, part, surface_first=True)["cy"] for part in parts.split()]
    assert all(upper < lower for upper, lower in pairwise(heights)), heights


@pytest.mark.parametrize(("view", "parts"), OUTWARDS)
def test_parts_follow_from_the_midline_outwards(
    regions: list[Region], areas: dict[str, BaseGeometry], view: str, parts: str
) -> None:
    """By their centres of area: the mark of a long muscle may be anywhere along it."""
    found = [shape(regions, view, part, surface_first=False) for part in parts.split()]
    distances = [abs(areas[region["id"]].centroid.x - MIDLINE) for region in found]
    assert all(inner < outer for inner, outer in pairwise(distances)), distances


def test_no_shape_is_called_reviewed_before_a_clinician_has(regions: list[Region]) -> None:
    assert {region["reviewed_by"] for region in regions} == {""}


def test_what_is_committed_is_what_the_script_draws() -> None:
    assert draw.OUTPUT.read_text(encoding="utf-8") == draw.rendered(), "run python -m services.console.bodychart.draw"


def test_only_the_drawing_script_needs_shapely() -> None:
    """The console runs without it."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in CONSOLE.rglob("*.py")}
    assert [name for name, text in texts.items() if re.search(r"(?m)^\s*(from|import) shapely", text)] == ["draw.py"]
    assert {name for name, text in texts.items() if re.search(r"bodychart(\.| import )draw", text)} <= {"draw.py"}


def test_the_marks_of_a_muscle_lie_together(regions: list[Region]) -> None:
    """Surface and deep shape of one view and side are the same muscle."""
    for a, b in combinations([region for region in regions if region["kind"] == "muscle"], 2):
        if (a["part"], a["view"], a["side"]) == (b["part"], b["view"], b["side"]):
            assert Point(a["cx"], a["cy"]).distance(Point(b["cx"], b["cy"])) < 80, (a["id"], b["id"])
