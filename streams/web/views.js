// Which view stands in the stage: the map, or a sheet over it that is loaded when it's first opened. The address's
// hash says which, and which estate is open, so that both can be linked: #view=funnel&by=city&estate=e1.

import { byId, make } from "./dom.js";

const VIEWS = {
  coverage: () => import("./board.js").then(({ Board }) => Board),
  funnel: () => import("./funnel.js").then(({ Funnel }) => Funnel),
  dealers: () => import("./dealers.js").then(({ Dealers }) => Dealers),
};
const AGAIN = 5000; // milliseconds: an open view asks anew no oftener

const args = () => new URLSearchParams(location.hash.slice(1));

/** What the address says. */
export const arg = (name) => args().get(name);

/** Writes into the address, without a step in the history; null takes it out. */
export function note(changes) {
  const all = args();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) all.delete(name);
    else all.set(name, value);
  }
  const text = all.toString();
  if (text !== args().toString()) history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}

/** The style sheet of what is loaded later, once; paper's has the last word. */
export function style(name) {
  const id = `style-${name}`;
  if (byId(id)) return Promise.resolve();
  const link = make("link", { attrs: { id, rel: "stylesheet", href: `/web/${name}` } });
  const there = new Promise((resolve) => {
    link.onload = link.onerror = resolve;
  });
  document.head.insertBefore(link, byId("style-print.css"));
  return there;
}

export class Views {
  constructor(page) {
    this.page = page;
    this.open = null; // the view's object
    this.name = "map";
    for (const link of byId("views").querySelectorAll("a")) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        this.go(link.dataset.view);
      });
    }
    addEventListener("hashchange", () => {
      this.show(arg("view") ?? "map");
      page.linked(arg("estate"));
    });
    this.show(arg("view") ?? "map");
  }

  go(name) {
    note({ view: name === "map" ? null : name, by: null });
    this.show(name);
  }

  async show(name) {
    const view = name in VIEWS ? name : "map";
    for (const link of byId("views").querySelectorAll("a")) {
      if (link.dataset.view === view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.body.dataset.view = view;
    if (view === this.name) return;
    this.name = view;
    const sheet = byId("sheet");
    sheet.hidden = view === "map";
    this.open = null;
    sheet.replaceChildren();
    if (view === "map") return;
    const [View] = await Promise.all([VIEWS[view](), style("sheet.css")]);
    if (this.name !== view) return;
    const host = make("div", { cls: `view ${view}` });
    sheet.replaceChildren(host);
    sheet.scrollTop = 0;
    this.open = new View(host, this.page);
    this.open.update();
  }

  /** Filters changed: the open view follows at once. */
  changed() {
    clearTimeout(this.due);
    this.due = 0;
    this.open?.update();
  }

  /** Figures changed: the open view follows when it's due. */
  changedSoon() {
    if (this.open && !this.due) this.due = setTimeout(() => this.changed(), AGAIN);
  }

  speak() {
    this.open?.build();
    this.open?.update();
  }
}
