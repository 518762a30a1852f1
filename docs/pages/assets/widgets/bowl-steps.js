/**
 * Three optimizers on the bowl L = ½(w1² + κ·w2²), whose gradient is (w1, κ·w2). Each returns its
 * path, from the start on: `steps` + 1 places [w1, w2].
 */

export const lossAt = ([w1, w2], condition) => 0.5 * (w1 * w1 + condition * w2 * w2);

export const gradientAt = ([w1, w2], condition) => [w1, condition * w2];

/** w ← w − η·g */
export function sgd(start, { rate, condition, steps }) {
  return path(start, steps, (w) => w.map((value, i) => value - rate * gradientAt(w, condition)[i]));
}

/** v ← β·v + (1 − β)·g, w ← w − η·v */
export function momentum(start, { rate, condition, steps, beta }) {
  let v = [0, 0];
  return path(start, steps, (w) => {
    const g = gradientAt(w, condition);
    v = v.map((value, i) => beta * value + (1 - beta) * g[i]);
    return w.map((value, i) => value - rate * v[i]);
  });
}

/** m ← β1·m + (1 − β1)·g, v ← β2·v + (1 − β2)·g², w ← w − η·m̂/(√v̂ + ε), both corrected for their start */
export function adam(start, { rate, condition, steps, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }) {
  let [m, v] = [
    [0, 0],
    [0, 0],
  ];
  return path(start, steps, (w, t) => {
    const g = gradientAt(w, condition);
    m = m.map((value, i) => beta1 * value + (1 - beta1) * g[i]);
    v = v.map((value, i) => beta2 * value + (1 - beta2) * g[i] ** 2);
    return w.map((value, i) => {
      const mean = m[i] / (1 - beta1 ** t);
      return value - (rate * mean) / (Math.sqrt(v[i] / (1 - beta2 ** t)) + epsilon);
    });
  });
}

/** The least rates at which gradient descent and momentum diverge. */
export function limitsOf(condition, beta) {
  const limit = 2 / condition;
  return [limit, (limit * (1 + beta)) / (1 - beta)];
}

/**
 * Where a path first leaves a plane with the ranges `x` and `y`: the places before that, and the place
 * on the edge; null if it does not.
 */
export function exitOf(places, { x, y }) {
  const inside = ([a, b]) => a >= x[0] && a <= x[1] && b >= y[0] && b <= y[1];
  const first = places.findIndex((place) => !inside(place));
  if (first < 1) return null;
  const [from, to] = [places[first - 1], places[first]];
  const share = [x, y].map((range, k) => {
    const edge = to[k] > range[1] ? range[1] : to[k] < range[0] ? range[0] : to[k];
    return edge === to[k] ? 1 : (edge - from[k]) / (to[k] - from[k]);
  });
  const part = Math.min(...share);
  return { walked: places.slice(0, first), place: from.map((value, k) => value + part * (to[k] - value)) };
}

function path(start, steps, next) {
  const places = [start];
  for (let t = 1; t <= steps; t++) places.push(next(places.at(-1), t));
  return places;
}
