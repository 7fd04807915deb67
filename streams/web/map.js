// The flow map: two canvases, one for what only moves with the view, one for what lives.
//
// The base has the districts and every estate that nobody works; the live canvas has stores, lines, worked
// estates, pulses and names. Points lie in typed arrays and a grid: there is no element per point. Where a
// redraw of the base is dear (10^5 points), it is moved as a picture until the gesture rests.

import { lessMotion } from "./dom.js";
import { attach } from "./gestures.js";
import { Grid } from "./grid.js";
import { PHASES } from "./words.js";
import { View, boxOf, groundMetres, worldX, worldY } from "./view.js";

const DEAR = 12; // milliseconds: a base that costs more is not redrawn for every frame of a gesture
const REST = 140; // milliseconds without movement after which the base is drawn sharp again
export const PULSE = 1600; // milliseconds
const FLIGHT = 520; // milliseconds
const COVERED = ["nobody", "idle", "group, no operation"];
const CROWD = 20_000; // points from which dots that hide each other are left out
const REFERENCE = { households: 3000, members: 500 }; // where a dot has its full size

export const ease = (t) => 1 - (1 - t) ** 3;

/** What the map takes from the style sheet, so that colours stand in one place. */
function paint() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ground: of("map-ground"),
    district: of("map-district"),
    border: of("map-border"),
    districtName: of("map-name"),
    dot: of("map-dot"),
    ink: of("ink"),
    halo: of("map-halo"),
    store: of("map-store"),
    route: of("map-route"),
    order: of("map-order"),
    cover: Object.fromEntries(COVERED.map((one) => [one, of(`cover-${one.split(",")[0]}`)])),
    phase: Object.fromEntries([...PHASES, "no_phase"].map((p) => [p, of(`phase-${p.replace("_", "-")}`)])),
    font: style.getPropertyValue("--font").trim(),
  };
}

export class FlowMap {
  /** `host` holds two canvases, .base and .live. `onHover(estate | null, x, y)`, `onPick(estate | null)`, `onView(bar)`. */
  constructor(host, { onHover, onPick, onView }) {
    this.host = host;
    this.base = host.querySelector(".base");
    this.live = host.querySelector(".live");
    this.tell = { onHover, onPick, onView };
    this.view = new View();
    this.estates = []; // properties by index
    this.index = new Map(); // estate_id → index
    this.xs = new Float64Array(0);
    this.ys = new Float64Array(0);
    this.grid = new Grid(this.xs, this.ys);
    this.worked = []; // indexes, biggest first
    this.found = []; // indexes of what a search found among the others
    this.districts = [];
    this.stores = [];
    this.storeById = new Map();
    this.pulses = new Map(); // index → { start, strong }
    this.sprites = new Map();
    this.shows = () => true;
    this.choosy = false; // whether the filters are for those that nobody works, too
    this.layers = { serve: true, sell: false, coverage: false };
    this.tones = new Uint8Array(0);
    this.hovered = -1;
    this.chosen = -1;
    this.baseCost = 0;
    this.colours = paint();
    this.gestures();
    new ResizeObserver(() => this.resize()).observe(host);
    addEventListener("theme", () => this.restyle());
    this.resize();
  }

  /** Names, stores and flows come once there is something to name: the first picture doesn't wait for them. */
  async name() {
    [this.labels, this.flows] = await Promise.all([import("./labels.js"), import("./flows.js")]);
    this.invalidate("base");
  }

  // --- what is shown --------------------------------------------------------------------------

  async setDistricts(collection) {
    const { outline, UNIT } = await import("./outline.js");
    this.unit = UNIT;
    this.districts = (collection?.features ?? []).map((feature) => outline(feature)).filter(Boolean);
    this.districts.sort((a, b) => b.area - a.area);
    this.invalidate("base");
  }

  setStores(collection) {
    this.stores = (collection?.features ?? [])
      .filter((f) => f.geometry?.type === "Point")
      .map((f) => ({
        ...f.properties,
        name: f.properties.store_name ?? f.properties.name ?? "",
        x: worldX(f.geometry.coordinates[0]),
        y: worldY(f.geometry.coordinates[1]),
      }));
    this.storeById = new Map(this.stores.map((store) => [store.store_id, store]));
    this.invalidate("base");
  }

