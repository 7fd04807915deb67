// A day's tasks on paper, A4: by window, each with a box to tick, then how many of them are whose.

import { get } from "./api.js";
import { parts } from "./card.js";
import { actionOf, dateOf, personaOf } from "./dealer-words.js";
import { Clock } from "./clock.js";
import { byId, make } from "./dom.js";
import { language, say, speak } from "./speech.js";
import { byWindow, WINDOWS, windowName } from "./windows.js";

const GONE = ["withdrawn", "expired", "skipped"];
const clock = new Clock();
const asked = new URLSearchParams(location.search);

function task(one) {
  const { said, line } = parts(one);
  const clips = one.script?.attachments ?? [];
  const done = one.status === "done" || one.status === "verified";
  return make(
    "li", { cls: "task" },
    make("span", { cls: `box ${done ? "ticked" : ""}`, text: done ? "✓" : "", attrs: { role: "img", "aria-label": say(`s_${one.status}`) } }),
    make("div", {},
      make("p", { cls: "first" }, make("time", { text: `${clock.hm(one.window.start)}–${clock.hm(one.window.end)}` }),
        make("strong", { text: personaOf(one) }), make("span", { text: actionOf(one) }), make("span", { cls: "soft", text: one.group_name ?? "" })),
      make("p", { cls: "said", text: said }), line ? make("p", { cls: "soft", text: line }) : null,
      clips.length ? make("p", { cls: "soft", text: clips.join(" · ") }) : null),
  );
}

/** How many of the day's tasks are whose. */
function people(tasks) {
  const counts = new Map();
  for (const one of tasks) counts.set(personaOf(one), (counts.get(personaOf(one)) ?? 0) + 1);
  return make("ul", { cls: "people" }, ...[...counts].map(([name, n]) => make(
    "li", {}, make("strong", { text: name }), make("span", { text: say("n_items", { n }) }))));
}

function draw(answer) {
  const day = new Date(`${answer.date}T00:00:00Z`);
  const tasks = answer.tasks.filter((one) => clock.date(one.window.start) === answer.date && !GONE.includes(one.status));
  document.title = `${say("brief")} ${answer.date}`;
  const dealer = answer.me.store_name ?? answer.me.dealer_name ?? say("hq");
  byId("sheet").replaceChildren(
    make("header", {}, make("h1", { text: say("brief") }), make("p", { text: say("brief_of", { dealer, date: dateOf(day) }) }),
      answer.me.simulated ? make("span", { cls: "badge", text: say("simulated") }) : null,
      make("p", { cls: "all", text: say("brief_all", { n: tasks.length }) })),
    tasks.length ? people(tasks) : make("p", { cls: "nothing", text: say("brief_none") }),
    ...byWindow(tasks, clock).map(([place, list]) => make(
      "section", {}, make("h2", {}, make("span", { text: windowName(place, day.getUTCDay()) }), make("small", { text: WINDOWS[place].hours })),
      make("ol", {}, ...list.map(task)))),
    make("footer", { text: say("brief_foot") }),
  );
}

async function start() {
  speak();
  document.documentElement.lang = language();
  const sheet = byId("sheet");
  sheet.replaceChildren(make("p", { cls: "nothing", text: say("loading") }));
  const wanted = new URLSearchParams([...asked].filter(([name]) => name === "date" || name === "dealer_id"));
  try {
    const answer = await get(`/v1/dealer/day?${wanted}`);
    clock.sync(answer.me.now, answer.me.speed);
    draw(answer);
  } catch (error) {
    const words = error.status === 401 ? say("signed_out") : error.passing ? say("unreachable") : error.message;
    sheet.replaceChildren(make("p", { cls: "nothing", text: words }));
  }
  sheet.setAttribute("aria-busy", "false");
}

byId("print").addEventListener("click", () => print());
start();
