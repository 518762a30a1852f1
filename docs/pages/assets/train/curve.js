/** The loss over the steps, on the training examples and on those held out. */

import { drawing, element, mark, show, words } from "../widgets/kit.js";
import { ofAxis } from "../widgets/powers.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [290, 190, 40, 76, 10, 26];
const MOST = 400; // points of a line: beyond them every second one goes
const LEAST = 1e-4; // the lowest loss of the logarithmic axis

export function createCurve(host) {
  const box = element("div");
  const log = element("input", { type: "checkbox" });
  host.append(
    element(
      "div",
      { class: "tr-head" },
      element("p", { class: "tr-title" }, "Loss"),
      element("label", {}, log, "Logarithmic axis"),
    ),
    box,
  );
  let points = [];
  log.addEventListener("change", paint);

  function paint() {
    box.replaceChildren(plot(points, log.checked));
  }

  return {
    clear: () => (points = []),

    add({ steps, train, held }) {
      if (points.length && points.at(-1).steps >= steps) return;
      points.push({ steps, train: train.loss, held: held.loss });
      if (points.length > MOST) points = points.filter((_, i) => i % 2 === 0 || i === points.length - 1);
    },

    paint,
  };
}

function plot(points, log) {
  const last = points.at(-1);
  const label = last
    ? `Loss after ${last.steps} steps: ${show(last.train)} on the training examples, ` +
      `${show(last.held)} on the held-out ones`
    : "No loss yet";
  const all = points.flatMap(({ train, held }) => [train, held]).filter(Number.isFinite);
  const steps = Math.max(last?.steps ?? 0, 10);
  const [low, high, ticks] = log ? logarithmic(all) : linear(all);
  const written = log ? ofAxis(ticks) : show;
  const share = (loss) =>
    log ? Math.log(Math.max(loss, low) / low) / Math.log(high / low) : loss / high;
  const x = (step) => LEFT + ((WIDTH - LEFT - RIGHT) * step) / steps;
  const y = (loss) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * Math.min(share(loss), 1);
  const line = (name) =>
    mark("polyline", {
      points: points
        .filter((point) => Number.isFinite(point[name]))
        .map((point) => `${x(point.steps).toFixed(1)},${y(point[name]).toFixed(1)}`)
        .join(" "),
      class: `tr-${name}`,
    });
  const drawn = points.length > 1; // before the first step there is no line to name
  const [train, held] = drawn ? apart(y(last.train), y(last.held)) : [0, 0];
  const right = WIDTH - RIGHT + 6;
  /** The name of a line, in its color, after a short piece of it. */
  const named = (name, at, text) => [
    mark("polyline", { points: `${right},${at} ${right + 16},${at}`, class: `tr-${name}` }),
    words(right + 21, at, text, { "text-anchor": "start", "font-size": 12, class: `tr-${name}` }),
  ];
  return drawing(
    WIDTH,
    HEIGHT,
    label,
    ...ticks.flatMap((tick) => [
      mark("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick), class: "tr-grid" }),
      words(LEFT - 6, y(tick), written(tick), { "text-anchor": "end", "font-size": 12 }),
    ]),
    ...[0, steps].map((step) => words(x(step), HEIGHT - BOTTOM + 14, step, { "font-size": 12 })),
    words((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 14, "steps", { "font-size": 12 }),
    line("held"),
    line("train"),
    ...(drawn && Number.isFinite(last.train)
      ? [...named("train", train, "training"), ...named("held", held, "held out")]
      : []),
    ...(drawn
      ? []
      : [words((LEFT + WIDTH - RIGHT) / 2, (HEIGHT - BOTTOM) * 0.77, 'Press "Start" to draw the curves.', { "font-size": 12 })]),
  );
}

/** Where the two names stand: beside their line's end, but never on each other. */
function apart(train, held) {
  const middle = Math.min((train + held) / 2, HEIGHT - BOTTOM - 7);
  if (Math.abs(train - held) >= 14) return [train, held].map((at) => Math.min(at, HEIGHT - BOTTOM));
  return train > held ? [middle + 7, middle - 7] : [middle - 7, middle + 7];
}

/** From 0 to the next round number. */
function linear(losses) {
  const largest = Math.max(...losses, 0.1);
  const power = 10 ** Math.floor(Math.log10(largest));
  const high = [1, 2, 5, 10].find((factor) => factor * power >= largest) * power;
  return [0, high, [0, high / 2, high]];
}

/** From power of ten to power of ten. */
function logarithmic(losses) {
  const low = Math.floor(Math.log10(Math.max(Math.min(...losses, 0.1), LEAST)));
  const high = Math.ceil(Math.log10(Math.max(...losses, 1)));
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  return [10 ** low, 10 ** high, ticks];
}
