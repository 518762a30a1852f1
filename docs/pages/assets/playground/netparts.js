/** The parts of the drawing: the images, the columns of units, the outputs with their bars, the loss. */

import { twoChances } from "./alike.js";
import { chance, ranked, reach, show } from "./dom.js";
import { pixelAt } from "./layout.js";
import { column } from "./matrix.js";
import { SIDE } from "./preprocess.js";
import { placeOf, quantityAt, valuesOf } from "./stages.js";
import { css, diverging, mixed, textOn } from "./theme.js";

const FONT = "Inter, system-ui, sans-serif";

function write(
  context,
  colors,
  text,
  x,
  y,
  { size = 12, bold = false, align = "center", color = colors.ink } = {},
) {
  context.font = `${bold ? 600 : 400} ${size}px ${FONT}`;
  context.textAlign = align;
  context.textBaseline = "middle";
  context.fillStyle = css(color);
  context.fillText(text, x, y);
}

const same = (target, layer, index) =>
  target?.kind === "unit" && target.layer === layer && target.index === index;

/** The color of what a stage computes now. */
function active(colors, { stages, at }, kinds, layer) {
  const stage = stages[at];
  if (!kinds.includes(stage.kind) || stage.layer !== layer) return null;
  return stage.direction === "backward" ? colors.backward : colors.forward;
}

/** The drawing, and below it the weights of one unit, their gradient, or what the step adds. */
export function paintImages(context, colors, layout, view) {
  const { state, unit, target, stages, at } = view;
  const [above, below] = layout.images;
  const x = state.x ? state.x.values : new Float64Array(SIDE * SIDE);
  image(context, { ...colors, positive: colors.ink }, above, x, 1);
  const lit = active(colors, view, ["x"], 0);
  write(context, colors, layout.narrow ? "X" : "X, the input of the network", above.x, above.y - 11, {
    align: "left",
    bold: Boolean(lit),
    color: lit ?? colors.ink,
  });
  const changed = state.grads && at >= placeOf(stages, "dw", 1);
  const step = stages[at].kind === "step";
  const values = column(changed ? state.grads[0].dw : state.params[0].w, unit);
  const shown = step ? values.map((value) => -state.rate * value) : values;
  image(context, colors, below, shown, reach(shown));
  const name = step ? `−rate · dW1[:, ${unit}]` : `${changed ? "dW1" : "W1"}[:, ${unit}]`;
  const words = step
    ? ""
    : changed
      ? ", the gradient of these weights"
      : `, the weights into hidden unit ${unit}`;
  const color = active(colors, view, ["dw"], 1);
  const room = layout.columns[0].left - below.x; // up to the first layer
  const fits = context.measureText(name + words).width < room;
  write(context, colors, name + (fits ? words : ""), below.x, below.y - 11, {
    align: "left",
    bold: Boolean(color),
    color: color ?? colors.ink,
  });
  const marked =
    target?.kind === "pixel"
      ? [above, target.index]
      : target?.kind === "edge" && target.layer === 1
        ? [below, target.from]
        : null;
  if (marked) {
    const place = pixelAt(...marked);
    const size = Math.max(8, above.side / SIDE + 3);
    context.strokeStyle = css(colors.chosen);
    context.lineWidth = 2;
    context.strokeRect(place.x - size / 2, place.y - size / 2, size, size);
  }
}

function image(context, colors, { x, y, side }, values, scale) {
  const pixels = new ImageData(SIDE, SIDE);
  values.forEach((value, i) => diverging(colors, value, scale, pixels.data, 4 * i));
  const small = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  small.getContext("2d").putImageData(pixels, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, x, y, side, side);
  context.strokeStyle = css(colors.faint);
  context.lineWidth = 1;
  context.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
}

