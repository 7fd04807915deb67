// HQ's page: wires the gateway's data to the map, the counts, the list and the panel.

import { get, listen } from "./api.js";
import { unpack } from "./book.js";
import { Campaigns } from "./campaigns.js";
import { Clock } from "./clock.js";
import { Counts } from "./counts.js";
import { byId, make, setText } from "./dom.js";
import { FlowMap, isWorked } from "./map.js";
import { say, speak, switchLanguage } from "./speech.js";
import { Views, arg, note, style } from "./views.js";
import { PHASES, number } from "./words.js";

const CITY = new URLSearchParams(location.search).get("city");
const SHIPPED = /^bj-\d{12,}$/; // the ids of the estates that come with loupan (streams/demo/data)
const query = (params) => {
  const known = Object.entries({ city: CITY, ...params }).filter(([, value]) => value);
  return known.length ? `?${new URLSearchParams(known)}` : "";
};

const clock = new Clock();
const estates = new Map(); // estate_id → properties, all of the city's
const worked = new Set(); // estate_ids
const wanted = { phases: new Set(), dealer: "", coverage: "", category: "", text: "", sort: "phase" };
const COVERAGES = ["nobody", "idle", "group, no operation", "worked"];
const CITIES = 20; // whose outlines are asked for, where no city is named
let chosen = null;
let cities = [];
let cursor = null;
let loaded = false;

speak();
const counts = new Counts(byId("counts"));
let panel = null; // loaded with the first estate that is opened
const map = new FlowMap(byId("map"), { onHover: hover, onPick: (estate, how) => pick(estate?.estate_id ?? null, how), onView: drawBar });
const campaigns = new Campaigns({
  list: byId("campaigns"), none: byId("none"), more: byId("more"), count: byId("campaign-count"),
  onPick: (id) => pick(id === chosen ? null : id, { fly: true }),
});

// --- filters ----------------------------------------------------------------------------------

/** Where an estate stands in the row of phases: one that ended has no phase any more, one to come has none yet. */
const phaseOf = (estate) => estate.phase ?? (estate.status === "ended" ? "ended" : "no_phase");

/** Whether the filters let an estate through. One that nobody works has neither phase nor category. */
function passes(estate) {
  const { phases, dealer, coverage, category, text } = wanted;
  if (phases.size && !(isWorked(estate) && phases.has(phaseOf(estate)))) return false;
  if (category && estate.category !== category) return false;
  if (dealer && (estate.dealer_id ?? estate.has) !== dealer) return false;
  if (coverage && estate.coverage !== coverage) return false;
  if (!text) return true;
  return [estate.name, estate.dealer_name, estate.district, estate.store_name].some((s) => s?.toLowerCase().includes(text));
}

const workedEstates = () => [...worked].map((id) => estates.get(id));

let others = []; // what the filters find among the estates that nobody works
let othersFor = "";

function findOthers() {
  const { text, dealer, coverage, category } = wanted;
  const key = [text, dealer, coverage, category, wanted.phases.size, worked.size, estates.size].join("|");
  if (key === othersFor) return;
  othersFor = key;
  others = [];
  if ((text || (coverage && coverage !== "worked")) && !wanted.phases.size && !category) {
    const named = [];
    for (const estate of estates.values()) {
      if (isWorked(estate) || !passes(estate)) continue;
      (!text || estate.name?.toLowerCase().includes(text) ? named : others).push(estate);
    }
    const { compare } = new Intl.Collator("zh-CN");
    const rank = (a, b) => (b.households ?? 0) - (a.households ?? 0) || compare(a.name ?? "", b.name ?? "");
    others = [...named.sort(rank), ...others];
  }
  map.find(text ? others.map((estate) => estate.estate_id) : []);
}

/** The legend has the coverage's colours where the map does. */
const showKeys = () => document.body.classList.toggle("by-coverage", map.layers.coverage || map.choosy);

/** What the search and the choices leave, in words: on paper and in a picture nothing else says so. */
function narrowed() {
  const chosen = ["dealer", "coverage", "category"].filter((name) => wanted[name]).map((name) => byId(name).selectedOptions[0]?.text);
  return [...chosen, ...PHASES.filter((phase) => wanted.phases.has(phase)).map((phase) => say(phase)), byId("search").value.trim()].filter(Boolean).join(" · ");
}

function refresh() {
  map.filter(passes, { all: Boolean(wanted.dealer || wanted.coverage) });
  showKeys();
  drawSide();
  views.changed();
}