  /** Takes all estates at once, and where each lies (WGS-84 degrees). */
  setEstates(estates, lngs, lats) {
    this.estates = estates;
    this.xs = lngs.map(worldX);
    this.ys = lats.map(worldY);
    this.index = new Map(this.estates.map((estate, i) => [estate.estate_id, i]));
    this.grid = new Grid(this.xs, this.ys);
    this.pulses.clear();
    this.found = [];
    this.hovered = -1;
    this.rank();
    this.tone();
    this.invalidate("base");
    requestAnimationFrame(() => setTimeout(() => this.name()));
  }

  /** The same estates with other properties: as they were on another day. */
  swap(estates) {
    this.estates = estates;
    this.rank();
    this.tone();
    this.invalidate("base");
  }

  /** Takes an estate's new properties; `moved` makes its point pulse, `strong` twice. */
  update(properties, { moved = false, strong = false } = {}) {
    const i = this.index.get(properties.estate_id);
    if (i === undefined) return;
    const before = this.estates[i];
    const was = isWorked(before);
    const size = measure(before);
    this.estates[i] = { ...before, ...properties };
    if (was !== isWorked(this.estates[i])) {
      this.rank();
      this.invalidate("base");
    } else if (size !== measure(this.estates[i])) this.stale = true;
    const running = this.pulses.get(i);
    if (moved && !lessMotion() && (!running || performance.now() - running.start > PULSE)) {
      this.pulses.set(i, { start: performance.now(), strong });
    }
    this.invalidate("live");
  }

  rank() {
    const worked = [];
    for (let i = 0; i < this.estates.length; i++) if (isWorked(this.estates[i])) worked.push(i);
    worked.sort((a, b) => radius(this.estates[b]) - radius(this.estates[a]) || a - b);
    this.worked = worked;
    this.stale = false;
  }

  /** Estates for which `shows` is false step back; with `all` those that nobody works, too. */
  filter(shows, { all = false } = {}) {
    this.shows = shows;
    const before = this.choosy;
    this.choosy = all;
    if (all || before) this.tone();
    this.invalidate(all || before ? "base" : "live");
  }

  /** How each point that nobody works is drawn: faint, plain, or in its coverage's colour. */
  tone() {
    this.tones = Uint8Array.from(this.estates, (estate) => {
      if (this.choosy && !this.shows(estate)) return 0;
      return this.choosy || this.layers.coverage ? 2 + Math.max(0, COVERED.indexOf(estate.coverage)) : 1;
    });
  }

  /** Brings estates that nobody works to the fore, by id. */
  find(ids) {
    this.found = ids.map((id) => this.index.get(id)).filter((i) => i !== undefined);
    this.invalidate("base");
  }

  choose(id, { fly = false } = {}) {
    this.chosen = id === null ? -1 : (this.index.get(id) ?? -1);
    if (this.chosen >= 0 && fly) {
      const x = this.xs[this.chosen], y = this.ys[this.chosen], pad = this.view.pad;
      const scale = Math.max(this.view.scale, 2 ** 20.6);
      this.fly({ scale, x: x + (pad.right - pad.left) / 2 / scale, y: y + (pad.bottom - pad.top) / 2 / scale });
    }
    this.invalidate("base");
  }

  /** Shows the worked estates, or the city where none is worked. */
  fit({ fly = false } = {}) {
    const picked = this.worked.length ? this.worked : [...this.xs.keys()];
    const box = boxOf(picked.map((i) => this.xs[i]), picked.map((i) => this.ys[i]), this.worked.length ? 0 : 0.03);
    if (!box) return;
    const all = boxOf(this.xs, this.ys);
    this.view.bounds = all;
    this.view.least = Math.min(this.view.width / 4, (this.view.width * 0.35) / Math.max(all.x1 - all.x0, 1e-9));
    const to = this.view.fitting(box);
    if (fly) this.fly(to);
    else {
      Object.assign(this.view, to);
      this.invalidate("base");
    }
  }

  fly(to) {
    if (lessMotion()) {
      Object.assign(this.view, to);
      this.invalidate("base");
      return;
    }
    const { x, y, scale } = this.view;
    this.flight = { from: { x, y, scale }, to, start: performance.now() };
    this.invalidate("base");
  }

  zoomBy(factor) {
    const { width, height, scale, x, y, least, most } = this.view;
    const pad = this.view.pad;
    this.view.zoomAt((width + pad.left - pad.right) / 2, (height + pad.top - pad.bottom) / 2, factor);
    const to = { x: this.view.x, y: this.view.y, scale: Math.max(least, Math.min(most, this.view.scale)) };
    Object.assign(this.view, { x, y, scale });
    this.fly(to);
  }

