// The treatment room. The whole session is in the page: it works on when the network drops, and what was done waits in a
// queue on the device until it is stored. Nothing ever goes on by itself.
import { working } from "./busy.js";
import { formToken, shortcut } from "./console.js";
import { BodyChart } from "./chart.js";
import { keep as keepPage } from "./kept.js";
import { Queue } from "./queue.js";
import { words } from "./words.js";

const GUARD = 600, TOAST = 5000, MINUTE = 60, CHIMES = [20, 0];
const AWAKE_AFTER = 30 * MINUTE; // so long after its planned end a session still keeps this page unlocked
const part = Object.fromEntries([...document.querySelectorAll("[id^=room-]")].map((each) => [each.id.slice(5), each]));
const session = document.body.dataset.sessionKey;
let data = JSON.parse(part.data.textContent);

// --- what this device knows: how long each step was worked, and what was reported ---------------------------------------
const KEY = `myoplan.room:${session}:${data.address}`;
const fresh = () => ({ started: data.started, step: "", since: 0, spent: {}, extra: {}, pressure: {}, reported: {}, asked: [] });
let memory = fresh();
try { memory = { ...memory, ...JSON.parse(localStorage.getItem(KEY) || "{}") }; } catch { /* a new one is made */ }
const keep = () => localStorage.setItem(KEY, JSON.stringify(memory));

const queue = new Queue({
  person: session,
  address: data.address,
  token: formToken,
  onChange: () => showNetwork(),
  onStored: () => { showNetwork(); lookAgain(); if (!isKept && !keeping) keepHere(); },
  onRefused: (entry, text, again) => {
    if (!again) say(words("room.refused"));
    else if (/data-problem="(signed_out|forged)"/.test(text)) say(words("room.signed_out"));
    showNetwork();
  },
});

// A unit is a step with the turn that leads to it: one tap each.
const units = () => {
  const made = [];
  let turn = null;
  for (const step of data.steps.filter((each) => each.status !== "dropped")) {
    if (step.turn) turn = step;
    else { made.push({ step, turn }); turn = null; }
  }
  return made;
};
const isOver = ({ step }) => ["done", "skipped"].includes(memory.reported[step.id] ?? step.status);
const current = () => units().find((unit) => !isOver(unit)) || null;
const planned = ({ step, turn }) => step.seconds + (turn ? turn.seconds : 0) + (memory.extra[step.id] || 0);
const seconds = () => Math.floor(Date.now() / 1000);
const spent = ({ step }) => (memory.spent[step.id] || 0) + (memory.step === step.id && memory.since ? Math.max(0, seconds() - memory.since) : 0);
const clock = (value) => `${Math.floor(value / MINUTE)}:${String(Math.floor(value % MINUTE)).padStart(2, "0")}`;
const side = (word) => {
  const made = document.createElement("span");
  made.className = `side side-${word}`;
  made.textContent = words(`side.${word}`);
  return made;
};
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const named = (step) => [step.side && words(`side.${step.side}`), step.what].filter(Boolean).join(" ");

// --- drawing -------------------------------------------------------------------------------------------------------------
const say = (text) => { part.said.textContent = text; part.said.hidden = !text; };
const showNetwork = () => {
  const waiting = queue.entries.length;
  part.network.textContent = waiting ? words("waiting", { n: waiting }) : "";
  part.network.classList.toggle("waiting", Boolean(waiting));
  part.finish.toggleAttribute("aria-disabled", Boolean(waiting));
  if (waiting) part.finish.removeAttribute("href"); else part.finish.href = data.finish;
};

let chart = null, drawn = "";
const draw = async (step) => {
  const wanted = step.muscle ? `${step.muscle} ${step.side}` : "";
  if (wanted === drawn && chart) return;
  drawn = wanted;
  if (!wanted) { part.chart.hidden = true; return; }
  try {
    if (!chart) {
      const { surface, deep, zones } = part.chart.dataset;
      chart = new BodyChart(part.chart, { kind: "muscle", addresses: { surface, deep, zones }, names: new Map(), readOnly: true });
      await chart.start();
      // Both layers are loaded now, so that the picture is there without a network.
      for (const each of data.steps) if (each.muscle) await chart.show(each.muscle, each.side);
    }
    const shown = await chart.show(step.muscle, step.side);
    if (drawn === wanted) part.chart.hidden = !shown;
  } catch { part.chart.hidden = true; }
};

