// Light or dark: as the system has it, or as it was chosen here. Not a module, so that nothing is painted before it.
"use strict";
(() => {
  const KEY = "loupan.theme";
  const system = "screen and (prefers-color-scheme: dark)";
  const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])
    .filter((rule) => rule.media?.mediaText.includes("prefers-color-scheme"));
  let chosen = null;
  try {
    chosen = localStorage.getItem(KEY);
  } catch {
    // storage may be shut off; the system's scheme then holds
  }
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const media = chosen === "dark" ? "screen" : chosen === "light" ? "not all" : system;
    for (const rule of rules) rule.media.mediaText = media;
    document.documentElement.style.colorScheme = chosen ?? "light dark";
    dispatchEvent(new Event("theme"));
  };
  if (!rules.length) return;
  apply();
  dark.addEventListener("change", apply);
  globalThis.loupanTheme = {
    print(on) {
      if (!on) return apply();
      for (const rule of rules) rule.media.mediaText = "not all";
      dispatchEvent(new Event("theme"));
    },
    isDark: () => (chosen ? chosen === "dark" : dark.matches),
    toggle() {
      chosen = this.isDark() ? "light" : "dark";
      try {
        // What the system says anyway isn't kept: the page then goes on to follow it.
        if (chosen === (dark.matches ? "dark" : "light")) {
          chosen = null;
          localStorage.removeItem(KEY);
        } else localStorage.setItem(KEY, chosen);
      } catch {
        // as above
      }
      apply();
    },
  };
})();
