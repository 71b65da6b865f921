// Closing a visit: a tap on a bar sets its value; what is typed stays on this device until the visit is closed; and the
// visit is closed as soon as there is a connection, after the steps that wait on this device.
import { formToken } from "./console.js";
import { Queue } from "./queue.js";
import { words } from "./words.js";

const SNAP = 5, KEPT_HOURS = 24, HOUR = 3600000;
const DRAFT = "myoplan.finish";
const person = document.body.dataset.sessionKey;
const form = document.getElementById("finish");
const room = form?.dataset.room ?? document.querySelector("[data-session-over]").dataset.sessionOver;
const key = `${DRAFT}:${person}:${room}`;

// --- what was typed and not stored yet ------------------------------------------------------------------------------------
const read = (name) => { try { return JSON.parse(localStorage.getItem(name)); } catch { return null; } };
for (const name of Object.keys(localStorage).filter((each) => each.startsWith(`${DRAFT}:`))) {
  if (!(Date.now() - read(name)?.at < KEPT_HOURS * HOUR)) localStorage.removeItem(name);
}

const closing = () => {
  const part = (name) => document.getElementById(`finish-${name}`);
  const waits = part("waits"), problem = part("problem"), go = part("go");
  const typed = () => {
    const fields = Object.fromEntries(new FormData(form));
    delete fields.form_token;
    return fields;
  };
  const keep = () => localStorage.setItem(key, JSON.stringify({ at: Date.now(), fields: typed() }));
  const show = (input) => {
    const fill = form.querySelector(`svg[data-for="${CSS.escape(input.id)}"] .bar-fill`);
    fill?.setAttribute("width", String(Math.max(0, Number(input.value.replace(",", ".")) || 0)));
  };
  const fill = (fields) => {
    for (const [name, value] of Object.entries(fields)) {
      const input = form.elements.namedItem(name);
      if (!input) continue;
      if (name !== "here") input.value = value; // a set of choices takes the value of the one to be chosen
      if (input.matches?.(".short")) show(input);
    }
  };

  form.addEventListener("click", (event) => {
    const bar = event.target.closest("svg.bar");
    if (!bar) return;
    const box = bar.getBoundingClientRect(), scale = Number(bar.dataset.scale);
    const raw = ((event.clientX - box.left) / box.width) * scale;
    const input = document.getElementById(bar.dataset.for);
    input.value = String(Math.max(0, Math.min(scale, SNAP * Math.round(raw / SNAP))));
    show(input);
    keep();
  });
  form.addEventListener("input", (event) => { if (event.target.matches(".short")) show(event.target); keep(); });

  // --- steps that wait on this device go first, then what closes the visit ---------------------------------------------------
  const told = (text) => {
    problem.textContent = new DOMParser().parseFromString(text, "text/html").body.textContent.trim();
    problem.hidden = !problem.textContent;
  };
  const tell = () => {
    const count = steps.entries.length, closes = end.entries.length;
    waits.hidden = !count && !closes;
    waits.textContent = count ? words("waiting", { n: count }) : closes ? words(end.isAway ? "finish_waits" : "saving") : "";
    go.disabled = Boolean(count || closes);
    for (const each of form.querySelectorAll("section,fieldset")) each.inert = Boolean(closes);
  };
  const steps = new Queue({ person, address: room, token: formToken, onChange: () => tell(), onStored: () => tell(), onRefused: (entry, text) => { told(text); tell(); } });
  const end = new Queue({
    person,
    address: form.getAttribute("action"),
    token: formToken,
    onChange: () => tell(),
    onStored: () => location.reload(),
    onRefused: (entry, text) => { told(text); tell(); },
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (steps.entries.length || end.entries.length) return;
    keep();
    told("");
    end.add(form.getAttribute("action"), typed());
  });

  const waiting = end.entries[0]?.fields, before = form.dataset.typed ? null : read(key)?.fields;
  if (waiting || before) fill(waiting || before);
  tell();
  steps.send().then(() => { if (!steps.entries.length) end.send(); });
};

if (form) closing();
else { // the visit is closed: nothing of it stays here
  localStorage.removeItem(key);
  localStorage.removeItem(`myoplan.room:${person}:${room}`);
}
