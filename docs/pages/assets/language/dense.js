/** y = x·w, without a bias: the second half of a block's gated layer, and the scores at the exit. */

import { product, productTransposed, transposedProduct } from "./matrix.js";

export const dense = {
  forward({ w }, x) {
    return { y: product(x, w), cache: { x } };
  },

  /** dw = xᵀ·dy, dx = dy·wᵀ */
  backward({ w }, { x }, dy) {
    return { dparams: { w: transposedProduct(x, dy) }, dx: productTransposed(dy, w) };
  },
};
