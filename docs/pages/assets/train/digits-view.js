/** Digits held out with the network's guesses, and the weights of the first layer as images. */

import { element, show } from "../widgets/kit.js";
import { reach, tinted } from "./paint.js";

const SHOWN = 40; // digits
const MOST = 64; // pictures of weights
const SIDE = 28;

/** @param {Uint8Array} pixels of the digits held out @param {number[]} labels of them */
export function createDigitsView(host, pixels, labels) {
  const title = element("p", { class: "tr-title" }, "Digits the network never trained on");
  const grid = element("div", { class: "tr-digits", role: "group" });
  const key = "The guess is below each digit. Wrong guesses are red and framed.";
  host.append(title, grid, element("p", { class: "tr-key" }, key));
  const cells = Array.from({ length: SHOWN }, () => {
    const canvas = element("canvas", { "aria-hidden": "true", width: SIDE, height: SIDE });
    const guess = element("span");
    const cell = element("div", {}, canvas, guess);
    grid.append(cell);
    return { cell, canvas, guess };
  });

  return {
    paint(found, colors) {
      let right = 0;
      cells.forEach(({ cell, canvas, guess }, i) => {
        const row = found.logits.subarray(10 * i, 10 * i + 10);
        const answer = row.indexOf(Math.max(...row));
        const image = pixels.subarray(i * SIDE ** 2, (i + 1) * SIDE ** 2);
        tinted(canvas, SIDE, image, 255, { ...colors, positive: colors.ink });
        guess.textContent = answer;
        cell.classList.toggle("tr-wrong", answer !== labels[i]);
        if (answer === labels[i]) right += 1;
      });
      const percent = (100 * found.held.accuracy).toFixed(1);
      grid.setAttribute(
        "aria-label",
        `${SHOWN} held-out digits, ${right} of them read correctly; of all 500, ${percent}%`,
      );
    },
  };
}

const NAMES = {
  weights: "Weights",
  changes: "Changes that training made to the weights",
  gradients: "Gradients of the weights",
};

/** One image per unit: green where ink raises the unit's z, purple where it lowers it. */
export function createWeightsView(host) {
  const title = element("p", { class: "tr-title" });
  const grid = element("div", { class: "tr-weights", role: "img" });
  host.append(title, grid);
  let canvases = [];

  return {
    /** @param {"weights" | "changes" | "gradients"} what the pictures are of */
    paint(found, what, colors) {
      const { shape, [what]: values } = found.layers[0];
      const [rows, cols] = shape;
      const count = Math.min(cols, MOST);
      if (canvases.length !== count) {
        canvases = Array.from({ length: count }, () => element("canvas"));
        for (const canvas of canvases) canvas.setAttribute("aria-hidden", "true");
        grid.replaceChildren(...canvases);
      }
      const scale = 0.7 * reach(values) || 1;
      canvases.forEach((canvas, unit) => {
        const column = Float32Array.from({ length: rows }, (_, i) => values[i * cols + unit]);
        tinted(canvas, SIDE, column, scale, colors);
      });
      const rest = cols > count ? `, the first ${count}` : "";
      const name = `${NAMES[what]} of layer 1, one picture per unit${rest}`;
      title.textContent = name;
      grid.setAttribute("aria-label", `${name}; the largest is ${show(reach(values))}`);
    },
  };
}
