// The assessment page: every tap is marked at once, kept in the queue, and stored by the server, whose answer replaces the
// lists. Without this script the same forms work with a full reload.
import { shortcut, formToken, rows, typing } from "./console.js";
import { BodyChart, sideWord } from "./chart.js";
import { Queue } from "./queue.js";
import { words } from "./words.js";

const page = document.getElementById("assessment");
const address = page.dataset.address;
const addresses = { zones: page.dataset.zones, surface: page.dataset.surface, deep: page.dataset.deep };
const byId = (id) => document.getElementById(id);
const SECTIONS = ["flags", "pain", "palpate", "rom", "fit"];
const LEVELS = ["tight", "tender", "latent", "active", "nothing"];

// --- what there is to choose from: the page's own lists -----------------------------------------------------------------
const plain = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, " ").trim();
const choices = (form, name) => [...(byId(form)?.elements[name].options || [])].map((option) => ({
  id: option.value,
  name: option.textContent,
  sides: option.dataset.sides.split(" "),
  rank: Number(option.dataset.rank || 0),
  words: [option.textContent, ...(option.dataset.words || "").split("|")].filter(Boolean).map(plain),
}));
const muscles = choices("palpate-form", "muscle");
const zones = choices("pain-form", "zone");
const muscleName = new Map(muscles.map((each) => [each.id, each.name]));
const zoneName = new Map(zones.map((each) => [each.id, each.name]));

// Names that begin with what was typed, word by word ("lev sc" finds levator scapulae); exact names first.
const find = (list, typed) => {
  const wanted = plain(typed).split(" ").filter(Boolean);
  if (!wanted.length) return [];
  const rank = (name) => {
    const parts = name.split(" ");
    let at = 0, score = 0;
    for (const word of wanted) {
      const found = parts.findIndex((part, place) => place >= at && part.startsWith(word));
      if (found < 0) return -1;
      score += found - at;
      at = found + 1;
    }
    return (name === wanted.join(" ") ? 0 : 1) + score;
  };
  return list
    .map((each) => ({ each, rank: Math.min(...each.words.map(rank).filter((n) => n >= 0), Infinity) }))
    .filter(({ rank: n }) => n < Infinity)
    .sort((one, other) => one.rank - other.rank || one.each.rank - other.each.rank || one.each.name.length - other.each.name.length)
    .map(({ each }) => each);
};

// "lev r 3", "back neck r 6": the last words may be a side, and a finding or how strong the pain is.
const parse = (kind, typed) => {
  const parts = plain(typed).split(" ").filter(Boolean);
  let level = "", side = "";
  if (parts.length > 1 && kind === "muscle" && /^[0-5]$/.test(parts.at(-1))) level = ["clear", ...LEVELS][Number(parts.pop())];
  if (parts.length > 1 && kind === "zone" && /^(\d|10)$/.test(parts.at(-1))) level = parts.pop();
  if (parts.length > 1 && /^(l|r|left|right)$/.test(parts.at(-1))) side = { l: "left", r: "right" }[parts.at(-1)[0]], parts.pop();
  return { text: parts.join(" "), side, level };
};

// --- state: what the server has, and what is still on its way ---------------------------------------------------------------
let state = JSON.parse(byId("state").textContent);
const saving = byId("queue");

const queue = new Queue({
  person: document.body.dataset.sessionKey,
  address,
  token: formToken,
  onChange: () => { showQueue(); mark(); },
  onStored: (entry, text, left) => { byId("entry-problem").replaceChildren(); take(text, left); undoStored(entry); },
  onRefused: (entry, text, kept) => {
    const told = new DOMParser().parseFromString(text, "text/html").body.textContent.trim();
    const line = document.createElement("p");
    line.className = "wrong";
    line.textContent = kept ? told : `${words("not_stored")}${entry ? `${describe(entry)}. ` : ""}${told}`;
    byId("entry-problem").replaceChildren(line);
    if (!kept) refresh();
  },
});

