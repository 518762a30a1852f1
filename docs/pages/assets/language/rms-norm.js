/** Each row divided by the root of its mean square, and multiplied by gamma. */

import { matrix, row } from "./matrix.js";

const EPSILON = 1e-6;

export const rmsNorm = {
  /** y = gamma ⊙ x̂, with x̂ = r·x and r = 1 / √(mean of x² + ε), one number per row. */
  forward({ gamma }, x) {
    const y = matrix(x.rows, x.cols);
    const xHat = matrix(x.rows, x.cols);
    const r = new Float64Array(x.rows);
    for (let i = 0; i < x.rows; i++) {
      const square = row(x, i).reduce((total, value) => total + value * value, 0);
      r[i] = 1 / Math.sqrt(square / x.cols + EPSILON);
      row(xHat, i).set(row(x, i).map((value) => r[i] * value));
      row(y, i).set(row(xHat, i).map((value, j) => gamma.values[j] * value));
    }
    return { y, cache: { xHat, r } };
  },

  /** With v = gamma ⊙ dy: dgamma = Σ rows dy ⊙ x̂, dx = r·(v − x̂·mean(v ⊙ x̂)) */
  backward({ gamma }, { xHat, r }, dy) {
    const dx = matrix(dy.rows, dy.cols);
    const dgamma = matrix(1, dy.cols);
    for (let i = 0; i < dy.rows; i++) {
      const hat = row(xHat, i);
      const v = row(dy, i).map((value, j) => gamma.values[j] * value);
      const mean = v.reduce((total, value, j) => total + value * hat[j], 0) / dy.cols;
      row(dx, i).set(v.map((value, j) => r[i] * (value - hat[j] * mean)));
      row(dy, i).forEach((value, j) => (dgamma.values[j] += value * hat[j]));
    }
    return { dparams: { gamma: dgamma }, dx };
  },
};
