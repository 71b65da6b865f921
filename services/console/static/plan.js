// The plan page: the selected step's muscle on the chart, and keys. Everything else is links, forms and htmx.
import { shortcut, typing } from "./console.js";
import { showRefusals } from "./refusals.js";
import { BodyChart } from "./chart.js";

const draw = async () => {
  const host = document.querySelector(".plan-chart:not([data-drawn])");
  if (!host) return;
  host.dataset.drawn = "yes";
  const { chartOf: part, side, surface, deep, zones } = host.dataset;
  const chart = new BodyChart(host, { kind: "muscle", addresses: { surface, deep, zones }, names: new Map(), readOnly: true });
  try {
    await chart.start();
    const shown = await chart.show(part, side);
    host.hidden = !shown;
  } catch { host.hidden = true; }
};

// --- keys: j and k select the next step; what a step's buttons do is on their own keys ----------------------------------
let focusNext = "";
const select = (by) => {
  const links = [...document.querySelectorAll(".step-link")];
  const here = links.findIndex((link) => link.getAttribute("aria-current"));
  const next = links[Math.max(0, Math.min(links.length - 1, here + by))];
  if (!next || links.indexOf(next) === here) return false;
  focusNext = "selected";
  next.click();
  return true;
};
shortcut("j", () => select(1));
shortcut("k", () => select(-1));
shortcut("w", () => {
  const why = document.getElementById("why");
  why?.scrollIntoView({ block: "nearest" });
  why?.querySelector("h2")?.focus();
  return Boolean(why);
});
const press = (id) => {
  const button = document.getElementById(id);
  if (!button || button.disabled) return false;
  button.click();
  return true;
};
shortcut("undo", () => press("edit-undo"));
// No key releases a plan: this one only leads to where it is done.
const toRelease = () => {
  const place = document.getElementById("approve"), flags = document.querySelector("#read-flags:not(:checked)");
  const target = flags || (place ? place.querySelector("input[type=password],a.button,button") : document.getElementById("sign-and-send"));
  target?.scrollIntoView({ block: "center" });
  target?.focus();
  return Boolean(target);
};
shortcut("a", toRelease);
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href='#approve']");
  if (link) { event.preventDefault(); toRelease(); }
});
document.addEventListener("keydown", (event) => {
  if (!event.altKey || event.ctrlKey || event.metaKey || typing(event.target)) return;
  const id = { ArrowUp: "edit-earlier", ArrowDown: "edit-later" }[event.key];
  if (id && document.getElementById(id)) { event.preventDefault(); press(id); }
});

showRefusals("plan", ".plan-main");
document.body.addEventListener("htmx:afterSettle", ({ target }) => {
  draw();
  // The answer stands where the question was asked, and so does the focus.
  const answer = target.closest(".why-not") || target.querySelector(":scope > .why-not");
  if (answer) {
    answer.tabIndex = -1;
    answer.focus({ preventScroll: true });
    return;
  }
  const told = document.getElementById("told");
  const selected = document.querySelector(".step-link[aria-current]");
  if (told) told.focus();
  else if (focusNext || document.activeElement === document.body) selected?.focus({ preventScroll: true });
  if (focusNext && !told) selected?.scrollIntoView({ block: "nearest" });
  focusNext = "";
});
document.getElementById("told")?.focus();
draw();
