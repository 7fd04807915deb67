// The side panel of one estate: phases and their gates, orders, ladder, people, tasks, dead letters, timeline.

import { get } from "./api.js";
import { areas, bars } from "./chart.js";
import { icon, make, setText } from "./dom.js";
import { say } from "./speech.js";
import { tell } from "./story.js";
import { RUNGS, STATUSES } from "./words-estate.js";
import { PHASES, number } from "./words.js";

const TIMELINE_EVERY = 4000; // milliseconds: a live estate asks no oftener
const STORY_EVERY = 15_000;
const CONNECTIONS = ["persona_group", "member_member", "persona_active", "persona_everyone"];
const KINDS = ["kol", "koc", "seed", "won"];
const AGAINST = ["participants", "interested", "sign_ups", "orders"];
const FROM = { participants: "participant", interested: "interested", sign_ups: "prospective_buyer" };
const HOW = ["done", "late", "open", "skipped", "expired"];
/** A share as it is said, anything else as a number. */
const figure = (name, value) => (name.includes("share") || CONNECTIONS.includes(name) ? `${Math.round(value * 100)}%` : number(value));

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
      this.events = this.story = null;
      this.storyAt = 0;
      this.build();
    }
    this.fill();
    this.host.hidden = false;
    if (other) {
      this.host.scrollTop = 0;
      this.host.focus({ preventScroll: true });
    }
    this.askTimeline(other);
    this.askStory();
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
    this.storyAt = 0; // the dead letters' reasons come in the page's language
    this.askStory();
    this.fillTimeline();
    this.fillStory();
  }

  build() {
    const part = (title, ...inside) => make("section", {}, make("h3", { text: say(title) }), ...inside);
    const ui = (this.ui = {
      name: make("h2"), where: make("p", { cls: "where" }), status: make("span", { cls: "status" }),
      day: make("span", { cls: "day" }), steps: make("ol", { cls: "steps" }), facts: make("dl", { cls: "facts" }),
      orders: make("span", { cls: "big" }), target: make("span", { cls: "sub" }), fill: make("i", { cls: "fill" }),
      ladder: make("ol", { cls: "ladder" }), tasks: make("ul", { cls: "tally" }), timeline: make("ol", { cls: "timeline" }),
      gates: make("ol", { cls: "gates" }), behind: make("p", { cls: "behind" }), against: make("ol", { cls: "against" }),
      filled: make("div", { cls: "filled" }), kinds: make("ul", { cls: "tally" }), connections: make("ol", { cls: "against" }),
      punctual: make("div", { cls: "punctual" }), letters: make("ol", { cls: "letters" }),
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
    const close = make("button", { cls: "close", attrs: { type: "button", "aria-label": say("close") }, on: { click: () => this.onClose() } }, icon("close", "desk-icons"));
    const head = make("header", {}, make("div", { cls: "title" }, ui.name, ui.where), close);
    ui.body = make(
      "div", { cls: "body" },
      make("section", { cls: "track-of" }, make("p", { cls: "line" }, ui.status, ui.day), ui.steps),
      ui.facts,
      ui.behind,
      part("against_target", make("p", { cls: "line" }, ui.orders, ui.target), make("span", { cls: "track wide" }, ui.fill)),
      (ui.baseline = part("against_baseline", ui.against)),
      part("gates", ui.gates),
      part("ladder", ui.ladder, ui.filled),
      part("key_people", ui.kinds),
      part("connections", ui.connections),
      part("task_list", ui.tasks, ui.punctual),
      (ui.dead = part("dead_letters", ui.letters)),
      part("timeline", ui.timeline),
    );
    ui.idle = make("p", { cls: "empty", text: say("not_worked_yet") });
    ui.dead.hidden = true;
    this.host.replaceChildren(head, ui.idle, ui.body);
  }

  fill() {
    const { ui, estate } = this;
    const worked = Boolean(estate.phase || estate.status);
    setText(ui.name, estate.name);
    const size = !worked && estate.households ? say("n_households", { n: number(estate.households) }) : "";
    setText(ui.where, [estate.district, estate.dealer_name ?? estate.has_name, estate.store_name, size].filter(Boolean).join(" · "));
    setText(ui.idle, [say("not_worked_yet"), estate.coverage ? say(estate.coverage) : ""].filter(Boolean).join(" "));
    ui.idle.hidden = worked;
    ui.body.hidden = !worked;
    if (!worked) return;
    this.fillPhases(estate);
    this.fillFacts(estate);
    this.fillOrders(estate);
    this.fillLadder(estate.rungs ?? {});
    for (const { status, n } of ui.tallies) setText(n, number(estate.tasks?.[status] ?? 0));
    this.fillBehind(estate);
    this.fillAgainst(estate);
    this.fillPeople(estate);
  }

  fillBehind({ behind }) {
    this.ui.behind.hidden = !behind;
    if (!behind) return;
    setText(this.ui.behind, say("e_behind", {
      day: behind.day, measure: say(`m_${behind.measure}`), actual: number(behind.actual), expected: number(behind.expected),
      weakest: behind.weakest ? say(`f_${behind.weakest}`) : "—",
    }));
  }

  /** Each figure against what such groups usually have by this evening. */
  fillAgainst(estate) {
    const { expected } = estate;
    this.ui.baseline.hidden = !expected;
    if (!expected) return;
    const have = (name) => (name === "orders" ? (estate.orders ?? 0) : RUNGS.slice(RUNGS.indexOf(FROM[name])).reduce((sum, rung) => sum + (estate.rungs?.[rung] ?? 0), 0));
    this.ui.against.replaceChildren(...AGAINST.filter((name) => name in expected).map((name) => {
      const [actual, usual] = [have(name), expected[name]];
      return this.measure(say(`m_${name}`), actual, usual, `${number(actual)} / ${usual < 10 ? usual.toFixed(1) : number(usual)}`);
    }));
  }

  /** A bar with a mark where it should be at least. */
  measure(label, actual, wanted, text) {
    const most = Math.max(actual, wanted ?? 0, 1e-9);
    const bar = make("i", { cls: "fill" });
    bar.style.transform = `scaleX(${actual / most})`;
    const track = make("span", { cls: "track" }, bar);
    if (wanted) {
      const mark = make("b");
      mark.style.left = `${(wanted / most) * 100}%`;
      track.append(mark);
    }
    return make("li", { cls: wanted && actual < wanted ? "short" : "" }, make("span", { text: label }), track, make("span", { cls: "n", text }));
  }

  fillPeople(estate) {
    const kinds = { ...estate.kinds };
    this.ui.kinds.replaceChildren(...KINDS.map((kind) => make("li", {}, make("strong", { text: number(kinds[kind] ?? 0) }), make("span", { text: say(`k_${kind}`) }))));
    const shares = estate.connections ?? {};
    this.ui.connections.replaceChildren(...CONNECTIONS.map((name) => {
      const item = this.measure(say(`m_${name}`), shares[name] ?? 0, null, figure(name, shares[name] ?? 0));
      item.querySelector(".fill").style.transform = `scaleX(${Math.min(1, shares[name] ?? 0)})`;
      return item;
    }));
  }

  // --- what is asked of the estate alone --------------------------------------------------------

  async askStory() {
    const id = this.estate.estate_id;
    if (performance.now() - this.storyAt < STORY_EVERY && this.storyAt) return;
    if (!(this.estate.phase || this.estate.status)) return;
    this.storyAt = performance.now();
    const story = await get(`/v1/estates/${encodeURIComponent(id)}/story`).catch(() => null);
    if (!story || this.estate?.estate_id !== id) return;
    this.story = story;
    this.fillStory();
  }

  fillStory() {
    const { story, ui } = this;
    if (!story) return;
    ui.gates.replaceChildren(...story.phases.filter((one) => one.what !== "behind").map((one) => this.gate(one)));
    if (!story.phases.length) ui.gates.append(make("li", { cls: "empty", text: say("no_timeline") }));
    const { days, rungs } = story.ladder;
    const series = Object.entries(rungs).reverse().map(([rung, values]) => ({ cls: `r-${rung}`, values }));
    ui.filled.replaceChildren(...(days.length ? [
      areas(days, series, say("filled")), make("p", { cls: "axis" }, make("span", { text: days[0].slice(5) }), make("span", { text: say("filled") }), make("span", { text: days.at(-1).slice(5) })),
    ] : []));
    this.fillPunctual(story.tasks);
    ui.dead.hidden = !story.letters.length;
    ui.letters.replaceChildren(...story.letters.slice(0, 12).map((letter) => make(
      "li", {}, make("time", { text: this.clock.date(letter.at).slice(5), attrs: { datetime: letter.at } }), make("span", { text: letter.reason }),
    )));
  }

  /** What the campaign entered, missed or reached, with the measures against its gate. */
  gate(one) {
    const words = one.what === "phase-entered" ? say(one.phase) : say(`g_${one.what}`, { phase: say(one.phase ?? ""), n: one.stage });
    const asked = Object.entries(one.gate ?? {});
    return make(
      "li", { cls: one.what, attrs: { "data-phase": one.phase ?? "no_phase" } }, make("i", { cls: "dot", attrs: { "data-phase": one.phase ?? "no_phase" } }),
      make("strong", { text: words }), make("time", { text: [this.clock.date(one.time).slice(5), one.day ? say("day_only", { day: one.day }) : ""].join(" · "), attrs: { datetime: one.time } }),
      asked.length ? make("ul", {}, ...asked.map(([name, wanted]) => {
        const met = (one.measures?.[name] ?? 0) >= wanted;
        return make("li", { cls: met ? "met" : "short", text: `${say(`m_${name}`)} ${figure(name, one.measures?.[name] ?? 0)} / ${figure(name, wanted)} ${met ? "✓" : "✗"}` });
      })) : null,
    );
  }

  fillPunctual(tasks) {
    const { ui } = this;
    if (!tasks.days.length) return ui.punctual.replaceChildren();
    const share = tasks.on_time === null ? "–" : `${Math.round(tasks.on_time * 100)}%`;
    ui.punctual.replaceChildren(
      make("p", { cls: "line" }, make("span", { text: say("on_time") }), make("strong", { text: share })), bars(tasks.days, HOW, say("on_time")),
      make("p", { cls: "axis" }, make("span", { text: tasks.days[0].day.slice(5) }), make("span", { text: tasks.days.at(-1).day.slice(5) })),
      make("ul", { cls: "hows" }, ...HOW.map((how) => make("li", {}, make("i", { cls: how }), make("span", { text: `${say(`p_${how}`)} ${number(tasks[how])}` })))),
    );
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
