// The map as a picture to take along: both canvases, a title with the day, and the legend.

import { save } from "./export.js";
import { say } from "./speech.js";
import { PHASES } from "./words.js";

const HEAD = 56, FOOT = 44, ROW = 24, EDGE = 20, MARK = 12, GAP = 22; // CSS pixels

/** The legend's marks, and where each stands: as many rows as the width asks for, and the credit beside the last or below. */
function layOut(pen, font, width, marks, credit) {
  const measure = (text, size) => ((pen.font = `400 ${size}px ${font}`), pen.measureText(text).width);
  let [x, row] = [EDGE + 4, 0];
  for (const mark of marks) {
    const wide = MARK + measure(mark.text, 13);
    if (x > EDGE + 4 && x + wide > width - EDGE) [x, row] = [EDGE + 4, row + 1];
    Object.assign(mark, { x, row });
    x += wide + GAP;
  }
  return x + measure(credit, 11) > width - EDGE ? row + 1 : row;
}

/** Draws the map as it stands and saves it as PNG. */
export function take(map, { title, when, simulated, credit, only }) {
  const { ratio, colours, view } = map;
  map.draw(performance.now());
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  const covers = map.layers.coverage || map.choosy ? Object.entries(colours.cover).map(([name, colour]) => ({ text: say(name), colour, r: 4 })) : [{ text: say("unworked"), colour: colours.dot, r: 3 }];
  const marks = [...PHASES.map((phase) => ({ text: say(phase), colour: colours.phase[phase], r: 5 })), ...covers, { text: say("store"), colour: colours.store, r: 0 }];
  const source = credit.replaceAll("\u2060", "");
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  const last = layOut(pen, colours.font, view.width, marks, source);
  canvas.width = Math.round(view.width * ratio);
  canvas.height = Math.round((view.height + HEAD + FOOT + last * ROW) * ratio);
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
  const at = (row) => HEAD + view.height + FOOT / 2 + row * ROW;
  for (const { x, row, text, colour, r } of marks) {
    pen.fillStyle = colour;
    pen.save();
    pen.translate(x, at(row));
    pen.beginPath();
    if (r) pen.arc(0, 0, r, 0, 2 * Math.PI);
    else pen.rotate(Math.PI / 4), pen.rect(-3.5, -3.5, 7, 7);
    pen.fill();
    pen.restore();
    write(text, x + MARK, at(row));
  }
  write(source, view.width - EDGE, at(last), { size: 11, colour: of("soft"), align: "right" });
  return new Promise((resolve) => canvas.toBlob((blob) => {
    save(`${title}-${when}.png`.replaceAll(":", ""), blob);
    resolve(blob);
  }, "image/png"));
}
