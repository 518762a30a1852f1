/**
 * One neuron, z = w1·x1 + w2·x2 + b, which answers 1 where z > 0, and its loss: the mean of
 * log(1 + e^z) − t·z, the sigmoid's binary cross-entropy. A point is [x1, x2, target].
 *
 * @typedef {{w1: number, w2: number, b: number}} Params
 */

export const outputOf = ({ w1, w2, b }, [x1, x2]) => w1 * x1 + w2 * x2 + b;

export const sigmoid = (z) => (z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z)));

/** log(1 + e^z), without overflow. */
export const softplus = (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

export const isRight = (z, target) => z > 0 === target > 0.5;

export const rightOf = (params, points) =>
  points.filter((point) => isRight(outputOf(params, point), point[2])).length;

export const lossOf = (params, points) =>
  points.reduce((sum, point) => {
    const z = outputOf(params, point);
    return sum + softplus(z) - point[2] * z;
  }, 0) / points.length;

/** The loss's derivatives: dz = (sigmoid(z) − t)/m for each point, dw = Σ dz·x, db = Σ dz. */
export function gradientOf(params, points) {
  const grads = { w1: 0, w2: 0, b: 0 };
  for (const point of points) {
    const dz = (sigmoid(outputOf(params, point)) - point[2]) / points.length;
    grads.w1 += dz * point[0];
    grads.w2 += dz * point[1];
    grads.b += dz;
  }
  return grads;
}

/** One step of gradient descent on all points, for any record of numbers. */
export const stepped = (params, grads, rate) =>
  Object.fromEntries(Object.keys(params).map((name) => [name, params[name] - rate * grads[name]]));