const describe = ({ fields }) => {
  const name = muscleName.get(fields.muscle) || zoneName.get(fields.zone) || fields.motion || fields.condition || "";
  return [name, fields.side && sideWord(fields.side)].filter(Boolean).join(" ");
};

const showQueue = () => {
  const waiting = queue.entries.length;
  const others = queue.others;
  const offline = waiting && queue.isAway;
  saving.textContent = [
    waiting ? (offline ? words("waiting", { n: waiting }) : words("saving")) : "",
    others ? words("others_waiting", { n: others }) : "",
  ].filter(Boolean).join(" · ");
  saving.classList.toggle("waiting", Boolean(offline || others));
};

// Puts the server's parts in place of the page's, and leaves the focus and a half-typed value where they are.
// Only what differs is replaced: whatever a finger is about to touch, or has just gone down on, stays where it is.
const content = (part) => part.outerHTML.replace(/name="(form_token|here)" value="[^"]*"/g, "");
const morph = (old, next) => {
  if (content(old) === content(next)) return;
  const same = old.tagName === next.tagName && old.id === next.id && old.childElementCount === next.childElementCount;
  if (!same || !old.childElementCount || old.matches("select,svg,script") || texts(old) !== texts(next)) {
    if (old !== document.activeElement || !old.matches("input")) old.replaceWith(document.adoptNode(next));
    return;
  }
  for (const { name } of [...old.attributes]) if (!next.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const fresh = [...next.children];
  [...old.children].forEach((child, place) => morph(child, fresh[place]));
};
const texts = (part) => [...part.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data.trim()).join("|");
const PARTS = ["saved", "undo", "sections", "flags", "pain-list", "finding-list", "unconfirmed", "rom-rows", "state"];
const take = (text, left) => {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const focus = document.activeElement;
  const id = focus?.id;
  const value = typing(focus) ? focus.value : null;
  const label = focus?.getAttribute?.("aria-label");
  const place = rows().indexOf(focus?.closest?.("li")?.querySelector("[data-row]"));
  for (const part of PARTS) {
    const old = byId(part), next = fresh.getElementById(part);
    if (old && next) morph(old, next);
  }
  state = JSON.parse(byId("state").textContent);
  showSection(section, false);
  if (!focus?.isConnected) {
    const again = (id && byId(id)) || (label && document.querySelector(`[aria-label="${CSS.escape(label)}"]`));
    if (again) {
      if (value !== null && again.value !== value && again.matches("input")) again.value = value;
      again.focus();
    } else {
      // The row is done with: on to the one in its place.
      const still = rows();
      (still[Math.min(place, still.length - 1)] || shown())?.focus({ preventScroll: true });
    }
  }
  mark(left);
};

const refresh = async () => {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok && !answer.redirected) take(await answer.text());
  } catch { /* the next answer will tell */ }
};

// --- marks: stored findings with the taps still on their way over them ---------------------------------------------------------
const marks = (kind) => {
  const marked = new Map();
  if (kind === "muscle") {
    for (const each of state.findings) marked.set(`${each.muscle} ${each.side}`, { level: each.level, word: each.word });
  } else {
    for (const each of state.pains) if (each.id) marked.set(`${each.zone} ${each.side}`, painMark(each.intensity));
  }
  for (const { fields } of queue.entries) {
    const muscle = kind === "muscle" && fields.kind === "palpation", pain = kind === "zone" && fields.kind === "pain";
    if (!muscle && !pain) continue;
    const key = `${muscle ? fields.muscle : fields.zone} ${fields.side}`;
    const level = muscle ? fields.level : fields.intensity;
    if (level === "clear") marked.delete(key);
    else if (level) marked.set(key, muscle ? { level, word: words(`level.${level}`), pending: true } : { ...painMark(level), pending: true });
  }
  return marked;
};
const painMark = (intensity) => ({ level: intensity === "" ? "pain" : `pain pain-${Math.ceil(Number(intensity) / 2.5)}`, word: intensity ? `${intensity}/10` : "", text: intensity });

