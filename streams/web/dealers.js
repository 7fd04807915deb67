// The dealers' table: what each has, works, does in time, and sells.

import { get } from "./api.js";
import { make } from "./dom.js";
import { say } from "./speech.js";
import { Table, percent } from "./table.js";
import "./words-views.js";
import { number } from "./words.js";

const LATE = 0.7; // of a dealer's tasks fewer in time than this are pointed out

export class Dealers {
  constructor(host, page) {
    Object.assign(this, { host, page, rows: [] });
    this.build();
  }

  build() {
    const sum = (value) => (rows) => number(rows.reduce((all, row) => all + (value(row) ?? 0), 0));
    const plain = (key, value, more) => ({ key, label: `d_${key}`, value, total: sum(value), ...more });
    const under = make("div", { cls: "table" });
    this.table = new Table(under, {
      columns: [
        { key: "name", label: "c_dealer", value: (row) => row.name },
        plain("estates", (row) => row.estates),
        plain("idle", (row) => row.coverage.idle, { bar: (row) => row.coverage.idle / row.estates }),
        plain("groups", (row) => row.groups),
        plain("worked", (row) => row.worked),
        plain("members", (row) => row.members),
        plain("issued", (row) => row.tasks.issued),
        plain("done", (row) => row.tasks.done),
        plain("verified", (row) => row.tasks.verified),
        { key: "on_time", label: "d_on_time", value: (row) => row.on_time ?? NaN, text: (row) => percent(row.on_time ?? NaN), bar: (row) => row.on_time, warn: (row) => row.on_time !== null && row.on_time < LATE },
        plain("orders", (row) => row.orders, { bar: (row) => row.orders / row.target_orders }),
        plain("target", (row) => row.target_orders),
        plain("behind", (row) => row.behind, { warn: (row) => row.behind > 0 }),
      ],
      sort: { key: "orders", down: true },
      file: () => `${say("dealers_title")}-${this.page.date()}`,
      onRow: (row) => this.page.showDealer(row.dealer_id),
    });
    const take = make("button", { cls: "take", text: say("csv"), attrs: { type: "button" }, on: { click: () => this.table.csv() } });
    this.host.replaceChildren(
      make("header", { cls: "lead" }, make("div", {}, make("h2", { text: say("dealers_title") }), make("p", { text: say("dealers_lead") })), take), under,
    );
    if (this.rows.length) this.draw();
  }

  async update() {
    const answer = await get(`/v1/dealers${this.page.query()}`).catch(() => null);
    if (!answer) return;
    this.rows = answer.dealers;
    this.draw();
  }

  draw() {
    const [text, dealer] = [this.page.text(), this.page.dealer()];
    this.table.show(this.rows.filter((row) => (!dealer || row.dealer_id === dealer) && (!text || row.name.toLowerCase().includes(text))));
  }
}
