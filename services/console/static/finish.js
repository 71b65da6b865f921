// Closing a visit: a tap on a bar sets its value, and steps that wait on this device are sent before the visit is closed.
import { formToken } from "./console.js";
import { Queue } from "./queue.js";
import { words } from "./words.js";

const SNAP = 5;
const form = document.getElementById("finish");
const waits = document.getElementById("finish-waits"), go = document.getElementById("finish-go");

form.addEventListener("click", (event) => {
  const bar = event.target.closest("svg.bar");
  if (!bar) return;
  const box = bar.getBoundingClientRect(), scale = Number(bar.dataset.scale);
  const raw = ((event.clientX - box.left) / box.width) * scale;
  const input = document.getElementById(bar.dataset.for);
  input.value = String(Math.max(0, Math.min(scale, SNAP * Math.round(raw / SNAP))));
  show(input);
});
const show = (input) => {
  const fill = form.querySelector(`svg[data-for="${CSS.escape(input.id)}"] .bar-fill`);
  fill?.setAttribute("width", String(Math.max(0, Number(input.value.replace(",", ".")) || 0)));
};
form.addEventListener("input", (event) => { if (event.target.matches(".short")) show(event.target); });

const queue = new Queue({
  person: document.body.dataset.sessionKey,
  address: form.dataset.room,
  token: formToken,
  onChange: () => tell(),
  onStored: () => tell(),
  onRefused: () => tell(),
});
const tell = () => {
  const count = queue.entries.length;
  waits.hidden = !count;
  waits.textContent = count ? words("waiting", { n: count }) : "";
  go.disabled = Boolean(count);
};
tell();
queue.send();
