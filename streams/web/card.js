// One task as a card: what to say, as whom, when; copied in one tap, done in two.

import { get } from "./api.js";
import { actionOf, personaOf, roleOf } from "./dealer-words.js";
import { icon, lessMotion, make, setText } from "./dom.js";
import { say } from "./speech.js";

const SKIPS = ["skip_timing", "skip_said", "skip_unfit", "skip_refused"];
const BOUNCE = 300; // milliseconds in which a second tap is the first one's echo
const CHANGES_MIND = 6000; // milliseconds in which 确认 waits

/** Whose text somebody else will read, word for word; of the others it tells the person what to do. */
const SAID = ["post", "reply", "welcome", "invite", "warn"];
const MET = ["call", "visit"]; // somebody is spoken to, in one's own words

export const isOpen = (status) => status === "issued" || status === "claimed";

/**
 * The script without its last line where that is the disclosure, which is shown on its own. What is to be done and not
 * sent has nothing to copy: it would land in the group; and a line of its own only where somebody is met.
 */
export function parts(task) {
  const text = (task.script?.text ?? "").trimEnd();
  const line = (task.disclosure ?? "").trim();
  if (!SAID.includes(task.action)) return { said: text, line: MET.includes(task.action) ? line : "", copied: "" };
  if (!line) return { said: text, line: "", copied: text };
  if (text.endsWith(line)) return { said: text.slice(0, -line.length).trimEnd(), line, copied: text };
  return { said: text, line, copied: text ? `${text}\n${line}` : line };
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Older phones, and pages that aren't served over HTTPS, have no clipboard: the old way still works there.
    const area = make("textarea", { cls: "offscreen", attrs: { readonly: true } });
    area.value = text;
    document.body.append(area);
    area.select();
    area.setSelectionRange(0, text.length);
    let done = false;
    try {
      done = document.execCommand("copy");
    } catch {
      done = false;
    }
    area.remove();
    return done;
  }
}

/** Brings into sight what opened below a finger; the style sheet says how clear of the edges. */
const reveal = (el) => el.scrollIntoView({ block: "nearest", behavior: lessMotion() ? "instant" : "smooth" });

export class Card {
  /** `act`: mark(task, deed, body), toast(text, tone), clock. */
  constructor(task, act) {
    this.act = act;
    this.build();
    this.take(task);
  }

  build() {
    const ui = (this.ui = {
      time: make("time"), status: make("span"), way: make("span", { text: say("pending") }), role: make("strong"), what: make("span", { cls: "what" }),
      group: make("p", { cls: "group" }), text: make("p", { cls: "text" }), line: make("span"), of: make("small"), todo: make("p", { cls: "todo", text: say("in_hand") }), clips: make("ul", { cls: "clips" }),
    });
    ui.tick = icon("verified");
    ui.chip = make("span", { cls: "chip" }, ui.tick, ui.status, ui.way);
    ui.disclosure = make("p", { cls: "disclosure" }, icon("id"), make("span", { cls: "body" }, ui.of, ui.line));
    ui.copy = make("button", { cls: "button", attrs: { type: "button" }, on: { click: () => this.copy() } }, icon("copy"), make("span", { text: say("copy") }));
    ui.done = make("button", { cls: "button main", attrs: { type: "button" }, on: { click: () => this.ask() } }, icon("check"), make("span", { text: say("done") }));
    ui.sure = make("button", { cls: "button sure", attrs: { type: "button" }, on: { click: () => this.finish() } }, icon("check"), make("span", { text: say("sure") }));
    ui.back = make("button", { cls: "button", attrs: { type: "button" }, on: { click: () => this.unask() } }, make("span", { text: say("back") }));
    ui.actions = make("div", { cls: "actions" }, ui.copy, ui.done, ui.back, ui.sure);
    ui.why = make("button", { cls: "link", attrs: { type: "button", "aria-expanded": "false" }, on: { click: () => this.explain() } }, icon("why"), make("span", { text: say("why") }));
    ui.claim = make("button", { cls: "link", attrs: { type: "button" }, on: { click: () => this.act.mark(this.task, "claim", {}) } }, make("span", { text: say("claim") }));
    ui.skip = make("button", { cls: "link", attrs: { type: "button", "aria-expanded": "false" }, on: { click: () => this.offerSkip() } }, make("span", { text: say("skip") }));
    ui.links = make("div", { cls: "links" }, ui.why, ui.claim, ui.skip);
    ui.reasons = make("div", { cls: "reasons", attrs: { hidden: true } });
    ui.skips = make("div", { cls: "skips", attrs: { hidden: true } });
    ui.more = make("button", { cls: "more", attrs: { type: "button", "aria-expanded": "false" }, on: { click: () => this.unfold() } }, icon("down"));
    ui.body = make("div", { cls: "fold" }, ui.todo, ui.text, ui.disclosure, ui.clips, ui.actions, ui.links, ui.reasons, ui.skips);
    this.el = make(
      "article", { cls: "card" },
      make("header", {}, ui.time, ui.chip),
      make("div", { cls: "as" }, make("p", {}, ui.role, ui.what), ui.group),
      ui.more, ui.body,
    );
  }