let ended = false;
const render = () => {
  const unit = data.state === "ready" ? null : current();
  part.ready.hidden = data.state !== "ready";
  part.work.hidden = !unit || ended;
  part.end.hidden = data.state === "ready" || Boolean(unit && !ended);
  if (!part.end.hidden) {
    part["end-title"].textContent = words(unit ? "room.stopped" : "room.all_done");
    part["end-text"].textContent = unit ? words("room.left", { n: units().filter((each) => !isOver(each)).length }) : "";
    part.resume.hidden = !unit;
    part.clock.textContent = "";
  }
  showNetwork();
  if (!unit || ended) { keep(); return; }
  const { step, turn } = unit;
  if (memory.step !== step.id) Object.assign(memory, { step: step.id, since: seconds() });
  keep();
  part.position.textContent = capital(step.position_name || step.technique || step.what);
  part.count.textContent = words("room.count", { n: step.number, all: data.count });
  part.turn.hidden = !turn;
  part.turn.textContent = turn ? words("room.turn", { what: turn.what }) : "";
  part.side.replaceChildren(...(step.side ? [side(step.side)] : []));
  part.what.textContent = step.what;
  part.technique.textContent = step.technique;
  part.instruction.textContent = step.instruction;
  const level = memory.pressure[step.id] ?? step.pressure;
  const warn = (text) => { const made = document.createElement("p"); made.className = "caution"; made.textContent = text; return made; };
  const pressure = memory.pressure[step.id] ? [words("room.softer_now", { word: data.pressures[level] })] : [];
  part.cautions.replaceChildren(...[...pressure, ...step.cautions, ...step.stop_when].map(warn));
  part.softer.disabled = !step.pressure || level <= 1;
  const rest = units().filter((each) => !isOver(each) && each.step.id !== step.id);
  const ahead = rest[0];
  part.ahead.hidden = !ahead;
  part.ahead.replaceChildren();
  if (ahead) {
    part.ahead.append(words("room.ahead"), " ", ...(ahead.step.side ? [side(ahead.step.side), " "] : []), words("room.ahead_step", { what: [ahead.step.what, ahead.step.technique].filter(Boolean).join(" · "), minutes: +(planned(ahead) / MINUTE).toFixed(1) }));
    if (ahead.turn) part.ahead.append(document.createElement("br"), words("room.ahead_turn", { what: ahead.turn.what }));
  }
  part.next.textContent = words(ahead ? "room.next" : "room.last");
  draw(step);
  tick();
};

const schedule = () => {
  const elapsed = Math.max(0, seconds() - Math.floor((memory.started || data.started) / 1000));
  const unit = current();
  const begun = units().reduce((sum, each) => sum + (isOver(each) && (memory.reported[each.step.id] ?? each.step.status) === "done" ? planned(each) : 0), 0);
  const skippedTime = units().reduce((sum, each) => sum + (isOver(each) && (memory.reported[each.step.id] ?? each.step.status) === "skipped" ? memory.spent[each.step.id] || 0 : 0), 0);
  const now = unit ? Math.min(spent(unit), planned(unit)) : 0;
  return { elapsed, behind: elapsed - begun - now - skippedTime };
};

let told = "";
const tick = () => {
  const unit = data.state === "running" && !ended ? current() : null;
  if (!unit) return;
  const all = planned(unit), used = spent(unit), left = all - used;
  part.timer.textContent = left >= 0 ? clock(left) : `+${clock(-left)}`;
  part.timer.classList.toggle("over", left < 0);
  part.progress.value = Math.min(1, used / Math.max(1, all));
  part.of.textContent = left >= 0 ? words("room.of", { time: clock(all) }) : words("room.over", { time: clock(all) });
  const { elapsed, behind } = schedule();
  // Hands at work do not touch the screen: a running treatment counts as use.
  if (elapsed < data.budget_seconds + AWAKE_AFTER) document.dispatchEvent(new CustomEvent("myoplan:used"));
  part.clock.textContent = words("room.elapsed", { time: clock(elapsed) });
  const minutes = Math.round(Math.abs(behind) / MINUTE);
  part.schedule.textContent = minutes < 1 ? words("room.on_time") : words(behind > 0 ? "room.behind" : "room.before", { n: minutes });
  if (CHIMES.includes(left) && told !== `${unit.step.id} ${left}`) { told = `${unit.step.id} ${left}`; chime(); }
};
setInterval(tick, 250);