/** The numbers of a layer and the number of the full color; Z and A have the same one. */
function numbersOf({ state, stages, at }, n) {
  const quantity = state.x && quantityAt(stages, at, n);
  if (!quantity) return { quantity: null, values: state.ahead[n - 1].a.values };
  const values = valuesOf(state, n, quantity);
  const last = n === state.params.length;
  const scales = {
    z: () => reach(values),
    a: () => (last ? 1 : reach(valuesOf(state, n, "z"))),
    da: () => reach(values),
    dz: () => reach(last ? values : valuesOf(state, n, "da")),
  };
  const scale = scales[quantity]();
  return { quantity, values, scale };
}

/** The color of an activation that a later stage computes, or that a blank pad gives: dimmed. */
function dimmed(colors, values, index) {
  const full = mixed(colors, values[index], reach(values));
  return full.map((part, k) => Math.round(colors.zero[k] + 0.4 * (part - colors.zero[k])));
}

const SYMBOLS = { z: "Z", a: "A", da: "dA", dz: "dZ" };

function heading(context, colors, view, spot, n, quantity) {
  const lit = active(colors, view, ["z", "a", "da", "dz"], n);
  const back = view.stages[view.at].direction === "backward";
  const arrow = lit ? (back ? "← " : "") : "";
  const text = quantity
    ? `${arrow}${SYMBOLS[quantity]}${n}${lit && !back ? " →" : ""}`
    : `layer ${n}`;
  write(context, colors, text, spot.x, spot.y, {
    size: 13,
    bold: Boolean(lit),
    align: spot.align,
    color: lit ?? colors.ink,
  });
}

/** A hidden layer: a circle for each unit; a small empty one is off. */
export function paintColumn(context, colors, layout, view, n) {
  const { nodes, center, symbolY } = layout.columns[n - 1];
  const { quantity, values, scale } = numbersOf(view, n);
  heading(context, colors, view, { x: center, y: symbolY, align: "center" }, n, quantity);
  for (const node of nodes) {
    const value = values[node.index];
    const off = quantity && quantity !== "z" && value === 0;
    disc(
      context,
      colors,
      node,
      quantity ? mixed(colors, value, scale) : dimmed(colors, values, node.index),
      off ? 0.45 : 1,
    );
    if (same(view.target, n, node.index)) ring(context, colors, node);
  }
}

function disc(context, colors, { x, y, r }, fill, part = 1) {
  context.beginPath();
  context.arc(x, y, r * part, 0, 2 * Math.PI);
  context.fillStyle = css(fill);
  context.fill();
  context.strokeStyle = css(colors.muted);
  context.lineWidth = 0.8;
  context.stroke();
}

function ring(context, colors, { x, y, r }) {
  context.beginPath();
  context.arc(x, y, r + 2.5, 0, 2 * Math.PI);
  context.strokeStyle = css(colors.chosen);
  context.lineWidth = 2.5;
  context.stroke();
}

