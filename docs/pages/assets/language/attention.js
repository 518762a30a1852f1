/**
 * Attention of several heads. The names of the values are those that `pn.explain` prints: Q, K, V of each
 * head, turned Qr and Kr, scores S, weights P, and outputs O.
 */

import { attend } from "./attend.js";
import { columns, product, productTransposed, sideBySide, sum, transposedProduct } from "./matrix.js";
import { rotary } from "./rotary.js";

/** @param {number} heads  how many; wq, wk, and wv are (features, heads · d), wo the other way */
export const attention = (heads) => ({
  /** Q = x·wq, K = x·wk, V = x·wv, split into heads; y = O·wo, with the heads side by side in O. */
  forward({ wq, wk, wv, wo }, x) {
    const [qs, ks, vs] = [wq, wk, wv].map((w) => apart(product(x, w), heads));
    const steps = qs.map((Q, h) => {
      const [K, V] = [ks[h], vs[h]];
      const [Qr, Kr] = [rotary.forward(Q), rotary.forward(K)];
      return { Q, K, V, Qr, Kr, ...attend.forward(Qr, Kr, V) };
    });
    const outputs = sideBySide(steps.map(({ O }) => O));
    return { y: product(outputs, wo), cache: { x, outputs, steps } };
  },

  /**
   * dwo = Oᵀ·dy and dO = dy·woᵀ; then each head by itself; then, as x went three ways,
   * dx = dQ·wqᵀ + dK·wkᵀ + dV·wvᵀ.
   */
  backward({ wq, wk, wv, wo }, { x, outputs, steps }, dy) {
    const dOs = apart(productTransposed(dy, wo), heads);
    const dsteps = steps.map(({ Qr, Kr, V, P }, h) => {
      const { dQ: dQr, dK: dKr, ...found } = attend.backward(Qr, Kr, V, P, dOs[h]);
      return { dO: dOs[h], ...found, dQr, dKr, dQ: rotary.backward(dQr), dK: rotary.backward(dKr) };
    });
    const [dq, dk, dv] = ["dQ", "dK", "dV"].map((name) => sideBySide(dsteps.map((step) => step[name])));
    const dparams = {
      wq: transposedProduct(x, dq),
      wk: transposedProduct(x, dk),
      wv: transposedProduct(x, dv),
      wo: transposedProduct(outputs, dy),
    };
    const ways = [productTransposed(dq, wq), productTransposed(dk, wk), productTransposed(dv, wv)];
    return { dparams, dx: ways.reduce((all, way) => sum(all, way)), steps: dsteps };
  },
});

function apart(a, heads) {
  const d = a.cols / heads;
  return Array.from({ length: heads }, (_, h) => columns(a, h * d, d));
}