  /** Takes the task as it stands now. `pending`: a mark of ours is on its way; `early`: its time has not come. */
  take(task, { pending = false, late = false, early = false } = {}) {
    const before = this.task?.status;
    this.task = task;
    const { ui } = this;
    const { clock } = this.act;
    const { said, line, copied } = parts(task);
    setText(ui.time, `${clock.hm(task.window.start)}–${clock.hm(task.window.end)}`);
    setText(ui.status, say(`s_${task.status}`));
    ui.chip.dataset.status = task.status;
    ui.way.hidden = !pending;
    ui.tick.toggleAttribute("hidden", task.status !== "verified");
    setText(ui.role, personaOf(task));
    setText(ui.what, actionOf(task));
    setText(ui.group, task.group_name ?? task.group_id);
    setText(ui.text, said);
    ui.text.hidden = !said;
    setText(ui.line, line);
    setText(ui.of, say(copied ? "disclosure" : "introduce"));
    ui.todo.hidden = Boolean(copied) || !said;
    ui.disclosure.hidden = !line;
    this.fillClips();
    const open = isOpen(task.status);
    this.el.dataset.status = task.status;
    this.el.classList.toggle("late", late);
    this.el.classList.toggle("closed", !open);
    this.el.classList.toggle("early", early);
    ui.done.disabled = early;
    ui.done.title = early ? say("too_early") : "";
    ui.more.hidden = open;
    ui.actions.hidden = !open;
    ui.copy.hidden = !copied || this.asking;
    ui.done.hidden = Boolean(this.asking);
    ui.sure.hidden = ui.back.hidden = !this.asking;
    ui.claim.hidden = task.status !== "issued";
    ui.skip.hidden = !open;
    if (open || before === undefined || isOpen(before)) this.fold(!open);
    ui.more.setAttribute("aria-label", say("unfold", { task: `${ui.time.textContent} ${ui.role.textContent} ${ui.status.textContent}` }));
    if (!open) {
      this.unask();
      ui.skips.hidden = true;
    }
    if (before && before !== task.status && task.status === "verified") this.glow();
  }

  /** What goes along: a picture where there is a file for it, else its words. */
  fillClips() {
    const { task, ui } = this;
    const clips = task.script?.attachments ?? [];
    const key = JSON.stringify([clips, task.files ?? []]);
    ui.clips.hidden = !clips.length;
    if (key === this.clips) return;
    this.clips = key;
    const one = (clip, at) => (task.files?.includes(at + 1) ? this.picture(clip, at + 1) : make("li", {}, icon("clip"), make("span", { text: clip })));
    ui.clips.replaceChildren(...clips.map(one));
  }

  picture(words, place) {
    const path = `/v1/tasks/${encodeURIComponent(this.task.task_id)}/attachments/${place}`;
    const image = make("img", { attrs: { src: path, alt: words, loading: "lazy", decoding: "async" } });
    const save = make("a", { cls: "button", attrs: { href: `${path}?save=true`, download: true } }, icon("save"), make("span", { text: say("save") }));
    // A film or a document is no picture: it is saved all the same.
    image.addEventListener("error", () => {
      image.remove();
      setText(save.lastChild, say("save_file"));
    });
    return make("li", { cls: "picture" }, image, make("div", { cls: "of" }, make("span", { text: words, attrs: { title: say("hold") } }), save));
  }

  fold(shut) {
    this.ui.body.hidden = shut;
    this.ui.more.setAttribute("aria-expanded", String(!shut));
  }

  unfold() {
    this.fold(!this.ui.body.hidden);
  }

