// The dealer's page: what it knows of the day, kept on a weak network, and the four views over it.

import { get, listen } from "./api.js";
import { Clock } from "./clock.js";
import { dateOf, personaOf } from "./dealer-words.js";
import { byId, setText } from "./dom.js";
import { forget, keep, MARKS, Outbox, recall } from "./outbox.js";
import { say, speak, switchLanguage } from "./speech.js";
import { Tabs } from "./tabs.js";
import { Today } from "./today.js";
import { fillChoice } from "./windows.js";

const WORKED = 60_000; // milliseconds in which what the gateway took is worked
const LIVE = ["loupan.task.withdrawn.v1", "loupan.task.expired.v1", "loupan.task.verified.v1"];
const OF_DEALER = new URLSearchParams(location.search).get("dealer"); // HQ may look at one dealer's page
/** The views beside today, loaded when they are first looked at. */
const VIEWS = {
  tomorrow: () => import("./tomorrow.js"), groups: () => import("./groups.js"), estates: () => import("./estates.js"),
};

const clock = new Clock();
const tasks = new Map();
const wanted = { group: "", persona: "" };
const views = new Map(); // name → what is drawn there
let me = null;
let day = ""; // the date whose tasks are shown
let cursor = null;
let said = null; // the mark whose fate is still to be told
let campaigns = {}; // how many campaigns stand where
const told = new Map(); // what the gateway has taken of us: a list that was read before it was worked does not know it yet
let fresh = false; // whether the list came from the gateway, not from the phone

const path = (name) => `/v1/dealer/${name}${OF_DEALER ? `?${new URLSearchParams({ dealer_id: OF_DEALER })}` : ""}`;

const outbox = new Outbox({
  onSent: (mark) => {
    told.set(mark.task_id, { status: MARKS[mark.deed], at: Date.now() });
    settle(mark.task_id, MARKS[mark.deed]);
    if (mark.task_id !== said?.task_id || mark.deed !== said.deed) return;
    toast(say(`said_${mark.deed}`));
    said = null;
  },
  onKept: () => {
    if (said) toast(say("kept"), "warn");
    said = null;
  },
  onEmpty: () => toast(say("all_sent")),
  onRefused: (mark, error) => {
    told.delete(mark.task_id);
    // A claim that came along with a copied text was nobody's wish: that it came too late is nothing to complain of.
    if (!(mark.deed === "claim" && mark.quiet)) toast(error.message, "warn");
    reload();
  },
  onChange: () => draw(),
});

// --- what is shown ----------------------------------------------------------------------------

const RANK = { issued: 0, claimed: 1, skipped: 2, done: 3, verified: 4, expired: 5, withdrawn: 5 };

/** The task as we know it: a mark that is on its way counts already, unless the gateway knows better. */
function standing(task) {
  const pending = outbox.pending(task.task_id);
  return pending && RANK[pending] > RANK[task.status] ? { ...task, status: pending } : task;
}

/** Whether the filters let a task through, today's or tomorrow's. */
const passes = (task) => (!wanted.group || task.group_id === wanted.group) && (!wanted.persona || task.persona_id === wanted.persona);
const ofDay = () => [...tasks.values()].filter((task) => clock.date(task.window.start) === day);

speak();
const today = new Today(byId("day"), {
  clock, mark, toast, redraw: () => draw(), pending: (id) => Boolean(outbox.pending(id)), empty: whyEmpty,
});
const tabs = new Tabs(show);
let drawing = 0;

function draw() {
  if (!drawing) drawing = requestAnimationFrame(drawNow);
}

function drawNow() {
  drawing = 0;
  drawFilters();
  drawNet();
  today.draw(ofDay().filter(passes).map(standing), tasks, { fresh });
}

/** A view comes into sight: it is loaded once, and looks for news each time. */
async function show(name) {
  const load = VIEWS[name];
  const heading = document.querySelector("h1");
  heading.dataset.say = name === "today" ? "title" : name;
  setText(heading, say(heading.dataset.say));
  drawFilters();
  if (!load) return;
  const host = byId(name);
  try {
    if (!views.has(name)) {
      host.setAttribute("aria-busy", "true");
      const { View } = await load();
      if (!views.has(name)) views.set(name, new View(host, { clock, path, passes, onTasks: drawFilters, toToday }));
    }
    await views.get(name).look();
  } catch (error) {
    if (error.status === 401 || error.status === 403) complain(error);
    else toast(say("unreachable"), "warn");
  } finally {
    host.setAttribute("aria-busy", "false");
  }
}

