// Answers for the network when the treatment room is opened again without one. It only reads: kept.js keeps the page and
// takes it away. Where the network answers, whatever it answers, the kept page is not shown.
const CACHE = "myoplan.room", UNTIL = "x-kept-until", PATIENCE = 10000;

addEventListener("install", () => self.skipWaiting());
addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (pathname === new URL(registration.scope).pathname) event.respondWith(page(request, pathname));
  } else if (pathname.startsWith("/static/")) event.respondWith(file(request));
});

const silence = () => new Promise((_, fail) => setTimeout(() => fail(new Error("no answer")), PATIENCE));
const page = async (request, pathname) => {
  try { return await Promise.race([fetch(request), silence()]); } catch { /* there is no network */ }
  const kept = await caches.match(pathname, { cacheName: CACHE });
  if (kept && Date.now() < Number(kept.headers.get(UNTIL))) return kept;
  await caches.delete(CACHE);
  return Response.error();
};
// The address of a static file holds its hash: what is kept is what the network would answer.
const file = async (request) => (await caches.match(new URL(request.url).pathname, { cacheName: CACHE })) || fetch(request);
