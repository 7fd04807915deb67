// The playbooks' page: which playbook, version, stage and view is looked at, and what stands above them.

import { get, Refused } from "./api.js";
import { arrange, byId, make, setText } from "./dom.js";
import { drawBoard, filterBoard } from "./playbook-board.js";
import { drawBalance, drawDifference } from "./playbook-views.js";
import { closeChat } from "./playbook-chat.js";
import "./playbook-words.js";
import { say, speak, switchLanguage } from "./speech.js";

const VIEWS = ["board", "balance", "diff"];
const asked = new URLSearchParams(location.search);
const at = {
  name: asked.get("name"), version: asked.get("version"), stage: Number(asked.get("stage")) || null,
  view: VIEWS.includes(asked.get("view")) ? asked.get("view") : "board", from: asked.get("from"), role: null,
};
let shelf = [];
let shown = null; // the board that is drawn
let turn = 0; // the last question wins

const path = (rest = "", more = {}) => {
  const query = new URLSearchParams(Object.entries({ version: at.version, ...more }).filter(([, value]) => value));
  return `/v1/playbooks/${encodeURIComponent(at.name)}${rest}${query.size ? `?${query}` : ""}`;
};

async function load() {
  const mine = ++turn;
  document.body.setAttribute("aria-busy", "true");
  closeChat(false);
  try {
    const balance = get(path("/balance"));
    const board = await get(path("", { stage: at.stage }));
    const day = await balance;
    if (mine !== turn) return;
    shown = { board, balance: day };
    at.stage = board.stage;
    draw();
    await drawView(mine);
    byId("trouble").hidden = true;
  } catch (error) {
    if (mine === turn) trouble(error);
  }
  if (mine === turn) document.body.removeAttribute("aria-busy");
}

async function drawView(mine) {
  const view = byId(`view-${at.view}`);
  if (at.view === "board") drawBoard(shown.board, shown.balance, at.role);
  if (at.view === "balance") drawBalance(view, shown.balance);
  if (at.view === "diff") {
    let difference = null;
    try {
      difference = await get(path("/diff", { version: null, to: at.version, from: at.from }));
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 422) throw error;
    }
    if (mine !== turn) return;
    drawDifference(view, difference, shelf, (from) => go({ from }));
  }
  for (const other of VIEWS) byId(`view-${other}`).hidden = other !== at.view;
}

function trouble(error) {
  const words = error.status === 401 ? say("signed_out") : error.status === 403 ? say("forbidden")
    : error.status === 404 || error.status === 422 ? error.message : say("failed");
  byId("trouble").hidden = false;
  setText(byId("trouble"), words);
  for (const view of VIEWS) byId(`view-${view}`).hidden = true;
}

/** Looks at something else; the address says what, so that it can be sent to somebody. */
function go(change) {
  Object.assign(at, change);
  const query = new URLSearchParams(Object.entries({
    name: at.name, version: at.version, stage: at.stage, view: at.view === "board" ? null : at.view, from: at.from,
  }).filter(([, value]) => value));
  history.replaceState(null, "", `?${query}`);
  load();
}

// --- what stands above ------------------------------------------------------------------------------

function draw() {
  const { board } = shown;
  document.title = `${board.title} · ${say("title")}`;
  setText(byId("heading"), board.title);
  setText(byId("facts"), facts(board));
  arrange(byId("name"), shelf.map((one) => option(one.name, one.title, one.name === at.name)));
  const of = shelf.find((one) => one.name === at.name);
  arrange(byId("version"), (of?.versions ?? [board.version]).toReversed().map((version) =>
    option(version, say("version_n", { n: version }), version === board.version)));
  for (const tab of document.querySelectorAll("[role=tab]")) {
    tab.setAttribute("aria-selected", String(tab.dataset.view === at.view));
    tab.tabIndex = tab.dataset.view === at.view ? 0 : -1;
    tab.setAttribute("aria-controls", `view-${tab.dataset.view}`);
  }
  drawStages(board);
  drawRoles(board);
}

function facts(board) {
  const words = say("facts", { for: say(`${board.for.estate}_${board.for.group}`), ...board.counts });
  const made = board.derived;
  return made ? `${words} · ${say("derived", { base: titleOf(made.base), version: made.base_edition })}` : words;
}

const titleOf = (name) => shelf.find((one) => one.name === name)?.title ?? name;

const option = (value, text, selected) => make("option", { text, attrs: { value, selected } });

function drawStages(board) {
  byId("stages").hidden = at.view !== "board";
  byId("stages").replaceChildren(...board.stages.map((one) => make("button", {
    text: say("stage_days", { n: one.stage, days: one.days }),
    attrs: { type: "button", "aria-pressed": String(one.stage === board.stage) },
    on: { click: () => go({ stage: one.stage }) },
  })));
}

function drawRoles(board) {
  const counts = new Map();
  for (const card of [...board.cards, ...board.rescue]) {
    counts.set(card.role, (counts.get(card.role) ?? 0) + 1);
    for (const reply of card.replies) counts.set(reply.role, (counts.get(reply.role) ?? 0) + 1);
  }
  if (at.role && !counts.has(at.role)) at.role = null;
  byId("roles").hidden = at.view !== "board";
  byId("roles").replaceChildren(...[...counts].sort((a, b) => b[1] - a[1]).map(([role, count]) => make("button", {
    attrs: { type: "button", "data-role": role, "aria-pressed": String(role === at.role) },
    on: { click: () => choose(role) },
  }, make("span", { text: say(role) }), make("span", { cls: "n", text: count }))));
}

function choose(role) {
  at.role = at.role === role ? null : role;
  for (const button of byId("roles").children) {
    button.setAttribute("aria-pressed", String(button.dataset.role === at.role));
  }
  filterBoard(at.role);
}

// --- the start --------------------------------------------------------------------------------------

byId("name").addEventListener("change", (event) => go({ name: event.target.value, version: null, stage: null, from: null }));
byId("version").addEventListener("change", (event) => go({ version: event.target.value, from: null }));
byId("language").addEventListener("click", switchLanguage);
byId("log-out").addEventListener("click", () => import("./log-out.js").then(({ logOut }) => logOut()));
byId("theme").addEventListener("click", () => globalThis.loupanTheme?.toggle());
byId("print").addEventListener("click", () => print());
for (const tab of document.querySelectorAll("[role=tab]")) {
  tab.addEventListener("click", () => go({ view: tab.dataset.view }));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = VIEWS[(VIEWS.indexOf(tab.dataset.view) + step + VIEWS.length) % VIEWS.length];
    byId(`tab-${next}`).focus();
    go({ view: next });
  });
}
addEventListener("language", () => shown && load());

speak();
try {
  shelf = (await get("/v1/playbooks")).playbooks;
  at.name ??= shelf.find((one) => one.name === "new-estate-own-group")?.name ?? shelf[0]?.name;
  await load();
} catch (error) {
  trouble(error);
  document.body.removeAttribute("aria-busy");
}
