/**
 * A training run: the data, the network, and the optimizer's memory; `step()` takes one step. Nothing
 * here knows of the page.
 *
 * @typedef {{data: string, noise: number, seed: number, hidden: number[], activation: string,
 *   optimizer: string, rate: number, batch: number}} Spec  what a learner chooses
 * @typedef {{x: import("./matrix.js").Matrix, targets: number[]}} Examples
 */

import { answers, losses } from "./losses.js";
import { matrix } from "./matrix.js";
import { backward, forward, init } from "./mlp.js";
import { optimizers } from "./optimizers.js";
import { drawPoints } from "./points.js";
import { createRandom } from "./random.js";

export const TRAINING_POINTS = 200;
export const HELD_OUT_POINTS = 100;

/** The examples to train on, and those held out. @returns {{train: Examples, held: Examples}} */
export function pointsOf({ data, noise, seed }) {
  const points = drawPoints(data, { count: TRAINING_POINTS + HELD_OUT_POINTS, noise, seed });
  const examples = (some) => ({
    x: matrix(some.length, 2, Float64Array.from(some.flatMap(([x, y]) => [x, y]))),
    targets: some.map(([, , label]) => label),
  });
  return {
    train: examples(points.slice(0, TRAINING_POINTS)),
    held: examples(points.slice(TRAINING_POINTS)),
  };
}

/** @param {Spec} spec @param {{train: Examples, held: Examples}} examples */
export function createRun(spec, { train, held }) {
  const { activation, hidden } = spec;
  const outputs = spec.data === "digits" ? 10 : 1;
  const loss = outputs === 1 ? losses.sigmoidBinaryCrossEntropy : losses.softmaxCrossEntropy;
  const optimizer = optimizers[spec.optimizer];
  const params = init(createRandom(1000 + spec.seed), [train.x.cols, ...hidden, outputs]);
  const initial = params.map(({ w }) => w.values.slice());
  const arrays = params.flatMap(({ w, b }) => [w.values, b]);
  const memories = arrays.map(optimizer.init);
  const shuffles = createRandom(2000 + spec.seed);
  const size = Math.min(spec.batch, train.x.rows);
  const perEpoch = Math.floor(train.x.rows / size);
  let order = null;

  const run = {
    params,
    /** The weights before the first step, one array per layer. */
    initial,
    perEpoch,
    steps: 0,
    /** The gradients of the last step, before it was taken. */
    grads: null,

    /** The examples of the next step: an epoch is a new order, and leaves out what fills no batch. */
    batch() {
      if (size === train.x.rows) return train;
      const place = run.steps % perEpoch;
      if (place === 0 || order === null) order = shuffles.permutation(train.x.rows);
      return rows(train, order.slice(place * size, (place + 1) * size));
    },

    /** Takes one step on a batch, and returns the loss of the batch before it. */
    step({ x, targets } = run.batch()) {
      const caches = forward(params, activation, x);
      const { z } = caches.at(-1);
      run.grads = backward(params, activation, caches, loss.backward(z, targets));
      const grads = run.grads.flatMap(({ dw, db }) => [dw.values, db]);
      arrays.forEach((w, i) => optimizer.update(w, grads[i], memories[i], run.rate, run.steps));
      run.steps += 1;
      return loss.forward(z, targets);
    },

    /** The learning rate may change on the way. */
    rate: spec.rate,

    /** Loss and accuracy on examples, and what the forward pass computed. */
    evaluate({ x, targets }) {
      const caches = forward(params, activation, x);
      const { z } = caches.at(-1);
      const right = answers(z).filter((answer, i) => answer === targets[i]).length;
      return { loss: loss.forward(z, targets), accuracy: right / targets.length, caches };
    },

    forward: (x) => forward(params, activation, x),
    train,
    held,
  };
  return run;
}

function rows({ x, targets }, chosen) {
  const values = new Float64Array(chosen.length * x.cols);
  chosen.forEach((row, i) =>
    values.set(x.values.subarray(row * x.cols, (row + 1) * x.cols), i * x.cols),
  );
  return { x: matrix(chosen.length, x.cols, values), targets: chosen.map((row) => targets[row]) };
}
