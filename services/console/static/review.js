// The review page: keys that move the focus (none signs), the row that had the focus gets it back after a part was
// replaced, and refusals are shown where one looks. Everything works without it.
import { shortcut } from "./console.js";
import { showRefusals } from "./refusals.js";

const rows = () => [...document.querySelectorAll(".review-row")];
let last = "";
const current = () => document.activeElement?.closest?.(".review-row") || document.getElementById(last) || rows()[0];

const walk = (step) => {
  const all = rows();
  if (!all.length) return false;
  const at = all.indexOf(document.activeElement?.closest?.(".review-row"));
  const to = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, at + step))];
  to.focus();
  to.scrollIntoView({ block: "nearest" });
  return true;
};
shortcut("j", () => walk(1));
shortcut("k", () => walk(-1));
shortcut("c", () => {
  const form = current()?.querySelector(":scope > .comment-new");
  if (!form) return false;
  form.open = true;
  form.querySelector("textarea").focus();
  return true;
});
shortcut("e", () => {
  const button = current()?.querySelector(".review-seen button");
  button?.click();
  return Boolean(button);
});
const moveTo = (section, control) => () => {
  const found = document.getElementById(section);
  const first = found?.querySelector(control) || found;
  first?.focus();
  first?.scrollIntoView({ block: "center" });
  return Boolean(first);
};
const controls = "input[type=radio],select,input[type=password],a.button";
shortcut("r", moveTo("request", "textarea"));
shortcut("s", moveTo("sign", controls));
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("header a[href='#request'],header a[href='#sign']");
  if (!link) return;
  event.preventDefault();
  moveTo(link.hash.slice(1), link.hash === "#request" ? "textarea" : controls)();
});

// Whoever leaves for the clinic's sign-in before a signature finds what they were writing in other forms here again.
const kept = document.getElementById("kept");
const nameOf = (form) => [form.getAttribute("action"), ...["step", "comment", "reply_to"].map((name) => form.elements[name]?.value)].join(" ");
const isChoice = (field) => ["radio", "checkbox"].includes(field.type);
const isChanged = (field) =>
  isChoice(field) ? field.checked !== field.defaultChecked
  : field.tagName === "SELECT" ? field.value && !field.selectedOptions[0].defaultSelected
  : field.value !== field.defaultValue;
const written = (form) => [...form.elements].filter((field) => field.name && field.type !== "hidden" && isChanged(field));
document.addEventListener("submit", (event) => {
  if (!event.target.querySelector("[data-away]")) return;
  for (const form of document.querySelectorAll("#review form")) {
    const fields = form === event.target ? [] : written(form).map((field) => [field.name, field.value, field.checked]);
    if (!fields.length) continue;
    const carrier = Object.assign(document.createElement("input"), { type: "hidden", name: "kept" });
    carrier.value = JSON.stringify([nameOf(form), fields]);
    event.target.append(carrier);
  }
});
for (const line of kept ? JSON.parse(kept.textContent).split("\n") : []) {
  const [name, fields] = JSON.parse(line);
  const form = [...document.querySelectorAll("#review form")].find((each) => nameOf(each) === name);
  for (const [named, value, checked] of form ? fields : []) {
    for (const field of [...form.elements].filter((each) => each.name === named && (!isChoice(each) || each.value === value))) {
      if (isChoice(field)) field.checked = checked;
      else field.value = value;
      for (let around = field.closest("details"); around; around = around.parentElement.closest("details")) Object.assign(around, { open: true }).dataset.kept = "";
    }
  }
}

document.addEventListener("focusin", (event) => { last = event.target.closest(".review-row")?.id || last; });

// A comment that is opened is written at once; an attestation that is chosen is followed by the password.
document.addEventListener("toggle", (event) => {
  if (event.target.matches?.(".comment-new,.answer") && event.target.open && !("kept" in event.target.dataset) && !event.target.contains(document.activeElement?.closest("form"))) {
    event.target.querySelector("textarea")?.focus();
  }
}, true);
document.addEventListener("change", (event) => {
  if (event.target.name !== "attestation") return;
  const form = event.target.form;
  form.classList.toggle("excepting", event.target.value === "AGREE_EXCEPT");
  form.elements[event.target.value === "AGREE_EXCEPT" ? "attestation_text" : "password"]?.focus();
});

showRefusals("review", ".review-main");
document.body.addEventListener("htmx:afterSettle", () => {
  const told = document.getElementById("told");
  if (told) told.focus();
  else (document.getElementById(last) || document.getElementById("review"))?.focus({ preventScroll: true });
});
document.getElementById("told")?.focus();