const mark = () => {
  charts.muscle?.mark(marks("muscle"));
  charts.zone?.mark(marks("zone"));
  const list = byId("findings");
  if (!list) return;
  for (const row of list.querySelectorAll(".pending")) row.remove();
  const waiting = new Map(queue.entries.filter(({ fields }) => fields.kind === "palpation" && fields.level && fields.level !== "clear").map(({ fields }) => [`${fields.muscle} ${fields.side}`, fields]));
  for (const fields of waiting.values()) {
    const row = byId("pending-finding").content.firstElementChild.cloneNode(true);
    row.querySelector(".side").textContent = sideWord(fields.side);
    row.querySelector(".side").classList.add(`side-${fields.side}`);
    row.querySelector(".grow").textContent = muscleName.get(fields.muscle);
    row.querySelector("strong").textContent = words(`level.${fields.level}`);
    list.append(row);
  }
  byId("finding-count").textContent = `(${marks("muscle").size})`;
};

// --- charts ---------------------------------------------------------------------------------------------------------------------
const charts = {};
const say = (kind, text) => { const place = byId(kind === "muscle" ? "palpate-said" : "pain-said"); place.textContent = ""; place.textContent = text; };

const counted = (what, n) => words(`${what}.${n === 1 ? "one" : "other"}`, { n });

const startChart = async (kind) => {
  if (charts[kind]) return charts[kind].ready;
  const host = document.querySelector(`.chart-column[data-chart="${kind}"]`);
  const chart = new BodyChart(host, {
    kind, addresses,
    names: kind === "muscle" ? muscleName : zoneName,
    onPick: (part, side) => choose(kind, part, side),
    onKey: (key) => levelKey(kind, key),
  });
  charts[kind] = chart;
  chart.mark(marks(kind));
  chart.ready = chart.start();
  await chart.ready;
};

// A muscle or zone is chosen: the form knows it, the bar shows it.
const chosen = { muscle: null, zone: null };
const choose = (kind, part, side) => {
  chosen[kind] = { part, side };
  const name = (kind === "muscle" ? muscleName : zoneName).get(part) || part;
  byId(kind === "muscle" ? "palpate-picked" : "pain-picked").textContent = words("picked", { name, side: sideWord(side) });
  const now = marks(kind).get(`${part} ${side}`);
  for (const each of document.querySelectorAll(kind === "muscle" ? ".levels [name=level]" : ".finding-bar [form=pain-form]")) {
    each.setAttribute("aria-pressed", String(Boolean(now) && (kind === "muscle" ? each.value === now.level : each.value === now.text)));
  }
  if (kind === "muscle") byId("refers-to").value = "";
};
const pick = async (kind, part, side) => {
  choose(kind, part, side);
  await startChart(kind);
  const shown = await charts[kind].show(part, side);
  if (!shown) say(kind, words("said_off_chart", { name: muscleName.get(part) || zoneName.get(part), side: sideWord(side) }));
};
const levelKey = (kind, key) => {
  if (kind === "zone") { enterPain(chosen.zone, key); return true; }
  if (Number(key) > LEVELS.length) return false;
  enterLevel(chosen.muscle, ["clear", ...LEVELS][Number(key)]);
  return true;
};

// --- entries ----------------------------------------------------------------------------------------------------------------------
const open = page.dataset.open === "yes";
const enter = (fields) => { if (open) queue.add(`${address}/entries`, { here: location.pathname, section, ...fields }); };

