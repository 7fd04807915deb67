// Elements from code: text always enters as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with a class, text and children. `text` is set with textContent, so a name can't carry markup. */
export function make(tag, { cls, text, attrs, on } = {}, ...children) {
  const el = document.createElement(tag);
  if (cls) el.className = cls;
  if (text !== undefined && text !== null) el.textContent = String(text);
  for (const [name, value] of Object.entries(attrs ?? {})) {
    if (value !== null && value !== undefined && value !== false) el.setAttribute(name, value === true ? "" : value);
  }
  for (const [name, listener] of Object.entries(on ?? {})) el.addEventListener(name, listener);
  el.append(...children.filter(Boolean));
  return el;
}

/** An icon of icons.svg, or of another sheet, hidden from screen readers: the words beside it say the same. */
export function icon(name, sheet = "icons") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/web/${sheet}.svg#${name}`);
  svg.append(use);
  return svg;
}

/** Sets text only where it changed, so that a live page doesn't lay itself out for nothing. */
export function setText(el, text) {
  const value = text === null || text === undefined ? "" : String(text);
  if (el.textContent !== value) el.textContent = value;
}

/** Puts `wanted` into `parent` in that order, and moves only what stands wrong. */
export function arrange(parent, wanted) {
  let at = parent.firstChild;
  for (const el of wanted) {
    if (el === at) at = at.nextSibling;
    else parent.insertBefore(el, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

export const byId = (id) => document.getElementById(id);

export const lessMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