/** Today's tasks of one group. */
function toToday(group) {
  wanted.group = group;
  wanted.persona = "";
  byId("group").dataset.key = "";
  tabs.go("today");
  draw();
}

/** Why a day holds nothing: whether there will be tasks at all, from where the campaigns stand. */
function whyEmpty() {
  if (!fresh) return say("loading");
  if (wanted.group || wanted.persona) return say("none_filtered");
  const stands = ["running", "scheduled", "paused", "ended"].find((status) => campaigns[status]);
  return say(stands ? `none_${stands}` : "none_worked");
}

function drawFilters() {
  const name = tabs.shown ?? "today";
  const list = name === "tomorrow" ? views.get(name)?.tasks ?? [] : name === "today" ? ofDay() : [];
  byId("filters").hidden = !list.length;
  if (!list.length) return;
  const before = `${wanted.group}|${wanted.persona}`;
  wanted.group = fillChoice(byId("group"), say("all_groups"), list.map((t) => [t.group_id, t.group_name || t.group_id]), wanted.group);
  wanted.persona = fillChoice(byId("persona"), say("all_personas"), list.map((t) => [t.persona_id, personaOf(t)]), wanted.persona);
  if (before !== `${wanted.group}|${wanted.persona}`) redrawTab();
}

function redrawTab() {
  draw();
  views.get("tomorrow")?.draw();
}

let streaming = true;
let trouble = ""; // the name of what keeps us out

function drawNet() {
  const waiting = outbox.marks.length;
  const offline = navigator.onLine === false || outbox.failing || !streaming;
  const text = trouble ? say(trouble)
    : offline && waiting ? say("net_waiting", { n: waiting })
    : offline && !fresh && tasks.size ? say("net_kept", { date: dateOf(new Date(`${day}T00:00:00Z`)) })
    : offline ? say("net_offline") : "";
  setText(byId("net"), text);
  byId("net").hidden = !text;
  byId("sign-in").hidden = trouble !== "signed_out";
}

let hiding = 0;

function toast(text, tone = "good") {
  const el = byId("toast");
  setText(el, text);
  el.dataset.tone = tone;
  el.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => (el.hidden = true), tone === "warn" ? 5000 : 2600);
}

function drawHead() {
  if (!clock.known) return;
  setText(byId("clock"), `${dateOf(clock.wall())} ${clock.hm()}`);
  if (!me) return;
  setText(byId("name"), me.store_name ?? me.dealer_name ?? say("hq"));
  byId("simulated").hidden = !me.simulated;
}

// --- marks ------------------------------------------------------------------------------------

function mark(task, deed, body, { quiet = false } = {}) {
  if (!quiet) said = { task_id: task.task_id, deed };
  outbox.add(task.task_id, deed, task.persona_id ? { persona_id: task.persona_id, ...body } : body, { at: clock.known ? clock.iso() : undefined, quiet });
}

/** A status that we were told of; a later one isn't taken back by an earlier one that comes late. */
function settle(id, status) {
  const task = tasks.get(id);
  if (!task) return;
  if (status !== "withdrawn" && status !== "expired" && RANK[status] < RANK[task.status]) return;
  tasks.set(id, { ...task, status });
  remember();
  draw();
}

/** A task of a list, unless the gateway has taken more of us than that list knows. */
function withTold(task) {
  const { status, at } = told.get(task.task_id) ?? {};
  if (status && RANK[status] > RANK[task.status] && Date.now() - at < WORKED) return { ...task, status };
  told.delete(task.task_id);
  return task;
}

// --- data -------------------------------------------------------------------------------------

const remember = () => keep({ me, day, campaigns, clock: clock.state(), tasks: [...tasks.values()] });

/** The last list, at once: the phone's own clock goes on from the gateway's. */
function showKept() {
  const kept = recall();
  if (!kept) return;
  ({ me, day, campaigns } = { campaigns: {}, ...kept });
  clock.resume(kept.clock);
  for (const task of kept.tasks) tasks.set(task.task_id, task);
  drawHead();
  draw();
}

