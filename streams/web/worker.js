// The worker behind the dealers' page: its files from the phone, and what was marked sent later, also when the page is
// shut. The gateway puts `VERSION` and `SHELL` before this text; another version is another worker.
/* global VERSION, SHELL */

const KEEP = `loupan-dealer-${VERSION}`;
const MARKS = "loupan-marks"; // what the page has to send: see outbox.js
const PAGES = ["/dealer", "/dealer/brief"];

self.addEventListener("install", (event) => event.waitUntil(store()));

/** All files or none: a page is never put together from two versions. */
async function store() {
  const kept = await caches.open(KEEP);
  await kept.addAll(SHELL.map((path) => new Request(path, { cache: "no-cache" })));
  await Promise.all(PAGES.map((path) => freshPage(kept, path).catch(() => {})));
}

async function freshPage(kept, path) {
  const answer = await fetch(path, { credentials: "same-origin", cache: "no-cache" });
  // Who is not signed in is answered with a page that says so: that one is not kept.
  if (answer.ok && !answer.redirected) await kept.put(path, answer.clone());
  return answer;
}

self.addEventListener("activate", (event) => event.waitUntil(takeOver()));

async function takeOver() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("loupan-dealer-") && name !== KEEP).map((name) => caches.delete(name)));
  await self.clients.claim();
}

self.addEventListener("message", (event) => event.data === "now" && self.skipWaiting());

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate" ? PAGES.includes(url.pathname) && (url.pathname !== "/dealer" || !url.search) : url.pathname.startsWith("/web/")) {
    event.respondWith(fromPhone(request, url.pathname));
  }
});

/** A file as it was kept; a page that is not kept yet from the gateway. */
async function fromPhone(request, path) {
  const kept = await caches.open(KEEP);
  const found = await kept.match(path);
  if (found) return found;
  return request.mode === "navigate" ? freshPage(kept, path) : fetch(request);
}

// --- what was marked while there was no network, and the page is shut --------------------------

self.addEventListener("sync", (event) => event.tag === "loupan-outbox" && event.waitUntil(sendMarks()));

async function sendMarks() {
  const open = await self.clients.matchAll({ type: "window" });
  if (open.length) {
    // The page sends them itself, and tells of it.
    for (const client of open) client.postMessage("send");
    return;
  }
  const box = await caches.open(MARKS);
  const marks = await (await box.match("/waiting"))?.json() ?? [];
  const sent = await (await box.match("/sent"))?.json() ?? [];
  while (marks.length) {
    const { task_id, deed, body, key } = marks[0];
    const answer = await fetch(`/v1/tasks/${encodeURIComponent(task_id)}/${deed}`, {
      method: "POST", credentials: "same-origin", body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", "X-Loupan": "1" },
    });
    // What may pass by itself is tried again by the browser; whoever is signed out sends when they are back.
    if (answer.status === 401 || answer.status === 408 || answer.status === 429 || answer.status >= 500) throw new Error(`HTTP ${answer.status}`);
    if (answer.ok) sent.push(key);
    else return; // refused: the page says so to whoever marked it
    marks.shift();
    await box.put("/sent", new Response(JSON.stringify(sent)));
    await box.put("/waiting", new Response(JSON.stringify(marks)));
  }
}
