/**
 * The optimizers. Each has `init(array)`, its memory of one array of parameters, and
 * `update(array, grad, memory, rate, step)`, which changes the array and the memory in place. The
 * constants are purenn's defaults.
 */

/** w ← w − η g */
const sgd = {
  init: () => ({}),
  update(w, g, memory, rate) {
    for (let i = 0; i < w.length; i++) w[i] -= rate * g[i];
  },
};

const BETA = 0.9;

/** v ← β v + (1 − β) g, w ← w − η v */
const momentum = {
  init: (w) => ({ v: new Float64Array(w.length) }),
  update(w, g, { v }, rate) {
    for (let i = 0; i < w.length; i++) {
      v[i] = BETA * v[i] + (1 - BETA) * g[i];
      w[i] -= rate * v[i];
    }
  },
};

const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/** m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², w ← w − η m̂ / (√v̂ + ε); t counts from 1 */
const adam = {
  init: (w) => ({ m: new Float64Array(w.length), v: new Float64Array(w.length) }),
  update(w, g, { m, v }, rate, step) {
    const t = step + 1;
    const [first, second] = [BETA1, BETA2].map((beta) => -Math.expm1(t * Math.log(beta))); // 1 − βᵗ
    for (let i = 0; i < w.length; i++) {
      m[i] = BETA1 * m[i] + (1 - BETA1) * g[i];
      v[i] = BETA2 * v[i] + (1 - BETA2) * g[i] * g[i];
      w[i] -= (rate * (m[i] / first)) / (Math.sqrt(v[i] / second) + EPSILON);
    }
  },
};

export const optimizers = { sgd, momentum, adam };
