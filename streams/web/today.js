// Today's tasks, by the windows in which people read: what is to be done first, what is over at the end of the page.

import { Card, isOpen } from "./card.js";
import { arrange, byId, icon, make, setText } from "./dom.js";
import { language, say } from "./speech.js";
import { byTime, WINDOWS, windowAt, windowName } from "./windows.js";

const EARLY = 15 * 60_000; // milliseconds before its window in which a task may be done

/** As the gateway sees it: what is said in a group so long before its time would be read when nobody is to be written to. */
const isEarly = (task, now) => isOpen(task.status) && now < Date.parse(task.window.start) - EARLY;
const isLate = (task, now) => isOpen(task.status) && Date.parse(task.window.end) < now;

export class Today {
  /** `act`: clock, mark, toast (for cards), pending(task_id), empty() says why there is nothing. */
  constructor(host, act) {
    this.host = host;
    this.act = act;
    this.cards = new Map();
    this.sections = new Map();
    this.empty = make("p", { cls: "nothing" });
    this.speak();
    addEventListener("language", () => this.speak());
  }

  /** Everything that was said is said anew. */
  speak() {
    this.cards.clear();
    this.sections.clear();
    this.caption = make("p", { cls: "caption", text: say("past") });
    this.print = make("a", { cls: "print", attrs: { href: "/dealer/brief" } }, icon("print"), make("span", { text: say("print_day") }));
  }

  /** A new day: who opened or shut a window by hand did so for the old one. */
  turn() {
    for (const section of this.sections.values()) section.opened = undefined;
  }

  /** `list` are the tasks to be shown, `known` the ids of all of the day's. */
  draw(list, known, { fresh }) {
    const { clock } = this.act;
    const now = clock.now();
    list = [...list].sort(byTime);
    this.drawRing(list);
    const groups = new Map();
    for (const task of list) {
      const place = isLate(task, now) ? "late" : task.status === "expired" ? "missed" : windowAt(clock.minutes(task.window.start));
      if (!groups.has(place)) groups.set(place, []);
      groups.get(place).push(task);
    }
    const current = windowAt(clock.minutes());
    // What is to be done comes first; windows that are over go to the end of the page.
    const over = (place) => place < current && !groups.get(place).some((task) => isOpen(task.status));
    const places = [...WINDOWS.keys()].filter((place) => groups.has(place));
    const order = [
      ...["late", "missed"].filter((place) => groups.has(place)),
      ...places.filter((place) => !over(place)), ...places.filter(over),
    ];
    const wanted = order.map((place) => this.fill(place, groups.get(place), { current: place === current, now }));
    const firstOver = order.findIndex((place) => typeof place === "number" && over(place));
    if (firstOver > 0) wanted.splice(firstOver, 0, this.caption);
    for (const [place, section] of this.sections) if (!groups.has(place)) section.opened = undefined;
    if (list.length) wanted.push(this.print);
    else {
      setText(this.empty, this.act.empty());
      wanted.push(this.empty);
    }
    arrange(this.host, wanted);
    this.host.setAttribute("aria-busy", String(!fresh));
    for (const id of this.cards.keys()) if (!known.has(id)) this.cards.delete(id);
  }

  section(place) {
    let section = this.sections.get(place);
    if (!section) {
      const name = make("strong");
      const hours = make("span", { cls: "hours" });
      const tally = make("span", { cls: "tally-of" });
      const now = make("span", { cls: "now", text: say("now") });
      const list = make("div", { cls: "cards", attrs: { id: `window-${place}` } });
      const toggle = make("button", { cls: "head", attrs: { type: "button", "aria-controls": `window-${place}` } }, typeof place === "string" ? icon("alert") : null, name, hours, now, tally, icon("down"));
      const el = make("section", { cls: `window ${typeof place === "string" ? place : ""}` }, make("h2", {}, toggle), list);
      section = { el, name, hours, tally, now, list, toggle, opened: undefined };
      toggle.addEventListener("click", () => {
        section.opened = section.list.hidden;
        this.act.redraw();
      });
      this.sections.set(place, section);
    }
    return section;
  }

  fill(place, list, { current, now }) {
    const { clock } = this.act;
    const { el, name, hours, tally, now: mark, list: host, toggle, opened } = this.section(place);
    const open = list.filter((task) => isOpen(task.status)).length;
    const done = list.filter((task) => task.status === "done" || task.status === "verified").length;
    const titled = typeof place === "string";
    setText(name, titled ? say(place) : windowName(place, clock.wall().getUTCDay()));
    setText(hours, titled ? "" : WINDOWS[place].hours);
    hours.hidden = !hours.textContent;
    setText(tally, titled ? say("n_items", { n: list.length }) : `${done} / ${list.filter((task) => task.status !== "withdrawn").length}`);
    const minute = clock.minutes();
    mark.hidden = !current || minute < WINDOWS[place].read[0] || minute >= WINDOWS[place].read[1];
    // A window in which nothing is left to do folds away; who opened or shut one by hand keeps it so.
    const show = opened ?? (open > 0 || current);
    host.hidden = !show;
    toggle.setAttribute("aria-expanded", String(show));
    // What is left to do stands above what is done.
    const left = (task) => Number(!isOpen(task.status));
    arrange(host, [...list].sort((a, b) => left(a) - left(b)).map((task) => this.card(task, now)));
    return el;
  }

  card(task, now) {
    let one = this.cards.get(task.task_id);
    if (!one) {
      one = new Card(task, this.act);
      this.cards.set(task.task_id, one);
    }
    one.take(task, { pending: this.act.pending(task.task_id), late: isLate(task, now), early: isEarly(task, now) });
    return one.el;
  }

  drawRing(list) {
    const all = list.filter((task) => task.status !== "withdrawn" && task.status !== "skipped");
    const verified = all.filter((task) => task.status === "verified").length;
    const done = all.filter((task) => task.status === "done").length + verified;
    const share = (n) => (all.length ? (100 * n) / all.length : 0);
    const arc = (id, n) => {
      byId(id).style.strokeDasharray = `${n} 200`;
      byId(id).style.opacity = n > 0 ? "1" : "0";
    };
    arc("ring-done", share(done));
    arc("ring-verified", share(verified));
    setText(byId("ring-n"), all.length ? done : "–");
    setText(byId("ring-of"), all.length ? `/ ${all.length}` : "");
    byId("ring").setAttribute("aria-label", say("ring", { done, all: all.length, sure: verified }));
    byId("ring").lang = language();
  }
}