  restyle() {
    this.colours = paint();
    this.sprites.clear();
    this.drawnBase = null;
    this.invalidate("base");
  }

  // --- the view -------------------------------------------------------------------------------

  resize() {
    const box = this.host.getBoundingClientRect();
    if (!box.width || !box.height) return;
    this.ratio = Math.min(3, devicePixelRatio || 1);
    for (const canvas of [this.base, this.live]) {
      canvas.width = Math.round(box.width * this.ratio);
      canvas.height = Math.round(box.height * this.ratio);
    }
    this.view.width = box.width;
    this.view.height = box.height;
    this.sprites.clear();
    this.drawnBase = null;
    // Setting a canvas's size clears it: draw at once, so that no empty frame is seen.
    this.draw(performance.now());
  }

  gestures() {
    const stop = () => (this.flight = null);
    attach(this.live, {
      pan: (dx, dy) => {
        stop();
        this.view.pan(dx, dy);
        this.invalidate("base");
      },
      zoom: (x, y, factor) => {
        stop();
        this.view.zoomAt(x, y, factor);
        this.invalidate("base");
      },
      settle: () => this.invalidate("base"),
      fit: () => this.fit({ fly: true }),
      hover: (x, y) => this.hover(this.at(x, y, 8)),
      leave: () => this.hover(-1),
      pick: (x, y, touch) => this.tell.onPick(this.estates[this.at(x, y, touch ? 22 : 9)] ?? null),
      step: (way) => this.step(way),
    });
  }

  hover(i) {
    if (i === this.hovered) return;
    this.hovered = i;
    this.live.classList.toggle("pointing", i >= 0);
    if (i < 0) this.tell.onHover(null);
    else this.tell.onHover(this.estates[i], this.view.sx(this.xs[i]), this.view.sy(this.ys[i]), this.size(i));
    this.invalidate("live");
  }

  /** The estate under a point of the screen: a worked one first, as it is drawn on top. */
  at(sx, sy, reach) {
    let best = -1;
    let least = Infinity;
    for (const i of this.worked) {
      if (!this.shows(this.estates[i])) continue;
      const d = Math.hypot(this.view.sx(this.xs[i]) - sx, this.view.sy(this.ys[i]) - sy);
      if (d <= Math.max(reach, this.size(i) + 2) && d < least) {
        least = d;
        best = i;
      }
    }
    if (best >= 0) return best;
    return this.grid.nearest(this.view.wx(sx), this.view.wy(sy), (reach * 0.8) / this.view.scale);
  }

  /** Walks through the worked estates by key, for who has no mouse. */
  step(way) {
    const shown = this.worked.filter((i) => this.shows(this.estates[i]));
    if (!shown.length) return;
    const at = shown.indexOf(this.chosen);
    this.tell.onPick(this.estates[shown[(at + way + shown.length) % shown.length]], { fly: true });
  }

  // --- drawing --------------------------------------------------------------------------------

  invalidate(layer) {
    if (layer === "base") this.baseStale = true;
    if (!this.frame) this.frame = requestAnimationFrame((now) => this.draw(now));
  }

  draw(now) {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    if (!this.ratio) return;
    if (this.flight) this.advance(now);
    if (this.stale) this.rank();
    if (this.baseStale || !this.drawnBase) this.drawBaseOrMoveIt(now);
    this.drawLive(now);
    this.tell.onView(this.bar(96));
    if (this.flight || this.pulses.size) this.invalidate("live");
  }

  advance(now) {
    const { from, to, start } = this.flight;
    const t = Math.min(1, (now - start) / FLIGHT);
    const k = ease(t);
    const scale = from.scale * (to.scale / from.scale) ** k;
    // The centre goes as the scale does, so that the target grows out of one spot and doesn't swing past it.
    const along = Math.abs(to.scale - from.scale) < from.scale * 1e-6
      ? k : (1 / from.scale - 1 / scale) / (1 / from.scale - 1 / to.scale);
    Object.assign(this.view, { scale, x: from.x + (to.x - from.x) * along, y: from.y + (to.y - from.y) * along });
    if (t >= 1) this.flight = null;
    this.baseStale = true;
  }

