// Talking to the gateway: retries on a weak network, a stream that comes back, errors in words.

const RETRY_AFTER = [400, 1200, 3000];

// Who logs out in one tab has logged out in all: log-out.js says so.
addEventListener("storage", ({ key, newValue }) => key === "loupan.out" && newValue && location.replace("/login"));

/** What the gateway refused, from its RFC 9457 problem document. `status` 0 means that it wasn't reached. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem?.detail || problem?.title || `HTTP ${status}`);
    this.status = status;
  }

  /** Whether the same request may well succeed later. */
  get passing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Refusals are shown to people: they come in the page's language.
const heads = () => ({ Accept: "application/json", "Accept-Language": document.documentElement.lang });

async function once(path, options) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", signal: AbortSignal.timeout(20_000), ...options });
  } catch (error) {
    throw new Refused(0, { title: String(error) });
  }
  const text = await answer.text().catch(() => "");
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    if (answer.ok) throw new Refused(502, { title: "not JSON" });
  }
  if (!answer.ok) throw new Refused(answer.status, body);
  return body;
}

/**
 * Reads JSON; what may pass by itself is tried again three times. `plain`: the first time without headers of ours, so
 * that an answer which the page's head asked for (rel=preload) is this one.
 */
export async function get(path, { plain = false } = {}) {
  for (const wait of [...RETRY_AFTER, null]) {
    try {
      return await once(path, plain ? {} : { headers: heads() });
    } catch (error) {
      if (wait === null || !error.passing) throw error;
      plain = false;
      await pause(wait);
    }
  }
}

/** Sends JSON once. The header tells the gateway that a page of ours sent it, not a form elsewhere. */
export function post(path, body) {
  return once(path, {
    method: "POST",
    headers: { ...heads(), "Content-Type": "application/json", "X-Loupan": "1" },
    body: JSON.stringify(body ?? {}),
  });
}

/**
 * Listens to a server-sent stream. `on` maps event names to functions of the parsed data; `onState` hears
 * "live" or "waiting"; `onBack` is called when the stream returns after a break, for what was missed.
 */
export function listen(path, on, { onState = () => {}, onBack = () => {} } = {}) {
  let source = null;
  let broken = false;
  let wait = 1000;

  const open = () => {
    source = new EventSource(path);
    source.onopen = () => {
      wait = 1000;
      onState("live");
      if (broken) onBack();
      broken = false;
    };
    source.onerror = () => {
      broken = true;
      onState("waiting");
      // The browser reconnects by itself unless the answer was an error: then it gives up, and we don't.
      if (source.readyState === EventSource.CLOSED) {
        setTimeout(open, wait);
        wait = Math.min(wait * 2, 30_000);
      }
    };
    for (const [name, hear] of Object.entries(on)) {
      source.addEventListener(name, (event) => {
        let data;
        try {
          data = JSON.parse(event.data);
        } catch {
          return; // half a line of a broken connection; the next event is whole
        }
        hear(data);
      });
    }
  };

  open();
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => {
    if (event.persisted) {
      broken = true;
      open();
    }
  });
}
