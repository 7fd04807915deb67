// An estate's timeline in words: what went out, told shortly, with bursts of the same thing told once.

import { say } from "./speech.js";

const WORDS = {
  "loupan.campaign.phase-entered.v1": (d) => say("e_phase", { phase: say(d.phase), day: d.day }),
  "loupan.campaign.gate-missed.v1": (d) => say("e_gate", { phase: say(d.phase) }),
  "loupan.campaign.entry-ended.v1": (d) => say(d.reached ? "e_entered" : "e_not_entered", { day: d.day }),
  "loupan.campaign.behind.v1": (d) => say("e_behind", {
    day: d.day, measure: say(`m_${d.measure}`), actual: d.actual, expected: Math.round(d.expected),
    weakest: d.weakest ? say(`f_${d.weakest}`) : "—",
  }),
  "loupan.campaign.goal-reached.v1": (d) => say("e_goal", { orders: d.orders, target: d.target_orders }),
  "loupan.campaign.stage-ended.v1": (d) =>
    d.next_stage
      ? say("e_stage_next", { n: d.stage, next: d.next_stage, start: d.next_start })
      : say("e_stage", { n: d.stage }),
  "loupan.campaign.playbook-changed.v1": (d) =>
    d.version ? say("e_playbook", { version: d.version }) : say("e_playbook_gone", {}),
  "loupan.member.placed.v1": (d, n) => say(d.estate_id ? "e_placed" : "e_unplaced", { n }),
  "loupan.group.placed.v1": (d, n) => say("e_group", { n }),
  "loupan.member.rung-changed.v1": (d, n) => say("e_rung", { n, rung: say(d.rung) }),
};
const TASK = /^loupan\.task\.(\w+)\.v1$/;

function words(event, n) {
  if (event.summary) return event.summary;
  const data = event.data ?? {};
  const task = TASK.exec(event.type);
  if (task) return say("e_task", { n, role: say(data.role ?? "task"), action: say(`a_${data.action ?? "post"}`), status: say(`t_${task[1]}`) });
  return WORDS[event.type]?.(data, n) ?? event.type;
}

const kind = (event) => {
  const { rung, phase, role, action } = event.data ?? {};
  return [event.type, rung, TASK.test(event.type) ? [role, action] : phase, event.summary].join("|");
};

/** The latest first: `{time, text, type}`; the same thing within an hour is one line with its number. */
export function tell(events, most) {
  const lines = [];
  const sorted = events
    .filter((event) => Number.isFinite(Date.parse(event.time)))
    .sort((a, b) => Date.parse(b.time) - Date.parse(a.time));
  const open = new Map(); // kind → its latest line
  for (const event of sorted) {
    const line = open.get(kind(event));
    if (line && Date.parse(line.time) - Date.parse(event.time) < 3_600_000) {
      line.n++;
      continue;
    }
    const fresh = { time: event.time, event, n: 1 };
    open.set(kind(event), fresh);
    lines.push(fresh);
  }
  return lines.slice(0, most).map(({ time, event, n }) => ({ time, type: event.type, text: words(event, n) }));
}
