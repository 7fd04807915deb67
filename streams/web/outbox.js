// What was said of tasks and hasn't reached the gateway yet: kept on the phone, sent when the network is there.

import { pause, post } from "./api.js";

const KEY = "loupan.outbox";
const LONGEST = 30_000; // milliseconds between two tries

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

  /** Keeps the mark and sends it as soon as it goes. */
  add(task_id, deed, body) {
    this.marks = this.marks.filter((mark) => !(mark.task_id === task_id && mark.deed === deed));
    this.marks.push({ task_id, deed, body, said: Date.now() });
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
        await post(`/v1/tasks/${encodeURIComponent(mark.task_id)}/${mark.deed}`, mark.body);
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
    this.onChange();
  }
}

function read() {
  try {
    const marks = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(marks) ? marks.filter((mark) => mark?.task_id && mark.deed in MARKS) : [];
  } catch {
    return [];
  }
}
