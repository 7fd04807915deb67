// The worker behind the page: registered after the first sight of it, where the browser has such a thing at all.

/** `onUpdate(apply)`: a new version waits; `onSend()`: the browser says that the network is back. */
export async function install({ onUpdate, onSend }) {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return; // WeChat's browser over http has none: the page works without
  let had = Boolean(serviceWorker.controller);
  serviceWorker.addEventListener("controllerchange", () => {
    if (had && serviceWorker.controller) location.reload(); // not where it was taken away: who logs out goes elsewhere
    had = true;
  });
  serviceWorker.addEventListener("message", (event) => event.data === "send" && onSend());
  let registered;
  try {
    registered = await serviceWorker.register("/dealer-worker.js", { scope: "/dealer", updateViaCache: "none" });
  } catch {
    return; // no worker, no harm
  }
  if (!registered) return;
  const offer = (worker) => serviceWorker.controller && onUpdate(() => worker.postMessage("now"));
  if (registered.waiting) offer(registered.waiting);
  registered.addEventListener("updatefound", () => {
    const worker = registered.installing;
    worker?.addEventListener("statechange", () => worker.state === "installed" && offer(worker));
  });
  // A page that stays open for days asks for news when it is looked at again.
  document.addEventListener("visibilitychange", () => document.hidden || registered.update().catch(() => {}));
}
