// What a test asks a page about its looks; each function gives what is wrong, in words.
(() => {
  const shown = (css) => [...document.querySelectorAll(css)].filter((el) => el.checkVisibility());
  const texts = () => shown("body *").filter((el) => [...el.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  const rgb = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);

  /** Relative luminance (WCAG 2.2). */
  const light = (colour) => colour.slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);

  const up = function* (el) {
    for (let at = el; at; at = at.parentElement) yield getComputedStyle(at);
  };

  /** The first opaque ground behind an element. */
  const ground = (el) => {
    for (const { backgroundColor } of up(el)) {
      const colour = rgb(backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };

  /** Text that stands out too little (WCAG 2.2, 1.4.3, AA); what is switched off may be faint. */
  const faint = () => texts().flatMap((el) => {
    const style = getComputedStyle(el);
    const off = el.closest(":disabled") || [...up(el)].some(({ opacity }) => opacity < 1);
    const [high, low] = [light(rgb(style.color)), light(ground(el))].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    const size = parseFloat(style.fontSize);
    const enough = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    return off || ratio >= enough ? [] : [`${el.className || el.tagName} "${el.textContent.trim().slice(0, 20)}" ${ratio.toFixed(2)}`];
  });

  /** Text that is out of sight, out of its button, or over other text. */
  const cramped = () => {
    const wide = document.documentElement.scrollWidth;
    const wrong = wide > innerWidth ? [`the page is ${wide} wide`] : [];
    const boxes = texts().map((el) => {
      const range = document.createRange();
      range.selectNodeContents(el);
      return [el, range.getBoundingClientRect()];
    });
    for (const [el, box] of boxes) {
      const cut = getComputedStyle(el).textOverflow === "ellipsis" || el.closest("select");
      if (!cut && (box.right > innerWidth + 1 || box.left < -1)) wrong.push(`out of sight: ${el.textContent}`);
      const button = el.closest("button, a.button");
      if (button && box.height > button.getBoundingClientRect().height + 1) wrong.push(`out of its button: ${el.textContent}`);
    }
    const apart = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) <= 2 || Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) <= 4;
    const moving = boxes.filter(([el]) => !el.closest(".top, .tabs, .toast, .jump"));
    for (const [at, [a, one]] of moving.entries()) {
      for (const [b, two] of moving.slice(at + 1)) {
        if (!a.contains(b) && !b.contains(a) && !apart(one, two)) wrong.push(`${a.textContent} | ${b.textContent}`);
      }
    }
    return wrong;
  };

  /** What can be used and has no name for who hears the page. */
  const nameless = () => shown("button, a, select, input, img, [role=img], [role=tabpanel]")
    .filter((el) => !(el.getAttribute("aria-label") || el.getAttribute("aria-labelledby") || el.alt || el.placeholder || el.textContent.trim()))
    .map((el) => el.outerHTML.slice(0, 80));

  /** What is too small for a thumb. */
  const small = () => shown("button, select, input, a:not(.jump)").map((el) => [el.textContent || el.id, el.getBoundingClientRect()])
    .filter(([, box]) => box.height < 44 || box.width < 44).map(([text, box]) => `${text} ${box.width}x${box.height}`);

  window.looks = { faint, cramped, nameless, small };
})();
