// The order of the steps by dragging. A row that was dropped is sent as Earlier and Later are, in one request however far
// it went, and goes back where it was if the move is not made.
import { words } from "./words.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");
const steps = (list) => [...list.children].filter((row) => row.matches(".step"));
let sortable = null, taken = [], moving = null;

const putBack = () => {
  if (!moving) return;
  const { list, rows, row, said } = moving;
  moving = null;
  said.remove();
  row.classList.remove("step-moves");
  row.removeAttribute("aria-busy");
  list.append(...rows);
  sortable?.option("disabled", false);
};

const dropped = ({ item: row, to: list }) => {
  const before = taken.filter((each) => each.matches(".step")), now = steps(list);
  const was = before.indexOf(row), is = now.indexOf(row), form = document.getElementById("move-step");
  const said = document.createElement("p");
  moving = { list, rows: taken, row, said };
  if (!form || was === is) return putBack();
  const name = (each) => each.id.replace("step-", "");
  form.elements.step.value = name(row);
  form.elements.before.value = is < was ? name(now[is + 1]) : "";
  form.elements.after.value = is < was ? "" : name(now[is - 1]);
  said.className = "small step-moving";
  said.setAttribute("role", "status");
  said.textContent = words("moving");
  row.classList.add("step-moves");
  row.setAttribute("aria-busy", "true");
  row.append(said);
  sortable.option("disabled", true);
  let sent = false;
  form.addEventListener("htmx:beforeRequest", () => { sent = true; }, { once: true });
  form.requestSubmit();
  if (!sent) putBack(); // another change is on its way
};

const start = () => {
  const list = document.querySelector(".steps:has(.step-handle)");
  if (sortable?.el === list) return;
  sortable?.destroy();
  sortable = list && new globalThis.Sortable(list, {
    handle: ".step-handle",
    draggable: ".step",
    direction: "vertical",
    forceFallback: true, // mouse, pen and finger alike
    fallbackTolerance: 4,
    animation: still.matches ? 0 : 150,
    scrollSensitivity: 80,
    ghostClass: "step-place",
    dragClass: "step-drag",
    onChoose: () => { taken = [...list.children]; },
    onEnd: dropped,
  });
};

for (const kind of ["htmx:responseError", "htmx:sendError", "htmx:sendAbort", "htmx:timeout"]) document.body.addEventListener(kind, putBack);
document.body.addEventListener("htmx:afterSwap", () => { if (moving && !moving.list.isConnected) moving = null; });
document.body.addEventListener("htmx:afterSettle", start);
start();
