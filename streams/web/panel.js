// The side panel of one estate: phase, orders, ladder, tasks, timeline.

import { get } from "./api.js";
import { icon, make, setText } from "./dom.js";
import { tell } from "./story.js";
import { PHASES, RUNGS, STATUSES, number, say } from "./words.js";

const TIMELINE_EVERY = 4000; // milliseconds: a live estate asks no oftener

export class Panel {
  constructor(host, clock, { onClose }) {
    this.host = host;
    this.clock = clock;
    this.onClose = onClose;
    this.estate = null;
    host.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.onClose();
    });
  }

  open(estate) {
    const other = this.estate?.estate_id !== estate.estate_id;
    this.estate = estate;
    if (other) {
      this.events = null;
      this.build();
    }
    this.fill();
    this.host.hidden = false;
    if (other) {
      this.host.scrollTop = 0;
      this.host.focus({ preventScroll: true });
    }
    this.askTimeline(other);
  }

  close() {
    this.host.hidden = true;
    this.estate = null;
    clearTimeout(this.asking);
    this.asking = 0;
  }

  /** Builds anew in the other language. */
  speak() {
    if (!this.estate) return;
    this.build();
    this.fill();
    this.fillTimeline();
  }

  build() {
    const part = (title, ...inside) => make("section", {}, make("h3", { text: say(title) }), ...inside);
    const ui = (this.ui = {
      name: make("h2"), where: make("p", { cls: "where" }), status: make("span", { cls: "status" }),
      day: make("span", { cls: "day" }), steps: make("ol", { cls: "steps" }), facts: make("dl", { cls: "facts" }),
      orders: make("span", { cls: "big" }), target: make("span", { cls: "sub" }), fill: make("i", { cls: "fill" }),
      ladder: make("ol", { cls: "ladder" }), tasks: make("ul", { cls: "tally" }), timeline: make("ol", { cls: "timeline" }),
    });
    ui.rungs = RUNGS.map((rung) => {
      const bar = make("i", { cls: "fill" });
      const count = make("span", { cls: "n" });
      ui.ladder.append(make("li", {}, make("span", { cls: "rung", text: say(rung) }), make("span", { cls: "track" }, bar), count));
      return { rung, bar, count };
    });
    ui.phases = PHASES.map((phase) => {
      const step = make("li", { attrs: { "data-phase": phase } }, make("i"), make("span", { text: say(phase) }));
      ui.steps.append(step);
      return step;
    });
    ui.tallies = STATUSES.map((status) => {
      const n = make("strong");
      ui.tasks.append(make("li", { attrs: { "data-status": status } }, n, make("span", { text: say(`t_${status}`) })));
      return { status, n };
    });
    const close = make("button", { cls: "close", attrs: { type: "button", "aria-label": say("close") }, on: { click: () => this.onClose() } }, icon("close"));
    const head = make("header", {}, make("div", { cls: "title" }, ui.name, ui.where), close);
    ui.body = make(
      "div", { cls: "body" },
      make("section", { cls: "track-of" }, make("p", { cls: "line" }, ui.status, ui.day), ui.steps),
      ui.facts,
      part("against_target", make("p", { cls: "line" }, ui.orders, ui.target), make("span", { cls: "track wide" }, ui.fill)),
      part("ladder", ui.ladder),
      part("task_list", ui.tasks),
      part("timeline", ui.timeline),
    );
    ui.idle = make("p", { cls: "empty", text: say("not_worked_yet") });
    this.host.replaceChildren(head, ui.idle, ui.body);
  }

  fill() {
    const { ui, estate } = this;
    const worked = Boolean(estate.phase || estate.status);
    setText(ui.name, estate.name);
    const size = !worked && estate.households ? say("n_households", { n: number(estate.households) }) : "";
    setText(ui.where, [estate.district, estate.dealer_name, estate.store_name, size].filter(Boolean).join(" · "));
    ui.idle.hidden = worked;
    ui.body.hidden = !worked;
    if (!worked) return;
    this.fillPhases(estate);
    this.fillFacts(estate);
    this.fillOrders(estate);
    this.fillLadder(estate.rungs ?? {});
    for (const { status, n } of ui.tallies) setText(n, number(estate.tasks?.[status] ?? 0));
  }

  fillPhases(estate) {
    const { ui } = this;
    const at = estate.status === "ended" ? PHASES.length : PHASES.indexOf(estate.phase);
    ui.phases.forEach((step, i) => {
      step.className = i < at ? "past" : i === at ? "now" : "ahead";
      if (i === at) step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    });
    setText(ui.status, [say(estate.status ?? "running"), estate.stage ? say("stage_n", { n: estate.stage }) : ""].filter(Boolean).join(" · "));
    ui.status.dataset.status = estate.status ?? "running";
    setText(ui.day, !estate.day ? "" : say(estate.days ? "day_of" : "day_only", { day: estate.day, days: estate.days }));
  }

  fillFacts(estate) {
    const facts = [["members", estate.members], ["active", estate.active], ["sign_ups", estate.sign_ups], ["groups", estate.groups]];
    if (estate.households) facts.unshift(["households", estate.households]);
    const key = facts.map(([name]) => name).join();
    if (this.ui.facts.dataset.key !== key) {
      this.ui.facts.dataset.key = key;
      this.ui.facts.replaceChildren(...facts.map(([name]) => make("div", {}, make("dt", { text: say(name) }), make("dd"))));
    }
    facts.forEach(([, value], i) => setText(this.ui.facts.children[i].lastChild, number(value ?? 0)));
  }

  fillOrders(estate) {
    const { ui } = this;
    setText(ui.orders, number(estate.orders ?? 0));
    setText(ui.target, estate.target_orders ? `/ ${number(estate.target_orders)}` : say("no_target"));
    ui.fill.dataset.phase = estate.phase ?? "no_phase";
    ui.fill.style.transform = `scaleX(${estate.target_orders ? Math.min(1, (estate.orders ?? 0) / estate.target_orders) : 0})`;
  }

  fillLadder(rungs) {
    const most = Math.max(1, ...RUNGS.map((rung) => rungs[rung] ?? 0));
    for (const { rung, bar, count } of this.ui.rungs) {
      const n = rungs[rung] ?? 0;
      bar.style.transform = `scaleX(${n / most})`;
      setText(count, number(n));
    }
  }

  askTimeline(now) {
    if (now) {
      clearTimeout(this.asking);
      this.asking = 0;
    }
    if (this.asking) return;
    const id = this.estate.estate_id;
    this.asking = setTimeout(async () => {
      this.asking = 0;
      if (this.estate?.estate_id !== id || !(this.estate.phase || this.estate.status)) return;
      const answer = await get(`/v1/estates/${encodeURIComponent(id)}/timeline?limit=300`).catch(() => null);
      if (!answer || this.estate?.estate_id !== id) return;
      this.events = answer.items ?? answer.events ?? [];
      this.fillTimeline();
    }, now ? 0 : TIMELINE_EVERY);
  }

  fillTimeline() {
    if (!this.events) return;
    const lines = tell(this.events, 30);
    this.ui.timeline.replaceChildren(
      ...lines.map((line) => make(
        "li", {},
        make("time", { text: `${this.clock.date(line.time).slice(5)} ${this.clock.hm(line.time)}`, attrs: { datetime: line.time } }),
        make("span", { text: line.text }),
      )),
      ...(lines.length ? [] : [make("li", { cls: "empty", text: say("no_timeline") })]),
    );
  }
}
