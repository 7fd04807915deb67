// The tabs at the bottom: one panel at a time, walked by arrow keys, kept in the address so that "back" goes back.

import { byId } from "./dom.js";

const TABS = ["today", "tomorrow", "groups", "estates"];

export class Tabs {
  /** `onShow(name)`: that panel came into sight. Each tab is #tab-NAME, and its panel the element that it controls. */
  constructor(onShow) {
    this.onShow = onShow;
    this.scrolled = new Map();
    this.shown = null;
    for (const name of TABS) {
      const tab = byId(`tab-${name}`);
      tab.addEventListener("click", () => this.go(name));
      tab.addEventListener("keydown", (event) => this.step(event, name));
    }
    addEventListener("hashchange", () => this.show());
  }

  go(name) {
    if (name === this.shown) return scrollTo({ top: 0 });
    location.hash = name === "today" ? "" : name;
    this.show();
  }

  step(event, name) {
    const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const at = TABS.indexOf(name);
    const to = way ? (at + way + TABS.length) % TABS.length : { Home: 0, End: TABS.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.go(TABS[to]);
    byId(`tab-${TABS[to]}`).focus();
  }

  /** Shows what the address names. */
  show() {
    const wanted = location.hash.slice(1);
    const name = TABS.includes(wanted) ? wanted : "today";
    if (name === this.shown) return;
    if (this.shown) this.scrolled.set(this.shown, scrollY);
    this.shown = name;
    for (const one of TABS) {
      const tab = byId(`tab-${one}`);
      tab.setAttribute("aria-selected", String(one === name));
      tab.tabIndex = one === name ? 0 : -1;
      byId(tab.getAttribute("aria-controls")).hidden = one !== name;
    }
    this.onShow(name);
    scrollTo({ top: this.scrolled.get(name) ?? 0 });
  }
}
