/** A vector for each token: row t of a table w, (vocabulary, features). */

import { matrix, row } from "./matrix.js";

export const embedding = {
  /** y_p = w[token at p]: tokens, one per position, to (positions, features). */
  forward({ w }, tokens) {
    const y = matrix(tokens.length, w.cols);
    tokens.forEach((token, p) => row(y, p).set(row(w, token)));
    return { y, cache: { tokens } };
  },

  /** dw[v] is the sum of dy_p over the positions p where token v stands. Tokens have no derivative. */
  backward({ w }, { tokens }, dy) {
    const dw = matrix(w.rows, w.cols);
    tokens.forEach((token, p) => {
      const to = row(dw, token);
      row(dy, p).forEach((value, j) => (to[j] += value));
    });
    return { dparams: { w: dw }, dx: null };
  },
};
