/**
 * One head of attention and its derivatives. Matrices are arrays of rows: q, k, v, and dO have one row
 * per token, S and P a row per query and a column per key.
 */

import { softmax } from "./temperature-model.js";

export const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);

const transposed = (rows) => rows[0].map((_, j) => rows.map((row) => row[j]));
const product = (a, b) => a.map((row) => transposed(b).map((column) => dot(row, column)));
const scaled = (rows, factor) => rows.map((row) => row.map((value) => factor * value));

/** S = Q·Kᵀ/√d, −∞ where a key comes after its query and the mask is causal; P = softmax(S); O = P·V. */
export function forward({ q, k, v }, causal) {
  const root = Math.sqrt(q[0].length);
  const S = q.map((query, t) =>
    k.map((key, j) => (causal && j > t ? -Infinity : dot(query, key) / root)),
  );
  const P = S.map((row) => softmax(row));
  return { S, P, O: product(P, v) };
}

/** dV = Pᵀ·dO, dP = dO·Vᵀ, dS = P ⊙ (dP − D) with D = Σ P·dP of the row, dQ = dS·K/√d, dK = dSᵀ·Q/√d. */
export function backward({ q, k, v }, { P }, dO) {
  const factor = 1 / Math.sqrt(q[0].length);
  const dP = product(dO, transposed(v));
  const D = P.map((row, t) => dot(row, dP[t]));
  const dS = P.map((row, t) => row.map((weight, j) => weight * (dP[t][j] - D[t])));
  return {
    dP,
    D,
    dS,
    dQ: scaled(product(dS, k), factor),
    dK: scaled(product(transposed(dS), q), factor),
    dV: product(transposed(P), dO),
  };
}
