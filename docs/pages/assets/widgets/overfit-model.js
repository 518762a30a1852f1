/** A polynomial fitted by least squares, in Legendre's polynomials on [−1, 1], with an L2 penalty. */

import { normal, uniform } from "./random.js";

/** The curve that the points are noisy values of. */
export const truth = (x) => Math.sin(3 * x) * 0.8 + 0.3 * x;

export function pointsOf({ count, noise, seed }) {
  const [place, error] = [uniform(seed), normal(seed + 500)];
  return Array.from({ length: count }, (_, i) => {
    const x = -1 + (2 * (i + 0.15 + 0.7 * place())) / count;
    return [x, truth(x) + noise * error()];
  });
}

/** P0(x) … Pn(x): (k + 1)·P(k+1) = (2k + 1)·x·Pk − k·P(k−1) */
export function legendre(x, degree) {
  const values = [1, x];
  for (let k = 1; k < degree; k++) values.push(((2 * k + 1) * x * values[k] - k * values[k - 1]) / (k + 1));
  return values.slice(0, degree + 1);
}

/** The coefficients c that minimize Σ (c·P(x) − y)² + penalty·Σ c², by Householder's QR. */
export function fit(points, degree, penalty = 0) {
  const rows = points.map(([x, y]) => [...legendre(x, degree), y]);
  const size = degree + 1;
  for (let i = 0; i < size && penalty > 0; i++) {
    rows.push(Array.from({ length: size + 1 }, (_, j) => (i === j ? Math.sqrt(penalty) : 0)));
  }
  for (let k = 0; k < size; k++) {
    const length = Math.hypot(...rows.slice(k).map((row) => row[k]));
    if (length === 0) continue;
    const pivot = rows[k][k] > 0 ? -length : length;
    const v = rows.slice(k).map((row, i) => row[k] - (i ? 0 : pivot));
    const square = v.reduce((sum, value) => sum + value * value, 0);
    for (let j = k; j <= size; j++) {
      const along = v.reduce((sum, value, i) => sum + value * rows[k + i][j], 0);
      v.forEach((value, i) => (rows[k + i][j] -= (2 * along * value) / square));
    }
  }
  const found = Array(size).fill(0);
  for (let k = size - 1; k >= 0; k--) {
    const rest = found.reduce((sum, value, j) => (j > k ? sum + value * rows[k][j] : sum), 0);
    found[k] = (rows[k][size] - rest) / rows[k][k];
  }
  return found;
}

export const valueAt = (coefficients, x) =>
  legendre(x, coefficients.length - 1).reduce((sum, value, i) => sum + value * coefficients[i], 0);

/** The mean squared error. */
export const errorOf = (coefficients, points) =>
  points.reduce((sum, [x, y]) => sum + (valueAt(coefficients, x) - y) ** 2, 0) / points.length;
