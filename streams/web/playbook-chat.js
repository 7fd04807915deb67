// A script as it would be read in the chat: who says it, the text, its disclosure, the replies in their order.

import { byId, icon, make } from "./dom.js";
import { listed } from "./playbook-words.js";
import { say } from "./speech.js";

let onClose = null;

/** Shows a card beside the board; `back` is called when it is closed. */
export function openChat(board, card, back) {
  onClose = back;
  const panel = byId("panel");
  panel.setAttribute("aria-label", say("preview"));
  panel.replaceChildren(head(board, card), talk(board, card));
  panel.hidden = false;
  panel.focus({ preventScroll: true });
}

/** Closes it; the focus goes back to the card unless the board is drawn anew. */
export function closeChat(giveBack = true) {
  const panel = byId("panel");
  if (panel.hidden) return;
  panel.hidden = true;
  if (giveBack) onClose?.();
  onClose = null;
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeChat();
});

function head(board, card) {
  const where = { group: "in_group", private: "in_private" }[card.said.where] ?? "in_hand";
  return make("header", {},
    make("h2", { text: scene(board, card) }),
    make("p", { text: [`${say(card.role)}${card.action ? ` · ${say(`a_${card.action}`)}` : ""}`, say(where),
      card.at && card.minutes ? say("minutes", { at: card.at, n: card.minutes }) : null,
      card.weekdays?.length ? listed(card.weekdays.map((day) => say(`on_${day}`))) : null].filter(Boolean).join(" · ") }),
    make("button", { cls: "close", attrs: { type: "button", "aria-label": say("close") }, on: { click: () => closeChat() } },
      icon("close", "desk-icons")));
}

function scene(board, card) {
  if (!card.phase) return card.section ? say(`x_${card.section}`) : card.id;
  const day = card.day ? say("day_n", { n: card.day }) : say("rescue");
  return [say(card.phase), day, card.window ? say(card.window) : null].filter(Boolean).join(" · ");
}

function talk(board, card) {
  const el = make("div", { cls: "talk" });
  if (card.at) el.append(make("p", { cls: "time", text: card.at }));
  el.append(...spoken(card.role, card.said, card.id, card.phase ? scene(board, card) : null));
  for (const reply of card.replies ?? []) {
    el.append(make("p", { cls: "time", text: say("after", { at: later(card.at, reply.after), n: reply.after }) }));
    el.append(...spoken(reply.role, reply.said, reply.id));
  }
  if (card.instead) {
    el.append(make("p", { cls: "time", text: say("instead") }));
    el.append(...spoken(card.role, card.instead, `${card.id}-instead`));
  }
  el.append(make("p", { cls: "example", text: say("example") }));
  return el;
}

function later(at, minutes) {
  const [hours, start] = at.split(":").map(Number);
  const whole = (hours * 60 + start + minutes) % 1440;
  return `${String(Math.floor(whole / 60)).padStart(2, "0")}:${String(whole % 60).padStart(2, "0")}`;
}

function spoken(role, said, id, where) {
  return [said.where ? message(role, said) : instruction(said), tags(said, id, where)];
}

function instruction(said) {
  return make("div", { cls: "note" },
    make("strong", { text: `${said.who} · ${say("in_hand")}` }), document.createTextNode(said.text), ...attached(said));
}

const attached = (said) => said.attachments.map((words) => make("div", { cls: "attachment", text: words }));

function message(role, said) {
  return make("div", { cls: "message", attrs: { "data-role": role } },
    make("span", { cls: "avatar", text: [...said.name][0], attrs: { "aria-hidden": "true" } }),
    make("span", { cls: "who", text: said.who }, said.speaks_as === "staff" ? null : make("em", { text: say(said.speaks_as) })),
    make("div", { cls: "bubble" }, make("span", { text: said.text }),
      said.disclosure ? make("span", { cls: "disclosure", text: said.disclosure }) : null),
    ...attached(said));
}

function tags(said, id, where) {
  const rows = [
    ["formula", listed(said.formula.map((part) => say(`p_${part}`)))],
    ["drives", listed(said.drives.map((drive) => say(`d_${drive}`)))],
    ["scene", said.scene ? say(`z_${said.scene}`) : null],
    ["when", where],
    ["speaks", say(said.speaks_as)],
    ["rests_on", said.testimonial ? say("testimonial", { product: said.testimonial }) : null],
    ["script", `${id} · ${say("version_n", { n: said.version })}`],
  ].filter(([, value]) => value);
  const el = make("dl", { cls: "tags" });
  for (const [name, value] of rows) el.append(make("dt", { text: say(name) }), make("dd", { text: value }));
  if (said.unfilled) el.append(make("dt", {}), make("dd", { text: say("unfilled", { name: said.unfilled }) }));
  return el;
}