  glow() {
    this.el.classList.remove("glow");
    void this.el.offsetWidth; // restarts the animation
    this.el.classList.add("glow");
  }

  async copy() {
    const ok = await copy(parts(this.task).copied);
    this.act.toast(say(ok ? "copy_done" : "copy_failed"), ok ? "good" : "warn");
    if (!ok) return;
    const word = this.ui.copy.lastChild;
    setText(word, say("copied"));
    clearTimeout(this.copied);
    this.copied = setTimeout(() => setText(word, say("copy")), 2500);
    // Who takes the text takes the task: a colleague sees that it is being done.
    if (this.task.status === "issued") this.act.mark(this.task, "claim", {}, { quiet: true });
  }

  ask() {
    this.asking = true;
    this.askedAt = performance.now();
    const { ui } = this;
    ui.copy.hidden = ui.done.hidden = true;
    ui.sure.hidden = ui.back.hidden = false;
    ui.sure.focus({ preventScroll: true });
    this.mind = setTimeout(() => this.unask(), CHANGES_MIND);
  }

  unask() {
    clearTimeout(this.mind);
    if (!this.asking) return;
    this.asking = false;
    const { ui } = this;
    ui.copy.hidden = !parts(this.task).copied;
    ui.done.hidden = false;
    ui.sure.hidden = ui.back.hidden = true;
  }

  finish() {
    // 确认 stands where 完成 stood: a finger that bounced has not confirmed anything.
    if (performance.now() - this.askedAt < BOUNCE) return;
    this.unask();
    this.act.mark(this.task, "done", {});
  }

  offerSkip() {
    const { skips, skip } = this.ui;
    skips.hidden = !skips.hidden;
    skip.setAttribute("aria-expanded", String(!skips.hidden));
    if (!skips.childElementCount) this.fillSkips();
    if (!skips.hidden) reveal(skips);
  }

  fillSkips() {
    const input = make("input", { attrs: { type: "text", maxlength: "200", placeholder: say("other_reason"), "aria-label": say("other_reason"), enterkeyhint: "send" } });
    const send = (reason) => reason && this.act.mark(this.task, "skip", { reason });
    this.ui.skips.append(
      make("p", { text: say("skip_why") }),
      ...SKIPS.map((name) => say(name)).map((reason) => make("button", { cls: "choice", text: reason, attrs: { type: "button" }, on: { click: () => send(reason) } })),
      make("form", { on: { submit: (event) => { event.preventDefault(); send(input.value.trim()); } } }, input, make("button", { cls: "button", text: say("skip"), attrs: { type: "submit" } })),
    );
  }

  async explain() {
    const { reasons, why } = this.ui;
    reasons.hidden = !reasons.hidden;
    why.setAttribute("aria-expanded", String(!reasons.hidden));
    if (reasons.hidden) return;
    if (this.explained) return reveal(reasons);
    reasons.replaceChildren(make("p", { cls: "soft", text: say("looking") }));
    try {
      const answer = await get(`/v1/tasks/${encodeURIComponent(this.task.task_id)}/why`);
      reasons.replaceChildren(...this.reasons(answer));
      this.explained = true;
    } catch (error) {
      reasons.replaceChildren(make("p", { cls: "soft", text: error.passing ? say("unreachable") : error.message }));
    }
    if (!reasons.hidden) reveal(reasons);
  }

  /** A script by what it is for: its id is the playbook's own, and says nothing to who speaks it. */
  scriptName() {
    return [roleOf(this.task), actionOf(this.task)].join(document.documentElement.lang === "en" ? ", " : "");
  }

  /** The rule first, then what happened, then what it rests on. */
  reasons(answer) {
    const { clock } = this.act;
    const events = (answer.events ?? []).map((event) => make(
      "li", {},
      event.time ? make("time", { text: `${clock.date(event.time).slice(5)} ${clock.hm(event.time)}` }) : null,
      make("span", { text: event.text ? say("because", event) : event.what }),
    ));
    return [
      answer.rule?.words ? make("p", { text: answer.rule.words }) : null,
      events.length ? make("ul", {}, ...events) : null,
      answer.evidence?.order_id ? make("p", { cls: "soft", text: say("rests_on", { order: answer.evidence.order_id }) }) : null,
      answer.script?.id ? make("p", { cls: "soft", text: say("script", { name: this.scriptName(), version: answer.script.version }), attrs: { title: answer.script.id } }) : null,
    ].filter(Boolean);
  }
}
