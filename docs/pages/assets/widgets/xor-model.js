/**
 * Two hidden units and one output on two inputs, with relu between:
 * a1 = relu(w11·x1 + w21·x2 + b1), a2 = relu(w12·x1 + w22·x2 + b2), z = v1·a1 + v2·a2 + c.
 * `w11` goes from input 1 to unit 1, `w12` from input 1 to unit 2. A point is [x1, x2, target].
 */

import { sigmoid, softplus } from "./line-model.js";

export const XOR = [
  [0, 0, 0],
  [0, 1, 1],
  [1, 0, 1],
  [1, 1, 0],
];

/** a1 = relu(x1 + x2), a2 = relu(x1 + x2 − 1), z = a1 − 2·a2 − ½: 0 lies between the two answers. */
export const PENCIL = { w11: 1, w21: 1, b1: 0, w12: 1, w22: 1, b2: -1, v1: 1, v2: -2, c: -0.5 };

const relu = (z) => Math.max(0, z);

/** All values for one point. */
export function forward(p, [x1, x2]) {
  const z1 = p.w11 * x1 + p.w21 * x2 + p.b1;
  const z2 = p.w12 * x1 + p.w22 * x2 + p.b2;
  const [a1, a2] = [relu(z1), relu(z2)];
  return { z1, z2, a1, a2, z: p.v1 * a1 + p.v2 * a2 + p.c };
}

/** The mean of log(1 + e^z) − t·z. */
export const lossOf = (p, points) =>
  points.reduce((sum, point) => {
    const { z } = forward(p, point);
    return sum + softplus(z) - point[2] * z;
  }, 0) / points.length;

/** The loss's derivative with respect to each parameter. A unit that is off passes nothing on. */
export function gradientOf(p, points) {
  const grads = Object.fromEntries(Object.keys(p).map((name) => [name, 0]));
  for (const point of points) {
    const [x1, x2, target] = point;
    const { z1, z2, a1, a2, z } = forward(p, point);
    const dz = (sigmoid(z) - target) / points.length;
    grads.v1 += dz * a1;
    grads.v2 += dz * a2;
    grads.c += dz;
    const dz1 = z1 > 0 ? dz * p.v1 : 0;
    const dz2 = z2 > 0 ? dz * p.v2 : 0;
    grads.w11 += dz1 * x1;
    grads.w21 += dz1 * x2;
    grads.b1 += dz1;
    grads.w12 += dz2 * x1;
    grads.w22 += dz2 * x2;
    grads.b2 += dz2;
  }
  return grads;
}

/** The two units' lines and the output's, as { w1, w2, b }. */
export const linesOf = (p) => [
  { w1: p.w11, w2: p.w21, b: p.b1 },
  { w1: p.w12, w2: p.w22, b: p.b2 },
  { w1: p.v1, w2: p.v2, b: p.c },
];

/** The parameters with one of the three lines replaced. */
export function withLine(p, which, { w1, w2, b }) {
  if (which === 0) return { ...p, w11: w1, w21: w2, b1: b };
  if (which === 1) return { ...p, w12: w1, w22: w2, b2: b };
  return { ...p, v1: w1, v2: w2, c: b };
}

/**
 * The network is linear in each piece that the units' lines cut the plane into: for each of the four
 * pieces whether unit 1 and unit 2 are on, and z there as { w1, w2, b }.
 */
export function piecesOf(p) {
  const [one, two] = linesOf(p);
  return [
    [1, 1],
    [1, 0],
    [0, 1],
    [0, 0],
  ].map(([on1, on2]) => ({
    on: [on1, on2],
    z: {
      w1: on1 * p.v1 * one.w1 + on2 * p.v2 * two.w1,
      w2: on1 * p.v1 * one.w2 + on2 * p.v2 * two.w2,
      b: on1 * p.v1 * one.b + on2 * p.v2 * two.b + p.c,
    },
  }));
}
