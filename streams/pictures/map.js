// Moves and zooms the map by its viewBox, shows a phase alone, and says what is pointed at. It knows no data.
(() => {
  const map = document.getElementById("map"), said = document.getElementById("said");
  const all = map.getAttribute("viewBox").split(" ").map(Number);
  let [x, y, w, h] = all;
  const show = () => map.setAttribute("viewBox", [x, y, w, h].join(" "));
  const zoom = (by, px, py) => {
    const next = Math.min(Math.max(w * by, all[2] / 40), all[2] * 2), k = next / w;
    x = px - (px - x) * k; y = py - (py - y) * k; w = next; h *= k; show();
  };
  const place = (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
    return [at.x, at.y];
  };
  map.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(event.deltaY * 0.0015), ...place(event));
  }, { passive: false });
  let held = null;
  map.addEventListener("pointerdown", (event) => {
    held = place(event);
    map.setPointerCapture(event.pointerId);
    map.classList.add("moving");
  });
  map.addEventListener("pointermove", (event) => {
    if (held) {
      const now = place(event);
      x += held[0] - now[0];
      y += held[1] - now[1];
      show();
    }
    const title = held ? null : event.target.querySelector?.(":scope > title");
    said.hidden = !title;
    if (!title) return;
    said.textContent = title.textContent;
    said.style.transform = `translate(${Math.min(event.clientX + 14, innerWidth - 280)}px, ${Math.min(event.clientY + 14, innerHeight - 140)}px)`;
  });
  const drop = () => { held = null; map.classList.remove("moving"); };
  map.addEventListener("pointerup", drop);
  map.addEventListener("pointercancel", drop);
  map.addEventListener("pointerleave", () => { said.hidden = true; });
  map.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step) { x += step[0] * w * 0.08; y += step[1] * h * 0.08; show(); }
    else if (event.key === "+" || event.key === "=") zoom(0.8, x + w / 2, y + h / 2);
    else if (event.key === "-") zoom(1.25, x + w / 2, y + h / 2);
    else if (event.key === "0") { [x, y, w, h] = all; show(); }
    else return;
    event.preventDefault();
  });
  let only = null;
  const choose = (state) => {
    only = only === state ? null : state;
    document.body.classList.toggle("only", only !== null);
    for (const el of document.querySelectorAll("[data-state]")) el.classList.toggle("shown", el.dataset.state === only);
    for (const key of document.querySelectorAll(".key")) key.setAttribute("aria-pressed", String(key.dataset.state === only));
  };
  for (const key of document.querySelectorAll(".key[data-state]")) {
    key.setAttribute("tabindex", "0");
    key.setAttribute("role", "button");
    key.addEventListener("click", () => choose(key.dataset.state));
    key.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(key.dataset.state); }
    });
  }
})();
