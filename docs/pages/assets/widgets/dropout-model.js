/** Dropout in training: y = x ⊙ mask / (1 − rate), each mask 1 with probability 1 − rate. */

import { uniform } from "./random.js";

/** Masks, one after the other, from a seed. */
export function masksFrom(seed) {
  const draw = uniform(seed);
  return (count, rate) => Array.from({ length: count }, () => (draw() >= rate ? 1 : 0));
}

export const dropped = (x, mask, rate) => x.map((value, i) => (value * mask[i]) / (1 - rate));

/** The standard deviation of the mean over `draws` of a unit of this size: |x|·√(rate/(1 − rate)/draws). */
export const deviationOf = (size, rate, draws) => size * Math.sqrt(rate / (1 - rate) / draws);

export const rootMeanSquare = (values) =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
