// What is said beside an estate that is pointed at.

import { byId, make } from "./dom.js";
import { isWorked } from "./map.js";
import { say } from "./speech.js";
import { number } from "./words.js";

/** Shows an estate's card at `[x, y, radius]` of the map, or none. */
export function hover(estate, [x, y, r], { map, phaseOf }) {
  const card = byId("hover");
  if (!estate) {
    card.hidden = true;
    return;
  }
  const lines = [make("strong", { text: estate.name })];
  if (isWorked(estate)) {
    const phase = make("span", { cls: "phase" }, make("i", { cls: "dot", attrs: { "data-phase": phaseOf(estate) } }));
    phase.append([say(phaseOf(estate)), estate.day ? say("day_only", { day: estate.day }) : ""].filter(Boolean).join(" · "));
    lines.push(phase, make("span", { text: estate.dealer_name }));
    lines.push(make("span", { cls: "nums", text: `${say("members")} ${number(estate.members ?? 0)} · ${say("orders")} ${number(estate.orders ?? 0)}` }));
  } else {
    const size = estate.households ? say("n_households", { n: number(estate.households) }) : "";
    lines.push(make("span", { text: [estate.district, size].filter(Boolean).join(" · ") }), make("span", { text: say(estate.coverage ?? "unworked") }));
    if (estate.has_name) lines.push(make("span", { text: estate.has_name }));
  }
  card.replaceChildren(...lines);
  card.hidden = false;
  const { width, height, pad } = map.view;
  const left = x + r + 12 + card.offsetWidth > width - pad.right ? x - r - 12 - card.offsetWidth : x + r + 12;
  const top = Math.max(8, Math.min(height - card.offsetHeight - 8, y - card.offsetHeight / 2));
  card.style.transform = `translate(${Math.round(Math.max(8, left))}px, ${Math.round(top)}px)`;
}
