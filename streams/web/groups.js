// My groups: where each stands, its mood and what that rests on, its members by step, and its next task.

import { get } from "./api.js";
import { actionOf, personaOf } from "./dealer-words.js";
import { icon, make } from "./dom.js";
import { say } from "./speech.js";

/** The steps of the ladder as a dealer knows them: each holds one rung or several. */
const STEPS = [
  ["stranger", ["stranger", "onlooker"]], ["participant", ["participant"]], ["interested", ["interested"]],
  ["prospective_buyer", ["prospective_buyer"]], ["buyer", ["buyer", "loyal_fan", "spreader", "referrer"]],
];

export class View {
  /** `act`: clock, path(name), toToday(group_id). */
  constructor(host, act) {
    this.host = host;
    this.act = act;
    this.groups = null;
    addEventListener("language", () => this.draw());
  }

  async look() {
    if (!this.groups) this.host.replaceChildren(make("p", { cls: "nothing", text: say("loading") }));
    this.groups = await this.all();
    this.draw();
  }

  /** Page by page, to the last. */
  async all() {
    const groups = [];
    for (let cursor = null; ; ) {
      const path = this.act.path("groups");
      const page = await get(cursor === null ? path : `${path}${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}`);
      groups.push(...page.groups);
      cursor = page.cursor;
      if (cursor === null) return groups;
    }
  }

  /** Who is upset comes first, then whose next task is due first. */
  draw() {
    if (!this.groups) return;
    const due = (group) => (group.next ? Date.parse(group.next.window.start) : Infinity);
    const upset = (group) => Number(group.mood.word !== "upset");
    const sorted = [...this.groups].sort((a, b) => upset(a) - upset(b) || (due(a) === due(b) ? a.name.localeCompare(b.name, "zh-CN") : due(a) - due(b)));
    this.host.replaceChildren(sorted.length
      ? make("div", { cls: "cards list" }, ...sorted.map((group) => this.card(group)))
      : make("p", { cls: "nothing", text: say("none_groups") }));
  }

  card(group) {
    return make(
      "article", { cls: "card group-card", attrs: { "data-mood": group.mood.word } },
      make("h2", { text: group.name }),
      make("p", { cls: "stand" }, make("i", { cls: "dot", attrs: { "data-phase": group.phase ?? "no_phase" } }), make("span", { text: stand(group) })),
      this.mood(group), ladder(group), this.next(group),
    );
  }

  mood({ mood, members, open }) {
    const counts = [
      say("members", { n: members }),
      mood.word === "empty" ? null : say("spoke", { n: mood.spoke }),
      mood.praise ? say("praised", { n: mood.praise }) : null,
      mood.complain ? say("complained", { n: mood.complain }) : null,
      mood.opted_out ? say("opted_out", { n: mood.opted_out }) : null,
      open ? null : say("closed"),
    ].filter(Boolean);
    return make("p", { cls: "mood" },
      make("strong", { cls: "feel", text: say(`mood_${mood.word}`), attrs: { "aria-label": say("mood", { word: say(`mood_${mood.word}`) }) } }),
      make("span", { text: counts.join(" · ") }));
  }

  next(group) {
    const task = group.next;
    if (!task) return make("p", { cls: "next soft", text: say("no_next") });
    const { clock, toToday } = this.act;
    const text = `${clock.hm(task.window.start)}  ${personaOf(task)} · ${actionOf(task)}`;
    return make(
      "button", { cls: "next", attrs: { type: "button", "aria-label": `${say("next")} ${text}：${say("show_tasks")}` }, on: { click: () => toToday(group.group_id) } },
      make("small", { text: say("next") }), make("span", { text }), icon("down"));
  }
}

/** The estate, and where its campaign stands. */
function stand(group) {
  if (!group.estate_id) return say("no_estate");
  const where = group.phase ? `${say(group.phase)} ${say("day_of", { day: group.day, days: group.days ?? "–" })}` : say(group.status ?? "no_campaign");
  const halted = group.phase && group.status === "paused" ? say("paused") : null;
  return [group.estate_name ?? group.estate_id, where, halted].filter(Boolean).join(" · ");
}

/** How many members stand on which step: a bar, and the same in words. */
function ladder(group) {
  const counts = STEPS.map(([name, rungs]) => [name, rungs.reduce((sum, rung) => sum + (group.rungs[rung] ?? 0), 0)]);
  const all = counts.reduce((sum, [, n]) => sum + n, 0);
  if (!all) return null;
  const bar = make("div", { cls: "ladder-bar", attrs: { "aria-hidden": "true" } });
  for (const [name, n] of counts) {
    if (!n) continue;
    const part = make("i", { cls: name });
    part.style.flexGrow = n;
    bar.append(part);
  }
  return make("div", { cls: "ladder" }, bar, make("ul", { attrs: { "aria-label": say("ladder") } }, ...counts.map(([name, n]) => make(
    "li", {}, make("i", { cls: name, attrs: { "aria-hidden": "true" } }), make("span", { text: say(`r_${name}`) }), make("b", { text: n })))));
}
