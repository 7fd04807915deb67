// Balance over the deal formula, and what is other in a version.

import { make } from "./dom.js";
import { FORMULA, warning } from "./playbook-board.js";
import { fieldName, fieldValue } from "./playbook-words.js";
import { say } from "./speech.js";

const DRIVES = ["place", "relation", "interest", "benefit", "event", "honour"];
const SIGNS = { "~": "changed", "+": "added", "-": "gone" };

// --- balance ----------------------------------------------------------------------------------------

/** Every day of every stage: how many scripts serve each part and each drive. */
export function drawBalance(el, balance) {
  const stages = [...new Set(balance.days.map((day) => day.stage))];
  el.replaceChildren(warned(balance.warnings), ...stages.map((stage) =>
    table(stage, balance.days.filter((day) => day.stage === stage), balance)));
}

function warned(warnings) {
  if (!warnings.length) return make("p", { cls: "well", text: say("in_balance") });
  return make("ul", { cls: "warnings" }, ...warnings.map((one) => make("li", { text: warning(one) })));
}

function table(stage, days, balance) {
  const most = Math.max(1, ...days.flatMap((day) => [...Object.values(day.formula), ...Object.values(day.drives)]));
  const head = make("tr", {},
    make("th", { text: say("day"), attrs: { scope: "col" } }),
    ...FORMULA.map((part) => make("th", { text: say(`p_${part}`), attrs: { scope: "col" } })),
    ...DRIVES.map((drive) => make("th", { text: say(`d_${drive}`), attrs: { scope: "col" } })));
  return make("table", { cls: "days" },
    make("caption", { text: say("stage_days", { n: stage, days: days.length }) }),
    make("thead", {}, head),
    make("tbody", {}, ...days.map((day) => make("tr", {},
      make("td", {}, make("span", { cls: "dot", attrs: { "data-phase": day.phase } }),
        document.createTextNode(`${say("day_n", { n: day.day })} · ${say(day.phase)}`)),
      ...FORMULA.map((part) => figure(day.formula[part] ?? 0, most, "", balance.every_day.includes(part))),
      ...DRIVES.map((drive) => figure(day.drives[drive] ?? 0, most, " drive", false))))));
}

function figure(n, most, kind, wanted) {
  if (!n) return make("td", { cls: `n${wanted ? " missing" : ""}`, text: wanted ? say("missing") : "·" });
  const bar = make("span", { cls: "bar", attrs: { "aria-hidden": "true" } });
  bar.style.width = `${Math.max(3, Math.round((40 * n) / most))}px`;
  return make("td", { cls: `n${kind}` }, bar, document.createTextNode(String(n)));
}

// --- difference -------------------------------------------------------------------------------------

/** What is other than in `difference.from`; `choose` is called with another `name@version` to compare with. */
export function drawDifference(el, difference, shelf, choose) {
  const chosen = difference ? `${difference.from.name}@${difference.from.version}` : "";
  const options = shelf.flatMap((one) => one.versions.toReversed().map((version) => {
    const value = `${one.name}@${version}`;
    const text = `${one.title} · ${say("version_n", { n: version })}`;
    return make("option", { text, attrs: { value, selected: value === chosen } });
  }));
  const select = make("select", {
    attrs: { id: "from", "aria-label": say("compare") }, on: { change: () => choose(select.value) },
  }, difference ? null : make("option", { text: "—", attrs: { value: "", selected: true, disabled: true } }), ...options);
  const bar = make("div", { cls: "compare" }, make("span", { text: say("compare") }), select,
    make("span", { cls: "count", text: difference ? summary(difference.items) : say("nothing_before") }));
  el.replaceChildren(bar, make("ol", { cls: "changes" }, ...(difference?.items ?? []).map(change)));
}

function summary(items) {
  if (!items.length) return say("same");
  const count = (sign) => items.filter((item) => item.sign === sign).length;
  return say("changes", { n: items.length, changed: count("~"), added: count("+"), gone: count("-") });
}

function change(item) {
  return make("li", {},
    make("h3", {},
      make("span", { cls: "sign", text: say(SIGNS[item.sign]), attrs: { "data-sign": item.sign } }),
      make("span", { text: item.id ?? say("outside") }),
      make("small", { text: fieldName(item.place) })),
    ...item.lines.map((line) => make("p", { text: line.sign ? line.text : field(line.text), attrs: { "data-sign": line.sign } })));
}

function field(text) {
  const [, name, rest] = /^([^:]*):([\s\S]*)$/.exec(text) ?? [null, text, null];
  return rest === null ? text : `${fieldName(name)}：${fieldValue(name, rest.trim())}`;
}
