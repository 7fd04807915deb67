// The board: columns are days grouped by phase, rows the windows of a day, cards what is said in them.

import { byId, make } from "./dom.js";
import { openChat } from "./playbook-chat.js";
import { listed } from "./playbook-words.js";
import { say } from "./speech.js";

export const FORMULA = ["need", "value", "trust", "benefit", "risk", "threshold"];
const EXCERPT = 60;
const DAY = 116; // the narrowest that a day is, in pixels

let cards = new Map(); // element → what it shows

/** Draws a stage. `balance` brings the bars above each day. */
export function drawBoard(board, balance, role) {
  cards = new Map();
  const el = byId("board");
  const columns = board.columns.length;
  el.style.gridTemplateColumns = `76px repeat(${columns}, minmax(0, 1fr))`;
  el.style.minWidth = `${78 + DAY * columns}px`;
  el.replaceChildren(...heads(board, balance), ...rows(board), ...rescues(board));
  drawSections(board);
  const first = el.querySelector(".card");
  if (first) first.tabIndex = 0;
  filterBoard(role);
}

/** Shows the cards of one role, or of all. */
export function filterBoard(role) {
  byId("main").classList.toggle("filtered", Boolean(role));
  for (const [el, card] of cards) {
    const says = card.role === role || (card.replies ?? []).some((reply) => reply.role === role);
    el.classList.toggle("chosen", Boolean(role) && says);
  }
}

function place(el, column, row, span = 1) {
  el.style.gridColumn = `${column} / span ${span}`;
  el.style.gridRow = String(row);
  return el;
}

// --- the heads --------------------------------------------------------------------------------------

function heads(board, balance) {
  const days = balance.days.filter((day) => day.stage === board.stage);
  const most = Math.max(1, ...days.flatMap((day) => Object.values(day.formula)));
  const corner = place(make("div", { cls: "corner" }), 1, 1);
  corner.style.gridRow = "1 / span 2";
  const phases = board.phases.map((phase) => place(make("div", { cls: "phase", attrs: { "data-phase": phase.phase } },
    make("strong", { text: `${say(phase.phase)} · ${say("phase_days", { n: phase.days })}` }),
    phase.scene ? make("span", { cls: "scene", text: say(`z_${phase.scene}`) }) : null,
    make("span", { cls: "aim", text: phase.aim, attrs: { title: phase.aim } }),
  ), phase.first + 1, 1, phase.days));
  const tops = board.columns.map((column) => {
    const tally = days.find((day) => day.day === column.day);
    const warned = balance.warnings.filter((one) => one.stage === board.stage && one.day === column.day);
    return place(make("div", { cls: "day" },
      make("b", { text: say("day_n", { n: column.day }) }),
      tally ? bars(tally, balance.every_day, most) : null,
      ...warned.map((one) => make("span", { cls: "warned", text: warning(one) })),
    ), column.day + 1, 2);
  });
  return [corner, ...phases, ...tops];
}

function bars(tally, wanted, most) {
  const said = FORMULA.map((part) => `${say(`p_${part}`)} ${tally.formula[part] ?? 0}`).join(" · ");
  const el = make("span", { cls: "bars", attrs: { role: "img", "aria-label": said, title: said } });
  for (const part of FORMULA) {
    const n = tally.formula[part] ?? 0;
    const bar = make("i", { attrs: { "data-part": part, "data-n": n, "data-wanted": wanted.includes(part) } });
    if (n) bar.style.height = `${Math.max(3, Math.round((18 * n) / most))}px`;
    el.append(bar);
  }
  return el;
}

/** A warning of the balance, in the reader's language. */
export function warning(one) {
  const prefix = { few_drives: "d", scenes_left_out: "z" }[one.kind] ?? "p";
  const parts = one.kind === "said_twice" ? one.parts : one.parts.map((part) => say(`${prefix}_${part}`));
  return say(`w_${one.kind}`, {
    stage: one.stage, day: one.day, least: one.least, phase: one.phase ? say(one.phase) : "",
    parts: parts.length ? listed(parts) : say("none"),
  });
}

// --- the cards --------------------------------------------------------------------------------------