/** The last layer: a circle with its digit, a bar, and a number for each. */
export function paintOutputs(context, colors, layout, view) {
  const n = layout.columns.length;
  const { left, width, nodes, symbolY, pitch } = layout.columns[n - 1];
  const { state, stages, at } = view;
  const { quantity, values, scale } = numbersOf(view, n);
  heading(context, colors, view, { x: left, y: symbolY, align: "left" }, n, quantity);
  const step = stages[at].kind === "step" && state.caches; // a blank pad has no numbers
  const kind = step ? "a" : quantity;
  const numbers = kind && valuesOf(state, n, kind);
  const first = kind === "a" ? ranked(numbers)[0] : null;
  const answer = state.grads && ranked(state.caches.at(-1).a.values)[0];
  const [start, end] = [left + 30, left + width - 66]; // room for −1.0e−12
  const high = Math.min(14, 0.44 * pitch); // of a bar
  for (const node of nodes) {
    const j = node.index;
    const shares = quantity === "a" || !quantity; // probabilities have no sign
    const shades = shares ? { ...colors, positive: colors.forward } : colors;
    const fill = quantity ? mixed(shades, values[j], scale) : dimmed(shades, values, j);
    disc(context, colors, node, fill);
    write(context, { ...colors }, String(j), node.x, node.y + 0.5, {
      bold: true,
      size: Math.min(13, 0.5 * pitch),
      color: rgbOf(textOn(fill)),
    });
    if (same(view.target, n, j)) ring(context, colors, node);
    if (kind) {
      bar(
        context,
        colors,
        kind,
        numbers[j],
        reach(numbers),
        [start, end, node.y, high],
        j === first,
      );
      if (step)
        outline(context, colors, state.nextCaches.at(-1).a.values[j], [
          start,
          end,
          node.y,
          high,
        ]);
      const stepped = kind === "a" && !step && state.before && j === state.label;
      const [was, now] = stepped ? twoChances(state.before[j], numbers[j]) : ["", ""];
      const long = now.length > 8; // more than there is room for
      const text = stepped && !long ? now : outputText(kind, numbers[j], reach(numbers));
      const two = stepped && !long && was.length <= 8 && pitch > 28; // room for a second line
      write(context, colors, text, left + width - 4, node.y - (two ? 6 : 0), {
        align: "right",
        bold: j === first || stepped,
      });
      if (two) write(context, colors, `was ${was}`, left + width - 4, node.y + 8, { align: "right", size: 11 });
    }
    const judged = at >= placeOf(stages, "loss", n);
    const wrong = judged && j === answer && j !== state.label; // the label's ring, and a wrong answer's
    if (wrong || (judged && j === state.label)) {
      context.strokeStyle = css(wrong ? colors.wrong : colors.chosen);
      context.lineWidth = wrong ? 2 : 1.5;
      context.beginPath();
      context.roundRect(left - 5, node.y - 0.48 * pitch, width + 5, 0.96 * pitch, 6);
      context.stroke();
    }
  }
}

/** Three decimals beside numbers near 1; the sum beside the drawing has the small ones. */
function outputText(kind, value, largest) {
  if (kind === "a") return chance(value);
  const fixed = kind === "dz" && largest > 0.01;
  return fixed
    ? value
        .toFixed(3)
        .replace("-", "−")
        .replace(/^−(0\.000)$/, "$1")
    : show(value);
}

const rgbOf = (hex) => (hex === "#fff" ? [255, 255, 255] : [0, 0, 0]);

/** Probabilities run from the left; other numbers from the middle, to the side of their sign. */
function bar(context, colors, kind, value, scale, [start, end, y, high], first) {
  const probability = kind === "a";
  const zero = probability ? start : (start + end) / 2;
  const long = probability ? (end - start) * value : (((end - start) / 2) * value) / scale;
  context.fillStyle = css(colors.faint);
  context.fillRect(start, y - high / 2, end - start, high);
  context.fillStyle = css(
    probability
      ? first
        ? colors.forward
        : colors.muted
      : value < 0
        ? colors.negative
        : colors.positive,
  );
  context.fillRect(Math.min(zero, zero + long), y - high / 2, Math.abs(long), high);
}

function outline(context, colors, value, [start, end, y, high]) {
  context.strokeStyle = css(colors.ink);
  context.lineWidth = 1.2;
  context.strokeRect(start, y - high / 2 - 2, Math.max(1, (end - start) * value), high + 4);
}

/** The loss, below the outputs it is computed from. */
export function paintLoss(context, colors, layout, view) {
  const { state, stages, at, target } = view;
  const { x, y, width, height } = layout.loss;
  const known = state.grads && at >= placeOf(stages, "loss", layout.columns.length);
  const wrong = known && ranked(state.caches.at(-1).a.values)[0] !== state.label;
  const now = stages[at].kind === "loss";
  context.beginPath();
  context.roundRect(x - 5, y, width + 5, height, 6);
  context.fillStyle = css(colors.zero);
  context.fill();
  context.strokeStyle = css(target?.kind === "loss" || now ? colors.chosen : colors.faint);
  context.lineWidth = target?.kind === "loss" || now ? 2 : 1;
  context.stroke();
  write(context, colors, "loss", x + 4, y + height / 2, { align: "left", bold: now });
  write(context, colors, known ? show(state.loss) : "–", x + width - 6, y + height / 2, {
    align: "right",
    bold: true,
    size: 14,
    color: wrong ? colors.wrong : colors.ink,
  });
}
