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

  /** The wall's midnight, `days` from today, as RFC 3339 with the offset. */
  midnight(days = 0) {
    const wall = this.wall();
    const at = new Date(Date.UTC(wall.getUTCFullYear(), wall.getUTCMonth(), wall.getUTCDate() + days));
    const east = Math.abs(this.offset);
    const two = (n) => String(n).padStart(2, "0");
    const zone = `${this.offset < 0 ? "-" : "+"}${two(Math.floor(east / 60))}:${two(east % 60)}`;
    return `${at.toISOString().slice(0, 10)}T00:00:00${zone}`;
  }
}
