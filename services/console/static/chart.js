// The body chart: one layer of drawn regions at a time, zoomed to a body part. A region is chosen by a tap, by Enter, or
// from the list; the client's LEFT and RIGHT are written on both edges of every picture.
import { words } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const make = (name, attributes, parent) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
};
const button = (text, pressed, act, parent) => {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-pressed", String(pressed));
  made.addEventListener("click", act);
  parent?.append(made);
  return made;
};

export const sideWord = (side) => words(`side.${side}`);

// The words on the edges: which of the client's sides lies at the left and at the right edge of a view.
const EDGES = { front: ["right", "left"], back: ["left", "right"], right: ["back", "front"], left: ["front", "back"] };
const edges = (view) => EDGES[view].map((each) => words(`edge.${each}`));

const loaded = new Map();
const load = (address) => {
  if (!loaded.has(address)) {
    loaded.set(address, fetch(address).then((answer) => { if (!answer.ok) throw new Error(String(answer.status)); return answer.json(); }));
    loaded.get(address).catch(() => loaded.delete(address));
  }
  return loaded.get(address);
};

export class BodyChart {
  // `addresses`: layer → file. `names`: part → name to speak. `onPick(part, side)`: a region was chosen. `onKey`: a level key.
  constructor(host, { kind, addresses, names, onPick, onKey, readOnly = false }) {
    Object.assign(this, { host, kind, addresses, names, onPick, onKey, readOnly });
    this.layer = kind === "zone" ? "zones" : "surface";
    this.view = "back";
    this.bodyPart = "neck_shoulder";
    this.limb = "right";
    this.marks = new Map();
    this.picked = null;
    this.asked = 0; // grows with every choice: what was asked for before it and comes late is not shown
    this.paper = host.querySelector(".chart-paper") || host;
  }

  async start() {
    await this.draw();
  }

  get boxes() { return this.data.zooms.filter((zoom) => zoom.body_part === this.bodyPart); }

  get zoom() {
    const here = this.boxes.filter((zoom) => zoom.view === this.view);
    return here.find((zoom) => zoom.side === "both" || zoom.side === this.limb) || here[0];
  }

  region(part, side) { return this.data.regions.filter((each) => each.part === part && each.side === side); }

  // Shows the picture in which a region is largest; false if it is on no picture.
  async show(part, side) {
    const layers = this.kind === "zone" ? ["zones"] : [this.layer, this.layer === "surface" ? "deep" : "surface"];
    const mine = (this.asked += 1);
    for (const layer of layers) {
      const data = await load(this.addresses[layer]);
      if (mine !== this.asked) return true;
      const drawn = new Map(data.regions.filter((each) => each.part === part && each.side === side).map((each) => [each.id, each]));
      const offered = data.zooms.flatMap((zoom) => zoom.region_ids.filter((id) => drawn.has(id)).map((id) => ({ zoom, region: drawn.get(id) })));
      if (!offered.length) continue;
      const size = ({ zoom, region }) => region.radius / Number(zoom.view_box.split(" ")[2]);
      const here = offered.find(({ zoom }) => layer === this.layer && zoom.id === this.zoom?.id);
      const best = here || offered.sort((one, other) => size(other) - size(one))[0];
      Object.assign(this, { layer, view: best.zoom.view, bodyPart: best.zoom.body_part });
      if (best.zoom.side !== "both") this.limb = best.zoom.side;
      this.picked = { part, side };
      await this.draw();
      return true;
    }
    this.picked = { part, side };
    this.paint();
    return false;
  }

  async turn(changes) {
    const mine = (this.asked += 1);
    Object.assign(this, changes);
    const data = await load(this.addresses[this.layer]);
    if (mine !== this.asked) return;
    this.data = data;
    if (!this.boxes.length) this.bodyPart = this.data.zooms[0].body_part;
    if (!this.boxes.some((zoom) => zoom.view === this.view)) this.view = this.boxes[0].view;
    await this.draw();
  }