const phaseRows = new Map();

function buildPhases() {
  const host = byId("phases");
  host.replaceChildren();
  phaseRows.clear();
  for (const phase of ["no_phase", ...PHASES, "ended"]) {
    const n = make("span", { cls: "n" });
    const button = make(
      "button", { attrs: { type: "button", "aria-pressed": String(wanted.phases.has(phase)) } },
      make("i", { cls: "fill", attrs: { "data-phase": phase } }), make("span", { text: say(phase) }), n,
    );
    button.addEventListener("click", () => {
      if (!wanted.phases.delete(phase)) wanted.phases.add(phase);
      button.setAttribute("aria-pressed", String(wanted.phases.has(phase)));
      host.classList.toggle("choosing", wanted.phases.size > 0);
      refresh();
    });
    const row = make("li", {}, button);
    host.append(row);
    phaseRows.set(phase, { row, n });
  }
}

/** Fills a choice with `[value, text]`s, where they changed; `all` stands for no choice. */
function fill(id, options, all, value) {
  const select = byId(id);
  const key = `${options.join()}|${document.documentElement.lang}`;
  if (select.dataset.key === key) return;
  select.dataset.key = key;
  select.replaceChildren(...[["", say(all)], ...options].map(([one, text]) => make("option", { text, attrs: { value: one } })));
  select.value = value;
}

function fillChoices() {
  const dealers = new Map();
  const categories = new Set();
  for (const estate of workedEstates()) {
    if (estate.dealer_id) dealers.set(estate.dealer_id, estate.dealer_name ?? estate.dealer_id);
    if (estate.category) categories.add(estate.category);
  }
  fill("dealer", [...dealers].sort((a, b) => a[1].localeCompare(b[1], "zh-CN")), "all_dealers", wanted.dealer);
  fill("coverage", COVERAGES.map((one) => [one, say(one)]), "all_coverages", wanted.coverage);
  fill("category", [...categories].sort().map((one) => [one, say(one)]), "all_categories", wanted.category);
  byId("category").hidden = categories.size < 2;
  fill("city", cities.map((one) => [one, one]), "all_cities", CITY ?? "");
  byId("city").hidden = cities.length < 2 && !CITY;
}

let sideDue = 0;

/** The side is redrawn twice a second at most, however fast events come. */
function drawSideSoon() {
  if (!sideDue) sideDue = setTimeout(drawSide, 400);
}

function drawSide() {
  clearTimeout(sideDue);
  sideDue = 0;
  // On another day it is that day's campaigns that are counted and listed.
  const all = then === null ? workedEstates() : map.worked.map((i) => map.estates[i]);
  const by = new Map();
  for (const estate of all) by.set(phaseOf(estate), (by.get(phaseOf(estate)) ?? 0) + 1);
  for (const [phase, { row, n }] of phaseRows) {
    setText(n, number(by.get(phase) ?? 0));
    row.hidden = !PHASES.includes(phase) && !by.get(phase) && !wanted.phases.has(phase);
  }
  fillChoices();
  findOthers();
  setText(byId("only"), narrowed());
  campaigns.show(all.filter(passes), { sort: wanted.sort, chosen, all: all.length, others });
  if (then === null) counts.take({ target_orders: all.reduce((sum, estate) => sum + (estate.target_orders ?? 0), 0) });
}

// --- the past ---------------------------------------------------------------------------------

let then = null; // the day that is shown, where it isn't today
let timeline = null;

/** A day is shown: the estates as they were then; null goes back to what is. */
function showDay(day, as) {
  then = day;
  document.body.classList.toggle("past", day !== null);
  map.swap([...map.index.keys()].map((id) => (day === null ? estates.get(id) : as(estates.get(id)))));
  drawSide();
}

async function past() {
  const [{ Past }] = await Promise.all([import("./past.js"), style("past.css")]);
  timeline ??= new Past(byId("time"), byId("past"), { query, show: showDay, phaseOf });
  return timeline;
}

// --- choosing ---------------------------------------------------------------------------------

function loadPanel() {
  return Promise.all([import("./panel.js"), style("estate.css")]).then(([{ Panel }]) => {
    panel ??= new Panel(byId("panel"), clock, { onClose: () => pick(null) });
  });
}

function pick(id, { fly = false } = {}) {
  chosen = id;
  note({ estate: id });
  if (id !== null && !panel) {
    loadPanel().then(() => chosen === id && pick(id, { fly }), () => state("failed", say("failed")));
    return;
  }
  const estate = id === null ? null : estates.get(id);
  document.body.classList.toggle("with-panel", Boolean(estate));
  if (estate) panel.open(estate);
  else panel?.close();
  makeRoom(Boolean(estate));
  map.choose(id, { fly });
  hover(null);
  drawSide();
}

