/** The loss: −log of the probability of the character that should come next. */

import { matrix, row } from "./matrix.js";

/** p[i, :] = exp(z[i, :]) / Σ exp(z[i, :]), the row's maximum subtracted: exp(800) is infinite. */
export function softmax(z) {
  const p = matrix(z.rows, z.cols);
  for (let i = 0; i < z.rows; i++) {
    const largest = row(z, i).reduce((most, value) => Math.max(most, value), -Infinity);
    const powers = row(z, i).map((value) => Math.exp(value - largest));
    const total = powers.reduce((before, power) => before + power, 0);
    row(p, i).set(powers.map((power) => power / total));
  }
  return p;
}

/** Targets are one token per position, or null where a position does not count; the loss is a mean. */
export const softmaxCrossEntropy = {
  forward(z, targets) {
    const p = softmax(z);
    const losses = counted(targets).map(([i, target]) => -Math.log(row(p, i)[target]));
    return losses.reduce((total, loss) => total + loss, 0) / losses.length;
  },

  /** dz = (p − y) / m in the m rows that count, with y one-hot; 0 in the others. */
  backward(z, targets) {
    const p = softmax(z);
    const dz = matrix(z.rows, z.cols);
    const found = counted(targets);
    for (const [i, target] of found) {
      row(dz, i).set(row(p, i));
      row(dz, i)[target] -= 1;
      row(dz, i).forEach((_, j, values) => (values[j] /= found.length));
    }
    return dz;
  },
};

function counted(targets) {
  return [...targets.entries()].filter(([, target]) => target !== null);
}
