/** One head: queries, keys, and values, (positions, d) each, to a weighted mean of the values. */

import { map, matrix, product, productTransposed, row, transposedProduct } from "./matrix.js";
import { softmax } from "./softmax-cross-entropy.js";

export const attend = {
  /**
   * S = Q·Kᵀ/√d, P = softmax(S), O = P·V. A query at position t sees keys 0 to t; later places of S
   * are −∞, and 0 in P.
   */
  forward(Q, K, V) {
    const S = map((value) => value / Math.sqrt(Q.cols), productTransposed(Q, K));
    for (let t = 0; t < S.rows; t++) row(S, t).fill(-Infinity, t + 1);
    const P = softmax(S);
    return { S, P, O: product(P, V) };
  },

  /**
   * dV = Pᵀ·dO and dP = dO·Vᵀ. The softmax takes from each row of dP its mean under P, D:
   * dS = P ⊙ (dP − D). Then dQ = dS·K/√d and dK = dSᵀ·Q/√d.
   */
  backward(Q, K, V, P, dO) {
    const dV = transposedProduct(P, dO);
    const dP = productTransposed(dO, V);
    const D = matrix(P.rows, 1);
    const dS = matrix(P.rows, P.cols);
    for (let t = 0; t < P.rows; t++) {
      const [weights, dweights] = [row(P, t), row(dP, t)];
      D.values[t] = weights.reduce((total, weight, j) => total + weight * dweights[j], 0);
      row(dS, t).set(weights.map((weight, j) => weight * (dweights[j] - D.values[t])));
    }
    const scaled = (a) => map((value) => value / Math.sqrt(Q.cols), a);
    return { dV, dP, D, dS, dQ: scaled(product(dS, K)), dK: scaled(transposedProduct(dS, Q)) };
  },
};
