// Learning mode: the client's own pain on the chart, one more line of the prediction at a time, and, only on the page after
// the lock, where a muscle can refer. The page before the lock has nothing of it to draw.
import { BodyChart, sideWord } from "./chart.js";
import { words } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const make = (name, attributes, parent) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
};

// --- one more line ---------------------------------------------------------------------------------------------------------
const slots = [...document.querySelectorAll(".slot")];
const add = document.getElementById("add-slot");
const FIRST = 3;
if (add) {
  const filled = slots.map((slot) => Boolean(slot.dataset.filled)).lastIndexOf(true) + 1;
  let shown = Math.max(FIRST, filled);
  const show = () => { slots.forEach((slot, n) => { slot.hidden = n >= shown; }); add.hidden = shown >= slots.length; };
  add.addEventListener("click", () => { shown += 1; show(); slots[shown - 1].querySelector("input").focus(); });
  show();
}

// --- the chart -------------------------------------------------------------------------------------------------------------
const host = document.querySelector(".learn-chart");
const pains = [...document.querySelectorAll("#shows .shows li[data-zone]")].map(({ dataset }) => dataset).filter((each) => each.zone);
const marks = new Map(pains.map(({ zone, side, value }) => [`${zone} ${side}`, {
  level: `pain pain-${Math.min(4, Math.max(1, Math.ceil(Number(value || 1) / 2.5)))}`, text: value,
}]));
const worst = [...pains].sort((one, other) => Number(other.value) - Number(one.value))[0];

const start = async () => {
  const chart = new BodyChart(host, { kind: "zone", addresses: { ...host.dataset }, names: new Map(), readOnly: true });
  chart.mark(marks);
  await chart.start();
  if (worst) await chart.show(worst.zone, worst.side);
  chart.picked = null;
  chart.paint();
  host.hidden = false;
  return chart;
};

// Hatched: the usual area; dotted with a dashed border: sometimes; ✕: the muscle itself.
const patterns = (svg) => {
  const defs = make("defs", {}, svg);
  const hatch = make("pattern", { id: "hatch", width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, defs);
  make("path", { d: "M0 0V5", class: "hatch" }, hatch);
  const dots = make("pattern", { id: "dots", width: 6, height: 6, patternUnits: "userSpaceOnUse" }, defs);
  make("circle", { cx: 2, cy: 2, r: 1.1, class: "dots" }, dots);
};

const layers = new Map();
const layer = async (name) => {
  if (!layers.has(name)) layers.set(name, await (await fetch(host.dataset[name])).json());
  return layers.get(name);
};

// Where it hurts and the muscle refers to, both are seen at once; so that picture is shown first.
const refer = async (chart, button) => {
  const { muscle, side, name } = button.dataset;
  const reached = [...button.parentElement.querySelectorAll(".reaches li")].map(({ dataset }) => dataset);
  const main = reached.find((each) => marks.has(`${each.zone} ${each.side}`)) || reached[0];
  await chart.show(main.zone, main.side);
  await overlay(chart, muscle, side, reached);
  document.getElementById("chart-title").textContent = `${name} ${sideWord(side)}`;
  document.getElementById("legend").hidden = false;
  const views = [...new Set(chart.boxes.map((zoom) => zoom.view))];
  document.getElementById("learn-views").replaceChildren(...(views.length > 1 ? views : []).map((view) => {
    const turn = document.createElement("button");
    Object.assign(turn, { type: "button", textContent: words(`view.${view}`) });
    turn.setAttribute("aria-pressed", String(view === chart.view));
    turn.addEventListener("click", async () => {
      await chart.turn({ view });
      await overlay(chart, muscle, side, reached);
      for (const each of turn.parentElement.children) each.setAttribute("aria-pressed", String(each === turn));
    });
    return turn;
  }));
  host.scrollIntoView({ block: "nearest" });
};

const overlay = async (chart, muscle, side, reached) => {
  chart.picked = null;
  chart.paint();
  const { svg, view } = chart;
  patterns(svg);
  const group = make("g", { class: "referral", "aria-hidden": "true" }, svg);
  for (const { zone, side: at, role } of reached) {
    for (const region of chart.region(zone, at).filter((each) => each.view === view)) make("path", { d: region.d, class: `refers-${role}`, fill: `url(#${role === "usual" ? "hatch" : "dots"})` }, group);
  }
  for (const each of ["surface", "deep"]) {
    const region = (await layer(each)).regions.find((one) => one.part === muscle && one.side === side && one.view === view);
    if (!region) continue;
    make("path", { d: region.d, class: "refers-muscle" }, group);
    const { cx, cy } = region, size = 6;
    make("path", { d: `M${cx - size} ${cy - size}L${cx + size} ${cy + size}M${cx - size} ${cy + size}L${cx + size} ${cy - size}`, class: "refers-point" }, group);
    break;
  }
};

if (host) {
  try {
    const chart = await start();
    for (const button of document.querySelectorAll(".show-referral")) button.addEventListener("click", () => refer(chart, button));
  } catch { host.hidden = true; }
}
