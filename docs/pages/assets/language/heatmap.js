/**
 * A matrix as a picture. A line below it reads out the number under the pointer and the sum that it
 * came from; with the keyboard, the arrows move from number to number. A finger is wider than a cell, so after
 * a tap there are buttons that do the same.
 */

import { button, element, show } from "../widgets/kit.js";
import { colorsOf, css, mixed } from "./theme.js";

const BETWEEN = 8; // CSS pixels from one band to the next
const LEAST_LABEL = 11; // CSS pixels of a cell with room for a character of its own
const PAD = 2; // CSS pixels around the cells, for a frame that covers none of them
const BESIDE = 16; // CSS pixels for the character of the chosen row, where the others have no room

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const NUDGES = [
  ["←", "One column left", STEPS.ArrowLeft],
  ["→", "One column right", STEPS.ArrowRight],
  ["↑", "One row up", STEPS.ArrowUp],
  ["↓", "One row down", STEPS.ArrowDown],
];

/** Whether cells are tapped: with a finger, or where there is no room for more than a phone's words. */
export const taps = () => window.matchMedia("(hover: none), (max-width: 44.98em)").matches;

/** A line for the number that is pointed at; while there is none, it says what to do. */
export function readoutLine(hint) {
  hint ??= taps()
    ? "Tap a cell to read its value, then move from cell to cell with the arrows."
    : "Point at a cell, or move to it with the arrow keys.";
  return element("p", { class: "lm-readout", "aria-live": "polite", "data-hint": hint });
}

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
 * @property {number} [least]  of a cell's width; columns that do not fit go into another band below
 * @property {[number, number]} [chosen]  a row, or a cell, with a frame; -1 for all
 * @property {string} [where]  the chosen row in words, shown where there is no room for the labels
 *
 * @param {string} symbol  what the matrix is called
 * @param {{formula?: string, point?: Function, choose?: Function, readout?: Element}} options  point: told
 *   which cell is pointed at, or null; choose: told which was pressed; readout: a line that several share
 */
