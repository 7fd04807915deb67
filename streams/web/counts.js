// HQ's six headline numbers, which count up to what the stream says.

import { lessMotion, make, setText } from "./dom.js";
import { say } from "./speech.js";
import { number } from "./words.js";

const TILES = [
  { name: "worked", value: (c) => c.estates_worked, sub: (c) => say("worked_of", { n: number(c.estates) }) },
  { name: "groups", value: (c) => c.groups, sub: (c) => say("groups_sub", { n: number(c.groups ? c.members / c.groups : NaN) }) },
  { name: "members", value: (c) => c.members, sub: (c) => say("members_sub", { n: number(c.placed_members) }) },
  {
    name: "tasks", value: (c) => c.tasks_done,
    sub: (c) => say("tasks_sub", { issued: number(c.tasks_issued), verified: number(c.tasks_verified) }),
  },
  { name: "orders", value: (c) => c.orders, sub: (c) => say("orders_sub", { n: number(c.target_orders) }) },
  { name: "events", value: (c) => c.events, sub: (c) => say("events_sub", { n: number(c.dead_letters) }) },
];
const COUNTING = 600; // milliseconds

export class Counts {
  constructor(host) {
    this.counts = {};
    this.tiles = TILES.map((tile) => {
      const label = make("span", { cls: "label" });
      const big = make("strong", { text: "–" });
      const sub = make("span", { cls: "sub" });
      host.append(make("div", { cls: "tile", attrs: { "data-count": tile.name } }, label, big, sub));
      return { ...tile, label, big, below: sub, shown: NaN };
    });
    this.speak();
  }

  speak() {
    for (const tile of this.tiles) {
      setText(tile.label, say(tile.name));
      setText(tile.below, tile.sub(this.counts));
    }
  }

  take(counts) {
    Object.assign(this.counts, counts);
    this.speak();
    for (const tile of this.tiles) this.count(tile, tile.value(this.counts));
  }

  count(tile, to) {
    if (!Number.isFinite(to) || to === tile.to) return;
    const from = tile.shown;
    tile.to = to;
    cancelAnimationFrame(tile.frame);
    if (!Number.isFinite(from) || lessMotion() || document.hidden) return this.show(tile, to);
    const start = performance.now();
    const step = (now) => {
      const t = Math.max(0, Math.min(1, (now - start) / COUNTING));
      this.show(tile, from + (to - from) * (1 - (1 - t) ** 3));
      if (t < 1) tile.frame = requestAnimationFrame(step);
    };
    tile.frame = requestAnimationFrame(step);
  }

  show(tile, n) {
    tile.shown = n;
    setText(tile.big, number(n));
  }
}