const enterLevel = (choice, level, more = {}) => {
  if (!choice) return;
  const { part, side } = choice;
  enter({ kind: "palpation", muscle: part, side, level, ...more });
  choose("muscle", part, side);
  const name = muscleName.get(part);
  const count = counted("findings", marks("muscle").size);
  say("muscle", level === "clear" ? words("said_cleared", { name, side: sideWord(side), count }) : words("said", { name, side: sideWord(side), level: words(`level.${level}`), count }));
};
const enterPain = (choice, intensity) => {
  if (!choice) return;
  const { part, side } = choice;
  enter({ kind: "pain", zone: part, side, intensity });
  choose("zone", part, side);
  say("zone", words(intensity === "clear" ? "said_cleared" : "said_pain", { name: zoneName.get(part), side: sideWord(side), level: intensity, count: counted("places", marks("zone").size) }));
};

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("#fit-form,#give-form")) {
    if (queue.entries.length) {
      event.preventDefault();
      const line = document.createElement("p");
      line.className = "wrong";
      line.textContent = words(form.id === "fit-form" ? "fit_waits" : "give_waits");
      byId("entry-problem").replaceChildren(line);
      queue.send();
    }
    return;
  }
  if (!form.matches("[data-entry]")) return;
  event.preventDefault();
  if (!open) return;
  const { submitter } = event;
  if (form.id === "palpate-form") { enterLevel(chosen.muscle, submitter?.value || ""); return; }
  if (form.id === "pain-form") { enterPain(chosen.zone, submitter?.value || ""); return; }
  if (form.id === "undo") { undo(); return; }
  const fields = Object.fromEntries(new FormData(form, submitter));
  delete fields.form_token;
  if (fields.kind === "pain") { enterPain({ part: fields.zone, side: fields.side }, fields.intensity); return; }
  if (fields.kind === "palpation") { enterLevel({ part: fields.muscle, side: fields.side }, fields.level); return; }
  if (fields.kind === "rom" && !fields.value && !fields.painful) return;
  press(form, submitter);
  enter(fields);
  if (form.elements.condition_name) form.elements.condition_name.value = "";
});
// The answer shows at once which button it was.
const press = (form, submitter) => {
  if (form.elements.kind?.value === "same") submitter?.setAttribute("aria-pressed", "true");
  if (submitter?.name !== "answer") return;
  for (const each of form.querySelectorAll("[name=answer]")) each.setAttribute("aria-pressed", String(each === submitter));
};
page.addEventListener("change", (event) => {
  if (event.target.matches("[data-auto]")) event.target.form.requestSubmit();
  if (event.target.id === "refers-to" && event.target.value && chosen.muscle) {
    const { part, side } = chosen.muscle;
    const known = marks("muscle").get(`${part} ${side}`);
    const level = known && LEVELS.includes(known.level) ? known.level : "tender";
    enter({ kind: "palpation", muscle: part, side, level, refers_to: event.target.value });
  }
});

// What is on its way is undone as soon as it is stored: only then is it known which revision was before it.
let undoAfter = [];
const undo = () => {
  const last = queue.entries.at(-1);
  if (queue.takeBack()) return;
  if (last) undoAfter.push(last.id);
  else sendUndo();
};
const sendUndo = () => {
  const { revision, findings } = byId("undo").elements;
  if (revision.value === "0") return "";
  return queue.add(`${address}/undo`, { here: location.pathname, section, revision: revision.value, findings: findings.value });
};
const undoStored = (entry) => {
  const wanted = undoAfter.filter((id) => id === entry.id).length;
  if (!wanted) return;
  undoAfter = undoAfter.filter((id) => id !== entry.id);
  const sent = sendUndo();
  if (sent) undoAfter.push(...Array(wanted - 1).fill(sent));
};
shortcut("undo", () => byId("undo")?.requestSubmit());
shortcut("u", () => { byId("undo")?.requestSubmit(); return true; });

