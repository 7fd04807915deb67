// The coverage board: every estate in one of four columns, by whether anybody works it.

import { arrange, make, setText } from "./dom.js";
import { saveCsv } from "./export.js";
import { say } from "./speech.js";
import "./words-views.js";
import { number } from "./words.js";

const COLUMNS = ["nobody", "idle", "group, no operation", "worked"];
const PAGE = 60; // cards at once

const collator = new Intl.Collator("zh-CN");
const byHouseholds = (a, b) => (b.households ?? 0) - (a.households ?? 0) || (b.members ?? 0) - (a.members ?? 0) || collator.compare(a.name ?? "", b.name ?? "");

export class Board {
  constructor(host, page) {
    Object.assign(this, { host, page });
    this.build();
  }

  build() {
    this.columns = COLUMNS.map((coverage) => {
      const ui = { coverage, limit: PAGE, count: make("strong"), sum: make("span", { cls: "sub" }), list: make("ol"), bar: make("i", { cls: "fill" }) };
      ui.more = make("button", { cls: "quiet wide", attrs: { type: "button" }, on: { click: () => ((ui.limit += PAGE), this.draw()) } });
      ui.head = make(
        "header", {}, make("h3", {}, make("i", { cls: "mark" }), make("span", { text: say(coverage) })), ui.count, ui.sum,
        make("span", { cls: "track" }, ui.bar), make("p", { cls: "sub", text: say(`${coverage}_sub`) }),
      );
      ui.el = make("section", { cls: "column", attrs: { "data-coverage": coverage, "aria-label": say(coverage) } }, ui.head, ui.list, ui.more);
      return ui;
    });
    this.host.replaceChildren(
      make("header", { cls: "lead" }, make("div", {}, make("h2", { text: say("board_title") }), make("p", { text: say("board_lead") })), this.button()),
      make("div", { cls: "board" }, ...this.columns.map((ui) => ui.el)),
    );
  }

  button() {
    return make("button", { cls: "take", text: say("csv"), attrs: { type: "button" }, on: { click: () => this.csv() } });
  }

  update() {
    this.sorted = new Map(COLUMNS.map((coverage) => [coverage, []]));
    for (const estate of this.page.found()) this.sorted.get(estate.coverage)?.push(estate);
    for (const list of this.sorted.values()) list.sort(byHouseholds);
    this.draw();
  }

  draw() {
    const all = [...this.sorted.values()].reduce((sum, list) => sum + list.length, 0);
    for (const ui of this.columns) {
      const list = this.sorted.get(ui.coverage);
      setText(ui.count, number(list.length));
      const households = list.reduce((sum, estate) => sum + (estate.households ?? 0), 0);
      setText(ui.sum, households ? say("sum_households", { n: number(households) }) : say("unknown_households"));
      ui.bar.style.transform = `scaleX(${all ? list.length / all : 0})`;
      arrange(ui.list, list.slice(0, ui.limit).map((estate) => this.card(estate)));
      if (!list.length) ui.list.append(make("li", { cls: "empty", text: say("board_empty") }));
      ui.more.hidden = list.length <= ui.limit;
      setText(ui.more, say("more", { n: Math.min(PAGE, list.length - ui.limit) }));
    }
  }

  card(estate) {
    const side = estate.phase ? say(estate.phase) : estate.households ? say("n_households", { n: number(estate.households) }) : "";
    const who = estate.dealer_name ?? estate.has_name;
    return make("li", {}, make(
      "button", { attrs: { type: "button" }, on: { click: () => this.page.pick(estate.estate_id) } },
      make("span", { cls: "name", text: estate.name }), make("span", { cls: "how", text: side }),
      make("span", { cls: "who", text: [estate.district, who].filter(Boolean).join(" · ") }),
    ));
  }

  csv() {
    const head = [say("c_estate"), say("c_city"), say("district"), say("coverage"), say("dealer"), say("households"), say("phases")];
    saveCsv(`${say("board_title")}-${this.page.date()}`, head, COLUMNS.flatMap((coverage) => this.sorted.get(coverage).map((estate) => [
      estate.name, estate.city, estate.district, say(coverage), estate.dealer_name ?? estate.has_name, estate.households, estate.phase ? say(estate.phase) : "",
    ])));
  }
}
