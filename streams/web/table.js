// A table that is sorted by its heads and taken along as CSV. Rows are plain values; text enters as text.

import { make, setText } from "./dom.js";
import { saveCsv } from "./export.js";
import { say } from "./speech.js";
import { number } from "./words.js";

const PAGE = 200; // rows at once

/** "12.3%", or a dash. */
export const percent = (share) => (Number.isFinite(share) ? `${(share * 100).toFixed(share < 0.1 ? 1 : 0)}%` : "–");

export class Table {
  /**
   * `columns`: `{key, label, value(row), text?(row), bar?(row), total?(rows), warn?(row)}`; the first is the row's name.
   * `file()` names the export, `onRow(row)` hears a click on a row's name.
   */
  constructor(host, { columns, sort, file, onRow }) {
    Object.assign(this, { host, columns, sort, file, onRow, rows: [], limit: PAGE });
    this.build();
  }

  build() {
    this.heads = this.columns.map((column) => {
      const button = make("button", { attrs: { type: "button" }, on: { click: () => this.sortBy(column.key) } }, make("span", { text: say(column.label) }));
      return make("th", { attrs: { scope: "col", "data-key": column.key } }, button);
    });
    this.body = make("tbody");
    this.foot = make("tfoot");
    this.more = make("button", { cls: "quiet wide", attrs: { type: "button" }, on: { click: () => ((this.limit += PAGE), this.draw()) } });
    this.host.replaceChildren(
      make("div", { cls: "scroll", attrs: { tabindex: "0" } }, make("table", {}, make("thead", {}, make("tr", {}, ...this.heads)), this.body, this.foot)), this.more,
    );
    this.draw();
  }

  sortBy(key) {
    this.sort = { key, down: this.sort.key === key ? !this.sort.down : key !== this.columns[0].key };
    this.draw();
  }

  show(rows) {
    this.rows = rows;
    this.draw();
  }

  sorted() {
    const column = this.columns.find((one) => one.key === this.sort.key) ?? this.columns[0];
    const sign = this.sort.down ? -1 : 1;
    const value = (row) => column.value(row);
    return [...this.rows].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (typeof x === "string" || typeof y === "string") return sign * String(x ?? "").localeCompare(String(y ?? ""), "zh-CN");
      return sign * ((Number.isFinite(x) ? x : -Infinity) - (Number.isFinite(y) ? y : -Infinity) || 0);
    });
  }

  draw() {
    for (const head of this.heads) {
      const mine = head.dataset.key === this.sort.key;
      head.setAttribute("aria-sort", mine ? (this.sort.down ? "descending" : "ascending") : "none");
    }
    const rows = this.sorted();
    this.body.replaceChildren(...rows.slice(0, this.limit).map((row) => this.line(row)));
    const totals = this.columns.some((column) => column.total) && rows.length > 1;
    this.foot.replaceChildren(...(totals ? [this.sum(rows)] : []));
    this.more.hidden = rows.length <= this.limit;
    setText(this.more, say("more", { n: Math.min(PAGE, rows.length - this.limit) }));
  }

  line(row) {
    return make("tr", {}, ...this.columns.map((column, i) => {
      const text = column.text ? column.text(row) : shown(column.value(row));
      if (i === 0) return make("th", { attrs: { scope: "row" } }, this.onRow ? make("button", { text, attrs: { type: "button" }, on: { click: () => this.onRow(row) } }) : make("span", { text }));
      const cell = make("td", { cls: column.warn?.(row) ? "warned" : "" }, make("span", { text }));
      if (column.bar) {
        const bar = make("i", { cls: "fill" });
        bar.style.transform = `scaleX(${Math.max(0, Math.min(1, column.bar(row) || 0))})`;
        cell.append(make("span", { cls: "track" }, bar));
      }
      return cell;
    }));
  }

  sum(rows) {
    return make("tr", {}, ...this.columns.map((column, i) => (
      i === 0 ? make("th", { text: say("total"), attrs: { scope: "row" } })
        : make("td", { text: column.total ? column.total(rows) : "" })
    )));
  }

  csv() {
    saveCsv(this.file(), this.columns.map((column) => say(column.label)), this.sorted().map((row) => this.columns.map((column) => column.value(row))));
  }
}

const shown = (value) => (typeof value === "number" ? number(value) : (value ?? "–"));
