/** Gradients of random batches, and clipping by the global norm: g ← g·min(1, c/‖g‖). */

import { normals } from "./random.js";

export const normOf = (g) => Math.hypot(...g);

/** One factor for all numbers: the direction is kept. */
export function clipped(g, largest) {
  const factor = Math.min(1, largest / normOf(g));
  return g.map((value) => factor * value);
}

/**
 * `batches` rows of `largest` examples, each the noise of one example's gradient in two numbers, of
 * standard deviation 1: noise[batch][example] = [n1, n2].
 */
export function noiseOf({ batches, largest, seed }) {
  return Array.from({ length: batches }, (_, i) => {
    const values = normals(seed * 1000 + i, 2 * largest);
    return Array.from({ length: largest }, (_, k) => [values[2 * k], values[2 * k + 1]]);
  });
}

/** For each batch the mean of its first `size` examples' gradients. */
export const gradientsOf = (noise, { gradient, deviation, size }) =>
  noise.map((examples) => {
    const sums = [0, 0];
    for (const example of examples.slice(0, size)) {
      sums[0] += example[0];
      sums[1] += example[1];
    }
    return gradient.map((value, i) => value + (deviation * sums[i]) / size);
  });

/** The root of the mean squared distance from the true gradient. */
export const spreadOf = (gradients, gradient) =>
  Math.sqrt(
    gradients.reduce((sum, g) => sum + (g[0] - gradient[0]) ** 2 + (g[1] - gradient[1]) ** 2, 0) /
      gradients.length,
  );
