/**
 * A multi-layer perceptron: dense layers with one activation between them, none after the last.
 *
 * @typedef {import("./matrix.js").Matrix} Matrix
 * @typedef {{w: Matrix, b: Float64Array}} Params  of one dense layer: w (n_in, units), b (units,)
 * @typedef {{x: Matrix, z: Matrix, a: Matrix}} Cache  of one dense layer and its activation
 */

import { activations } from "./activations.js";
import { matrix, product, productTransposed, transposedProduct } from "./matrix.js";

/** z = x·w + b, with x (m, n_in) and z (m, units). */
const dense = {
  forward({ w, b }, x) {
    const z = product(x, w);
    for (let i = 0; i < z.values.length; i++) z.values[i] += b[i % z.cols];
    return z;
  },

  /** dw = xᵀ·dz, db = the sum of dz over the examples, dx = dz·wᵀ */
  backward({ w }, x, dz) {
    const db = new Float64Array(dz.cols);
    for (let i = 0; i < dz.values.length; i++) db[i % dz.cols] += dz.values[i];
    return { dw: transposedProduct(x, dz), db, dx: () => productTransposed(dz, w) };
  },
};

/** Normal weights with variance 2 / n_in (He), and biases of 0. @returns {Params[]} */
export function init(random, sizes) {
  return sizes.slice(1).map((units, l) => {
    const scale = Math.sqrt(2 / sizes[l]);
    const values = Float64Array.from({ length: sizes[l] * units }, () => scale * random.normal());
    return { w: matrix(sizes[l], units, values), b: new Float64Array(units) };
  });
}

/** Every x, z, and a; the last layer has no activation, so its a is its z, the logits. */
export function forward(params, activation, x) {
  return params.map((layer, l) => {
    const z = dense.forward(layer, x);
    const a = l < params.length - 1 ? activations[activation].forward(z) : z;
    const cache = { x, z, a };
    x = a;
    return cache;
  });
}

/**
 * The derivative of the loss with respect to the parameters, the last layer first, from dz, its
 * derivative with respect to the logits. The dx of a layer is the da of the layer before; that of
 * the first layer nobody needs, so it is not computed.
 */
export function backward(params, activation, caches, dz) {
  const grads = [];
  for (let l = params.length - 1; l >= 0; l--) {
    const { dw, db, dx } = dense.backward(params[l], caches[l].x, dz);
    grads[l] = { dw, db };
    if (l === 0) break;
    const { z, a } = caches[l - 1];
    dz = activations[activation].backward(z, a, dx());
  }
  return grads;
}
