// The dealer's page: today's tasks by the windows in which people read, marked in two taps, kept on a weak network.

import { get, listen } from "./api.js";
import { Card, isOpen, roleOf } from "./card.js";
import { Clock } from "./clock.js";
import { arrange, byId, icon, make, setText } from "./dom.js";
import { MARKS, Outbox } from "./outbox.js";

const KEPT = "loupan.tasks"; // the last list, shown at once while the network is slow
const EARLY = 15 * 60_000; // milliseconds before its window in which a task may be done
const WORKED = 60_000; // milliseconds in which what the gateway took is worked
const WEEKDAYS = "周日 周一 周二 周三 周四 周五 周六".split(" ");
const LIVE = ["loupan.task.withdrawn.v1", "loupan.task.expired.v1", "loupan.task.verified.v1"];

/** The windows of a day: which tasks count to one (from that minute on), its name, and when people read (in minutes). */
const WINDOWS = [
  { from: 0, name: () => "早间", hours: "07:30–09:00", read: [450, 540] },
  { from: 540, name: () => "上午问答", hours: "09:00", read: [540, 600] },
  { from: 660, name: () => "午间", hours: "11:30–13:00", read: [690, 780] },
  { from: 810, name: () => "下午", hours: "", read: [810, 1020] },
  { from: 1020, name: () => "傍晚", hours: "17:30–19:00", read: [1050, 1140] },
  { from: 1170, name: (day) => (day === 5 ? "团购" : day >= 1 && day <= 4 ? "秒杀" : "晚场"), hours: "20:00", read: [1200, 1260] },
  { from: 1290, name: () => "晚间", hours: "22:00–22:30", read: [1320, 1350] },
];

const clock = new Clock();
const tasks = new Map();
const cards = new Map();
const sections = new Map();
const wanted = { group: "", persona: "" };
let me = null;
let day = ""; // the date whose tasks are shown
let cursor = null;
let said = null; // the mark whose fate is still to be told
let campaigns = null; // how many campaigns stand where; asked where a day is empty
const told = new Map(); // what the gateway has taken of us: a list that was read before it was worked does not know it yet
let fresh = false; // whether the list came from the gateway, not from the phone

