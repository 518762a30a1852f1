/** What the page shows of a run: losses, pictures, norms. Typed arrays, to be handed over. */

import { matrix } from "./matrix.js";
import { REACH } from "./points.js";

/** The plane is sampled at SIDE × SIDE places, and every second one of them for a unit's picture. */
export const SIDE = 80;
export const SMALL = SIDE / 2;
const MEASURED = 500; // training digits that the loss is measured on: all 3,000 would take too long

const grid = matrix(SIDE ** 2, 2);
for (let row = 0; row < SIDE; row++) {
  for (let column = 0; column < SIDE; column++) {
    const at = (place) => REACH * ((2 * place + 1) / SIDE - 1);
    grid.values.set([at(column), -at(row)], 2 * (row * SIDE + column));
  }
}

/**
 * @returns {{steps: number, perEpoch: number, train: object, held: object, layers: object[],
 *   arrays: Float32Array[]}} `train` and `held` have a loss and an accuracy; a layer has its shape,
 *   its weights, their changes since the start and the gradients of the last step, the norms of w and
 *   dw, and `off`: how many of its units are 0 for every training example. `field` has the logit at each
 *   place of the plane, and a layer's `pictures` what each unit answers there. `arrays`: all that is large.
 */
export function report(run, spec) {
  const digits = spec.data === "digits";
  const measured = digits ? first(run.train, MEASURED) : run.train;
  const { caches, ...train } = run.evaluate(measured);
  const { caches: guesses, ...held } = run.evaluate(run.held);
  const arrays = [];
  const keep = (values) => {
    const array = Float32Array.from(values);
    arrays.push(array);
    return array;
  };

  const layers = run.params.map(({ w }, l) => ({
    shape: [w.rows, w.cols],
    weights: keep(w.values),
    changes: keep(w.values.map((value, i) => value - run.initial[l][i])),
    gradients: keep(run.grads ? run.grads[l].dw.values : new Float32Array(w.values.length)),
    wNorm: norm(w.values),
    dwNorm: run.grads ? norm(run.grads[l].dw.values) : null,
    off: spec.activation === "relu" && l < run.params.length - 1 ? unitsOff(caches[l].a) : null,
  }));
  const found = { steps: run.steps, perEpoch: run.perEpoch, train, held, layers, arrays };
  if (digits) return { ...found, logits: keep(guesses.at(-1).z.values) };

  const plane = run.forward(grid);
  plane.slice(0, -1).forEach(({ a }, l) => (layers[l].pictures = keep(pictures(a))));
  return { ...found, field: keep(plane.at(-1).z.values) };
}

function first({ x, targets }, count) {
  return {
    x: matrix(count, x.cols, x.values.subarray(0, count * x.cols)),
    targets: targets.slice(0, count),
  };
}

function norm(values) {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

function unitsOff(a) {
  const on = new Set();
  a.values.forEach((value, i) => value > 0 && on.add(i % a.cols));
  return a.cols - on.size;
}

/** SMALL × SMALL numbers of each unit, one picture after the other. */
function pictures({ cols, values }) {
  const taken = new Float32Array(cols * SMALL ** 2);
  for (let unit = 0; unit < cols; unit++) {
    for (let i = 0; i < SMALL ** 2; i++) {
      const [row, column] = [2 * Math.floor(i / SMALL), 2 * (i % SMALL)];
      taken[unit * SMALL ** 2 + i] = values[(row * SIDE + column) * cols + unit];
    }
  }
  return taken;
}
