// What the pages say, in two languages: each page learns its own words, and a tap turns them all. Chinese is what they
// begin in; English where it was chosen, or where the browser asks for no Chinese at all on a first visit.

const KEY = "loupan.language";

/** Name → [Chinese, English]; here what every page says. */
const WORDS = {
  toggle: ["EN", "中文"],
  toggle_label: ["Switch to English", "切换为中文"],
  log_out: ["退出登录", "Log out"],
  simulated: ["模拟数据", "Simulated"],
  weekday: ["周日 周一 周二 周三 周四 周五 周六", "Sun Mon Tue Wed Thu Fri Sat"],
  loading: ["正在读取…", "Loading…"],
  signed_out: ["登录已失效，请重新打开登录链接。", "You are signed out: open your login link again."],
};

let column = begun();

function begun() {
  let chosen = null;
  try {
    chosen = localStorage.getItem(KEY);
  } catch {
    // storage may be shut off; the page then goes by the browser
  }
  const wanted = navigator.languages ?? [];
  return (chosen ? chosen === "en" : wanted.length && !wanted.some((tag) => /^zh\b/i.test(tag))) ? 1 : 0;
}

/** Adds a page's words, or those of a part that is loaded when it is opened. */
export const learn = (words) => void Object.assign(WORDS, words);

/** The word or sentence of that name, with `{gaps}` filled. */
export function say(name, gaps) {
  const text = WORDS[name]?.[column] ?? name;
  return gaps ? text.replace(/\{(\w+)\}/g, (_, gap) => String(gaps[gap] ?? "")) : text;
}

export const language = () => (column ? "en" : "zh-CN");

/** Fills what names its words: data-say for the text, data-say-label for the spoken label, data-say-placeholder. */
export function speak() {
  document.documentElement.lang = language();
  for (const el of document.querySelectorAll("[data-say]")) el.textContent = say(el.dataset.say);
  for (const el of document.querySelectorAll("[data-say-label]")) {
    el.setAttribute("aria-label", say(el.dataset.sayLabel));
    if (el.tagName === "BUTTON") el.title = say(el.dataset.sayLabel);
  }
  for (const el of document.querySelectorAll("[data-say-placeholder]")) el.placeholder = say(el.dataset.sayPlaceholder);
}

/** Turns the page to the other language; what a page drew itself, it draws anew when it hears "language". */
export function switchLanguage() {
  column = 1 - column;
  try {
    localStorage.setItem(KEY, column ? "en" : "zh");
  } catch {
    // as above
  }
  speak();
  dispatchEvent(new Event("language"));
}
