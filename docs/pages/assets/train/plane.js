/** The plane: what the network, or one of its units, answers everywhere, and the points. */

import { element, show } from "../widgets/kit.js";
import { logistic } from "./activations.js";
import { css, reach, sharp, tinted } from "./paint.js";
import { REACH } from "./points.js";
import { SIDE, SMALL } from "./report.js";

export function createPlane(host) {
  const title = element("p", { class: "tr-title" });
  const canvas = element("canvas", { role: "img", "aria-label": "The plane", class: "tr-plane" });
  const named = (kind, text) =>
    element("span", {}, element("span", { class: `tr-dot ${kind}` }), ` ${text}`);
  const key = element(
    "p",
    { class: "tr-key" },
    named("tr-yes", "class 1"),
    named("tr-no", "class 0"),
    named("tr-hollow", "held out"),
  );
  const readout = element("p", { class: "tr-readout", "aria-hidden": "true" });
  host.append(title, canvas, key, readout);
  const buffer = document.createElement("canvas");
  let shown = null;

  canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
    if (!shown) return;
    const { values, side, unit } = shown;
    const place = (offset) =>
      Math.max(0, Math.min(side - 1, Math.floor((offset * side) / canvas.clientWidth)));
    const at = (offset) => show(Number((REACH * ((2 * offset) / canvas.clientWidth - 1)).toFixed(1)));
    const value = values[place(offsetY) * side + place(offsetX)];
    const where = `x1 = ${at(offsetX)}, x2 = ${at(canvas.clientWidth - offsetY)}`;
    const says = unit ? `output ${show(value)}` : `z = ${show(value)}, p = ${logistic(value).toFixed(3)}`;
    readout.textContent = `${where}: ${says}`;
  });
  canvas.addEventListener("pointerleave", () => (readout.textContent = ""));

  return {
    /**
     * @param {object} found the report of a run @param {number[][]} points as `drawPoints` has them
     * @param {{values: Float32Array, name: string} | null} unit to show instead of the answer
     * @param {number} training how many of the points are trained on
     */
    paint(found, points, training, unit, colors) {
      const width = canvas.clientWidth;
      if (!width) return;
      const context = sharp(canvas, width, width);
      shown = unit
        ? { values: unit.values, side: SMALL, unit: true }
        : { values: found.field, side: SIDE, unit: false };
      const probability = (z) => 2 * logistic(z) - 1;
      const tints = unit ? unit.values : found.field.map(probability);
      const scale = unit ? reach(unit.values) || 1 : 1.35; // paler than the points
      tinted(buffer, shown.side, tints, scale, colors);
      context.drawImage(buffer, 0, 0, width, width);
      context.strokeStyle = css(colors.ink);
      context.lineWidth = 2;
      context.stroke(contour(shown.values, shown.side, width));
      points.forEach((point, i) => mark(context, point, i < training, width, colors));
      title.textContent = unit ? unit.name : "The output of the network";
      const [held, percent] = [found.held, (100 * found.held.accuracy).toFixed(0)];
      canvas.setAttribute(
        "aria-label",
        unit
          ? `${unit.name}, over the plane, from ${show(Math.min(...unit.values))} to ${show(Math.max(...unit.values))}`
          : `The plane with ${points.length} points of two classes. The network gets ${percent}% ` +
              `of the held-out points right, with a loss of ${show(held.loss)}`,
      );
    },
  };
}

/** A point of class 1 is a disk, one of class 0 a square; those held out are hollow. */
function mark(context, [x, y, label], filled, width, colors) {
  const at = (value) => ((value / REACH + 1) / 2) * width;
  const [left, top] = [at(x), width - at(y)];
  const size = width / 110;
  context.beginPath();
  if (label) context.arc(left, top, size, 0, 2 * Math.PI);
  else context.rect(left - 0.9 * size, top - 0.9 * size, 1.8 * size, 1.8 * size);
  const color = css(label ? colors.positive : colors.negative);
  context.fillStyle = filled ? color : css(colors.paper);
  context.strokeStyle = filled ? css(colors.paper) : color;
  context.lineWidth = filled ? 1 : 1.5;
  context.fill();
  context.stroke();
}

/** The line where the values change their sign, cell by cell of the grid, straight in each. */
function contour(values, side, width) {
  const path = new Path2D();
  const at = (place) => ((place + 0.5) / side) * width;
  for (let row = 0; row + 1 < side; row++) {
    for (let column = 0; column + 1 < side; column++) {
      const corners = [
        [column, row],
        [column + 1, row],
        [column + 1, row + 1],
        [column, row + 1],
      ];
      const heights = corners.map(([x, y]) => values[y * side + x]);
      const crossings = [];
      for (let i = 0; i < 4; i++) {
        const [a, b] = [heights[i], heights[(i + 1) % 4]];
        if (a > 0 === b > 0) continue;
        const share = a / (a - b);
        const [[x, y], [x2, y2]] = [corners[i], corners[(i + 1) % 4]];
        crossings.push([at(x + share * (x2 - x)), at(y + share * (y2 - y))]);
      }
      for (let i = 0; i + 1 < crossings.length; i += 2) {
        path.moveTo(...crossings[i]);
        path.lineTo(...crossings[i + 1]);
      }
    }
  }
  return path;
}