  async draw() {
    const mine = this.asked;
    const data = await load(this.addresses[this.layer]);
    if (mine !== this.asked) return;
    this.data = data;
    const zoom = this.zoom;
    if (zoom.side !== "both") this.limb = zoom.side;
    this.drawControls();
    const { outline, landmarks } = this.data.views[this.view];
    const [x, y, width, height] = zoom.view_box.split(" ").map(Number);
    const near = document.activeElement && this.paper.contains(document.activeElement);
    const svg = make("svg", { viewBox: zoom.view_box, class: "body", role: "group", "aria-label": this.label() });
    make("path", { d: outline, class: "body-outline" }, svg);
    const offered = new Set(zoom.region_ids);
    this.shapes = new Map();
    const inside = ({ cx, cy }) => cx > x - width && cx < x + 2 * width && cy > y - height && cy < y + 2 * height;
    for (const region of this.data.regions.filter((each) => each.view === this.view && inside(each))) {
      if (!offered.has(region.id)) { make("path", { d: region.d, class: "region region-off" }, svg); continue; }
      const shape = make("path", {
        d: region.d, class: "region", id: region.id, "data-part": region.part, "data-side": region.side,
        "data-cx": region.cx, "data-cy": region.cy,
        ...(this.readOnly ? {} : { role: "button", tabindex: "-1", "aria-pressed": "false" }),
      }, svg);
      this.shapes.set(region.id, { shape, region });
    }
    make("path", { d: landmarks || "M0 0", class: "body-lines" }, svg);
    this.marksGroup = make("g", { class: "marks", "aria-hidden": "true" }, svg);
    const words = edges(this.view).map((word, place) => {
      const edge = document.createElement("span");
      edge.className = `edge edge-${place ? "end" : "start"}`;
      edge.setAttribute("aria-hidden", "true");
      edge.textContent = word;
      return edge;
    });
    this.paper.replaceChildren(svg, ...words);
    this.svg = svg;
    if (!this.readOnly) this.listen(svg);
    this.paint();
    const first = this.shapeOf(this.picked) || [...this.shapes.values()][0];
    if (first && !this.readOnly) { first.shape.setAttribute("tabindex", "0"); if (near) first.shape.focus(); }
  }

  label() {
    const parts = { view: words(`view.${this.view}`), layer: words(`layer.${this.layer}`), part: words(`part.${this.bodyPart}`), where: words(`where.${this.view}`) };
    return words("chart", parts);
  }

  drawControls() {
    if (this.readOnly) return;
    const focus = document.activeElement?.dataset?.control;
    const part = (name) => this.host.querySelector(`.chart-${name}`);
    const fill = (place, values, current, act, word) => {
      if (!place) return;
      place.replaceChildren(...values.map((value) => {
        const made = button(word(value), value === current, () => act(value));
        made.dataset.control = `${place.className} ${value}`;
        return made;
      }));
      place.hidden = values.length < 2;
    };
    const parts = [...new Set(this.data.zooms.map((zoom) => zoom.body_part))];
    fill(part("parts"), parts, this.bodyPart, (bodyPart) => this.turn({ bodyPart }), (value) => words(`part.${value}`));
    const views = ["back", "front", "right", "left"].filter((view) => this.boxes.some((zoom) => zoom.view === view));
    fill(part("views"), views, this.view, (view) => this.turn({ view }), (value) => words(`view.${value}`));
    const limbs = [...new Set(this.boxes.filter((zoom) => zoom.view === this.view && zoom.side !== "both").map((zoom) => zoom.side))];
    fill(part("sides"), limbs, this.limb, (limb) => this.turn({ limb }), sideWord);
    fill(part("depths"), this.kind === "zone" ? [] : ["surface", "deep"], this.layer, (layer) => this.turn({ layer }), (value) => words(`layer.${value}`));
    const title = part("title");
    if (title) title.textContent = this.kind === "zone" ? words(`view.${this.view}`) : `${words(`view.${this.view}`)} · ${words(`layer.${this.layer}`)}`;
    if (focus) this.host.querySelector(`[data-control="${CSS.escape(focus)}"]`)?.focus();
  }

  shapeOf(choice) {
    if (!choice || !this.shapes) return null;
    return [...this.shapes.values()].find(({ region }) => region.part === choice.part && region.side === choice.side) || null;
  }

  mark(marks) { this.marks = marks; if (this.shapes) this.paint(); }

