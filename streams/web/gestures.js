// Mouse, wheel, fingers and keys, turned into pan, zoom, hover and pick.

const TAP = 6; // pixels that a finger may slip and still tap

/** Attaches to a canvas. `act` has pan(dx, dy), zoom(x, y, factor), hover(x, y), leave(), pick(x, y, touch), fit(), step(way), settle(). */
export function attach(canvas, act) {
  const down = new Map();
  let moved = 0;
  let spread = 0;
  let lastTap = 0;

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const pair = () => {
    const [a, b] = [...down.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, spread: Math.hypot(a.x - b.x, a.y - b.y) };
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, place(event));
    if (down.size === 1) moved = 0;
    if (down.size === 2) spread = pair().spread;
  });

  canvas.addEventListener("pointermove", (event) => {
    const at = place(event);
    const from = down.get(event.pointerId);
    if (!from) {
      if (event.pointerType !== "touch") act.hover(at.x, at.y);
      return;
    }
    if (down.size === 1) {
      moved += Math.hypot(at.x - from.x, at.y - from.y);
      if (moved > TAP) {
        act.leave();
        canvas.classList.add("grabbing");
        act.pan(at.x - from.x, at.y - from.y);
      }
      down.set(event.pointerId, at);
      return;
    }
    const before = pair();
    down.set(event.pointerId, at);
    const after = pair();
    moved = Infinity;
    act.pan(after.x - before.x, after.y - before.y);
    if (spread > 0 && after.spread > 0) act.zoom(after.x, after.y, after.spread / spread);
    spread = after.spread;
  });

  const up = (event) => {
    const at = down.get(event.pointerId);
    down.delete(event.pointerId);
    if (down.size) return;
    canvas.classList.remove("grabbing");
    if (event.type === "pointerup" && at && moved <= TAP) {
      const now = event.timeStamp;
      if (event.pointerType === "touch" && now - lastTap < 300) act.zoom(at.x, at.y, 2);
      else act.pick(at.x, at.y, event.pointerType === "touch");
      lastTap = now;
    }
    act.settle();
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("pointerleave", () => act.leave());

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const at = place(event);
    const lines = event.deltaMode === 1 ? 16 : 1;
    const speed = event.ctrlKey ? 0.01 : 0.0018; // a trackpad's pinch comes as a wheel with ctrl
    act.zoom(at.x, at.y, Math.exp(-Math.max(-240, Math.min(240, event.deltaY * lines)) * speed));
    act.settle();
  }, { passive: false });

  canvas.addEventListener("dblclick", (event) => {
    const at = place(event);
    act.zoom(at.x, at.y, event.shiftKey ? 0.5 : 2);
    act.settle();
  });

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const far = event.shiftKey ? 240 : 80;
    const middle = [canvas.clientWidth / 2, canvas.clientHeight / 2];
    const keys = {
      ArrowLeft: () => act.pan(far, 0),
      ArrowRight: () => act.pan(-far, 0),
      ArrowUp: () => act.pan(0, far),
      ArrowDown: () => act.pan(0, -far),
      "+": () => act.zoom(...middle, 1.5),
      "=": () => act.zoom(...middle, 1.5),
      "-": () => act.zoom(...middle, 1 / 1.5),
      0: () => act.fit(),
      "[": () => act.step(-1),
      "]": () => act.step(1),
    };
    const key = keys[event.key];
    if (!key) return;
    event.preventDefault();
    key();
    act.settle();
  });
}
