/**
 * A network of dense layers with ReLU between them, of any depth, under softmax cross-entropy:
 * forward, backward and a step of gradient descent. The names, the layout (rows are examples) and
 * the place of the 1/m (in the loss) are purenn's. Nothing here knows of the page.
 *
 * @typedef {import("./matrix.js").Matrix} Matrix
 * @typedef {{w: Matrix, b: Float64Array}} Params  of one dense layer: w (n_in, units), b (units,)
 * @typedef {{x: Matrix, z: Matrix, a: Matrix}} Cache  of one dense layer and its activation
 * @typedef {{dz: Matrix, dw: Matrix, db: Float64Array, dx: Matrix}} Grads  of one dense layer
 */

import { matrix, product, productTransposed, sumRows, transposedProduct } from "./matrix.js";

/** z = x·w + b, with x (m, n_in) and z (m, units). */
export const dense = {
  forward({ w, b }, x) {
    const z = product(x, w);
    z.values.forEach((_, i) => (z.values[i] += b[i % z.cols]));
    return z;
  },

  /** dw = xᵀ·dz, db = the sum of dz over the examples, dx = dz·wᵀ */
  backward({ w }, x, dz) {
    return { dw: transposedProduct(x, dz), db: sumRows(dz), dx: productTransposed(dz, w) };
  },
};

/** a = max(0, z), elementwise. */
export const relu = {
  forward: (z) =>
    matrix(
      z.rows,
      z.cols,
      z.values.map((value) => Math.max(0, value)),
    ),

  /** dz = da ⊙ (z > 0): the derivative is 1 above 0, and 0 at and below it. */
  backward: (z, da) =>
    matrix(
      z.rows,
      z.cols,
      da.values.map((value, i) => (z.values[i] > 0 ? value : 0)),
    ),
};

/** a[i, :] = exp(z[i, :]) / Σ exp(z[i, :]), the row's maximum subtracted: exp(800) is infinite. */
export function softmax(z) {
  const a = matrix(z.rows, z.cols);
  for (let i = 0; i < z.rows; i++) {
    const row = z.values.subarray(i * z.cols, (i + 1) * z.cols);
    const largest = Math.max(...row);
    const powers = row.map((value) => Math.exp(value - largest));
    const sum = powers.reduce((total, power) => total + power, 0);
    a.values.set(
      powers.map((power) => power / sum),
      i * z.cols,
    );
  }
  return a;
}

/** The mean over the m examples of −log(softmax(z)[target]), targets being m class numbers. */
export const softmaxCrossEntropy = {
  /** −log(softmax(z)[t]) = max(z) + log Σ exp(z − max(z)) − z[t]: finite where the softmax is 0. */
  forward(z, targets) {
    let sum = 0;
    for (let i = 0; i < z.rows; i++) {
      const row = z.values.subarray(i * z.cols, (i + 1) * z.cols);
      const largest = Math.max(...row);
      const powers = row.reduce((total, value) => total + Math.exp(value - largest), 0);
      sum += largest + Math.log(powers) - row[targets[i]];
    }
    return sum / z.rows;
  },

  /** dz = (softmax(z) − y) / m, with y (m, classes) one-hot. The texts' dZ is m times this. */
  backward(z, targets) {
    const dz = softmax(z);
    targets.forEach((target, i) => (dz.values[i * z.cols + target] -= 1));
    dz.values.forEach((_, i) => (dz.values[i] /= z.rows));
    return dz;
  },
};

/**
 * Every z and a. The activation is ReLU, after the last layer the softmax.
 *
 * @param {Params[]} params
 * @param {Matrix} x (m, n_in)
 * @returns {Cache[]} a layer each
 */
export function forward(params, x) {
  const caches = [];
  params.forEach((layer, l) => {
    const z = dense.forward(layer, x);
    const a = l === params.length - 1 ? softmax(z) : relu.forward(z);
    caches.push({ x, z, a });
    x = a;
  });
  return caches;
}

/** The loss of a forward pass. */
export function loss(caches, targets) {
  return softmaxCrossEntropy.forward(caches.at(-1).z, targets);
}

/**
 * The derivative of the loss with respect to everything, the last layer first. The dx of a layer is the da of
 * the layer before, and that layer's dz is da ⊙ (z > 0).
 *
 * @param {Params[]} params
 * @param {Cache[]} caches of `forward`
 * @param {number[]} targets m class numbers
 * @returns {Grads[]} a layer each, in the layers' order
 */
export function backward(params, caches, targets) {
  const grads = [];
  let dz = softmaxCrossEntropy.backward(caches.at(-1).z, targets);
  for (let l = params.length - 1; l >= 0; l--) {
    grads[l] = { dz, ...dense.backward(params[l], caches[l].x, dz) };
    if (l > 0) dz = relu.backward(caches[l - 1].z, grads[l].dx);
  }
  return grads;
}

/** One step of gradient descent: w − rate·dw and b − rate·db, as new parameters. */
export function step(params, grads, rate) {
  return params.map(({ w, b }, l) => {
    const { dw, db } = grads[l];
    return {
      w: matrix(
        w.rows,
        w.cols,
        w.values.map((value, i) => value - rate * dw.values[i]),
      ),
      b: b.map((value, i) => value - rate * db[i]),
    };
  });
}
