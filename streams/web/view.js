// Web Mercator and the window onto it. World coordinates run from 0 to 1, y downwards.

export const worldX = (lng) => (lng + 180) / 360;

export function worldY(lat) {
  const sine = Math.sin((Math.max(-85, Math.min(85, lat)) * Math.PI) / 180);
  return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
}

/** Metres along the ground in one world unit at that y. */
export function groundMetres(y) {
  const lat = Math.atan(Math.sinh(Math.PI * (1 - 2 * y)));
  return 40_075_016.686 * Math.cos(lat);
}

export class View {
  constructor() {
    this.width = 1;
    this.height = 1;
    this.x = 0.5;
    this.y = 0.5;
    this.scale = 4096; // pixels a world unit
    this.least = 4096;
    this.most = 2 ** 26;
    this.pad = { left: 0, right: 0, top: 0, bottom: 0 };
  }

  /** How far in, as web maps count it: 10 is a city, 15 a street. */
  get zoom() {
    return Math.log2(this.scale / 256);
  }

  sx(x) {
    return (x - this.x) * this.scale + this.width / 2;
  }

  sy(y) {
    return (y - this.y) * this.scale + this.height / 2;
  }

  wx(sx) {
    return (sx - this.width / 2) / this.scale + this.x;
  }

  wy(sy) {
    return (sy - this.height / 2) / this.scale + this.y;
  }

  pan(dx, dy) {
    this.x -= dx / this.scale;
    this.y -= dy / this.scale;
    this.keep();
  }

  /** Zooms by a factor and keeps the point under (sx, sy) where it is. */
  zoomAt(sx, sy, factor) {
    const x = this.wx(sx);
    const y = this.wy(sy);
    this.scale = Math.max(this.least, Math.min(this.most, this.scale * factor));
    this.x = x - (sx - this.width / 2) / this.scale;
    this.y = y - (sy - this.height / 2) / this.scale;
    this.keep();
  }

  keep() {
    if (!this.bounds) return;
    const { x0, y0, x1, y1 } = this.bounds;
    this.x = Math.max(x0, Math.min(x1, this.x));
    this.y = Math.max(y0, Math.min(y1, this.y));
  }

  /** Where the view would stand to show that box, with `margin` pixels around it. */
  fitting({ x0, y0, x1, y1 }, margin = 48, most = 2 ** 21) {
    const pad = this.pad;
    const width = Math.max(40, this.width - pad.left - pad.right - 2 * margin);
    const height = Math.max(40, this.height - pad.top - pad.bottom - 2 * margin);
    const scale = Math.min(width / Math.max(x1 - x0, 1e-9), height / Math.max(y1 - y0, 1e-9), most);
    return {
      scale: Math.max(this.least, scale),
      x: (x0 + x1) / 2 + (pad.right - pad.left) / 2 / scale,
      y: (y0 + y1) / 2 + (pad.bottom - pad.top) / 2 / scale,
    };
  }
}

/** The box around points; `trim` leaves out that share at each edge, so that one stray point doesn't decide. */
export function boxOf(xs, ys, trim = 0) {
  if (!xs.length) return null;
  const sx = Float64Array.from(xs).sort();
  const sy = Float64Array.from(ys).sort();
  const cut = Math.floor(sx.length * trim);
  const last = sx.length - 1 - cut;
  return { x0: sx[cut], x1: sx[last], y0: sy[cut], y1: sy[last] };
}
