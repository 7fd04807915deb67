// Two languages from one table, Chinese first: a page names its words, and hears "language" when they turn.

const KEY = "loupan.language";

/** `table`: name → [Chinese, English]. */
export function speech(table) {
  let column = 0;
  try {
    column = localStorage.getItem(KEY) === "en" ? 1 : 0;
  } catch {
    // storage may be shut off; the page then begins in Chinese
  }

  /** The word or sentence of that name, with `{gaps}` filled. */
  function say(name, gaps) {
    const text = table[name]?.[column] ?? name;
    return gaps ? text.replace(/\{(\w+)\}/g, (_, gap) => String(gaps[gap] ?? "")) : text;
  }

  const language = () => (column ? "en" : "zh-CN");

  /** Fills every element that names its words: data-say for the text, data-say-label for the spoken label. */
  function speak(root = document) {
    document.documentElement.lang = language();
    for (const el of root.querySelectorAll("[data-say]")) el.textContent = say(el.dataset.say);
    for (const el of root.querySelectorAll("[data-say-label]")) el.setAttribute("aria-label", say(el.dataset.sayLabel));
  }

  /** Turns the page to the other language; what a page drew itself, it draws anew when it hears "language". */
  function switchLanguage() {
    column = 1 - column;
    try {
      localStorage.setItem(KEY, column ? "en" : "zh");
    } catch {
      // as above
    }
    speak();
    dispatchEvent(new Event("language"));
  }

  return { say, language, speak, switchLanguage };
}
