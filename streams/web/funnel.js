// The funnel 引流 → 转化 → 复购 → 裂变, for all and by city, dealer, estate or group.

import { get } from "./api.js";
import { make, setText } from "./dom.js";
import { say } from "./speech.js";
import { Table, percent } from "./table.js";
import "./words-views.js";
import { number } from "./words.js";

const STAGES = ["members", "buyers", "repeat", "referrers"];
const STEPS = ["members", "active", "interested", "prospective", "buyers", "repeat", "referrers"];
const BYS = ["dealer", "city", "estate", "group"];

export class Funnel {
  constructor(host, page) {
    Object.assign(this, { host, page, rows: [] });
    this.by = BYS.includes(page.arg("by")) ? page.arg("by") : "dealer";
    this.build();
  }

  build() {
    const tabs = BYS.map((by) => make(
      "button", { text: say(`by_${by}`), attrs: { type: "button", "aria-pressed": String(by === this.by) }, on: { click: () => this.choose(by) } },
    ));
    this.stages = STAGES.map((stage) => {
      const ui = { stage, count: make("strong"), share: make("span", { cls: "sub" }), bar: make("i", { cls: "fill" }) };
      ui.el = make("li", { attrs: { "data-stage": stage } }, make("h3", { text: say(`stage_${stage}`) }), ui.count, make("span", { cls: "sub", text: say(`stage_${stage}_sub`) }), make("span", { cls: "track" }, ui.bar), ui.share);
      return ui;
    });
    const under = make("div", { cls: "table" });
    const take = make("button", { cls: "take", text: say("csv"), attrs: { type: "button" }, on: { click: () => this.table.csv() } });
    this.host.replaceChildren(
      make("header", { cls: "lead" }, make("div", {}, make("h2", { text: say("funnel_title") })), take),
      make("ol", { cls: "stages" }, ...this.stages.map((ui) => ui.el)),
      make("div", { cls: "tabs", attrs: { role: "group", "aria-label": say("funnel_title") } }, ...tabs), under,
    );
    const sum = (key) => (rows) => number(rows.reduce((all, row) => all + (row[key] ?? 0), 0));
    this.table = new Table(under, {
      columns: [
        { key: "name", label: `c_${this.by}`, value: (row) => row.name },
        ...STEPS.map((key) => ({ key, label: `c_${key}`, value: (row) => row[key], bar: (row) => row[key] / row.members, total: sum(key) })),
        { key: "share", label: "c_share", value: (row) => row.buyers / row.members, text: (row) => percent(row.buyers / row.members),
          total: (rows) => percent(rows.reduce((all, row) => all + row.buyers, 0) / rows.reduce((all, row) => all + row.members, 0)) },
      ],
      sort: { key: "members", down: true },
      file: () => `${say("v_funnel")}-${say(`by_${this.by}`)}-${this.page.date()}`,
      onRow: this.by === "estate" ? (row) => this.page.pick(row.id) : undefined,
    });
    if (this.rows.length) this.draw();
  }

  choose(by) {
    this.by = by;
    this.page.note({ by });
    this.rows = [];
    this.build();
    this.host.querySelector("[aria-pressed=true]")?.focus();
    this.update();
  }

  async update() {
    const { by } = this;
    const answer = await get(`/v1/funnel${this.page.query({ by, dealer_id: this.page.dealer() })}`).catch(() => null);
    if (!answer || answer.by !== this.by) return;
    this.rows = answer.rows;
    this.draw();
  }

  draw() {
    const text = this.page.text();
    const sums = Object.fromEntries(STEPS.map((step) => [step, this.rows.reduce((all, row) => all + (row[step] ?? 0), 0)]));
    this.stages.forEach(({ stage, count, share, bar }, i) => {
      setText(count, number(sums[stage]));
      bar.style.transform = `scaleX(${sums.members ? Math.sqrt(sums[stage] / sums.members) : 0})`;
      setText(share, i && sums[STAGES[i - 1]] ? say("of_before", { share: percent(sums[stage] / sums[STAGES[i - 1]]) }) : "");
    });
    this.table.show(this.rows.filter((row) => !text || row.name.toLowerCase().includes(text)));
  }
}