function rows(board) {
  const windows = [...board.windows];
  if (board.cards.some((card) => card.window === null)) windows.push({ window: null, start: "", end: "" });
  return windows.flatMap((window, index) => {
    const row = index + 3;
    const name = window.window === null ? say("no_window") : say(window.window);
    const head = place(make("div", { cls: "window", text: name },
      make("small", { text: window.start ? `${window.start}\n${window.end}` : "" })), 1, row);
    const cells = board.columns.map((column) => {
      const here = board.cards.filter((card) => card.day === column.day && card.window === window.window);
      return place(make("div", { cls: "cell" }, ...here.map((card) => cardOf(board, card))), column.day + 1, row);
    });
    return [head, ...cells];
  });
}

function rescues(board) {
  if (!board.rescue.length) return [];
  const row = board.windows.length + 4;
  const head = place(make("div", { cls: "window", text: say("rescue") },
    make("small", { text: say("rescue_why") })), 1, row);
  const cells = board.phases.map((phase) => place(make("div", { cls: "rescue" },
    ...board.rescue.filter((card) => card.phase === phase.phase).map((card) => cardOf(board, card)),
  ), phase.first + 1, row, phase.days));
  return [head, ...cells];
}

function cardOf(board, card) {
  const replies = card.replies?.length ?? 0;
  const el = make("button", {
    cls: "card",
    attrs: { type: "button", tabindex: "-1", "data-role": card.role, "data-id": card.id, "aria-pressed": "false" },
    on: { click: () => open(el, board, card), keydown: (event) => walk(event, el) },
  },
  make("span", { cls: "meta" },
    card.at ? make("span", { text: card.at }) : null,
    make("b", { text: say(card.role) }),
    replies ? make("span", { cls: "replies", text: `↩${replies}`, attrs: { title: say("replies_n", { n: replies }) } }) : null,
  ),
  make("span", { cls: "words", text: excerpt(card.said.text) }),
  make("span", { cls: "serves" }, ...card.said.formula.map((part) =>
    make("i", { text: say(`s_${part}`), attrs: { title: say(`p_${part}`) } }))));
  cards.set(el, card);
  return el;
}

const excerpt = (text) => (text.length > EXCERPT ? `${text.slice(0, EXCERPT)}…` : text);

function open(el, board, card) {
  for (const other of cards.keys()) {
    other.setAttribute("aria-pressed", String(other === el));
    other.tabIndex = other === el ? 0 : -1;
  }
  openChat(board, card, () => {
    el.setAttribute("aria-pressed", "false");
    if (el.isConnected) el.focus();
  });
}

/** Arrows walk the board: left and right by day, up and down within one; Home and End to its ends. */
function walk(event, el) {
  const all = [...cards.keys()].filter((one) => one.checkVisibility());
  const box = el.getBoundingClientRect();
  const others = all.filter((one) => one !== el).map((one) => [one, one.getBoundingClientRect()]);
  const steps = {
    ArrowDown: () => others.filter(([, b]) => b.top >= box.bottom - 1 && Math.abs(b.left - box.left) < box.width / 2),
    ArrowUp: () => others.filter(([, b]) => b.bottom <= box.top + 1 && Math.abs(b.left - box.left) < box.width / 2),
    ArrowRight: () => others.filter(([, b]) => b.left >= box.right - 1),
    ArrowLeft: () => others.filter(([, b]) => b.right <= box.left + 1),
  };
  let next = null;
  if (event.key === "Home") next = all[0];
  else if (event.key === "End") next = all.at(-1);
  else if (steps[event.key]) {
    const far = ([, b]) => Math.abs(b.top - box.top) + Math.abs(b.left - box.left) * (event.key.endsWith("t") ? 1 : 4);
    next = steps[event.key]().sort((a, b) => far(a) - far(b))[0]?.[0];
  } else return;
  event.preventDefault();
  if (!next) return;
  el.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
  next.scrollIntoView({ block: "nearest", inline: "nearest" });
}

// --- what has no day --------------------------------------------------------------------------------

function drawSections(board) {
  const parts = board.sections.map((section) => {
    const shelf = make("div", { cls: "shelf" });
    const part = make("details", { attrs: { "data-section": section.section } },
      make("summary", { text: say(`x_${section.section}`) }, make("span", { cls: "n", text: section.cards.length })),
      shelf);
    // Hundreds of cards that nobody opens are not drawn.
    part.addEventListener("toggle", () => {
      if (!part.open || shelf.childElementCount) return;
      shelf.append(...section.cards.map((card) => {
        const el = cardOf(board, { ...card, section: section.section });
        el.tabIndex = 0;
        return el;
      }));
    });
    return part;
  });
  byId("sections").replaceChildren(...(parts.length ? [make("h2", { text: say("sections") }), ...parts] : []));
}
