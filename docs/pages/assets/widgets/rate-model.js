/** Gradient descent on the parabola L = ½·λ·w²: each step multiplies w by 1 − η·λ. */

export const lossAt = (w, curvature) => 0.5 * curvature * w * w;

export const factorOf = (rate, curvature) => 1 - rate * curvature;

/** w ← w − η·λ·w, `steps` times: `steps` + 1 places. */
export function walk(start, { rate, curvature, steps }) {
  const places = [start];
  for (let t = 0; t < steps; t++) {
    const w = places[t];
    places.push(w - rate * curvature * w);
  }
  return places;
}
