/**
 * A matrix as a picture. A line below it reads out the number under the pointer and the sum that it
 * came from; with the keyboard, the arrows move from number to number.
 */

import { element } from "../widgets/kit.js";
import { colorsOf, css, mixed } from "./theme.js";

const LEAST_LABEL = 12; // CSS pixels of a cell with room for a character of its own

/**
 * @typedef {object} Spec
 * @property {number} rows
 * @property {number} cols
 * @property {(i: number, j: number) => number} value  NaN for a place that is left out
 * @property {"sign" | "forward" | "backward"} color  sign for numbers of both, else for sizes
 * @property {(i: number, j: number) => string} says  the number in words, and its sum
 * @property {string[]} [top]  a label for each column
 * @property {string[]} [left]  a label for each row
 * @property {number} [widest]  of a cell, in CSS pixels
 * @property {number} [height]  of a cell, in CSS pixels; as its width if it is left out
 * @property {boolean} [by]  whether rows are scaled by themselves
 * @property {number} [margin]  CSS pixels left of the cells
 * @property {[number, number]} [chosen]  a row, or a cell, with a frame; -1 for all
 *
 * @param {string} symbol  what the matrix is called
 * @param {{formula?: string, point?: Function, choose?: Function}} options  point: told which cell is
 *   pointed at, or null; choose: told which was pressed
 */
export function heatmap(symbol, { formula = "", point = () => {}, choose } = {}) {
  const canvas = element("canvas", { "aria-hidden": "true" });
  const box = element("div", { class: "lm-cells", tabindex: "0", role: "application" }, canvas);
  const readout = element("p", { class: "lm-readout", "aria-live": "polite" });
  const caption = element("p", { class: "lm-caption" }, element("b", {}, symbol), formula && ` = ${formula}`);
  const host = element("div", { class: "lm-heatmap" }, caption, box, readout);
  if (choose) canvas.style.cursor = "pointer";
  let spec = null;
  let cell = null; // [row, column] that is pointed at
  let layout = null;

  function under(event) {
    const { left, top, width, height } = layout;
    const j = Math.floor((event.offsetX - left) / width);
    const i = Math.floor((event.offsetY - top) / height);
    return i >= 0 && j >= 0 && i < spec.rows && j < spec.cols ? [i, j] : null;
  }

  function move(to) {
    cell = to;
    readout.textContent = cell ? spec.says(...cell) : "";
    point(cell);
    paint();
  }

  canvas.addEventListener("pointermove", (event) => spec && move(under(event)));
  canvas.addEventListener("pointerleave", () => move(null));
  canvas.addEventListener("click", (event) => {
    const found = under(event);
    if (found) choose?.(...found);
  });
  box.addEventListener("blur", () => move(null));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && cell && choose) return choose(...cell);
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step || !spec) return;
    event.preventDefault();
    const [i, j] = cell ?? spec.start ?? [0, 0];
    const next = cell ? [i + step[0], j + step[1]] : [i, j];
    if (next[0] >= 0 && next[1] >= 0 && next[0] < spec.rows && next[1] < spec.cols) move(next);
  });
  new ResizeObserver(() => spec && box.clientWidth !== layout?.room && paint()).observe(box);

  function paint() {
    const ratio = window.devicePixelRatio || 1;
    const room = box.clientWidth;
    if (!room) return;
    const { rows, cols } = spec;
    const left = spec.margin ?? (spec.left ? 20 : 0);
    const least = spec.least ?? 1;
    const width = Math.max(least, Math.min(spec.widest ?? 24, Math.floor(((room - left) / cols) * ratio) / ratio));
    const height = spec.height ?? width;
    const top = spec.top && width >= LEAST_LABEL ? 18 : 0;
    layout = { left, top, width, height, room };
    const size = [left + cols * width, top + rows * height];
    [canvas.width, canvas.height] = size.map((pixels) => Math.ceil(pixels * ratio));
    canvas.style.width = `${canvas.width / ratio}px`;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const colors = colorsOf(box);
    cells(context, colors);
    labels(context, colors);
    frames(context, colors);
  }

  function cells(context, colors) {
    const { rows, cols, value, color } = spec;
    const { left, top, width, height } = layout;
    const reach = (i) => {
      let most = 0;
      for (let j = 0; j < cols; j++) most = Math.max(most, Math.abs(value(i, j)) || 0);
      return most;
    };
    const each = Array.from({ length: rows }, (_, i) => reach(i));
    const most = spec.scale ?? Math.max(...each);
    const gap = width >= 8 && height >= 8 ? 1 : 0;
    context.strokeStyle = css(colors.faint);
    context.strokeRect(left + 0.5, top + 0.5, cols * width - 1, rows * height - 1);
    for (let i = 0; i < rows; i++) {
      const scale = (spec.by ? each[i] : most) || 1;
      for (let j = 0; j < cols; j++) {
        const number = value(i, j);
        if (Number.isNaN(number)) continue;
        const pole = color === "sign" ? (number < 0 ? "negative" : "positive") : color;
        context.fillStyle = css(mixed(colors.paper, colors[pole], Math.sqrt(Math.abs(number) / scale)));
        context.fillRect(left + j * width, top + i * height, width - gap, height - gap);
      }
    }
  }

  function labels(context, colors) {
    const { left, top, width, height } = layout;
    context.fillStyle = css(colors.ink);
    context.textBaseline = "middle";
    context.font = `${Math.min(13, Math.max(10, width))}px ${getComputedStyle(box).fontFamily}`;
    if (top) {
      context.textAlign = "center";
      spec.top.forEach((text, j) => context.fillText(text, left + (j + 0.5) * width, 9));
    }
    if (spec.left && height >= LEAST_LABEL) {
      context.textAlign = "right";
      spec.left.forEach((text, i) => context.fillText(text, left - 6, top + (i + 0.5) * height));
    }
  }

  function frames(context, colors) {
    const { left, top, width, height } = layout;
    context.strokeStyle = css(colors.ink);
    const frame = ([i, j], line) => {
      context.lineWidth = line;
      const [x, w] = j < 0 ? [left, spec.cols * width] : [left + j * width, width];
      const [y, h] = i < 0 ? [top, spec.rows * height] : [top + i * height, height];
      context.strokeRect(x + line / 2 - 0.5, y + line / 2 - 0.5, w - line + 0.5, h - line + 0.5);
    };
    if (spec.chosen) frame(spec.chosen, 2);
    if (!cell) return;
    frame([cell[0], -1], 0.5);
    frame([-1, cell[1]], 0.5);
    frame(cell, 2);
  }

  return {
    host,
    /** @param {Spec} next */
    show(next) {
      spec = next;
      if (cell && (cell[0] >= spec.rows || cell[1] >= spec.cols)) cell = null;
      box.setAttribute("aria-label", `${symbol}: ${spec.rows} rows, ${spec.cols} columns. Arrows read numbers.`);
      readout.textContent = cell ? spec.says(...cell) : "";
      paint();
    },
    rename(text) {
      caption.replaceChildren(element("b", {}, text.symbol), text.formula ? ` = ${text.formula}` : "");
    },
  };
}