// --- working -------------------------------------------------------------------------------------------------------------
let lastTap = 0, undone = null, toastEnds = 0;
const guarded = () => {
  const now = Date.now();
  if (now - lastTap < GUARD) return true;
  lastTap = now;
  return false;
};

const report = (unit, status) => {
  const { step, turn } = unit;
  const worked = spent(unit);
  memory.spent[step.id] = worked;
  memory.reported[step.id] = status;
  Object.assign(memory, { step: "", since: 0 });
  keep();
  const turned = turn ? Math.min(worked, turn.seconds) : 0;
  queue.add(`${data.address}/delivered`, {
    step: step.id,
    status,
    ...(status === "done" ? { seconds: String(worked - turned), turn: turn?.id || "", turn_seconds: String(turned) } : {}),
    ...(memory.pressure[step.id] ? { pressure: String(memory.pressure[step.id]) } : {}),
  });
  undone = unit;
  toastEnds = Date.now() + TOAST;
  part["toast-text"].textContent = words(status === "done" ? "room.was_done" : "room.was_skipped", { name: named(step) });
  part.toast.hidden = false;
  setTimeout(() => { if (Date.now() >= toastEnds) part.toast.hidden = true; }, TOAST + 50);
  say("");
  render();
  if (!part.end.hidden) part["end-title"].focus();
  askIfLate();
};

// Asked once at each change of position: the free minutes are used up first.
const askIfLate = () => {
  const unit = current();
  const { behind } = schedule();
  const late = behind - Math.max(0, data.budget_seconds - data.planned_seconds);
  const ask = unit && unit.turn && !memory.asked.includes(unit.turn.id) && late >= MINUTE;
  part.late.hidden = !ask;
  if (!ask) return;
  memory.asked.push(unit.turn.id);
  keep();
  part["late-text"].textContent = words("room.late", { n: Math.round(late / MINUTE) });
};

part.next.addEventListener("click", () => { const unit = current(); if (unit && !guarded()) report(unit, "done"); });
part.skip.addEventListener("click", () => { const unit = current(); if (unit && !guarded()) report(unit, "skipped"); });
part.back.addEventListener("click", () => {
  if (!undone) return;
  delete memory.reported[undone.step.id];
  const back = data.steps.find((each) => each.id === undone.step.id);
  if (back) back.status = "pending";
  const here = memory.step;
  if (here && here !== undone.step.id) memory.spent[here] = (memory.spent[here] || 0) + Math.max(0, seconds() - memory.since);
  Object.assign(memory, { step: undone.step.id, since: seconds() });
  undone = null;
  ended = false;
  part.toast.hidden = true;
  part.late.hidden = true;
  render();
});
shortcut("u", () => { if (part.toast.hidden) return false; part.back.click(); part.next.focus(); return true; });
part.more.addEventListener("click", () => {
  const unit = current();
  if (!unit) return;
  memory.extra[unit.step.id] = (memory.extra[unit.step.id] || 0) + MINUTE;
  render();
});
part.softer.addEventListener("click", () => {
  const unit = current();
  if (!unit) return;
  memory.pressure[unit.step.id] = Math.max(1, (memory.pressure[unit.step.id] ?? unit.step.pressure) - 1);
  render();
});
const pause = () => {
  const unit = current();
  if (unit) { memory.spent[unit.step.id] = spent(unit); Object.assign(memory, { step: "", since: 0 }); }
};
part.stop.addEventListener("click", () => { pause(); ended = true; render(); part["end-title"].focus(); });
part.resume.addEventListener("click", () => { ended = false; render(); });

// --- beginning and re-fitting: only these need the network -------------------------------------------------------------
const post = async (address, fields) => {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ ...fields, here: data.address, form_token: formToken() }),
  });
  if (answer.status === 423) document.dispatchEvent(new CustomEvent("myoplan:locked"));
  if (!answer.ok) throw new Error(new DOMParser().parseFromString(await answer.text(), "text/html").body.textContent.trim());
  return answer.json();
};
const trouble = (error) => { say(error instanceof TypeError ? words("offline") : error.message); part.said.scrollIntoView({ block: "nearest" }); };