  // Fills every region by its mark and draws the mark's sign, so that nothing rests on colour alone.
  paint() {
    this.marksGroup?.replaceChildren();
    for (const { shape, region } of this.shapes.values()) {
      const mark = this.marks.get(`${region.part} ${region.side}`);
      const chosen = this.picked && this.picked.part === region.part && this.picked.side === region.side;
      shape.setAttribute("class", `region${mark ? ` mark-${mark.level}` : ""}${chosen ? " picked" : ""}${mark?.pending ? " pending" : ""}`);
      if (!this.readOnly) {
        shape.setAttribute("aria-pressed", String(Boolean(mark)));
        shape.setAttribute("aria-label", [this.names.get(region.part) || region.part.replaceAll("_", " "), region.side, mark?.word].filter(Boolean).join(", "));
      }
      if (mark) this.sign(region, mark);
    }
    const picked = this.shapeOf(this.picked)?.shape;
    if (picked) this.raise(picked);
  }

  sign(region, mark) {
    const { cx, cy } = region;
    const size = Math.min(region.radius * 0.6, Number(this.zoom.view_box.split(" ")[3]) / 36);
    const group = make("g", { class: `sign sign-${mark.level}` }, this.marksGroup);
    const cross = `M${cx - size} ${cy - size}L${cx + size} ${cy + size}M${cx - size} ${cy + size}L${cx + size} ${cy - size}`;
    if (mark.level === "tight") make("circle", { cx, cy, r: size * 0.35, class: "dot" }, group);
    else if (mark.level === "tender") make("circle", { cx, cy, r: size * 0.8 }, group);
    else if (mark.level === "latent" || mark.level === "active") make("path", { d: cross }, group);
    else if (mark.level === "nothing") make("path", { d: `M${cx - size} ${cy}L${cx + size} ${cy}` }, group);
    else if (mark.text) make("text", { x: cx, y: cy + size * 0.7, "font-size": size * 2, "text-anchor": "middle" }, group).textContent = mark.text;
  }

  // --- choosing -----------------------------------------------------------------------------------------------------
  listen(svg) {
    svg.addEventListener("click", (event) => {
      const shape = event.target.closest?.("[data-part]");
      if (shape) { this.focusOn(shape); this.pick(shape); }
    });
    svg.addEventListener("keydown", (event) => {
      const shape = event.target.closest?.("[data-part]");
      if (!shape || event.ctrlKey || event.altKey || event.metaKey) return;
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (way) this.move(shape, way);
      else if (event.key === "Enter" || event.key === " ") this.pick(shape);
      else if (event.key === "x") this.flip(shape);
      else if (/^[0-9]$/.test(event.key) && this.onKey) { this.pick(shape); if (this.onKey(event.key) === false) return; }
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  focusOn(shape) {
    for (const { shape: each } of this.shapes.values()) each.setAttribute("tabindex", each === shape ? "0" : "-1");
    this.raise(shape);
    shape.focus();
  }

  // On top of its neighbours, so that the whole border is seen. What is moved loses the focus: what is there already stays.
  raise(shape) {
    const lines = this.svg.querySelector(".body-lines");
    if (lines.previousElementSibling !== shape) this.svg.insertBefore(shape, lines);
  }

  pick(shape) {
    this.asked += 1;
    this.picked = { part: shape.dataset.part, side: shape.dataset.side };
    this.paint();
    shape.focus();
    this.onPick(shape.dataset.part, shape.dataset.side);
  }

  // To the nearest region in the direction of the arrow.
  move(shape, [dx, dy]) {
    const from = [Number(shape.dataset.cx), Number(shape.dataset.cy)];
    let best = null, least = Infinity;
    for (const { shape: other, region } of this.shapes.values()) {
      const along = (region.cx - from[0]) * dx + (region.cy - from[1]) * dy;
      const aside = Math.abs((region.cx - from[0]) * dy) + Math.abs((region.cy - from[1]) * dx);
      if (other === shape || along <= 0.5) continue;
      const far = along + 2 * aside;
      if (far < least) { least = far; best = other; }
    }
    if (best) this.focusOn(best);
  }

  async flip(shape) {
    const other = { left: "right", right: "left" }[shape.dataset.side];
    if (!other) return;
    const part = shape.dataset.part;
    await this.show(part, other);
    const found = this.shapeOf({ part, side: other });
    if (found) { this.focusOn(found.shape); this.pick(found.shape); }
  }
}
