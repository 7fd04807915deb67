// The map as it was: a day is chosen on a line of days, or the days are played one after the other.

import { get, pause } from "./api.js";
import { lessMotion, make, setText } from "./dom.js";
import { isWorked } from "./map.js";
import { learn, say } from "./speech.js";
import { PHASES, number } from "./words.js";

learn({
  p_play: ["播放", "Play"], p_stop: ["停", "Stop"], p_live: ["回到现在", "Back to now"],
  p_day: ["日期", "Day"], p_none: ["还没有历史。", "There is no history yet."],
  p_sum: ["在营 {worked} · 报名 {sign_ups} · 订单 {orders}", "{worked} worked · {sign_ups} sign-ups · {orders} orders"],
});

const STEP = 900; // milliseconds a day
const PATIENCE = 30; // how often older events are asked for at most
const NAMES = ["n", "phase", "day", "sign_ups", "orders", "active", "over"];

export class Past {
  /** `show(day, as)`, with `as` an estate as it was then, or `show(null)` for what is. */
  constructor(host, button, page) {
    Object.assign(this, { host, button, page, playing: 0 });
    this.build();
  }

  build() {
    this.range = make("input", { attrs: { type: "range", min: 0, max: 0, step: 1, "aria-label": say("p_day") }, on: { input: () => (this.stop(), this.draw()) } });
    this.play = make("button", { cls: "quiet", text: say("p_play"), attrs: { type: "button" }, on: { click: () => (this.playing ? this.stop() : this.start()) } });
    this.when = make("strong");
    this.sum = make("span", { cls: "sub" });
    this.strip = make("span", { cls: "strip", attrs: { "aria-hidden": "true" } });
    this.host.replaceChildren(
      this.play, make("span", { cls: "days" }, this.strip, this.range), make("span", { cls: "said", attrs: { "aria-live": "polite" } }, this.when, this.sum),
      make("button", { cls: "quiet", text: say("p_live"), attrs: { type: "button" }, on: { click: () => this.toggle(false) } }),
    );
  }

  speak() {
    if (this.host.hidden) return;
    const at = this.range.value;
    this.build();
    this.fill();
    this.range.value = at;
    this.draw();
  }

  async toggle(on = this.host.hidden) {
    this.stop();
    this.host.hidden = !on;
    this.button.setAttribute("aria-pressed", String(on));
    if (!on) return this.page.show(null);
    for (let turn = 0; turn < PATIENCE; turn++) {
      const answer = await get(`/v1/history${this.page.query()}`).catch(() => null);
      if (this.host.hidden) return;
      if (answer) this.history = answer;
      if (answer?.complete) break;
      await pause(300);
    }
    if (!this.history?.days.length) {
      setText(this.when, say("p_none"));
      return;
    }
    this.fill();
    this.range.value = this.history.days.length - 1;
    this.draw();
  }

  /** The line of days: how many campaigns stood in which phase on each. */
  fill() {
    const { days, totals } = this.history;
    this.range.max = days.length - 1;
    const most = Math.max(1, ...totals.map((total) => total.worked));
    this.strip.replaceChildren(...totals.map((total) => make("span", {}, ...PHASES.map((phase) => {
      const part = make("i", { cls: "fill", attrs: { "data-phase": phase } });
      part.style.height = `${((total.phases[phase] ?? 0) / most) * 100}%`;
      return part;
    }).reverse())));
  }

  draw() {
    const { days, totals, estates } = this.history ?? { days: [] };
    const n = Math.min(Number(this.range.value), days.length - 1);
    if (n < 0) return;
    const states = new Map();
    for (const [id, list] of Object.entries(estates)) {
      const held = list.findLast((state) => state[0] <= n);
      if (!held) continue;
      const state = Object.fromEntries(NAMES.map((name, i) => [name, held[i]]));
      // A state holds until the next: its day of the stage goes on meanwhile.
      const day = state.over ? state.day : state.day + (n - state.n);
      states.set(id, { phase: state.phase, status: state.over ? "ended" : "running", day, orders: state.orders, sign_ups: state.sign_ups, active: state.active });
    }
    setText(this.when, days[n]);
    const total = totals[n];
    setText(this.sum, say("p_sum", { worked: number(total.worked), sign_ups: number(total.sign_ups), orders: number(total.orders) }));
    this.range.setAttribute("aria-valuetext", days[n]);
    // An estate that has a campaign today and had none then is one that nobody works.
    this.page.show(days[n], (estate) => (isWorked(estate) || states.has(estate.estate_id)
      ? { ...estate, phase: null, status: null, day: null, orders: 0, tasks: null, ...states.get(estate.estate_id) } : estate));
  }

  start() {
    const last = Number(this.range.max);
    if (Number(this.range.value) >= last) this.range.value = 0;
    setText(this.play, say("p_stop"));
    this.draw();
    this.playing = setInterval(() => {
      this.range.value = Number(this.range.value) + 1;
      this.draw();
      if (Number(this.range.value) >= last) this.stop();
    }, lessMotion() ? STEP * 2 : STEP);
  }

  stop() {
    clearInterval(this.playing);
    this.playing = 0;
    setText(this.play, say("p_play"));
  }
}