const start = part.start;
start?.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (guarded()) return;
  awake();
  if (sound()) chime(true);
  try {
    const { etag, request_id } = start.elements;
    data = await working(post(start.action, { etag: etag.value, request_id: request_id.value }));
    memory = { ...fresh(), started: Math.min(Date.now(), data.started || Date.now()) };
    render();
    positions();
    keepHere();
    part.what.focus({ preventScroll: true });
  } catch (error) {
    part.work.before(part.said);
    trouble(error);
  }
});

const refit = async (fields) => {
  part.changes.close();
  part.late.hidden = true;
  await queue.send();
  if (queue.entries.length) { say(words("offline")); return; }
  try {
    data = await working(post(`${data.address}/refit`, { ...fields, request_id: crypto.randomUUID() }));
    render();
    positions();
    say(`${words("room.refitted")} ${data.latest.join(" ")}`);
    keepHere();
  } catch (error) { trouble(error); }
};
part["late-refit"].addEventListener("click", () => refit({}));
part["late-leave"].addEventListener("click", () => { part.late.hidden = true; });
part.change.addEventListener("click", () => part.changes.showModal());
part.changes.addEventListener("click", (event) => {
  const { lost, position } = event.target.dataset;
  if (lost || position) refit(lost ? { lost } : { position });
});
const positions = () => part.positions.replaceChildren(...data.positions.map(({ value, name }) => {
  const made = document.createElement("button");
  made.type = "button";
  made.dataset.position = value;
  made.textContent = name;
  return made;
}));

// --- the screen stays awake, and a soft sound for those who want it ------------------------------------------------------
let lock = null;
const awake = async () => {
  try {
    if (!navigator.wakeLock) throw new Error("none");
    lock = await navigator.wakeLock.request("screen");
    part.wake.textContent = "";
  } catch { lock = null; part.wake.textContent = words("room.not_awake"); }
};
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible" && lock) awake(); });
if (data.state === "running") document.addEventListener("click", () => { if (!lock) awake(); }, { once: true });

const CHIME = `myoplan.room.chime:${session}`;
const sound = () => localStorage.getItem(CHIME) === "on";
part.chime.checked = sound();
part.chime.addEventListener("change", () => { localStorage.setItem(CHIME, part.chime.checked ? "on" : "off"); if (part.chime.checked) chime(); });
let audio = null;
const chime = (silent = false) => {
  if (!sound()) return;
  try {
    audio ||= new AudioContext();
    audio.resume();
    if (silent) return; // a tap is what lets a page make sounds later
    const tone = audio.createOscillator(), volume = audio.createGain();
    tone.frequency.value = 660;
    volume.gain.setValueAtTime(0.08, audio.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.8);
    tone.connect(volume).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.8);
  } catch { /* no sound on this device */ }
};

// --- opened again without a network: kept.js keeps this page as long as a running session keeps it unlocked -------------
const LOOK_AGAIN = 15000;
const until = () => data.started + (data.budget_seconds + AWAKE_AFTER) * 1000;
const hour = (moment) => new Date(moment).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
let isKept = false, keeping = 0, keptAt = Number(document.body.dataset.keptAt || 0); // keptAt: this page came from the device
const keepHere = async () => {
  if (keptAt || data.state !== "running") return;
  keeping += 1;
  isKept = await keepPage(data.address, session, until(), Object.values(data.chart));
  keeping -= 1;
  part.kept.textContent = isKept ? words("room.kept", { time: hour(until()) }) : words("room.not_kept");
};
const lookAgain = async () => {
  if (!keptAt) return;
  try {
    const answer = await fetch(`${data.address}.json`);
    if (answer.status === 423) document.dispatchEvent(new CustomEvent("myoplan:locked"));
    if (answer.status === 401) say(words("room.signed_out"));
    if (!answer.ok || !keptAt) return;
    const now = await answer.json();
    if (now.state !== "running") { location.reload(); return; }
    data = now;
    keptAt = 0;
    part.away.hidden = true;
    render();
    positions();
    queue.send();
    keepHere();
  } catch { /* still away */ }
};
if (keptAt) {
  part.away.textContent = words("room.from_device", { now: hour(Date.now()), then: hour(keptAt) });
  part.away.hidden = false;
  addEventListener("online", lookAgain);
  setInterval(lookAgain, LOOK_AGAIN);
}
document.addEventListener("myoplan:open", () => keepHere()); // the lock took it away

positions();
render();
queue.send();
keepHere();
