// A district's outline as a path, and the spots inside where its name may stand. Loaded with the districts.

import { worldX, worldY } from "./view.js";

export const UNIT = 2 ** 20; // outlines are kept in this many units a world, where floats are fine enough

/** A district's outline as one path around its own corner, with where its name goes. */
export function outline(feature) {
  const { type, coordinates } = feature.geometry ?? {};
  const polygons = type === "Polygon" ? [coordinates] : type === "MultiPolygon" ? coordinates : [];
  if (!polygons.length) return null;
  const path = new Path2D();
  const x = worldX(polygons[0][0][0][0]), y = worldY(polygons[0][0][0][1]);
  let largest = null;
  for (const rings of polygons) {
    rings.forEach((ring, k) => {
      const points = ring.map(([lng, lat]) => [worldX(lng), worldY(lat)]);
      points.forEach(([px, py], n) => {
        path[n ? "lineTo" : "moveTo"]((px - x) * UNIT, (py - y) * UNIT);
      });
      path.closePath();
      const area = k === 0 ? Math.abs(shoelace(points)) : 0;
      if (!largest || area > largest.area) largest = { area, points };
    });
  }
  const xs = largest.points.map((p) => p[0]);
  return {
    name: feature.properties?.name ?? "", path, x, y, area: largest.area, spots: inside(largest.points),
    width: Math.max(...xs) - Math.min(...xs),
  };
}

function shoelace(points) {
  let sum = 0;
  for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
    sum += points[j][0] * points[i][1] - points[i][0] * points[j][1];
  }
  return sum / 2;
}

/** Spots inside a ring, the deepest first, those at its very edge left out: a coarse lattice. */
function inside(ring) {
  const xs = ring.map((p) => p[0]), ys = ring.map((p) => p[1]);
  const x0 = Math.min(...xs), x1 = Math.max(...xs), y0 = Math.min(...ys), y1 = Math.max(...ys);
  const spots = [];
  const steps = 24;
  for (let a = 1; a < steps; a++) {
    for (let b = 1; b < steps; b++) {
      const x = x0 + ((x1 - x0) * a) / steps, y = y0 + ((y1 - y0) * b) / steps;
      const d = depth(ring, x, y);
      if (d > 0) spots.push([x, y, d]);
    }
  }
  if (!spots.length) return [[(x0 + x1) / 2, (y0 + y1) / 2]];
  spots.sort((p, q) => q[2] - p[2]);
  return spots.filter((spot) => spot[2] > spots[0][2] * 0.15);
}

/** How far inside a ring a point lies; outside it is negative. */
function depth(ring, x, y) {
  let within = false;
  let least = Infinity;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [ax, ay] = ring[i], [bx, by] = ring[j];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) within = !within;
    const length = (bx - ax) ** 2 + (by - ay) ** 2;
    const t = length ? Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length)) : 0;
    least = Math.min(least, (ax + t * (bx - ax) - x) ** 2 + (ay + t * (by - ay) - y) ** 2);
  }
  return (within ? 1 : -1) * Math.sqrt(least);
}
