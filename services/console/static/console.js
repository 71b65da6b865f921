// What every page has: single-key shortcuts, help, the idle lock. Pages work without any of it.
import "./busy.js";
import { drop, dropIfKept, dropUnless } from "./kept.js";
import { words } from "./words.js";

const root = document.documentElement;
root.classList.add("scripted");
const body = document.body;

export const formToken = () => body.dataset.formToken;
export const typing = (target) => target instanceof Element && target.closest("input:not([type=checkbox]):not([type=radio]),textarea,select,[contenteditable]");

// --- shortcuts: data-shortcut="f" or "g t" on a link, button or field ------------------------------------------------
const OFF = "myoplan.shortcuts.off";
const handlers = new Map();
export const shortcut = (keys, handler) => handlers.set(keys, handler);
let first = "", firstAt = 0;

const switchOn = document.getElementById("shortcuts-on");
if (switchOn) {
  switchOn.checked = !localStorage.getItem(OFF);
  switchOn.addEventListener("change", () => switchOn.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1"));
}

const use = (target) => {
  if (!target || target.disabled) return false;
  if (target.matches("input,select,textarea")) { target.focus(); target.select?.(); }
  else target.click();
  return true;
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey && event.key === "z" && !typing(event.target) && handlers.has("undo")) { event.preventDefault(); handlers.get("undo")(event); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || localStorage.getItem(OFF)) return;
  if (document.querySelector("dialog[open],.lock-screen")) return;
  const now = Date.now();
  const pair = now - firstAt < 1500 && first ? `${first} ${event.key}` : "";
  first = event.key === "g" ? "g" : "";
  firstAt = now;
  for (const keys of [pair, event.key].filter(Boolean)) {
    const handler = handlers.get(keys);
    const done = handler ? handler(event) !== false : [...document.querySelectorAll(`[data-shortcut="${CSS.escape(keys)}"]`)].filter((each) => each.checkVisibility()).some(use);
    if (done) { event.preventDefault(); first = ""; return; }
  }
});

const help = document.getElementById("help");
shortcut("?", () => help.showModal());
document.getElementById("show-help")?.addEventListener("click", () => help.showModal());

// j and k walk through rows
export const rows = () => [...document.querySelectorAll(".visit-go,.step-link,[data-row]")].filter((row) => row.checkVisibility());
const walk = (step) => {
  const all = rows();
  if (!all.length) return false;
  const focus = document.activeElement;
  const here = all.findLastIndex((row) => row === focus || row.compareDocumentPosition(focus) & Node.DOCUMENT_POSITION_FOLLOWING);
  const start = here >= 0 ? here : all.findIndex((row) => row.getAttribute("aria-current"));
  all[Math.max(0, Math.min(all.length - 1, start + step))].focus();
  return true;
};
shortcut("j", () => walk(1));
shortcut("k", () => walk(-1));

// Escape leaves a field or the chart, so that single keys mean again what they mean elsewhere.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open],.lock-screen")) return;
  event.target.closest?.("input,select,textarea,svg.body")?.closest("[tabindex='-1']")?.focus({ preventScroll: true });
});
// A key held down is one press: nothing is confirmed or passed twice because a finger stayed on Enter.
document.addEventListener("keydown", (event) => {
  if (event.repeat && event.key === "Enter" && event.target.closest?.("button,a,summary")) event.preventDefault();
}, true);

// --- a page menu closes when something else is touched ---------------------------------------------------------------
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = document.querySelector("details.menu[open]");
  if (event.key === "Escape" && menu) { menu.open = false; menu.querySelector("summary").focus(); }
});

// --- the idle lock: the page is taken away as it is and put back as it was ---------------------------------------------
const idleSeconds = Number(body.dataset.idleSeconds);
let used = Date.now(), told = Date.now(), held = null;

const post = (address, fields) => fetch(address, {
  method: "POST",
  headers: { "HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded" },
  body: new URLSearchParams({ form_token: formToken(), ...fields }),
});

// Tabs of one browser share a session: what is used in one is not idle in another, and a lock covers all of them at once.
const tabs = new BroadcastChannel("myoplan");
tabs.addEventListener("message", ({ data }) => {
  if (data === "used") used = Date.now();
  else if (idleSeconds) lock(false);
});
if (body.dataset.afterUnlock) tabs.postMessage("handed"); // the tablet is in the client's hands: other tabs close