export function heatmap(symbol, { formula = "", point = () => {}, choose, readout = readoutLine() } = {}) {
  const canvas = element("canvas", { "aria-hidden": "true" });
  const box = element("div", { class: "lm-cells", tabindex: "0", role: "application" }, canvas);
  const caption = element("p", { class: "lm-caption" }, element("b", {}, symbol), formula && ` = ${formula}`);
  const where = element("p", { class: "lm-where" });
  where.hidden = true;
  const scale = element("p", { class: "lm-scale" });
  const nudges = element("div", { class: "lm-nudges", role: "group", "aria-label": "Move to the next cell" });
  nudges.hidden = true;
  const shared = Boolean(readout.parentNode);
  const host = element("div", { class: "lm-heatmap" }, caption, box, element("div", { class: "lm-foot" }, scale, nudges));
  if (!readout.parentNode) host.append(readout);
  if (!shared) caption.after(where);
  if (choose) canvas.style.cursor = "pointer";
  let spec = null;
  let cell = null; // [row, column] that is pointed at
  let layout = null;

  const roomOf = () => box.clientWidth - 2 * parseFloat(getComputedStyle(box).paddingLeft);

  function under(event) {
    const { left, top, width, height, across, band } = layout;
    const part = Math.floor(event.offsetY / band);
    const along = Math.floor((event.offsetX - left) / width);
    const i = Math.floor((event.offsetY - part * band - top) / height);
    const j = part * across + along;
    return i >= 0 && along >= 0 && i < spec.rows && along < across && j < spec.cols ? [i, j] : null;
  }

  function move(to) {
    cell = to;
    readout.textContent = cell ? spec.says(...cell) : "";
    point(cell);
    paint();
  }

  const points = ({ pointerType }) => spec && pointerType !== "touch"; // a finger taps, and scrolls
  canvas.addEventListener("pointermove", (event) => points(event) && move(under(event)));
  canvas.addEventListener("pointerleave", (event) => points(event) && move(null));
  canvas.addEventListener("click", (event) => {
    const found = under(event);
    if (!found) return;
    nudges.hidden = event.pointerType !== "touch";
    move(found); // a finger points at nothing before it taps
    choose?.(...found);
  });
  box.addEventListener("blur", ({ relatedTarget }) => {
    if (nudges.contains(relatedTarget)) return;
    nudges.hidden = true;
    move(null);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && cell && choose) return choose(...cell);
    const step = STEPS[event.key];
    if (!step || !spec) return;
    event.preventDefault();
    nudge(step);
  });
  function nudge([down, right]) {
    const [i, j] = cell ?? spec.start ?? [0, 0];
    const next = cell ? [i + down, j + right] : [i, j];
    if (next[0] >= 0 && next[1] >= 0 && next[0] < spec.rows && next[1] < spec.cols) move(next);
  }
  for (const [sign, name, step] of NUDGES) {
    const made = button(sign, () => nudge(step));
    made.setAttribute("aria-label", name);
    made.addEventListener("pointerdown", (event) => event.preventDefault()); // the picture keeps the focus
    made.addEventListener("mousedown", (event) => event.preventDefault());
    nudges.append(made);
  }
  new ResizeObserver(() => spec && roomOf() !== layout?.room && paint()).observe(box);

  function paint() {
    const room = roomOf();
    if (!(room > 0)) return; // it is not on the page
    const { rows, cols } = spec;
    const own = window.devicePixelRatio || 1;
    const ratio = room / cols < 4 ? Math.max(3, own) : own; // small cells need not end on whole pixels
    const fitting = (left, count) => Math.floor(((room - left - PAD) / count) * ratio) / ratio; // whole pixels
    const labeled = spec.left && (spec.height ?? Math.min(spec.widest, fitting(20, cols))) >= LEAST_LABEL;
    const marked = Boolean(spec.where) && !labeled;
    const left = spec.margin ?? (labeled ? 20 : marked ? BESIDE : PAD);
    const bands = Math.ceil(cols / Math.max(1, Math.floor((room - left - PAD) / (spec.least ?? 1))));
    const across = Math.ceil(cols / bands);
    const width = Math.max(1 / ratio, Math.min(spec.widest ?? 24, fitting(left, across)));
    const height = spec.height ?? width;
    const topped = Boolean(spec.top) && width >= LEAST_LABEL;
    const top = topped ? 18 : PAD;
    const band = top + rows * height + PAD + (bands > 1 ? BETWEEN : 0);
    const gap = width >= 8 && height >= 8 ? 1 : 0; // between cells
    layout = { left, top, width, height, room, across, band, gap, marked, topped };
    where.hidden = !marked;
    where.textContent = marked ? spec.where : "";
    const size = [left + across * width + PAD, bands * band];
    [canvas.width, canvas.height] = size.map((pixels) => Math.ceil(pixels * ratio));
    canvas.style.width = `${canvas.width / ratio}px`;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const colors = colorsOf(box);
    const scales = scalesOf();
    for (let first = 0; first < cols; first += across) {
      const part = [first, Math.min(first + across, cols)];
      cells(context, colors, part, scales);
      labels(context, colors, part);
      frames(context, colors, part);
      context.translate(0, band);
    }
    if (!spec.by) scale.replaceChildren(element("i", { class: `lm-${spec.color}-scale` }), scaleOf(scales[0]));
  }

  function scaleOf(most) {
    const number = show(Number(most.toPrecision(2)));
    return spec.color === "sign" ? `±${number}` : `0 to ${number}`;
  }

  /** The number of each row whose color is the strongest. */
  function scalesOf() {
    const { rows, cols, value } = spec;
    const reach = (i) => {
      let most = 0;
      for (let j = 0; j < cols; j++) most = Math.max(most, Math.abs(value(i, j)) || 0);
      return most;
    };
    const each = Array.from({ length: rows }, (_, i) => reach(i));
    return spec.by ? each : each.fill(spec.scale ?? Math.max(...each));
  }

  function cells(context, colors, [first, end], scales) {
    const { rows, value, color } = spec;
    const { left, top, width, height, gap } = layout;
    for (let i = 0; i < rows; i++) {
      const scale = scales[i] || 1;
      for (let j = first; j < end; j++) {
        const number = value(i, j);
        if (Number.isNaN(number)) continue;
        const pole = color === "sign" ? (number < 0 ? "negative" : "positive") : color;
        context.fillStyle = css(mixed(colors.paper, colors[pole], Math.sqrt(Math.abs(number) / scale)));
        context.fillRect(left + (j - first) * width, top + i * height, width - gap, height - gap);
      }
    }
    context.lineWidth = 1;
    context.strokeStyle = css(colors.faint);
    context.strokeRect(left + 0.5, top + 0.5, (end - first) * width - 1, rows * height - 1);
  }

  function labels(context, colors, [first, end]) {
    const { left, top, width, height, marked, topped } = layout;
    context.fillStyle = css(colors.ink);
    context.textBaseline = "middle";
    context.font = `${Math.min(14, Math.max(12, width))}px ${getComputedStyle(box).fontFamily}`;
    if (topped) {
      context.textAlign = "center";
      spec.top.slice(first, end).forEach((text, j) => context.fillText(text, left + (j + 0.5) * width, 9));
    }
    if (spec.left && height >= LEAST_LABEL) {
      context.textAlign = "right";
      spec.left.forEach((text, i) => context.fillText(text, left - 6, top + (i + 0.5) * height));
    } else if (marked) {
      context.textAlign = "center";
      context.fillText(spec.left[spec.chosen[0]], BESIDE / 2, top + (spec.chosen[0] + 0.5) * height);
    }
  }

  /** Frames around a row, a column, or a cell: outside it, so that its numbers keep their colors. */
  function frames(context, colors, [first, end]) {
    const { left, top, width, height, gap } = layout;
    context.strokeStyle = css(colors.ink);
    const frame = ([i, j], line) => {
      if (j >= 0 && (j < first || j >= end)) return;
      context.lineWidth = line;
      const [x, w] = j < 0 ? [left, (end - first) * width] : [left + (j - first) * width, width];
      const [y, h] = i < 0 ? [top, spec.rows * height] : [top + i * height, height];
      context.strokeRect(x - line / 2, y - line / 2, w - gap + line, h - gap + line);
    };
    if (spec.chosen) frame(spec.chosen, Math.min(width, height) < 8 ? 1 : 1.5);
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
      if (cell && (cell[0] >= spec.rows || cell[1] >= spec.cols)) move(null);
      const size = `${spec.rows} rows, ${spec.cols} columns`;
      box.setAttribute("aria-label", `${symbol}: ${size}. Use the arrow keys to read the numbers.`);
      if (cell) readout.textContent = spec.says(...cell);
      paint();
    },
    rename(text) {
      caption.replaceChildren(element("b", {}, text.symbol), text.formula ? ` = ${text.formula}` : "");
    },
  };
}
