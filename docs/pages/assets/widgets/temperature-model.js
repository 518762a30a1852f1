/** Softmax at a temperature: y = softmax(x/T), its entropy and its derivative. */

/** The largest is subtracted first: e^800 is infinite. */
export function softmax(x, temperature = 1) {
  const largest = Math.max(...x);
  const powers = x.map((value) => Math.exp((value - largest) / temperature));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** −Σ y·ln y, in nats; 0·ln 0 is 0. */
export const entropy = (y) => -y.reduce((sum, value) => sum + (value > 0 ? value * Math.log(value) : 0), 0);

/** ∂y_i/∂x_j = y_i·(δ_ij − y_j)/T */
export const jacobian = (y, temperature) =>
  y.map((yi, i) => y.map((yj, j) => (yi * ((i === j ? 1 : 0) - yj)) / temperature));