// --- the lists: search, and quick entry "lev r 3" --------------------------------------------------------------------------------------
const MOST_PICKS = 8;
// With a finding it is entered, and the next can be typed; without one, the focus goes to where the finding is given.
const picked = async (kind, part, side, level) => {
  const name = (kind === "muscle" ? muscleName : zoneName).get(part);
  if (level) (kind === "muscle" ? enterLevel : enterPain)({ part, side }, level);
  else say(kind, words("choose_level", { name, side: sideWord(side) }));
  await pick(kind, part, side);
  if (!level) (charts[kind].shapeOf(chosen[kind])?.shape || document.querySelector(`.chart-column[data-chart="${kind}"] .finding-bar button`)).focus();
  else if (document.activeElement === document.body) byId(kind === "muscle" ? "find-muscle" : "find-zone").focus();
};
const picks = (kind, list, input, place) => {
  const draw = () => {
    const { text, side, level } = parse(kind, input.value);
    const found = find(list, text).slice(0, MOST_PICKS);
    place.replaceChildren(...found.map((each) => {
      const row = document.createElement("li");
      row.className = "row pick";
      const name = document.createElement("span");
      name.className = "grow";
      name.textContent = each.name;
      row.append(name, ...each.sides.map((one) => {
        const made = document.createElement("button");
        made.type = "button";
        made.textContent = sideWord(one);
        made.className = `side-pick side-pick-${one}`;
        made.setAttribute("aria-label", words("side_button", { name: each.name, side: sideWord(one) }));
        made.addEventListener("click", async () => {
          input.value = "";
          draw();
          await picked(kind, each.id, one, level);
        });
        return made;
      }));
      return row;
    }));
    if (text && !found.length) place.textContent = words("no_match");
    return { found, side, level };
  };
  input.addEventListener("input", draw);
  input.addEventListener("keydown", async (event) => {
    if (event.key === "Escape") { input.value = ""; draw(); input.blur(); }
    if (event.key !== "Enter") return;
    event.preventDefault();
    const { found, side, level } = draw();
    const best = found[0];
    if (!best) { say(kind, words("no_match")); return; }
    const one = side || (best.sides.length === 1 ? best.sides[0] : "");
    if (!one || !best.sides.includes(one)) {
      // A side is never guessed.
      say(kind, words("choose_side", { name: best.name }));
      place.querySelector("button")?.focus();
      return;
    }
    input.value = "";
    draw();
    await picked(kind, best.id, one, level);
  });
};
if (muscles.length) picks("muscle", muscles, byId("find-muscle"), byId("muscle-picks"));
if (byId("find-zone")) picks("zone", zones, byId("find-zone"), byId("zone-picks"));
// A row that is done with makes room for the next: the second tap of a double tap is not for that one.
let tapped = null;
page.addEventListener("click", (event) => {
  const row = event.target.closest("#unconfirmed li, #pain-list li");
  if (event.detail > 1 && row !== tapped) { event.preventDefault(); event.stopPropagation(); }
  else tapped = row;
}, true);
page.addEventListener("click", (event) => {
  const again = event.target.closest("[data-pick]");
  if (again) pick("muscle", again.dataset.pick, again.dataset.side);
});

// --- range of motion -----------------------------------------------------------------------------------------------------------------------
const SNAP = 5;
const romFields = (form) => ({
  kind: "rom", motion: form.elements.motion.value, side: form.elements.side.value,
  mode: byId("rom-mode").value, instrument: byId("rom-instrument").value,
});
const measure = (form, value) => {
  form.elements.value.value = value;
  form.elements.value.dataset.stored = value;
  form.querySelector(".bar-fill").setAttribute("width", String(Math.max(0, Number(value))));
  enter({ ...romFields(form), value });
};
const commit = (input) => {
  const value = input.value.trim().replace("−", "-");
  if (value === (input.dataset.stored ?? input.defaultValue)) return;
  if (value === "") { enter({ ...romFields(input.form), value: "clear" }); input.dataset.stored = ""; }
  else measure(input.form, value);
};
page.addEventListener("click", (event) => {
  const bar = event.target.closest("svg.bar");
  if (!bar || !open) return;
  const box = bar.getBoundingClientRect();
  const scale = Number(bar.dataset.scale);
  const raw = ((event.clientX - box.left) / box.width) * scale;
  measure(bar.closest("form"), String(Math.max(0, Math.min(scale, SNAP * Math.round(raw / SNAP)))));
});
page.addEventListener("focusin", (event) => {
  if (!event.target.matches(".rom-value")) return;
  lastValue = event.target.id;
  byId("keypad-for").textContent = event.target.dataset.label;
});
page.addEventListener("focusout", (event) => { if (event.target.matches(".rom-value") && !byId("keypad").contains(event.relatedTarget)) commit(event.target); });
page.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches(".rom-value")) { event.preventDefault(); nextValue(event.target); }
});
page.addEventListener("change", (event) => {
  if (!event.target.matches(".end-pain")) return;
  const form = event.target.form;
  enter({ ...romFields(form), value: form.elements.value.value, painful: event.target.checked ? "yes" : "no" });
});
let lastValue = "";
const nextValue = (input) => {
  const all = [...document.querySelectorAll(".rom-value")];
  const next = all[all.indexOf(input) + 1];
  if (next) { next.focus(); next.select(); } else { commit(input); }
};
byId("keypad")?.addEventListener("pointerdown", (event) => { if (event.target.closest("button")) event.preventDefault(); });
byId("keypad")?.addEventListener("click", (event) => {
  const key = event.target.closest("[data-key]")?.dataset.key;
  const input = byId(lastValue);
  if (!key || !input) return;
  if (document.activeElement !== input) input.focus();
  if (key === "next") nextValue(input);
  else if (key === "⌫") input.value = input.value.slice(0, -1);
  else if (key === "−") input.value = input.value.startsWith("-") ? input.value.slice(1) : `-${input.value}`;
  else input.value = `${input.selectionStart === 0 && input.selectionEnd === input.value.length ? "" : input.value}${key}`;
});
byId("add-test")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const here = new URL(`${address}/rom`, location.href);
  const asked = new URLSearchParams(location.search);
  asked.append("motion", event.target.elements.motion.value);
  here.search = asked.toString();
  history.replaceState(null, "", here);
  await refresh();
});