  drawBaseOrMoveIt(now) {
    const { view, drawnBase: drawn } = this;
    const same = (spot) => spot && spot.x === view.x && spot.y === view.y && spot.scale === view.scale;
    if (!same(this.lastSpot)) {
      this.lastSpot = { x: view.x, y: view.y, scale: view.scale };
      this.lastMove = now;
    }
    if (drawn && !same(drawn) && this.baseCost > DEAR && (this.flight || now - this.lastMove < REST)) {
      const k = view.scale / drawn.scale;
      const dx = view.sx(drawn.x) - (view.width / 2) * k;
      const dy = view.sy(drawn.y) - (view.height / 2) * k;
      this.base.style.transform = `translate(${dx}px, ${dy}px) scale(${k})`;
      clearTimeout(this.resting);
      this.resting = setTimeout(() => this.invalidate("base"), REST + 20);
      return;
    }
    const begin = performance.now();
    this.base.style.transform = "";
    this.drawBase();
    this.baseCost = performance.now() - begin;
    this.drawnBase = { x: view.x, y: view.y, scale: view.scale };
    this.baseStale = false;
  }

  drawBase() {
    const { view, colours, ratio } = this;
    const pen = this.base.getContext("2d", { alpha: false });
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = colours.ground;
    pen.fillRect(0, 0, view.width, view.height);

    const k = view.scale / this.unit;
    for (const district of this.districts) {
      pen.setTransform(ratio * k, 0, 0, ratio * k, ratio * view.sx(district.x), ratio * view.sy(district.y));
      pen.fillStyle = colours.district;
      pen.fill(district.path, "evenodd");
      pen.strokeStyle = colours.border;
      pen.lineWidth = 1 / k;
      pen.lineJoin = "round";
      pen.stroke(district.path);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.drawUnworked(pen);
    this.labels?.districtNames(this, pen);
  }

  drawUnworked(pen) {
    const { view, xs, ys, estates } = this;
    // Where very many are seen from afar, smaller dots keep the crowd from becoming one blot.
    const crowd = Math.max(0.55, Math.min(1, 1.1 - Math.max(0, Math.log10(xs.length / 10_000)) * 0.5));
    const r = Math.max(0.9 * crowd, Math.min(3.4, 1.15 * crowd + (view.zoom - 10) * 0.42));
    const dot = (colour, alpha, r) => this.sprite(`dot${colour}${alpha}${r.toFixed(1)}`, r, (p) => {
      p.globalAlpha = alpha;
      p.fillStyle = colour;
      p.beginPath();
      p.arc(0, 0, r, 0, 2 * Math.PI);
      p.fill();
    });
    const dots = [dot(this.colours.dot, 0.35, r), dot(this.colours.dot, 1, r), ...COVERED.map((one) => dot(this.colours.cover[one], 1, r * 1.15))];
    const { tones } = this;
    // Of a crowd, one dot is drawn where several would lie on the same two pixels: the one that says most.
    const across = Math.ceil(view.width / 2) + 16;
    const taken = xs.length > CROWD ? new Uint8Array(across * (Math.ceil(view.height / 2) + 16)) : null;
    this.grid.within(view.wx(-8), view.wy(-8), view.wx(view.width + 8), view.wy(view.height + 8), (i) => {
      if (isWorked(estates[i])) return;
      const x = view.sx(xs[i]), y = view.sy(ys[i]);
      const tone = tones[i];
      if (taken) {
        const k = ((y + 8) >> 1) * across + ((x + 8) >> 1);
        if (taken[k] > tone) return;
        taken[k] = tone + 1;
      }
      const { canvas, half } = dots[tone];
      pen.drawImage(canvas, x - half, y - half, 2 * half, 2 * half);
    });
  }

  drawLive(now) {
    const { view, ratio } = this;
    const pen = this.live.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, view.width, view.height);
    const seen = this.worked.filter((i) => {
      const x = view.sx(this.xs[i]), y = view.sy(this.ys[i]);
      return x > -40 && y > -40 && x < view.width + 40 && y < view.height + 40;
    });
    this.flows?.routes(this, pen);
    this.drawFound(pen);
    this.flows?.pulses(this, pen, now);
    this.drawWorked(pen, seen);
    this.flows?.stores(this, pen);
    this.drawMark(pen, this.hovered);
    this.drawMark(pen, this.chosen);
    this.labels?.names(this, pen, seen);
  }

