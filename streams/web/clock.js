// The server's time, which may be simulated and faster than ours. Times are told in its own offset.

const OFFSET = /([+-])(\d\d):?(\d\d)$/;

/** Minutes east of Greenwich in an RFC 3339 time; China's where it has none. */
export function offsetOf(iso) {
  const match = OFFSET.exec(iso ?? "");
  if (!match) return (iso ?? "").endsWith("Z") ? 0 : 480;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return match[1] === "-" ? -minutes : minutes;
}

export class Clock {
  constructor() {
    this.base = Date.now();
    this.at = performance.now();
    this.speed = 1;
    this.offset = 480;
    this.known = false;
  }

  /** Takes the server's time as it is now; `speed` is simulated seconds a real second. */
  sync(iso, speed) {
    const time = Date.parse(iso ?? "");
    if (Number.isFinite(time)) {
      this.base = time;
      this.at = performance.now();
      this.offset = offsetOf(iso);
      this.known = true;
    }
    if (Number.isFinite(speed)) this.speed = speed;
  }

  /** What another page needs to go on from here, by its own device's clock. */
  state() {
    return { time: this.now(), at: Date.now(), speed: this.speed, offset: this.offset };
  }

  /** Goes on from a state that was kept. */
  resume({ time, at, speed, offset }) {
    if (![time, at, speed, offset].every(Number.isFinite)) return;
    Object.assign(this, { base: time + Math.max(Date.now() - at, 0) * speed, at: performance.now(), speed, offset, known: true });
  }

  /** Milliseconds since 1970. */
  now() {
    return this.base + (performance.now() - this.at) * this.speed;
  }

  /** A date whose UTC fields read as the clock on the wall. */
  wall(time = this.now()) {
    return new Date((typeof time === "string" ? Date.parse(time) : time) + this.offset * 60_000);
  }

  /** "14:05" */
  hm(time) {
    return this.wall(time).toISOString().slice(11, 16);
  }

  /** "2026-11-22" */
  date(time) {
    return this.wall(time).toISOString().slice(0, 10);
  }

  /** Minutes since the wall's midnight. */
  minutes(time) {
    const wall = this.wall(time);
    return wall.getUTCHours() * 60 + wall.getUTCMinutes();
  }

  /** Now as RFC 3339 with the offset. */
  iso() {
    const east = Math.abs(this.offset);
    const two = (n) => String(n).padStart(2, "0");
    const zone = `${this.offset < 0 ? "-" : "+"}${two(Math.floor(east / 60))}:${two(east % 60)}`;
    return `${this.wall().toISOString().slice(0, 19)}${zone}`;
  }
}
