/**
 * The activations: each bends every number of z by itself. As in purenn, the backward pass stands
 * below the forward pass, and turns da, the derivative of the loss with respect to a, into dz.
 */

import { matrix } from "./matrix.js";

/** f of every number of one matrix, or of the matching numbers of several. */
function elementwise(f, first, ...others) {
  const values = new Float64Array(first.values.length);
  const [second, third] = others.map((other) => other.values);
  for (let i = 0; i < values.length; i++) values[i] = f(first.values[i], second?.[i], third?.[i]);
  return matrix(first.rows, first.cols, values);
}

/** 1 / (1 + e^−z), in the form that does not overflow. */
export function logistic(z) {
  const power = Math.exp(-Math.abs(z));
  return z >= 0 ? 1 / (1 + power) : power / (1 + power);
}

/** a = max(0, z) */
const relu = {
  forward: (z) => elementwise((z) => (z <= 0 ? 0 : z), z),
  /** dz = da ⊙ (z > 0): the derivative at 0 is 0. */
  backward: (z, a, da) => elementwise((a, da) => (a > 0 ? da : 0), a, da),
};

/** a = tanh z */
const tanh = {
  forward: (z) => elementwise(Math.tanh, z),
  /** dz = da ⊙ (1 − a²) */
  backward: (z, a, da) => elementwise((a, da) => da * (1 - a * a), a, da),
};

/** a = 1 / (1 + e^−z) */
const sigmoid = {
  forward: (z) => elementwise(logistic, z),
  /** dz = da ⊙ a ⊙ (1 − a) */
  backward: (z, a, da) => elementwise((a, da) => da * a * (1 - a), a, da),
};

const C = Math.sqrt(8 / Math.PI);
const clip = (z) => Math.min(Math.max(z, -20), 20); // the gate is long 0 or 1 there
const gate = (z) => logistic(C * (clip(z) + 0.044715 * clip(z) ** 3));

/** a = z g with the gate g = sigmoid(u), u = √(8/π) (z + 0.044715 z³): GPT-2's form */
const gelu = {
  forward: (z) => elementwise((z) => z * gate(z), z),
  /** dz = da ⊙ (g + z g (1 − g) u′), u′ = √(8/π) (1 + 3 · 0.044715 z²) */
  backward: (z, a, da) =>
    elementwise(
      (z, da) => {
        const g = gate(z);
        return da * (g + z * g * (1 - g) * C * (1 + 3 * 0.044715 * clip(z) ** 2));
      },
      z,
      da,
    ),
};

/** a = z s with s = sigmoid(z) */
const silu = {
  forward: (z) => elementwise((z) => z * logistic(z), z),
  /** dz = da ⊙ s ⊙ (1 + z ⊙ (1 − s)) */
  backward: (z, a, da) =>
    elementwise(
      (z, da) => {
        const s = logistic(z);
        return da * s * (1 + z * (1 - s));
      },
      z,
      da,
    ),
};

/** a = z: no bend at all, to see what a stack of linear layers is worth */
const identity = {
  forward: (z) => z,
  /** dz = da */
  backward: (z, a, da) => da,
};

export const activations = { relu, tanh, sigmoid, gelu, silu, identity };