/** What the panel hides of the map doesn't count when the map centres something. */
function makeRoom(open) {
  const side = byId("panel");
  const foot = byId("foot").offsetHeight;
  map.view.pad.right = 0;
  map.view.pad.bottom = foot;
  if (!open) return;
  if (!matchMedia("(max-width: 860px)").matches) {
    map.view.pad.right = side.offsetWidth;
    return;
  }
  scrollTo({ top: 0, behavior: "instant" });
  const hidden = byId("map").getBoundingClientRect().bottom - side.getBoundingClientRect().top;
  map.view.pad.bottom = Math.max(foot, Math.min(hidden, map.view.height - 160));
}

let card = null; // loaded with the first estate that is pointed at

function hover(estate, ...at) {
  if (estate && !card) return void Promise.all([import("./hover.js"), style("hover.css")]).then(([it]) => (card = it));
  card?.hover(estate?.estate_id === chosen ? null : estate, at, { map, phaseOf });
}

function drawBar({ metres, width }) {
  byId("bar").style.width = `${Math.round(width)}px`;
  setText(byId("bar-text"), metres >= 1000 ? `${metres / 1000} km` : `${metres} m`);
}

// --- data -------------------------------------------------------------------------------------

function merge(properties) {
  const before = estates.get(properties.estate_id) ?? {};
  const after = { ...before, ...properties };
  estates.set(properties.estate_id, after);
  if (isWorked(after)) worked.add(properties.estate_id);
  else worked.delete(properties.estate_id);
  return [before, after];
}

const NUMBERS = ["members", "active", "orders", "sign_ups", "phase", "status"];

function changed(list) {
  for (const properties of Array.isArray(list) ? list : [list]) {
    if (!estates.has(properties.estate_id)) continue; // another city's
    const [before, after] = merge(properties);
    const moved = NUMBERS.some((name) => before[name] !== after[name]) || before.tasks?.verified !== after.tasks?.verified;
    const strong = (after.orders ?? 0) > (before.orders ?? 0) || before.phase !== after.phase;
    if (then === null) map.update(properties, { moved, strong });
    if (after.estate_id === chosen) panel?.open(after);
  }
  drawSideSoon();
  views.changedSoon();
}

function simulated(is) {
  if (typeof is === "boolean") byId("simulated").hidden = !is;
}

/** Whose the estates are: those that ship keep their ids wherever they go, and one's own are nobody else's. */
function credit(ids) {
  const el = byId("credit");
  el.dataset.say = ids.some((id) => SHIPPED.test(id)) ? "credit" : "credit_districts";
  el.textContent = say(el.dataset.say);
}

async function load() {
  const [me, columns, flow] = await Promise.all([
    get("/v1/me"), get(`/v1/map${query()}`), get(`/v1/flow${query({ worked: "true" })}`),
  ]);
  const book = unpack(columns);
  clock.sync(me.now, me.speed);
  simulated(Boolean(me.simulated || flow.simulated));
  estates.clear();
  worked.clear();
  cities = book.cities;
  for (const estate of book.estates) estates.set(estate.estate_id, estate);
  for (const feature of flow.features) merge(feature.properties);
  map.setEstates(book.estates.map((estate) => estates.get(estate.estate_id)), book.lngs, book.lats);
  counts.take(flow.counts ?? {});
  cursor = flow.cursor ?? null;
  othersFor = "";
  credit([...estates.keys()]);
  makeRoom(false);
  if (!loaded) map.fit();
  loaded = true;
  const linked = chosen ?? arg("estate");
  if (then !== null) timeline?.toggle(false);
  if (linked && estates.has(linked)) pick(linked, { fly: true });
  refresh();
}

async function loadAround() {
  // The picture stands without these; each is drawn when it comes.
  const cities = new Set([...estates.values()].map((estate) => estate.city).filter(Boolean));
  if (CITY) cities.add(CITY);
  const asked = [...cities].slice(0, CITIES).map((city) => get(`/v1/districts?city=${encodeURIComponent(city)}`).catch(() => null));
  Promise.all(asked).then((found) => map.setDistricts({ features: found.flatMap((one) => one?.features ?? []) }));
  get(`/v1/stores${query()}`).then((stores) => map.setStores(stores)).catch(() => {});
}