  /** Turns a layer on or off: `serve` (store → estate), `sell` (estate → orders), `coverage`. */
  layer(name, on) {
    this.layers[name] = on;
    if (name === "coverage") this.tone();
    this.invalidate("base");
  }

  drawFound(pen) {
    const mark = this.found.length && this.sprite("found", 5, (p) => {
      p.fillStyle = this.colours.ink;
      p.strokeStyle = this.colours.halo;
      p.lineWidth = 1.5;
      p.beginPath();
      p.arc(0, 0, 3.5, 0, 2 * Math.PI);
      p.fill();
      p.stroke();
    });
    for (const i of this.found) {
      const { half } = mark;
      pen.drawImage(mark.canvas, this.view.sx(this.xs[i]) - half, this.view.sy(this.ys[i]) - half, 2 * half, 2 * half);
    }
  }

  drawWorked(pen, seen) {
    for (const i of seen) {
      const r = Math.round(this.size(i) * 2) / 2;
      const colour = this.phaseColour(i);
      const over = this.estates[i].status === "ended" || this.estates[i].status === "paused";
      const mark = this.sprite(`${colour}${r}${over}`, r + 1.5, (p) => {
        p.beginPath();
        p.arc(0, 0, r, 0, 2 * Math.PI);
        p.fillStyle = over ? this.colours.halo : colour;
        p.strokeStyle = over ? colour : this.colours.halo;
        p.lineWidth = over ? 2 : 1.5;
        p.fill();
        p.stroke();
      });
      pen.globalAlpha = this.shows(this.estates[i]) ? 1 : 0.12;
      const { half } = mark;
      const x = this.view.sx(this.xs[i]), y = this.view.sy(this.ys[i]);
      pen.drawImage(mark.canvas, x - half, y - half, 2 * half, 2 * half);
      if (this.flows && this.view.zoom >= this.flows.NEAR) this.flows.groups(pen, x, y, r + 4, this.estates[i].groups ?? 0, colour);
    }
    pen.globalAlpha = 1;
  }

  drawMark(pen, i) {
    if (i < 0) return;
    const r = isWorked(this.estates[i]) ? this.size(i) + 4 : 6;
    pen.strokeStyle = this.colours.ink;
    pen.lineWidth = i === this.chosen ? 2 : 1.25;
    pen.beginPath();
    pen.arc(this.view.sx(this.xs[i]), this.view.sy(this.ys[i]), r, 0, 2 * Math.PI);
    pen.stroke();
  }

  boxAround(i, r) {
    const x = this.view.sx(this.xs[i]), y = this.view.sy(this.ys[i]);
    return [x - r, y - r, x + r, y + r];
  }

  phaseColour(i) {
    return this.colours.phase[this.estates[i].phase ?? "no_phase"] ?? this.colours.phase.no_phase;
  }

  /** A worked estate's radius in pixels: grows a little as one comes nearer. */
  size(i) {
    if (!isWorked(this.estates[i])) return 3;
    return radius(this.estates[i]) * Math.max(0.8, Math.min(1.7, 1 + (this.view.zoom - 11) * 0.14));
  }

  /** A small picture drawn once and stamped many times. `half` is half its side in CSS pixels. */
  sprite(key, r, drawIt) {
    let sprite = this.sprites.get(key);
    if (!sprite) {
      if (this.sprites.size > 400) this.sprites.clear();
      const half = Math.ceil(r + 1);
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = Math.ceil(2 * half * this.ratio);
      const pen = canvas.getContext("2d");
      pen.scale(canvas.width / (2 * half), canvas.width / (2 * half));
      pen.translate(half, half);
      drawIt(pen);
      sprite = { canvas, half };
      this.sprites.set(key, sprite);
    }
    return sprite;
  }

  /** A round number of metres near `pixels` wide, and its exact width, for the scale bar. */
  bar(pixels) {
    const metres = (pixels / this.view.scale) * groundMetres(this.view.y);
    const power = 10 ** Math.floor(Math.log10(metres));
    const round = [5, 2, 1].find((n) => n * power <= metres) * power;
    return { metres: round, width: (round / metres) * pixels };
  }
}

export const isWorked = (estate) => Boolean(estate.phase || estate.status);

const measure = (estate) => estate.households || estate.members || 0;

/** Area grows with the households, or with the members where they aren't known. */
function radius(estate) {
  const full = estate.households ? REFERENCE.households : REFERENCE.members;
  return 4 + 7 * Math.sqrt(Math.min(1, measure(estate) / full));
}
