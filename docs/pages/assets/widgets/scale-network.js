/**
 * The sizes of the signal and of its derivative in a random network of `depth` dense layers of
 * `width` units. Forward: z = a·W, a = f(z). Backward: dz = da ⊙ f'(z), da = dz·Wᵀ. Arrays are rows
 * of `width` numbers, one row per example.
 */

import { normals } from "./random.js";

/** What a dense layer's weights are multiplied by: He's size for relu, Glorot's for the others. */
export const sizeOf = (activation, width) => Math.sqrt((activation === "relu" ? 2 : 1) / width);

const FUNCTIONS = {
  relu: [(z) => Math.max(0, z), (z) => (z > 0 ? 1 : 0)],
  tanh: [Math.tanh, (z) => 1 - Math.tanh(z) ** 2],
  linear: [(z) => z, () => 1],
};

/**
 * Normal numbers for the input, the derivative at the end, and each layer's weights; no two seeds share
 * any.
 */
export function drawn({ width, depth, examples = 16, seed = 1 }) {
  const count = width * examples;
  return {
    width,
    input: normals(1000 * seed, count),
    last: normals(1000 * seed + 1, count),
    weights: Array.from({ length: depth }, (_, i) => normals(1000 * seed + 2 + i, width * width)),
  };
}

/** The root mean square of each layer's output and of its derivative, the input first. */
export function sizes({ width, input, last, weights }, { gain, activation }) {
  const [f, slope] = FUNCTIONS[activation];
  const size = gain * sizeOf(activation, width);
  const outputs = [input];
  const before = [];
  for (const w of weights) {
    const z = product(outputs.at(-1), w, width, size);
    before.push(z);
    outputs.push(z.map(f));
  }
  const grads = [last];
  for (let i = weights.length - 1; i >= 0; i--) {
    const dz = before[i].map((z, k) => grads[0][k] * slope(z));
    grads.unshift(productTransposed(dz, weights[i], width, size));
  }
  return { forward: outputs.map(rootMeanSquare), backward: grads.map(rootMeanSquare) };
}

function product(rows, w, width, size) {
  const result = new Float64Array(rows.length);
  for (let start = 0; start < rows.length; start += width) {
    for (let i = 0; i < width; i++) {
      const value = size * rows[start + i];
      if (value === 0) continue;
      for (let j = 0; j < width; j++) result[start + j] += value * w[i * width + j];
    }
  }
  return result;
}

function productTransposed(rows, w, width, size) {
  const result = new Float64Array(rows.length);
  for (let start = 0; start < rows.length; start += width) {
    for (let i = 0; i < width; i++) {
      let sum = 0;
      for (let j = 0; j < width; j++) sum += rows[start + j] * w[i * width + j];
      result[start + i] = size * sum;
    }
  }
  return result;
}

/**
 * √(mean of x²). The mean is not subtracted: He's rule keeps E[x²], and ReLU's outputs have a mean above
 * 0.
 */
export function rootMeanSquare(values) {
  return Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
}