// --- sections ------------------------------------------------------------------------------------------------------------------------------------
let section = page.dataset.section;
const shown = () => page.querySelector("section[data-section]:not([hidden])");
const showSection = (name, push) => {
  section = name;
  for (const each of page.querySelectorAll("section[data-section]")) each.hidden = each.dataset.section !== name;
  for (const each of document.querySelectorAll("#sections a")) {
    if (each.dataset.to === name) each.setAttribute("aria-current", "step");
    else each.removeAttribute("aria-current");
  }
  if (push) history.pushState(null, "", `${address}/${name}${location.search}`);
  const title = document.title.split(" · ");
  if (title.length > 2) document.title = title.with(-2, shown().querySelector("h2").textContent).join(" · ");
  if (name === "palpate") startChart("muscle");
  if (name === "pain") startChart("zone");
};
// The focus goes along: what comes next by Tab is the first thing of the section.
const goTo = (name) => {
  if (!byId("sections")) return; // in the client's hands there is one section
  showSection(name, section !== name);
  shown().focus({ preventScroll: true });
  byId("sections").scrollIntoView({ block: "nearest" });
};
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-to]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  goTo(link.dataset.to);
  fetch(link.href, { method: "HEAD" }).catch(() => {});
});
addEventListener("popstate", () => {
  const name = location.pathname.split("/").pop();
  showSection(SECTIONS.includes(name) ? name : page.dataset.section, false);
});
SECTIONS.forEach((name, place) => shortcut(String(place + 1), () => { goTo(name); return true; }));
// The first press leads to the section, the next fits: minutes that nobody chose are asked for.
shortcut("f", () => {
  if (section === "fit") byId("fit-form").requestSubmit();
  else goTo("fit");
  return true;
});
const active = () => charts[{ palpate: "muscle", pain: "zone" }[section]];
shortcut("b", () => {
  const chart = active();
  if (!chart) return false;
  chart.turn({ view: chart.view === "back" ? "front" : "back" });
  return true;
});
shortcut("d", () => {
  const chart = active();
  if (!chart || chart.kind === "zone") return false;
  chart.turn({ layer: chart.layer === "surface" ? "deep" : "surface" });
  return true;
});
shortcut("x", () => {
  const chart = active();
  const choice = chart && chosen[chart.kind];
  const other = choice && { left: "right", right: "left" }[choice.side];
  if (!other) return false;
  pick(chart.kind, choice.part, other);
  return true;
});

showSection(section, false);
showQueue();
queue.send();
