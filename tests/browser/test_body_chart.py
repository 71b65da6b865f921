"""Every region of the chart is where it says: a tap at its centre chooses it, and its side is the client's own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.console.bodychart_files import REGIONS
from tests.support.browser import Screen

# Goes through every body part, view, limb and depth by the buttons, as a finger would, and looks at every region.
LOOK = """async (host) => {
  const column = document.querySelector(host);
  const settled = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  const names = place => [...column.querySelectorAll(`.chart-${place} button`)].map(each => each.textContent);
  const press = async (place, text) => {
    const found = [...column.querySelectorAll(`.chart-${place} button`)].find(each => each.textContent === text);
    if (!found) return;
    const before = column.querySelector('svg');
    found.click();
    for (let n = 0; n < 200 && column.querySelector('svg') === before; n += 1) await settled();
  };
  const each = async (place, act) => {
    const all = names(place);
    if (all.length < 2) return act('');
    for (const text of all) { await press(place, text); await act(text); }
  };
  const seen = {};
  await each('depths', () => each('parts', () => each('views', () => each('sides', async () => {
    await settled();
    column.querySelector('svg').scrollIntoView({block: 'center'});
    for (const shape of column.querySelectorAll('[data-part]')) {
      const at = new DOMPoint(+shape.dataset.cx, +shape.dataset.cy).matrixTransform(shape.getScreenCTM());
      const hit = document.elementFromPoint(at.x, at.y);
      const edges = [...column.querySelectorAll('.edge')].map(edge => edge.textContent);
      const box = column.querySelector('svg').getBoundingClientRect();
      (seen[shape.id] ||= []).push({
        hit: hit === shape, side: shape.dataset.side, label: shape.getAttribute('aria-label'), edges,
        half: at.x < box.left + box.width / 2 ? 0 : 1, box: column.querySelector('svg').getAttribute('viewBox'),
      });
    }
  }))));
  return seen;
}"""


@pytest.mark.parametrize(("section", "kind"), [("pain", "zone"), ("palpate", "muscle")])
def test_every_region_is_hit_at_its_centre_and_says_its_true_side(screen: Screen, section: str, kind: str) -> None:
    name = screen.console.open_assessment()
    screen.open(f"/{name}/{section}")
    screen.page.wait_for_selector(f"#{section}-chart [data-part]")
    seen: dict[str, list[dict[str, Any]]] = screen.page.evaluate(LOOK, f"#{section}-chart")
    drawn = json.loads(REGIONS.read_text())
    regions = {each["id"]: each for each in drawn["regions"] if each["kind"] == kind}
    assert set(seen) == set(regions), "a region that no zoom offers, or one that is not drawn"
    missed = [(region, look["box"]) for region, looks in seen.items() for look in looks if not look["hit"]]
    assert missed == []
    for region, looks in seen.items():
        view, side = regions[region]["view"], regions[region]["side"]
        right_half = regions[region]["cx"] > 200
        for look in looks:
            assert look["side"] == side
            assert side in look["label"].split(", ")
            if view in {"front", "back"}:
                assert look["edges"] == (["RIGHT", "LEFT"] if view == "front" else ["LEFT", "RIGHT"])
                if side != "midline":
                    assert (side == "right") == (right_half if view == "back" else not right_half), region
            else:
                assert side in {view, "midline"}, region


def test_every_muscle_can_be_chosen_from_the_list(screen: Screen) -> None:
    name = screen.console.open_assessment()
    screen.open(f"/{name}/palpate")
    listed = screen.page.locator("#palpate-form select[name=muscle] option").evaluate_all(
        "all => all.map(o => o.value)"
    )
    drawn = json.loads(REGIONS.read_text())
    on_chart = {each["part"] for each in drawn["regions"] if each["kind"] == "muscle"}
    only_listed = {each["muscle"] for each in drawn["list_only"]}
    assert set(listed) == on_chart | only_listed
    screen.page.fill("#find-muscle", min(only_listed).replace("_", " "))
    assert screen.page.locator("#muscle-picks li").count() >= 1


def test_the_chart_is_one_tab_stop_and_arrows_walk(screen: Screen) -> None:
    name = screen.console.open_assessment()
    screen.open(f"/{name}/palpate")
    screen.page.wait_for_selector("#palpate-chart [data-part]")
    assert screen.page.locator("#palpate-chart [data-part][tabindex='0']").count() == 1
    region = screen.page.locator("[id=back-surface-upper_trapezius--right]")
    region.focus()
    screen.press("ArrowDown")
    below = screen.page.evaluate("document.activeElement.id")
    assert below != "back-surface-upper_trapezius--right"
    assert float(screen.page.evaluate("document.activeElement.dataset.cy")) > float(
        region.get_attribute("data-cy") or "0"
    )
    region.focus()
    screen.press("x")
    screen.page.wait_for_function("document.activeElement.id === 'back-surface-upper_trapezius--left'")
    screen.press("4")
    screen.settle()
    assert screen.page.locator("#palpate-said").text_content() == "upper trapezius, LEFT, Active. 1 finding."
    pressed = screen.page.locator("[id=back-surface-upper_trapezius--left]")
    assert pressed.get_attribute("aria-pressed") == "true"
    assert pressed.get_attribute("aria-label") == "upper trapezius, left, Active"
