// Out of this browser: the cookie is given back, and what was kept here is forgotten, so that whoever has the phone next
// finds nothing. Loaded when it is asked for.

import { learn, say } from "./speech.js";

learn({
  out_sure: ["确定退出登录？这台设备上保存的内容会清除，再进来需要新的登录链接或令牌。",
    "Log out? What is kept on this device is forgotten; to come back you need a new login link or your token."],
  out_waiting: ["还有 {n} 条没有送出，退出就丢了。", "{n} marks are not sent yet: they will be lost."],
  out_failed: ["现在连不上，还没有退出，请稍后再试。", "Not reached: you are still logged in. Try again in a moment."],
});

/** How the device is set up, not what was done on it. */
const STAYS = ["loupan.language", "loupan.theme"];

/** Asks whether it is meant, logs out and forgets; `waiting`: how many marks have not been sent. */
export async function logOut({ waiting = 0 } = {}) {
  if (!confirm([waiting ? say("out_waiting", { n: waiting }) : "", say("out_sure")].filter(Boolean).join("\n\n"))) return;
  const set = STAYS.map((name) => [name, read(name)]);
  const answer = await fetch("/logout", { method: "POST", credentials: "same-origin", signal: AbortSignal.timeout(20_000) }).catch(() => null);
  if (!answer?.ok) {
    alert(say("out_failed"));
    return;
  }
  // The answer has the browser clear all this, too; not every browser does, and none without https.
  forget(set);
  addEventListener("pagehide", () => forget(set)); // an event that still came in may have kept the list again
  await forgetWorker().catch(() => {});
  location.replace("/login");
}

function read(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function forget(set) {
  try {
    localStorage.setItem("loupan.out", String(Date.now())); // heard by other tabs
    localStorage.clear();
    for (const [name, value] of set) if (value !== null) localStorage.setItem(name, value);
  } catch {
    // without storage there is nothing to forget
  }
}

/** The worker behind the dealers' page, its files, and what it had to send. */
async function forgetWorker() {
  for (const worker of await navigator.serviceWorker?.getRegistrations() ?? []) await worker.unregister();
  if ("caches" in globalThis) for (const name of await caches.keys()) await caches.delete(name);
}
