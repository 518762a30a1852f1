/** The elementwise activations and their slopes, as purenn's ops compute them, in float64. */

const SCALE = 1.0507009873554805; // selu's λ and α
const ALPHA = 1.6732632423543772;
const LEAK = 0.1; // leaky_relu's slope below 0: purenn's 0.01 could not be told from 0 in a drawing
const FAR = 1e3; // beyond it a gate is 0 or 1, and −∞ · 0 would be NaN

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

/** What the output alone gives the slope of. */
const squashed = (y, slopeOf) => ({ y, slope: slopeOf(y) });

const within = (x, limit) => Math.min(Math.max(x, -limit), limit);

/** The gate of gelu's tanh form, sigmoid(2h), and the slope of 2h. */
function geluGate(given) {
  const c = Math.sqrt(8 / Math.PI);
  const x = within(given, 20);
  return [sigmoid(c * (x + 0.044715 * x ** 3)), c * (1 + 3 * 0.044715 * x * x)];
}

/** x · gate: what silu and gelu have in common. `growth` is the slope of what the gate is a sigmoid of. */
const gated = (x, gate, growth) => ({
  y: Math.max(x, -FAR) * gate,
  slope: gate + within(x, FAR) * gate * (1 - gate) * growth,
});

/** λ·x above 0 and `low`·(e^x − 1) below it. */
function exponential(x, scale, low) {
  const y = x > 0 ? scale * x : low * Math.expm1(x);
  return { y, slope: x > 0 ? scale : y + low };
}

/** Value and slope at x: ACTIVATIONS.relu(2) is { y: 2, slope: 1 }. */
export const ACTIVATIONS = {
  relu: (x) => ({ y: Math.max(x, 0), slope: x > 0 ? 1 : 0 }),
  leaky_relu: (x) => ({ y: x > 0 ? x : LEAK * x, slope: x > 0 ? 1 : LEAK }),
  elu: (x) => exponential(x, 1, 1),
  selu: (x) => exponential(x, SCALE, SCALE * ALPHA),
  sigmoid: (x) => squashed(sigmoid(x), (y) => y * (1 - y)),
  tanh: (x) => squashed(Math.tanh(x), (y) => 1 - y * y),
  softplus: (x) => ({ y: Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), slope: sigmoid(x) }),
  silu: (x) => gated(x, sigmoid(x), 1),
  gelu: (x) => gated(x, ...geluGate(x)),
};

/** Those whose curve has a corner at 0, where purenn takes the slope of the left side. */
export const CORNERS = ["relu", "leaky_relu", "selu"];

export const at = (name, x) => ACTIVATIONS[name](x);
