/**
 * The losses, both of logits: yes or no from one number, a class from several. The mean over the
 * examples is in the loss, so the gradients have its 1/m.
 */

import { logistic } from "./activations.js";
import { matrix } from "./matrix.js";

/** The mean over m examples of log(1 + e^z) − z t; z is (m, 1), targets are m zeros and ones. */
const sigmoidBinaryCrossEntropy = {
  /** With |z| instead: the difference as written would lose the small loss of a sure, right answer. */
  forward(z, targets) {
    let sum = 0;
    for (let i = 0; i < z.rows; i++) {
      const size = Math.abs(z.values[i]);
      const wrong = z.values[i] > 0 ? 1 - targets[i] : targets[i];
      sum += Math.log1p(Math.exp(-size)) + (wrong ? wrong * size : 0);
    }
    return sum / z.rows;
  },

  /** dz = (sigmoid(z) − t) / m */
  backward(z, targets) {
    const values = z.values.map((value, i) => (logistic(value) - targets[i]) / z.rows);
    return matrix(z.rows, 1, values);
  },
};

/** The mean over m examples of −log softmax(z)[t]; z is (m, classes), targets are m class numbers. */
const softmaxCrossEntropy = {
  /** −log softmax(z)[t] = max(z) + log Σ exp(z − max(z)) − z[t]: finite where the softmax is 0. */
  forward(z, targets) {
    let sum = 0;
    for (let i = 0; i < z.rows; i++) {
      const { largest, total } = softmaxRow(z, i);
      sum += largest + Math.log(total) - z.values[i * z.cols + targets[i]];
    }
    return sum / z.rows;
  },

  /** dz = (softmax(z) − y) / m, with y (m, classes) one-hot */
  backward(z, targets) {
    const dz = matrix(z.rows, z.cols);
    for (let i = 0; i < z.rows; i++) {
      const { powers, total } = softmaxRow(z, i);
      powers.forEach((power, j) => {
        dz.values[i * z.cols + j] = (power / total - (j === targets[i] ? 1 : 0)) / z.rows;
      });
    }
    return dz;
  },
};

/** exp(z − max(z)) of a row, and their sum: the softmax is their quotient. */
function softmaxRow(z, i) {
  const row = z.values.subarray(i * z.cols, (i + 1) * z.cols);
  const largest = row.reduce((most, value) => Math.max(most, value), -Infinity);
  const powers = row.map((value) => Math.exp(value - largest));
  return { largest, powers, total: powers.reduce((sum, power) => sum + power, 0) };
}

/** Which class each row of logits answers: the sign of one number, or the largest of several. */
export function answers(z) {
  return Array.from({ length: z.rows }, (_, i) => {
    if (z.cols === 1) return z.values[i] > 0 ? 1 : 0;
    const row = z.values.subarray(i * z.cols, (i + 1) * z.cols);
    return row.indexOf(row.reduce((most, value) => Math.max(most, value), -Infinity));
  });
}

export const losses = { sigmoidBinaryCrossEntropy, softmaxCrossEntropy };
