// The list of campaigns beside the map: searched, filtered, sorted, and kept up to date row by row.

import { arrange, make, setText } from "./dom.js";
import { say } from "./speech.js";
import { PHASES, number } from "./words.js";

const PAGE = 120; // rows at once

const phaseOrder = (estate) => PHASES.indexOf(estate.phase);
const share = (estate) => (estate.target_orders ? (estate.orders ?? 0) / estate.target_orders : 0);
const collator = new Intl.Collator("zh-CN");
const byName = (a, b) => collator.compare(a.name ?? "", b.name ?? "");

const ORDERS = {
  phase: (a, b) => phaseOrder(b) - phaseOrder(a) || (b.day ?? 0) - (a.day ?? 0) || share(b) - share(a) || byName(a, b),
  dealer: (a, b) => collator.compare(a.dealer_name ?? "", b.dealer_name ?? "") || ORDERS.phase(a, b),
  orders: (a, b) => (b.orders ?? 0) - (a.orders ?? 0) || share(b) - share(a) || byName(a, b),
};

export const progressOf = (estate) => (estate.days ? Math.min(1, Math.max(0, (estate.day ?? 0) / estate.days)) : 0);

export class Campaigns {
  constructor({ list, none, more, count, onPick }) {
    Object.assign(this, { list, none, more, count, onPick });
    this.rows = new Map();
    this.limit = PAGE;
    more.addEventListener("click", () => {
      this.limit += PAGE;
      this.draw();
    });
    // A row that slips away under the pointer can't be clicked: the order rests while one is over the list.
    list.addEventListener("pointerenter", () => (this.held = true));
    list.addEventListener("pointerleave", () => {
      this.held = false;
      this.draw();
    });
  }

  /** `estates`: the worked ones that the filters let through. `all`: how many are worked at all. `others`: found, not worked. */
  show(estates, { sort, chosen, all, others = [] }) {
    Object.assign(this, { estates, sort, chosen, all, others });
    this.draw();
  }

  draw() {
    const estates = this.estates ?? [];
    const order = this.held && this.drawn?.length === estates.length
      ? this.drawn.map((id) => this.byId(id)).filter(Boolean)
      : [...estates].sort(ORDERS[this.sort] ?? ORDERS.phase);
    this.drawn = order.map((estate) => estate.estate_id);
    const shown = order.slice(0, this.limit);
    const others = this.others ?? [];
    const found = others.slice(0, Math.max(0, this.limit - shown.length));
    this.heading ??= make("li", { cls: "heading" }, make("span"), make("span", { cls: "count" }));
    setText(this.heading.firstChild, say("others"));
    setText(this.heading.lastChild, number(others.length));
    arrange(this.list, [
      ...shown.map((estate) => this.row(estate)), ...(found.length ? [this.heading] : []), ...found.map((estate) => this.other(estate)),
    ]);
    const keep = new Set([...shown, ...found].map((estate) => estate.estate_id));
    for (const id of this.rows.keys()) if (!keep.has(id)) this.rows.delete(id);
    setText(this.count, estates.length === this.all ? number(this.all) : `${number(estates.length)} / ${number(this.all)}`);
    this.none.hidden = estates.length + others.length > 0;
    setText(this.none, say(this.all ? "none_found" : "none_worked"));
    const left = order.length + others.length - this.limit;
    this.more.hidden = left <= 0;
    setText(this.more, say("more", { n: Math.min(PAGE, left) }));
  }

  byId(id) {
    return this.estates.find((estate) => estate.estate_id === id);
  }

  /** The row of an estate, built once for each of its two forms. */
  rowOf(estate, idle) {
    let row = this.rows.get(estate.estate_id);
    if (row?.idle !== idle) {
      row = { ...this.build(estate.estate_id, idle), idle };
      this.rows.set(estate.estate_id, row);
    }
    row.el.firstChild.setAttribute("aria-pressed", String(estate.estate_id === this.chosen));
    return row;
  }

  /** An estate that nobody works has a name and a place, and nothing to measure. */
  other(estate) {
    const { el, name, orders, dealer } = this.rowOf(estate, true);
    setText(name, estate.name);
    setText(dealer, estate.district);
    setText(orders, estate.households ? say("n_households", { n: number(estate.households) }) : "");
    return el;
  }

  row(estate) {
    const { el, dot, name, orders, dealer, day, fill } = this.rowOf(estate, false);
    dot.dataset.phase = estate.phase ?? "no_phase";
    setText(name, estate.name);
    setText(orders, estate.target_orders ? `${number(estate.orders ?? 0)} / ${number(estate.target_orders)}` : number(estate.orders ?? 0));
    orders.title = say("against_target");
    setText(dealer, estate.dealer_name);
    setText(day, [say(estate.phase ?? estate.status ?? "no_phase"), estate.day ? say("day_only", { day: estate.day }) : ""].filter(Boolean).join(" · "));
    fill.dataset.phase = estate.phase ?? "no_phase";
    fill.style.transform = `scaleX(${progressOf(estate)})`;
    return el;
  }

  build(id, idle) {
    const dot = make("i", { cls: idle ? "dot unworked" : "dot" });
    const name = make("span", { cls: "name" });
    const orders = make("span", { cls: "orders" });
    const dealer = make("span", { cls: "dealer" });
    const day = make("span", { cls: "day" });
    const fill = make("i", { cls: "fill" });
    const button = make(
      "button", { cls: idle ? "row idle" : "row", attrs: { type: "button" }, on: { click: () => this.onPick(id) } },
      dot, name, orders, dealer, ...(idle ? [] : [day, make("span", { cls: "track" }, fill)]),
    );
    return { el: make("li", {}, button), dot, name, orders, dealer, day, fill };
  }
}
