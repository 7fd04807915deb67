// What is written on the map: the districts', the stores' and the estates' names, where there is room. Loaded once the
// points are drawn.

import { isWorked } from "./map.js";

const MARGIN = 64; // pixels at the right edge, where the zoom buttons stand
const NAMED = 11.6; // the zoom from which worked estates have their names
const STORES_NAMED = 11;
const FEW = 60; // names of found estates that are written from any distance

export function districtNames(map, pen) {
  const { view, colours } = map;
  const taken = [[0, 0, 110, 48]]; // the corner that says whether the page is live
  const points = map.worked.length > 400 ? [] : marks(map);
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  // The smallest first: a large district has room elsewhere.
  for (const district of [...map.districts].reverse()) {
    const size = Math.max(12, Math.min(19, 11.5 + (view.zoom - 9) * 1.6));
    pen.font = `500 ${size}px ${colours.font}`;
    pen.letterSpacing = `${(size * 0.18).toFixed(1)}px`;
    const width = pen.measureText(district.name).width;
    if (district.width * view.scale < width * 0.8) continue; // it may lean over the border a little, as on any map
    const around = ([x, y]) => [view.sx(x) - width / 2 - 4, view.sy(y) - size * 0.8, view.sx(x) + width / 2 + 4, view.sy(y) + size * 0.8];
    const spot = freeSpot(map, district, around, { points, taken });
    if (!spot) continue;
    taken.push(around(spot));
    const x = view.sx(spot[0]), y = view.sy(spot[1]);
    pen.lineWidth = 4;
    pen.lineJoin = "round";
    pen.strokeStyle = colours.halo;
    pen.strokeText(district.name, x, y);
    pen.fillStyle = colours.districtName;
    pen.fillText(district.name, x, y);
  }
  pen.letterSpacing = "0px";
}

/** A place in sight and clear of other names, hiding no worked estate or as few as can be: the last one while it's good. */
function freeSpot(map, district, around, { points, taken }) {
  const { view } = map;
  const { width, height, pad } = view;
  const seen = (spot) => {
    const [left, top, right, bottom] = around(spot);
    return left > 4 && top > 4 && right < width - pad.right - MARGIN && bottom < height - pad.bottom - 4
      && !taken.some((b) => overlap(b, around(spot)));
  };
  const hides = (spot) => {
    const box = around(spot);
    return points.reduce((n, b) => n + (overlap(b, box) ? 1 : 0), 0);
  };
  if (district.spot && seen(district.spot) && !hides(district.spot)) return district.spot;
  district.spot = null;
  let least = Infinity;
  for (const spot of district.spots) {
    if (!seen(spot)) continue;
    const hidden = hides(spot);
    if (hidden < least) [least, district.spot] = [hidden, spot];
    if (!hidden) break;
  }
  if (least && view.zoom >= NAMED) district.spot = null; // from near, what is named there matters more
  return district.spot;
}

/** The boxes of stores and of estates that are worked, found or chosen, with room for their names where those are written. */
function marks(map) {
  const wide = (text, zoom) => (map.view.zoom >= zoom ? 12 * (text ?? "").length : 0);
  const box = (x, y, r, side) => [x - r - side, y - Math.max(r, 8), x + r + side, y + Math.max(r, 8)];
  const estate = (i, zoom) => box(map.view.sx(map.xs[i]), map.view.sy(map.ys[i]), map.size(i), wide(map.estates[i].name, zoom));
  return [
    ...map.worked.map((i) => estate(i, NAMED)),
    ...(map.found.length <= FEW ? map.found.map((i) => estate(i, 0)) : []),
    ...(map.chosen >= 0 ? [estate(map.chosen, 0)] : []),
    ...map.stores.map((store) => box(map.view.sx(store.x), map.view.sy(store.y), 7, wide(store.name, STORES_NAMED))),
  ];
}

/** Names where there is room: the chosen one always, worked ones from afar, the rest from near. */
export function names(map, pen, seen) {
  const { view } = map;
  const taken = seen.map((i) => map.boxAround(i, map.size(i)));
  for (const store of map.stores) {
    const x = view.sx(store.x), y = view.sy(store.y);
    taken.push([x - 7, y - 7, x + 7, y + 7]);
  }
  const right = view.width - view.pad.right;
  const bottom = view.height - view.pad.bottom;
  taken.push([right - MARGIN, bottom - 160, right, bottom]); // the zoom buttons
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  const write = (text, x, y, r, { always = false, strong = false } = {}) => {
    pen.font = `${strong ? 600 : 400} 12px ${map.colours.font}`;
    const width = pen.measureText(text).width;
    for (const left of [x + r + 5, x - r - 5 - width]) {
      const box = [left - 2, y - 8, left + width + 2, y + 8];
      if (!always && (left < 4 || left + width > right - 4)) continue;
      if (!always && taken.some((b) => overlap(b, box))) continue;
      taken.push(box);
      pen.textAlign = "left";
      pen.lineWidth = 3.5;
      pen.strokeStyle = map.colours.halo;
      pen.strokeText(text, left, y);
      pen.fillStyle = strong ? map.colours.ink : map.colours.districtName;
      pen.fillText(text, left, y);
      return;
    }
  };
  const at = (i) => [map.estates[i].name ?? "", view.sx(map.xs[i]), view.sy(map.ys[i]), map.size(i) + (i === map.chosen ? 4 : 0)];
  if (map.chosen >= 0) write(...at(map.chosen), { always: true, strong: true });
  // Where a search found a few, it says which.
  if (map.found.length <= FEW) for (const i of map.found) if (i !== map.chosen) write(...at(i), { strong: true });
  if (view.zoom >= STORES_NAMED) {
    for (const store of map.stores) write(store.name, view.sx(store.x), view.sy(store.y), 6, { strong: true });
  }
  if (view.zoom >= NAMED) {
    for (const i of seen) if (i !== map.chosen && map.shows(map.estates[i])) write(...at(i), { strong: true });
  }
  if (view.zoom >= 14.2) {
    let left = 120;
    map.grid.within(view.wx(0), view.wy(0), view.wx(view.width), view.wy(view.height), (i) => {
      if (left > 0 && !isWorked(map.estates[i]) && i !== map.chosen) {
        left--;
        write(map.estates[i].name ?? "", view.sx(map.xs[i]), view.sy(map.ys[i]), 3);
      }
    });
  }
}

/** Whether two boxes [left, top, right, bottom] share a spot. */
const overlap = (a, b) => a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];
