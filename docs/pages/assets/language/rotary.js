/**
 * Each pair of features turned by an angle that grows with the position m: features i and i + h, with h
 * half of them, by m·10000^(−i/h). So a query and a key meet at an angle that depends on how far apart
 * they are.
 */

import { matrix } from "./matrix.js";

const BASE = 10_000;

export const rotary = {
  /** y_i = x_i cos − x_{i+h} sin, y_{i+h} = x_i sin + x_{i+h} cos */
  forward: (x) => turned(x, 1),

  /** A rotation's derivative is the rotation back: by −m·10000^(−i/h). */
  backward: (dy) => turned(dy, -1),
};

function turned(x, direction) {
  const y = matrix(x.rows, x.cols);
  const half = x.cols / 2;
  for (let m = 0; m < x.rows; m++) {
    for (let i = 0; i < half; i++) {
      const angle = m * BASE ** (-i / half);
      const [cos, sin] = [Math.cos(angle), direction * Math.sin(angle)];
      const at = m * x.cols + i;
      const [a, b] = [x.values[at], x.values[at + half]];
      y.values[at] = a * cos - b * sin;
      y.values[at + half] = a * sin + b * cos;
    }
  }
  return y;
}
