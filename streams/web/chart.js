// Small charts as SVG: what filled up day by day, and bars parted by day. Attributes alone, so that the policy holds.

const SVG = "http://www.w3.org/2000/svg";

function shape(tag, attrs, ...children) {
  const el = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attrs)) el.setAttribute(name, value);
  el.append(...children);
  return el;
}

function frame(width, height, label, ...children) {
  return shape("svg", { viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img", "aria-label": label, preserveAspectRatio: "none" }, ...children);
}

const WIDTH = 320;

/** Areas over days, the first at the bottom. `series`: `[{cls, values}]`, each as long as `days`. */
export function areas(days, series, label, height = 96) {
  const n = Math.max(2, days.length);
  const at = (values, i) => values[Math.min(i, values.length - 1)] ?? 0;
  const sums = Array.from({ length: n }, (_, i) => series.reduce((sum, one) => sum + at(one.values, i), 0));
  const most = Math.max(1, ...sums);
  const x = (i) => ((i / (n - 1)) * WIDTH).toFixed(1);
  const y = (v) => (height - (v / most) * (height - 4)).toFixed(1);
  const below = new Array(n).fill(0);
  const paths = series.map(({ cls, values }) => {
    const low = [...below];
    for (let i = 0; i < n; i++) below[i] += at(values, i);
    const top = below.map((v, i) => `${x(i)},${y(v)}`);
    const bottom = low.map((v, i) => `${x(i)},${y(v)}`).reverse();
    return shape("polygon", { points: [...top, ...bottom].join(" "), class: cls });
  });
  return frame(WIDTH, height, label, ...paths);
}

/** A bar a day, parted from below. `parts`: class names; `days`: `[{day, [part]: n}]`. */
export function bars(days, parts, label, height = 64) {
  const most = Math.max(1, ...days.map((day) => parts.reduce((sum, part) => sum + day[part], 0)));
  const step = WIDTH / Math.max(days.length, 7);
  const shapes = days.flatMap((day, i) => {
    let y = height;
    return parts.map((part) => {
      const h = (day[part] / most) * (height - 2);
      y -= h;
      return shape("rect", { x: (i * step + 1).toFixed(1), y: y.toFixed(1), width: Math.max(1, step - 3).toFixed(1), height: h.toFixed(1), class: part },
        shape("title", {}, `${day.day}: ${day[part]}`));
    });
  });
  return frame(WIDTH, height, label, ...shapes);
}
