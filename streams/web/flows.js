// What flows on the map: work from stores to estates, orders back; the stores, and from near the groups around an
// estate; the rings around what changes. Loaded once the points are drawn.

import { PULSE, ease } from "./map.js";

export const NEAR = 11.4; // the zoom from which an estate's groups are seen

const done = (estate) => (estate.tasks?.done ?? 0) + (estate.tasks?.verified ?? 0);

/** What flows: work from a store to its estates, as wide as the tasks done; orders back, as wide as they are many. */
export function routes(map, pen) {
  const { serve, sell } = map.layers;
  const focus = map.chosen >= 0 ? map.chosen : map.hovered;
  const many = map.worked.length > 400;
  const most = map.worked.reduce((top, i) => Math.max(top, done(map.estates[i])), 1);
  for (const i of map.worked) {
    const estate = map.estates[i];
    const store = map.storeById.get(estate.store_id);
    if (!store || (many && i !== focus && map.view.zoom < 11)) continue;
    const mine = i === focus;
    const alpha = map.shows(estate) ? 1 : 0.1;
    if (serve || mine) {
      flow(map, pen, i, store, {
        bend: 0.14, alpha: mine ? 0.95 : 0.42 * alpha, colour: mine ? map.phaseColour(i) : map.colours.route,
        width: Math.max(mine ? 1.75 : 1, 3.5 * (done(estate) / most)),
      });
    }
    if (sell && estate.orders) {
      flow(map, pen, i, store, {
        bend: -0.14, alpha: 0.85 * alpha, colour: map.colours.order, width: Math.min(7, 0.6 + 1.4 * Math.sqrt(estate.orders)), head: true,
      });
    }
  }
  pen.globalAlpha = 1;
}

/** One bent line between an estate and its store; a head points to the store. */
function flow(map, pen, i, store, { bend, alpha, colour, width, head }) {
  const x0 = map.view.sx(store.x), y0 = map.view.sy(store.y);
  const x1 = map.view.sx(map.xs[i]), y1 = map.view.sy(map.ys[i]);
  const cx = (x0 + x1) / 2 + (y1 - y0) * bend, cy = (y0 + y1) / 2 - (x1 - x0) * bend;
  pen.globalAlpha = alpha;
  pen.strokeStyle = pen.fillStyle = colour;
  pen.lineWidth = width;
  pen.lineCap = "round";
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.quadraticCurveTo(cx, cy, x0, y0);
  pen.stroke();
  const length = Math.hypot(cx - x0, cy - y0);
  if (!head || length < 14) return;
  const [ux, uy] = [(cx - x0) / length, (cy - y0) / length];
  const r = 4 + width;
  const [tx, ty] = [x0 + ux * 7, y0 + uy * 7];
  pen.beginPath();
  pen.moveTo(tx, ty);
  pen.lineTo(tx + ux * r - uy * r * 0.6, ty + uy * r + ux * r * 0.6);
  pen.lineTo(tx + ux * r + uy * r * 0.6, ty + uy * r - ux * r * 0.6);
  pen.fill();
}

/** From near, an estate's groups are small dots around it. */
export function groups(pen, x, y, r, count, colour) {
  pen.fillStyle = colour;
  pen.beginPath();
  for (let n = 0; n < Math.min(count, 8); n++) {
    const angle = -Math.PI / 2 + (n - (Math.min(count, 8) - 1) / 2) * 0.55;
    const [gx, gy] = [x + Math.cos(angle) * r, y + Math.sin(angle) * r];
    pen.moveTo(gx + 1.8, gy);
    pen.arc(gx, gy, 1.8, 0, 2 * Math.PI);
  }
  pen.fill();
}

/** Rings that grow from what has just changed. */
export function pulses(map, pen, now) {
  for (const [i, { start, strong }] of map.pulses) {
    const t = (now - start) / PULSE;
    if (t >= 1) {
      map.pulses.delete(i);
      continue;
    }
    if (t < 0 || !map.shows(map.estates[i])) continue;
    const r = map.size(i);
    pen.strokeStyle = map.phaseColour(i);
    for (const late of strong ? [0, 0.22] : [0]) {
      const k = (t - late) / (1 - late);
      if (k <= 0) continue;
      pen.globalAlpha = (strong ? 0.7 : 0.5) * (1 - k);
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.arc(map.view.sx(map.xs[i]), map.view.sy(map.ys[i]), r + ease(k) * (strong ? 20 : 13), 0, 2 * Math.PI);
      pen.stroke();
    }
  }
  pen.globalAlpha = 1;
}

/** The stores, over all that is worked. */
export function stores(map, pen) {
  const mark = map.sprite("store", 8, (p) => {
    p.rotate(Math.PI / 4);
    p.fillStyle = map.colours.store;
    p.strokeStyle = map.colours.halo;
    p.lineWidth = 1.5;
    p.beginPath();
    p.roundRect(-4, -4, 8, 8, 1.5);
    p.fill();
    p.stroke();
  });
  const { half } = mark;
  for (const store of map.stores) {
    pen.drawImage(mark.canvas, map.view.sx(store.x) - half, map.view.sy(store.y) - half, 2 * half, 2 * half);
  }
}