const outbox = new Outbox({
  onSent: (mark) => {
    told.set(mark.task_id, { status: MARKS[mark.deed], at: Date.now() });
    settle(mark.task_id, MARKS[mark.deed]);
    if (mark.task_id !== said?.task_id || mark.deed !== said.deed) return;
    toast(SAID[mark.deed]);
    said = null;
  },
  onKept: () => {
    if (said) toast("网络不好：已存在手机上，联网后自动送出", "warn");
    said = null;
  },
  onEmpty: () => toast("刚才待送出的都已送出"),
  onRefused: (mark, error) => {
    told.delete(mark.task_id);
    toast(error.message, "warn");
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

/** As the gateway sees it: what is said in a group so long before its time would be read when nobody is to be written to. */
const isEarly = (task, now) => isOpen(task.status) && now < Date.parse(task.window.start) - EARLY;
const isLate = (task, now) => isOpen(task.status) && Date.parse(task.window.end) < now;

function windowOf(task) {
  const minute = clock.minutes(task.window.start);
  return WINDOWS.findLastIndex((window) => window.from <= minute);
}

const byTime = (a, b) => Date.parse(a.window.start) - Date.parse(b.window.start) || (a.priority ?? 5) - (b.priority ?? 5)
  || (a.task_id < b.task_id ? -1 : 1);

function shown() {
  return [...tasks.values()]
    .filter((task) => clock.date(task.window.start) === day)
    .filter((task) => !wanted.group || task.group_id === wanted.group)
    .filter((task) => !wanted.persona || task.persona_id === wanted.persona)
    .map(standing)
    .sort(byTime);
}

const caption = make("p", { cls: "caption", text: "今天已过的时段" });
let drawing = 0;

function draw() {
  if (!drawing) drawing = requestAnimationFrame(drawNow);
}

function drawNow() {
  drawing = 0;
  const now = clock.now();
  const list = shown();
  drawRing(list);
  drawFilters();
  drawNet();
  const groups = new Map();
  for (const task of list) {
    const place = isLate(task, now) ? "late" : task.status === "expired" ? "missed" : windowOf(task);
    if (!groups.has(place)) groups.set(place, []);
    groups.get(place).push(task);
  }
  const minute = clock.minutes();
  const current = WINDOWS.findLastIndex((window) => window.from <= minute);
  // What is to be done comes first; windows that are over go to the end of the page.
  const over = (place) => place < current && !groups.get(place).some((task) => isOpen(task.status));
  const places = [...WINDOWS.keys()].filter((place) => groups.has(place));
  const order = [
    ...["late", "missed"].filter((place) => groups.has(place)),
    ...places.filter((place) => !over(place)), ...places.filter(over),
  ];
  const wantedSections = order.map((place) => fillSection(place, groups.get(place), { current: place === current, now }));
  const firstOver = order.findIndex((place) => typeof place === "number" && over(place));
  if (firstOver > 0) wantedSections.splice(firstOver, 0, caption);
  for (const [place, section] of sections) if (!groups.has(place)) section.opened = undefined;
  if (!list.length) wantedSections.push(empty());
  arrange(byId("day"), wantedSections);
  byId("day").setAttribute("aria-busy", String(!fresh));
  const ids = new Set(tasks.keys());
  for (const id of cards.keys()) if (!ids.has(id)) cards.delete(id);
}

function section(place) {
  let section = sections.get(place);
  if (!section) {
    const name = make("strong");
    const hours = make("span", { cls: "hours" });
    const tally = make("span", { cls: "tally-of" });
    const now = make("span", { cls: "now", text: "现在" });
    const list = make("div", { cls: "cards" });
    const toggle = make("button", { cls: "head", attrs: { type: "button" } }, typeof place === "string" ? icon("alert") : null, name, hours, now, tally, icon("down"));
    const el = make("section", { cls: `window ${typeof place === "string" ? place : ""}` }, make("h2", {}, toggle), list);
    section = { el, name, hours, tally, now, list, toggle, opened: undefined };
    toggle.addEventListener("click", () => {
      section.opened = section.list.hidden;
      draw();
    });
    sections.set(place, section);
  }
  return section;
}

function fillSection(place, list, { current, now }) {
  const { el, name, hours, tally, now: mark, list: host, toggle, opened } = section(place);
  const open = list.filter((task) => isOpen(task.status)).length;
  const done = list.filter((task) => task.status === "done" || task.status === "verified").length;
  const titles = { late: "逾期未做", missed: "今天已过期" };
  setText(name, titles[place] ?? WINDOWS[place].name(clock.wall().getUTCDay()));
  setText(hours, titles[place] ? "" : WINDOWS[place].hours);
  hours.hidden = !hours.textContent;
  setText(tally, titles[place] ? `${list.length} 项` : `${done} / ${list.filter((task) => task.status !== "withdrawn").length}`);
  const minute = clock.minutes();
  mark.hidden = !current || minute < WINDOWS[place].read[0] || minute >= WINDOWS[place].read[1];
  // A window in which nothing is left to do folds away; who opened or shut one by hand keeps it so.
  const show = opened ?? (open > 0 || current);
  host.hidden = !show;
  toggle.setAttribute("aria-expanded", String(show));
  // What is left to do stands above what is done.
  const left = (task) => Number(!isOpen(task.status));
  arrange(host, [...list].sort((a, b) => left(a) - left(b)).map((task) => card(task, now)));
  return el;
}

function card(task, now) {
  let one = cards.get(task.task_id);
  if (!one) {
    one = new Card(task, { mark, toast, clock });
    cards.set(task.task_id, one);
  }
  one.take(task, { pending: Boolean(outbox.pending(task.task_id)), late: isLate(task, now), early: isEarly(task, now) });
  return one.el;
}

let emptyEl = null;

function empty() {
  emptyEl ??= make("p", { cls: "nothing" });
  const filtered = wanted.group || wanted.persona;
  setText(emptyEl, !fresh ? "正在读取…" : filtered ? "这个筛选下今天没有任务。" : whyEmpty());
  return emptyEl;
}

/** Whether there will be tasks at all, from where the campaigns stand. */
function whyEmpty() {
  if (!campaigns) return "今天还没有任务。";
  const { running = 0, scheduled = 0, paused = 0, ended = 0 } = campaigns;
  if (running) return "今天还没有任务，有了会马上出现在这里。";
  if (scheduled) return "活动还没有开始，开始后每天下发任务。";
  if (paused) return "活动已暂停，恢复后再下发任务。";
  return ended ? "活动已全部结束，不会再有新任务。" : "还没有开展活动的楼盘。";
}

async function askCampaigns() {
  const { estates } = await get("/v1/estates?worked=true&limit=2000");
  campaigns = {};
  for (const { status } of estates) campaigns[status] = (campaigns[status] ?? 0) + 1;
  draw();
}

function drawRing(list) {
  const all = list.filter((task) => task.status !== "withdrawn" && task.status !== "skipped");
  const verified = all.filter((task) => task.status === "verified").length;
  const done = all.filter((task) => task.status === "done").length + verified;
  const share = (n) => (all.length ? (100 * n) / all.length : 0);
  const arc = (id, n) => {
    byId(id).style.strokeDasharray = `${n} 200`;
    byId(id).style.opacity = n > 0 ? "1" : "0";
  };
  arc("ring-done", share(done));
  arc("ring-verified", share(verified));
  setText(byId("ring-n"), all.length ? done : "–");
  setText(byId("ring-of"), all.length ? `/ ${all.length}` : "");
  byId("ring").setAttribute("aria-label", `今天完成 ${done} 项，共 ${all.length} 项，其中已核实 ${verified} 项`);
}

function drawFilters() {
  const today = [...tasks.values()].filter((task) => clock.date(task.window.start) === day);
  const fill = (select, all, pairs, value) => {
    const sorted = [...new Map(pairs)].filter(([id]) => id).sort((a, b) => a[1].localeCompare(b[1], "zh-CN"));
    const key = JSON.stringify(sorted);
    if (select.dataset.key === key) return;
    select.dataset.key = key;
    select.replaceChildren(
      make("option", { text: all, attrs: { value: "" } }),
      ...sorted.map(([id, name]) => make("option", { text: name, attrs: { value: id } })),
    );
    select.value = sorted.some(([id]) => id === value) ? value : "";
  };
  fill(byId("group"), "全部群", today.map((t) => [t.group_id, t.group_name ?? t.group_id]), wanted.group);
  fill(byId("persona"), "全部人设", today.map((t) => [
    t.persona_id, [roleOf(t), t.persona_name ?? ""].join(" "),
  ]), wanted.persona);
  wanted.group = byId("group").value;
  wanted.persona = byId("persona").value;
  byId("filters").hidden = !today.length;
}

let streaming = true;
let trouble = "";

function drawNet() {
  const waiting = outbox.marks.length;
  const offline = navigator.onLine === false || outbox.failing || !streaming;
  const text = trouble || (offline && waiting ? `网络不好：${waiting} 条待送出，已保存在手机上` : offline ? "网络不好，正在重新连接…" : "");
  setText(byId("net"), text);
  byId("net").hidden = !text;
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

function drawClock() {
  if (!clock.known) return;
  const wall = clock.wall();
  setText(byId("clock"), `${wall.getUTCMonth() + 1}月${wall.getUTCDate()}日 ${WEEKDAYS[wall.getUTCDay()]} ${clock.hm()}`);
}

// --- marks ------------------------------------------------------------------------------------

/** What is told once the gateway has it. */
const SAID = { claim: "已认领", done: "已记为完成，等群消息核实", skip: "已跳过" };

function mark(task, deed, body, { quiet = false } = {}) {
  if (!quiet) said = { task_id: task.task_id, deed };
  outbox.add(task.task_id, deed, task.persona_id ? { persona_id: task.persona_id, ...body } : body);
}

/** A status that we were told of; a later one isn't taken back by an earlier one that comes late. */
function settle(id, status) {
  const task = tasks.get(id);
  if (!task) return;
  if (status !== "withdrawn" && status !== "expired" && RANK[status] < RANK[task.status]) return;
  tasks.set(id, { ...task, status });
  keep();
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

function keep() {
  try {
    localStorage.setItem(KEPT, JSON.stringify({ dealer: me?.dealer_id ?? null, day, tasks: [...tasks.values()] }));
  } catch {
    // a full or closed storage costs the quick start, nothing else
  }
}

function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? "null");
    if (!kept || kept.dealer !== (me?.dealer_id ?? null) || kept.day !== day) return;
    for (const task of kept.tasks) tasks.set(task.task_id, task);
  } catch {
    // what can't be read is read anew
  }
}

async function greet() {
  me = await get("/v1/me");
  clock.sync(me.now, me.speed);
  setText(byId("name"), me.dealer_name ?? "总部");
  byId("simulated").hidden = !me.simulated;
  drawClock();
}

async function loadDay() {
  const today = clock.date();
  const span = new URLSearchParams({ from: clock.midnight(0), to: clock.midnight(1), limit: "2000" });
  const answer = await get(`/v1/tasks?${span}`);
  if (today !== day) sections.forEach((section) => (section.opened = undefined));
  day = today;
  tasks.clear();
  for (const task of answer.tasks) tasks.set(task.task_id, withTold(task));
  if (!answer.tasks.length) askCampaigns().catch(() => {});
  cursor = answer.cursor ?? null;
  fresh = true;
  trouble = "";
  keep();
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
  if (error.status === 401) trouble = "登录已失效，请重新打开登录链接。";
  else if (error.status === 403) trouble = "这个账号看不了任务。";
  else if (!error.passing) throw error;
  draw();
}

function follow() {
  const since = cursor === null ? "" : `?since=${encodeURIComponent(cursor)}`;
  const changed = (event) => settle(event.data?.task_id, event.data?.status);
  listen(`/v1/tasks/stream${since}`, {
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

async function start() {
  for (let wait = 2000; ; wait = Math.min(wait * 2, 30_000)) {
    try {
      await greet();
      day = clock.date();
      recall();
      draw();
      await loadDay();
      break;
    } catch (error) {
      complain(error);
      if (error.status === 401 || error.status === 403) return;
      streaming = false;
      draw();
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  follow();
  setInterval(() => greet().catch(() => {}), 15_000);
  setInterval(tick, 1000);
}

let lastMinute = -1;

/** The day turns, windows pass: the page follows the clock, however fast it runs. */
function tick() {
  drawClock();
  if (clock.date() !== day) reload();
  const minute = clock.minutes();
  if (minute !== lastMinute) {
    lastMinute = minute;
    draw();
  }
}

byId("group").addEventListener("change", (event) => {
  wanted.group = event.target.value;
  draw();
});
byId("persona").addEventListener("change", (event) => {
  wanted.persona = event.target.value;
  draw();
});
addEventListener("online", draw);
addEventListener("offline", draw);
outbox.flush();
start();