// What this device keeps is for the person who is signed in, and nobody else: see kept.js.
const forget = () => drop().catch(() => {});
if (body.dataset.afterUnlock) forget();
else dropUnless(body.dataset.sessionKey);
const over = document.querySelector("[data-session-over]")?.dataset.sessionOver;
if (over) dropIfKept(over);
document.addEventListener("submit", async (event) => {
  if (!event.target.matches("form[action='/sign-out'],form[action='/lock/now']")) return;
  event.preventDefault();
  await forget();
  event.target.submit();
});

const lock = async (tell) => {
  if (held) return;
  forget();
  const parts = [...body.children].filter((child) => !child.matches("script,template"));
  held = { parts, focus: document.activeElement, top: scrollY, title: document.title };
  for (const part of parts) part.remove();
  body.prepend(document.getElementById("lock-screen").content.cloneNode(true));
  document.title = body.querySelector("#lock-title").textContent;
  const form = body.querySelector(".lock-screen form");
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wrong = form.querySelector(".wrong");
    try {
      const answer = await post("/lock", { password: form.elements.password.value, return: location.pathname });
      if (answer.ok) return unlock();
      form.elements.password.value = "";
      const text = new DOMParser().parseFromString(await answer.text(), "text/html").body.textContent.trim();
      wrong.textContent = text;
      if (answer.status === 401 && (await state()) === "signed_out") location.assign(`/sign-in?return=${encodeURIComponent(location.pathname + location.search)}`);
    } catch { wrong.textContent = words("offline"); }
  });
  body.querySelector(".lock-screen input[type=password],.lock-screen a").focus();
  if (!tell) {
    const { why } = await session();
    if (why) document.getElementById("lock-why")?.replaceChildren(why);
    return;
  }
  tabs.postMessage("locked");
  try { await post("/lock/now", {}); } catch { /* the server locks by itself */ }
};

const unlock = () => {
  if (body.dataset.afterUnlock) { location.assign(body.dataset.afterUnlock); return; }
  body.querySelector(".lock-screen").remove();
  body.prepend(...held.parts);
  document.title = held.title;
  scrollTo(0, held.top);
  held.focus?.focus?.();
  held = null;
  used = told = Date.now();
  document.dispatchEvent(new CustomEvent("myoplan:open"));
};

const session = async () => {
  try { return await (await fetch("/session.json")).json(); } catch { return { state: "unknown" }; }
};
const state = async () => (await session()).state;

if (idleSeconds) {
  for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"]) {
    addEventListener(kind, () => { if (Date.now() - used > 1000) tabs.postMessage("used"); used = Date.now(); }, { passive: true, capture: true });
  }
  // A page that is used without being touched, such as the treatment room, says so.
  document.addEventListener("myoplan:used", () => { used = Date.now(); });
  setInterval(() => {
    if (held) return;
    if (Date.now() - used > idleSeconds * 1000) lock(true);
    else if (used > told && Date.now() - told > Math.min(60, idleSeconds / 3) * 1000) {
      told = Date.now();
      post("/session/used", {}).catch(() => {});
    }
  }, 1000);
  // Somebody proved who they are in another tab.
  addEventListener("focus", async () => { if (held && (await state()) === "open") unlock(); });
  document.addEventListener("myoplan:locked", () => lock(false));
}
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// Without an answer nobody knows whether a change was stored: that is said, and sending the same form again is safe.
const silent = document.createElement("div");
Object.assign(silent, { id: "no-answer", className: "stop" });
silent.setAttribute("role", "alert");
document.body.addEventListener("htmx:sendError", (event) => {
  silent.textContent = words(event.detail.requestConfig?.verb === "get" ? "offline" : "not_sure");
  document.getElementById("main").prepend(silent);
  silent.scrollIntoView({ block: "nearest" });
});
document.body.addEventListener("htmx:afterOnLoad", () => silent.remove());

document.body.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  if (status === 423) document.dispatchEvent(new CustomEvent("myoplan:locked"));
  if (status === 401) location.reload();
});
