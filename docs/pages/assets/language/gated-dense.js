/** Two affine maps of the same input; the activation of one is a gate for the other. With silu: SwiGLU. */

import { map, product, productTransposed, sum, transposedProduct } from "./matrix.js";

const sigmoid = (a) => 1 / (1 + Math.exp(-a));

export const silu = {
  forward: (a) => a * sigmoid(a),

  /** The derivative of a·σ(a): σ(a) + a·σ(a)·(1 − σ(a)) */
  derivative: (a) => sigmoid(a) * (1 + a * (1 - sigmoid(a))),
};

export const gatedDense = {
  /** a = x·w, h = x·v, y = silu(a) ⊙ h */
  forward({ w, v }, x) {
    const [a, h] = [product(x, w), product(x, v)];
    return { y: map((ai, hi) => silu.forward(ai) * hi, a, h), cache: { x, a, h } };
  },

  /** dh = dy ⊙ silu(a), da = dy ⊙ h ⊙ silu′(a), and then two dense layers with the same input. */
  backward({ w, v }, { x, a, h }, dy) {
    const dh = map((dyi, ai) => dyi * silu.forward(ai), dy, a);
    const gate = map((hi, ai) => hi * silu.derivative(ai), h, a);
    const da = map((dyi, factor) => dyi * factor, dy, gate);
    const dparams = { w: transposedProduct(x, da), v: transposedProduct(x, dh) };
    return { dparams, dx: sum(productTransposed(da, w), productTransposed(dh, v)), steps: { da, dh } };
  },
};
