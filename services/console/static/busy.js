// A page that waits says so: what takes longer than AFTER shows a note until the answer is there.
import { words } from "./words.js";

const AFTER = 300;
const main = document.getElementById("main"), note = document.getElementById("busy");
let waiting = 0, timer = 0;

const begin = () => {
  waiting += 1;
  if (waiting > 1) return;
  timer = setTimeout(() => { main.setAttribute("aria-busy", "true"); note.textContent = words("working"); }, AFTER);
};
const end = () => {
  waiting = Math.max(0, waiting - 1);
  if (waiting) return;
  clearTimeout(timer);
  main.removeAttribute("aria-busy");
  note.textContent = "";
};

export const working = async (answer) => {
  begin();
  try { return await answer; } finally { end(); }
};
document.body.addEventListener("htmx:beforeSend", begin);
document.body.addEventListener("htmx:afterRequest", end);
// A form that leads to another page: that page ends the wait. The window hears last whether a script keeps the form here.
addEventListener("submit", (event) => {
  if (!event.defaultPrevented && event.target.getAttribute("method") === "post") begin();
});
