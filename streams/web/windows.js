// The windows of a day in which people read, and which tasks count to which.

import { make } from "./dom.js";
import { say } from "./speech.js";

/** From which minute tasks count to a window, its name, and when people read (in words, and in minutes). */
export const WINDOWS = [
  { from: 0, name: () => "w_early", hours: "07:30–09:00", read: [450, 540] },
  { from: 540, name: () => "w_quiz", hours: "09:00", read: [540, 600] },
  { from: 660, name: () => "w_noon", hours: "11:30–13:00", read: [690, 780] },
  { from: 810, name: () => "w_afternoon", hours: "", read: [810, 1020] },
  { from: 1020, name: () => "w_evening", hours: "17:30–19:00", read: [1050, 1140] },
  { from: 1170, name: (day) => (day === 5 ? "w_bargain" : day >= 1 && day <= 4 ? "w_sale" : "w_show"), hours: "20:00", read: [1200, 1260] },
  { from: 1290, name: () => "w_night", hours: "22:00–22:30", read: [1320, 1350] },
];

/** The window of a minute of the day. */
export const windowAt = (minute) => WINDOWS.findLastIndex((window) => window.from <= minute);

/** What a window is called on a weekday (0 is Sunday). */
export const windowName = (place, weekday) => say(WINDOWS[place].name(weekday));

export const byTime = (a, b) => Date.parse(a.window.start) - Date.parse(b.window.start) || (a.priority ?? 5) - (b.priority ?? 5)
  || ((a.task_id ?? "") < (b.task_id ?? "") ? -1 : 1);

/** Tasks by window, in the order of the day: [[place, tasks], …]. */
export function byWindow(tasks, clock) {
  const parted = new Map();
  for (const task of [...tasks].sort(byTime)) {
    const place = windowAt(clock.minutes(task.window.start));
    if (!parted.has(place)) parted.set(place, []);
    parted.get(place).push(task);
  }
  return [...parted].sort(([a], [b]) => a - b);
}

/** Fills a select with `[id, name]` pairs under a first line for all; gives what is chosen now. */
export function fillChoice(select, all, pairs, value) {
  const sorted = [...new Map(pairs)].filter(([id]) => id).sort((a, b) => a[1].localeCompare(b[1], "zh-CN"));
  const key = JSON.stringify([all, sorted]);
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    select.replaceChildren(
      make("option", { text: all, attrs: { value: "" } }),
      ...sorted.map(([id, name]) => make("option", { text: name, attrs: { value: id } })),
    );
    select.value = sorted.some(([id]) => id === value) ? value : "";
  }
  return select.value;
}
