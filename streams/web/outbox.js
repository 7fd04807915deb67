// What the phone keeps: the last list, shown at once while the network is slow or away; and what was said of tasks and
// hasn't reached the gateway yet, sent when the network is there. Where the browser can send in the background, its worker
// (worker.js) does it when the page is shut.

import { pause, post } from "./api.js";

const LIST = "loupan.tasks";
const KEY = "loupan.outbox";
const LONGEST = 30_000; // milliseconds between two tries
const WAITED = 10_000; // milliseconds after which it matters when something was said
const BOX = "loupan-marks"; // the copy for the worker

/** The status that the gateway will give the task once the mark has arrived. */
export const MARKS = { claim: "claimed", done: "done", skip: "skipped" };

export class Outbox {
  /** `onSent(mark)`, `onKept()` where it has to wait, `onEmpty()` when all that waited is sent, `onRefused(mark, error)`, `onChange()`. */
  constructor(tell) {
    Object.assign(this, tell);
    this.marks = read();
    this.sending = false;
    this.failing = false;
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  /** Keeps the mark and sends it as soon as it goes; `at` is when it was said, told where it had to wait; `quiet`: nobody asked for it. */
  add(task_id, deed, body, { at, quiet } = {}) {
    this.marks = this.marks.filter((mark) => !(mark.task_id === task_id && mark.deed === deed));
    this.marks.push({ task_id, deed, body, at, quiet, said: Date.now() });
    this.keep();
    this.hurry();
  }

  /** The status that waits to be sent for a task, or undefined. */
  pending(task_id) {
    const mark = this.marks.findLast((one) => one.task_id === task_id);
    return mark && MARKS[mark.deed];
  }

  hurry() {
    this.wake?.();
    this.flush();
  }

  async flush() {
    if (this.sending) return;
    this.sending = true;
    let waited = false;
    for (let wait = 1000; this.marks.length; ) {
      const mark = this.marks[0];
      try {
        await post(`/v1/tasks/${encodeURIComponent(mark.task_id)}/${mark.deed}`, bodyOf(mark, WAITED));
        this.drop(mark);
        this.failing = false;
        wait = 1000;
        this.onSent(mark);
      } catch (error) {
        if (!error.passing && error.status !== 401) {
          this.drop(mark);
          this.onRefused(mark, error);
          continue;
        }
        if (!this.failing) this.askWorker();
        this.failing = waited = true;
        this.onKept();
        this.onChange();
        await Promise.race([pause(wait), new Promise((resolve) => (this.wake = resolve))]);
        wait = Math.min(wait * 2, LONGEST);
      }
    }
    this.failing = false;
    this.sending = false;
    if (waited) this.onEmpty();
    this.onChange();
  }

  drop(mark) {
    this.marks = this.marks.filter((one) => one !== mark);
    this.keep();
  }

  keep() {
    try {
      localStorage.setItem(KEY, JSON.stringify(this.marks));
    } catch {
      // without storage it is kept for as long as the page is open
    }
    this.copy();
    this.onChange();
  }

  // --- the worker's copy ------------------------------------------------------------------------

  /** What waits, where the worker finds it. */
  copy() {
    if (!this.worker) return;
    const waiting = this.marks.map((mark) => ({ ...mark, body: bodyOf(mark, 0), key: keyOf(mark) }));
    this.copying = (this.copying ?? Promise.resolve()).then(async () => {
      const box = await caches.open(BOX);
      await box.put("/waiting", new Response(JSON.stringify(waiting)));
    }).catch(() => {});
  }

  /** Asks the browser to send what waits when it can, also without the page. */
  async askWorker() {
    this.worker = "serviceWorker" in navigator && "caches" in globalThis;
    if (!this.worker) return;
    try {
      this.copy();
      const registered = await navigator.serviceWorker.getRegistration("/dealer");
      await this.copying;
      await registered?.sync?.register("loupan-outbox");
    } catch {
      // the page itself sends it, then
    }
  }

  /** What the worker has sent meanwhile waits no more. */
  async settleWorker() {
    if (!this.marks.length || !("caches" in globalThis)) return;
    try {
      const box = await caches.open(BOX);
      const sent = await (await box.match("/sent"))?.json() ?? [];
      await box.delete("/sent");
      for (const mark of this.marks.filter((one) => sent.includes(keyOf(one)))) {
        this.drop(mark);
        this.onSent(mark);
      }
    } catch {
      // sent again, it counts once
    }
  }
}

const keyOf = (mark) => `${mark.task_id}/${mark.deed}/${mark.said}`;

/** What is sent of a mark: with the time at which it was said, where that is so long ago. */
const bodyOf = ({ body, at, said }, waited) => (at && Date.now() - said >= waited ? { ...body, at } : body);

function read() {
  try {
    const marks = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(marks) ? marks.filter((mark) => mark?.task_id && mark.deed in MARKS) : [];
  } catch {
    return [];
  }
}

// --- the last list ------------------------------------------------------------------------------

/** Keeps the day; a full or closed storage costs the quick start, nothing else. */
export function keep(day) {
  try {
    localStorage.setItem(LIST, JSON.stringify(day));
  } catch {
    // as said
  }
}

/** The day as it was kept, or null. */
export function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(LIST) ?? "null");
    return kept && Array.isArray(kept.tasks) && kept.day && kept.clock ? kept : null;
  } catch {
    return null; // what can't be read is read anew
  }
}

/** Forgets it: somebody else uses this phone now. */
export function forget() {
  try {
    localStorage.removeItem(LIST);
  } catch {
    // as above
  }
}