function greet(answer) {
  if (me && (me.dealer_id !== answer.dealer_id || me.store_id !== answer.store_id)) {
    tasks.clear();
    forget();
  }
  me = answer;
  clock.sync(me.now, me.speed);
  drawHead();
}

async function loadDay({ first = false } = {}) {
  // The first time it is asked for as the page's head asked for it already, so that one answer serves both.
  const answer = await get(path("day"), { plain: first });
  greet(answer.me);
  if (answer.date !== day) today.turn();
  ({ date: day, campaigns } = answer);
  tasks.clear();
  for (const task of answer.tasks) tasks.set(task.task_id, withTold({ ...task, files: answer.files[task.task_id] }));
  cursor = answer.cursor ?? null;
  if (!fresh) requestAnimationFrame(() => performance.mark("usable")); // docs/dealers.md tells how soon that is
  fresh = true;
  trouble = "";
  remember();
  draw();
}

let reloading = null;
let again = false;

/** Reads the day anew; what asks while it's being read is answered by one more reading. */
function reload() {
  if (reloading) {
    again = true;
    return reloading;
  }
  reloading = loadDay().catch((error) => complain(error)).finally(() => {
    reloading = null;
    if (again) {
      again = false;
      setTimeout(reload, 300);
    }
  });
  return reloading;
}

function complain(error) {
  if (error.status === 401) trouble = "signed_out";
  else if (error.status === 403) trouble = "forbidden";
  else if (!error.passing) throw error;
  draw();
}

function follow() {
  const since = new URLSearchParams({ ...(cursor === null ? {} : { since: cursor }), ...(OF_DEALER ? { dealer_id: OF_DEALER } : {}) });
  const changed = (event) => settle(event.data?.task_id, event.data?.status);
  listen(`/v1/tasks/stream?${since}`, {
    "loupan.task.issued.v1": (event) => event.data?.task_id && !tasks.has(event.data.task_id) && reload(),
    ...Object.fromEntries(LIVE.map((name) => [name, changed])),
  }, {
    onState: (state) => {
      streaming = state === "live";
      draw();
    },
    onBack: reload,
  });
}

/** Until the network is back, or so long. */
const patience = (ms) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  addEventListener("online", () => (clearTimeout(timer), resolve()), { once: true });
});

async function start() {
  showKept();
  for (let wait = 2000, first = true; ; wait = Math.min(wait * 2, 30_000), first = false) {
    try {
      await loadDay({ first: first && !OF_DEALER });
      break;
    } catch (error) {
      complain(error);
      if (error.status === 401 || error.status === 403) return;
      streaming = false;
      draw();
      await patience(wait);
    }
  }
  streaming = true;
  follow();
  setInterval(() => get("/v1/me").then(greet).catch(() => {}), 15_000);
  setInterval(tick, 1000);
}

let lastMinute = -1;

/** The day turns, windows pass: the page follows the clock, however fast it runs. */
function tick() {
  drawHead();
  if (clock.date() !== day) reload();
  const minute = clock.minutes();
  if (minute !== lastMinute) {
    lastMinute = minute;
    draw();
  }
}

for (const name of ["group", "persona"]) {
  byId(name).addEventListener("change", (event) => {
    wanted[name] = event.target.value;
    redrawTab();
  });
}
byId("language").addEventListener("click", switchLanguage);
byId("log-out").addEventListener("click", () => import("./log-out.js")
  .then(({ logOut }) => logOut({ waiting: outbox.marks.length })).catch(() => toast(say("unreachable"), "warn")));
byId("jump").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").querySelector(":scope > :not([hidden])").focus();
});
addEventListener("language", () => {
  drawHead();
  drawFilters();
  draw();
});
addEventListener("online", draw);
addEventListener("offline", draw);
tabs.show();
outbox.settleWorker().then(() => outbox.flush());
start().then(() => settleIn().catch(() => {})); // without a worker the page works all the same

/** Once the page stands: the worker behind it, and word of a new version. */
async function settleIn() {
  const { install } = await import("./install.js");
  install({
    onSend: () => outbox.hurry(),
    onUpdate: (apply) => {
      byId("update").hidden = false;
      byId("update-now").onclick = apply;
    },
  });
}