function state(name, text) {
  const el = byId("state");
  el.dataset.state = name;
  setText(el, text);
}

function follow() {
  listen(`/v1/flow/stream${query({ since: cursor })}`, {
    flow: changed,
    counts: (news) => {
      counts.take(news);
      if (news.now) clock.sync(news.now);
      simulated(news.simulated);
    },
  }, {
    onState: (name) => state(name, name === "live" ? say("live") : say("waiting")),
    onBack: () => load().catch(() => {}),
  });
}

async function start() {
  state("loading", say("loading"));
  for (let wait = 3000; ; wait = Math.min(wait * 2, 30_000)) {
    try {
      await load();
      break;
    } catch (error) {
      if (error.status === 401) return state("failed", say("signed_out"));
      if (error.status === 403) return state("failed", say("forbidden"));
      if (error.status === undefined) throw error;
      state("failed", say("failed"));
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  performance.mark("loupan-drawn");
  loadAround();
  style("print.css");
  follow();
  setInterval(async () => {
    const me = await get("/v1/me").catch(() => null);
    if (me) clock.sync(me.now, me.speed);
  }, 15_000);
}

function drawClock() {
  if (!clock.known) return;
  const day = say("weekday").split(" ")[clock.wall().getUTCDay()];
  setText(byId("clock"), `${clock.date()}  ${day}  ${clock.hm()}`);
}

// --- wiring -----------------------------------------------------------------------------------

byId("search").addEventListener("input", (event) => {
  wanted.text = event.target.value.trim().toLowerCase();
  refresh();
});
byId("search").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.isComposing) byId("campaigns").querySelector(".row")?.click();
});
for (const name of ["dealer", "coverage", "category"]) {
  byId(name).addEventListener("change", (event) => {
    wanted[name] = event.target.value;
    refresh();
  });
}
byId("city").addEventListener("change", (event) => {
  location.search = event.target.value ? `?${new URLSearchParams({ city: event.target.value })}` : "";
});
for (const button of document.querySelectorAll("[data-layer]")) {
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    map.layer(button.dataset.layer, on);
    showKeys();
  });
}
byId("past").addEventListener("click", () => past().then((it) => it.toggle()));
byId("take").addEventListener("click", () => import("./picture.js").then(({ take }) => take(map, {
  title: say("title"), when: then ?? `${clock.date()} ${clock.hm()}`, simulated: !byId("simulated").hidden,
  credit: byId("credit").textContent, only: narrowed(),
})));
byId("print").addEventListener("click", () => style("print.css").then(() => print()));
// Paper is light, whatever the screen is.
for (const [name, on] of [["beforeprint", true], ["afterprint", false]]) {
  addEventListener(name, () => {
    globalThis.loupanTheme?.print(on);
    map.draw(performance.now());
  });
}
byId("theme").addEventListener("click", () => globalThis.loupanTheme?.toggle());
byId("sort").addEventListener("change", (event) => {
  wanted.sort = event.target.value;
  drawSide();
});
byId("in").addEventListener("click", () => map.zoomBy(1.8));
byId("out").addEventListener("click", () => map.zoomBy(1 / 1.8));
byId("fit").addEventListener("click", () => map.fit({ fly: true }));
byId("language").addEventListener("click", switchLanguage);
byId("log-out").addEventListener("click", () => import("./log-out.js").then(({ logOut }) => logOut()));
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && chosen) pick(null);
});
addEventListener("language", () => {
  document.title = say("title");
  buildPhases();
  counts.speak();
  panel?.speak();
  views.speak();
  timeline?.speak();
  const el = byId("state");
  if (el.dataset.state) setText(el, say(el.dataset.state));
  drawClock();
  drawSide();
});

// The foot grows where it has to wrap; names and flights keep clear of it.
new ResizeObserver(() => {
  makeRoom(chosen !== null);
  map.invalidate("base");
}).observe(byId("foot"));

const views = new Views({
  found: () => [...estates.values()].filter(passes),
  pick: (id) => pick(id === chosen ? null : id, { fly: true }),
  showDealer: (id) => {
    byId("dealer").value = wanted.dealer = id;
    views.go("map");
    refresh();
  },
  linked: (id) => id !== chosen && pick(id !== null && estates.has(id) ? id : null, { fly: true }),
  query, dealer: () => wanted.dealer, text: () => wanted.text, date: () => clock.date(), arg, note,
});

document.title = say("title");
buildPhases();
setInterval(drawClock, 250);
start();
