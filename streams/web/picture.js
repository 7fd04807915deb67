// The map as a picture to take along: both canvases, a title with the day, and the legend.

import { save } from "./export.js";
import { say } from "./speech.js";
import { PHASES } from "./words.js";

const HEAD = 56, FOOT = 44; // CSS pixels

/** Draws the map as it stands and saves it as PNG. */
export function take(map, { title, when, simulated, credit, only }) {
  const { ratio, colours, view } = map;
  map.draw(performance.now());
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(view.width * ratio);
  canvas.height = Math.round((view.height + HEAD + FOOT) * ratio);
  const pen = canvas.getContext("2d");
  pen.fillStyle = of("sheet");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(map.base, 0, HEAD * ratio);
  pen.drawImage(map.live, 0, HEAD * ratio);
  pen.scale(ratio, ratio);
  pen.textBaseline = "middle";
  const write = (text, x, y, { size = 13, weight = 400, colour = of("ink"), align = "left" } = {}) => {
    pen.font = `${weight} ${size}px ${colours.font}`;
    pen.textAlign = align;
    pen.fillStyle = colour;
    pen.fillText(text, x, y);
    return pen.measureText(text).width;
  };
  const wide = write(title, 20, HEAD / 2, { size: 20, weight: 600 });
  write([when, only, simulated ? say("simulated") : ""].filter(Boolean).join("  ·  "), 36 + wide, HEAD / 2 + 1, { size: 14, colour: of("soft") });
  const y = HEAD + view.height + FOOT / 2;
  let x = 24;
  const dot = (colour, text, r = 5) => {
    pen.fillStyle = colour;
    pen.beginPath();
    pen.arc(x, y, r, 0, 2 * Math.PI);
    pen.fill();
    x += 12 + write(text, x + 12, y) + 22;
  };
  for (const phase of PHASES) dot(colours.phase[phase], say(phase));
  if (map.layers.coverage || map.choosy) for (const [name, colour] of Object.entries(colours.cover)) dot(colour, say(name), 4);
  else dot(colours.dot, say("unworked"), 3);
  pen.save();
  pen.translate(x, y);
  pen.rotate(Math.PI / 4);
  pen.fillStyle = colours.store;
  pen.fillRect(-3.5, -3.5, 7, 7);
  pen.restore();
  write(say("store"), x + 12, y);
  write(credit.replaceAll("\u2060", ""), view.width - 20, y, { size: 11, colour: of("soft"), align: "right" });
  return new Promise((resolve) => canvas.toBlob((blob) => {
    save(`${title}-${when}.png`.replaceAll(":", ""), blob);
    resolve(blob);
  }, "image/png"));
}
