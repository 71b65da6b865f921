// The one page that this device keeps: the treatment room of a running session, so that a tablet that threw it away can
// open it again without a network. See docs/adr/0009: whose it is, how long it stays, and what takes it away.
const CACHE = "myoplan.room", SCOPE = "/clients/";
const UNTIL = "x-kept-until", PERSON = "x-kept-for", UNPACKED = ["content-encoding", "content-length"];
const possible = isSecureContext && "caches" in self && "serviceWorker" in navigator;
let turn = 0; // grows when it is taken away, in whichever tab: it stays away, also if keeping it was under way
const tabs = new BroadcastChannel("myoplan.kept");
tabs.addEventListener("message", () => { turn += 1; });

const workers = async () => (await navigator.serviceWorker.getRegistrations()).filter(({ scope }) => new URL(scope).pathname.startsWith(SCOPE));

// Takes the page and its worker away. Done when it resolves.
export const drop = async () => {
  turn += 1;
  if (!possible) return;
  tabs.postMessage("gone");
  await caches.delete(CACHE);
  for (const each of await workers()) await each.unregister();
};

// Takes it away if it is not of the person at the screen, or its time is over. `person` empty: nobody is signed in.
let checked = Promise.resolve();
export const dropUnless = (person) => (checked = check(person).catch(() => {}));
const check = async (person) => {
  if (!possible) return;
  if (!person) { await drop(); return; }
  if (!(await caches.has(CACHE))) return;
  const cache = await caches.open(CACHE);
  const kept = await Promise.all((await cache.keys()).map((each) => cache.match(each)));
  const pages = kept.filter((each) => each?.headers.has(UNTIL));
  const own = ({ headers }) => headers.get(PERSON) === encodeURIComponent(person) && Date.now() < Number(headers.get(UNTIL));
  if (!pages.every(own)) await drop();
};

// Takes it away if it is the page at `address`: its session is over.
export const dropIfKept = async (address) => {
  if (possible && (await caches.match(address, { cacheName: CACHE }))) await drop();
};

// Keeps the page at `address` as the server gives it now, for `person`, until a moment [ms], with the files it needs.
// Says whether it could. Whatever was kept before is gone.
let line = Promise.resolve();
export const keep = (...what) => (line = line.then(() => one(...what)));
const one = async (address, person, until, files) => {
  await checked;
  if (!possible) return false;
  const mine = turn;
  const done = await put(address, person, until, files, () => mine === turn).catch(() => false);
  if (done && mine === turn) return true;
  await drop();
  return false;
};

const put = async (address, person, until, files, wanted) => {
  await caches.delete(CACHE);
  if (Date.now() >= until) return false;
  const answer = await fetch(address, { headers: { Accept: "text/html" }, cache: "no-store" });
  const text = await answer.text();
  const page = new DOMParser().parseFromString(text, "text/html");
  const running = page.getElementById("room")?.dataset.state === "running";
  if (!answer.ok || answer.redirected || !running || page.body.dataset.sessionKey !== person) return false;
  const headers = new Headers(answer.headers);
  for (const name of UNPACKED) headers.delete(name);
  headers.set(UNTIL, String(until));
  headers.set(PERSON, encodeURIComponent(person));
  const linked = [...page.querySelectorAll("script[src],link[href]")].map((each) => each.getAttribute("src") || each.getAttribute("href"));
  const loaded = performance.getEntriesByType("resource").map(({ name }) => new URL(name)).filter(({ origin }) => origin === location.origin).map(({ pathname }) => pathname);
  const needed = new Set([...linked, ...loaded, ...files].filter((each) => each.startsWith("/static/")));
  if (!wanted()) return false;
  const cache = await caches.open(CACHE);
  await cache.addAll([...needed]);
  await cache.put(address, new Response(text.replace("<body ", `<body data-kept-at="${Date.now()}" `), { headers }));
  for (const each of await workers()) if (new URL(each.scope).pathname !== address) await each.unregister();
  await navigator.serviceWorker.register(new URL("room-worker.js", import.meta.url), { scope: address });
  await navigator.serviceWorker.ready;
  return true;
};
