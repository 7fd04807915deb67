// Tomorrow as far as it can be told: what is planned already, and a preview by the campaigns' own rules. Nothing here is marked.

import { get } from "./api.js";
import { parts } from "./card.js";
import { actionOf, dateOf, personaOf } from "./dealer-words.js";
import { icon, make } from "./dom.js";
import { say } from "./speech.js";
import { byWindow, WINDOWS, windowName } from "./windows.js";

export class View {
  /** `act`: clock, path(name), passes(task), onTasks(). */
  constructor(host, act) {
    this.host = host;
    this.act = act;
    this.answer = null;
    this.opened = new Map(); // windows that were opened or shut by hand
    addEventListener("language", () => this.draw());
  }

  /** Today's filters choose among these, too. */
  get tasks() {
    return this.answer ? [...this.answer.tasks, ...this.answer.foreseen] : [];
  }

  async look() {
    if (!this.answer) this.host.replaceChildren(make("p", { cls: "nothing", text: say("loading") }));
    this.answer = await get(this.act.path("tomorrow"));
    this.draw();
    this.act.onTasks();
  }

  draw() {
    if (!this.answer) return;
    const { clock, passes } = this.act;
    const list = this.tasks.filter(passes);
    const day = new Date(`${this.answer.date}T00:00:00Z`);
    this.host.replaceChildren(
      make("div", { cls: "intro" },
        make("h2", { text: list.length ? say("ahead", { date: dateOf(day), n: list.length }) : dateOf(day) }),
        make("p", { text: say(this.tasks.length ? "ahead_note" : "none_ahead") }),
        this.stands()),
      ...byWindow(list, clock).map(([place, tasks], at) => this.window(place, tasks, day.getUTCDay(), this.opened.get(place) ?? !at)),
    );
  }

  /** A window of the day: the first is open, the others open at a tap. */
  window(place, tasks, weekday, open) {
    const list = make("div", { cls: "cards", attrs: { id: `ahead-${place}`, hidden: !open } }, ...tasks.map((task) => this.card(task)));
    const head = make(
      "button", { cls: "head", attrs: { type: "button", "aria-expanded": String(open), "aria-controls": `ahead-${place}` } },
      make("strong", { text: windowName(place, weekday) }), WINDOWS[place].hours ? make("span", { cls: "hours", text: WINDOWS[place].hours }) : null,
      make("span", { cls: "tally-of", text: say("n_items", { n: tasks.length }) }), icon("down"));
    head.addEventListener("click", () => {
      list.hidden = !list.hidden;
      this.opened.set(place, !list.hidden);
      head.setAttribute("aria-expanded", String(!list.hidden));
    });
    return make("section", { cls: "window" }, make("h2", {}, head), list);
  }

  /** Where each campaign would stand. */
  stands() {
    const known = this.answer.estates.filter((estate) => estate.phase);
    if (!known.length) return null;
    return make("ul", { cls: "stands" }, ...known.map((estate) => make(
      "li", { attrs: { "data-phase": estate.phase } }, make("i", { cls: "dot", attrs: { "data-phase": estate.phase } }),
      make("span", { text: estate.estate_name }), make("small", { text: say("stand", { phase: say(estate.phase), day: estate.day }) }))));
  }

  card(task) {
    const { clock } = this.act;
    const { said, line } = parts(task);
    const clips = task.script?.attachments ?? [];
    const text = make("p", { cls: "text", text: said });
    return make(
      "article", { cls: "card ahead" },
      make("header", {}, make("time", { text: `${clock.hm(task.window.start)}–${clock.hm(task.window.end)}` }),
        make("span", { cls: "chip", text: say(task.foreseen ? "foreseen" : "handed_out"), attrs: { "data-status": task.foreseen ? "foreseen" : "done" } })),
      make("div", { cls: "as" }, make("p", {}, make("strong", { text: personaOf(task) }), make("span", { cls: "what", text: actionOf(task) })),
        make("p", { cls: "group", text: task.group_id ? task.group_name || task.group_id : say("outside") })),
      make("div", { cls: "fold" }, text, line ? make("p", { cls: "line", text: line }) : null,
        clips.length ? make("ul", { cls: "clips" }, ...clips.map((clip) => make("li", {}, icon("clip"), make("span", { text: clip })))) : null),
    );
  }
}
