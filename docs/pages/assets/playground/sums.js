/**
 * The sum that a number of the drawing comes from: its largest terms, and the rest in one.
 *
 * A target is what somebody points at: {kind: "pixel", index}, {kind: "unit", layer, index},
 * {kind: "edge", layer, from, to}, or {kind: "loss"}.
 *
 * @typedef {{name: string, left: number, right: number | null, value: number,
 *   text?: string}} Term
 * @typedef {{name: string, formula: string, terms: Term[], rest: {count: number, value: number},
 *   total: number, note: string, within?: Sum, chance?: boolean}} Sum  the terms and the rest add up to the total;
 *   `within` is the sum behind one of the terms; `chance`: these are probabilities, or become them
 */

import { alike, factor } from "./alike.js";
import { pixelName } from "./dom.js";
import { inputOf, placeOf, quantityAt } from "./stages.js";

const LARGEST = 5;

/** @returns {Sum | null} null where the stage has no number for the target yet */
export function sumOf(stages, at, state, target) {
  if (target.kind === "pixel") return pixel(state, target.index);
  if (target.kind === "loss")
    return state.grads && at >= placeOf(stages, "loss", depthOf(state)) ? lossSum(state) : null;
  if (target.kind === "edge") return edge(stages, at, state, target);
  const quantity = quantityAt(stages, at, target.layer);
  return quantity && UNITS[quantity](state, target.layer, target.index);
}

const depthOf = (state) => state.params.length;

/** One product or difference with nothing to sort. */
const single = (name, formula, terms, total, note = "", within = undefined) => ({
  name,
  formula,
  terms,
  rest: { count: 0, value: 0 },
  total,
  note,
  within,
});

/** A long sum: the largest terms first; `fixed` ones, as the bias, are always shown, last. */
function long(name, formula, terms, total, fixed = []) {
  const sorted = [...terms].sort((p, q) => Math.abs(q.value) - Math.abs(p.value));
  const others = sorted.slice(LARGEST).filter(({ value }) => value !== 0);
  const rest = { count: others.length, value: others.reduce((sum, { value }) => sum + value, 0) };
  const shown = sorted.slice(0, LARGEST).filter(({ value }) => value !== 0);
  const zeros = terms.length - shown.length - others.length;
  const note = zeros ? `${zeros} of the ${terms.length} terms are 0.` : "";
  return { name, formula, terms: [...shown, ...fixed], rest, total, note };
}

const term = (name, left, right) => ({
  name,
  left,
  right,
  value: right === null ? left : left * right,
});

/** What feeds unit j of layer n: "pixel 3, 14", "unit 5". */
const sourceName = (n, i) => (n === 1 ? `pixel ${Math.floor(i / 28)}, ${i % 28}` : `unit ${i}`);

const unitName = (state, n, j) => (n === depthOf(state) ? `digit ${j}` : `unit ${j}`);

function pixel({ x }, index) {
  const value = x.values[index];
  return single(
    `X[${index}]`,
    "the pixel / 255",
    [{ ...term("ink / 255", value, null), text: `${Math.round(255 * value)} / 255` }],
    value,
    `The amount of ink in ${pixelName(index)}.`,
  );
}

function lossSum({ caches, label, loss, params }) {
  const { values } = caches.at(-1).z;
  const largest = Math.max(...values);
  const powers = values.reduce((sum, value) => sum + Math.exp(value - largest), 0);
  const n = params.length;
  return single(
    "loss",
    `−ln A${n}[${label}] = ln Σ exp(Z${n}) − Z${n}[${label}]`,
    [
      term(`ln Σ exp(Z${n})`, largest + Math.log(powers), null),
      term(`−Z${n}[${label}]`, -values[label], null),
    ],
    loss,
    "The less likely the network finds your digit, the larger the loss; at probability 1 it is 0.",
    powersOf(values, n),
  );
}

/** What softmax divides by. */
function powersOf(values, n) {
  const largest = Math.max(...values);
  const terms = Array.from(values, (value, j) =>
    term(`digit ${j}`, Math.exp(value - largest), null),
  );
  const total = terms.reduce((sum, { value }) => sum + value, 0);
  return { ...long("sum", `Σ exp(Z${n}[j] − ${factor(largest)})`, terms, total), chance: true };
}

const UNITS = {
  z({ params, caches }, n, j) {
    const { w, b } = params[n - 1];
    const input = caches[n - 1].x.values;
    const terms = Array.from(input, (value, i) =>
      term(sourceName(n, i), value, w.values[i * w.cols + j]),
    );
    return long(
      `Z${n}[${j}]`,
      `Σ ${inputOf(n)}[i] · W${n}[i, ${j}] + b${n}[${j}]`,
      terms,
      caches[n - 1].z.values[j],
      [term(`b${n}[${j}], the bias`, b[j], null)],
    );
  },

  a(state, n, j) {
    const { z, a } = state.caches[n - 1];
    const value = z.values[j];
    if (n === depthOf(state)) {
      const largest = Math.max(...z.values);
      const powers = z.values.map((other) => Math.exp(other - largest));
      const sum = powers.reduce((total, power) => total + power, 0);
      const write = alike([powers[j], sum - powers[j]], sum);
      const found = single(
        `A${n}[${j}]`,
        `exp(Z${n}[${j}]) / Σ exp(Z${n})`,
        [
          {
            ...term(`exp(${factor(value - largest)}) / Σ exp`, powers[j], 1 / sum),
            text: `${write(powers[j])} / ${write(sum)}`,
          },
        ],
        a.values[j],
        `First, the largest of the ten, ${factor(largest)}, is subtracted from all of them, so that no ` +
          "exponential overflows.",
        UNITS.z(state, n, j),
      );
      return { ...found, chance: true };
    }
    const on = value > 0;
    return single(
      `A${n}[${j}]`,
      `max(0, Z${n}[${j}])`,
      [term(on ? "Z > 0: kept" : "Z ≤ 0: set to 0", value, on ? 1 : 0)],
      a.values[j],
      on ? "The unit is on." : "The unit is off and passes on 0.",
      UNITS.z(state, n, j),
    );
  },

  da(state, n, i) {
    const { w } = state.params[n];
    const terms = Array.from(state.grads[n].dz.values, (value, j) =>
      term(unitName(state, n + 1, j), value, w.values[i * w.cols + j]),
    );
    return long(
      `dA${n}[${i}]`,
      `Σ dZ${n + 1}[j] · W${n + 1}[${i}, j]`,
      terms,
      state.grads[n].dx.values[i],
    );
  },

  dz(state, n, j) {
    const total = state.grads[n - 1].dz.values[j];
    if (n === depthOf(state)) {
      const y = Number(j === state.label);
      const terms = [
        term(`A${n}[${j}], the answer`, state.caches[n - 1].a.values[j], null),
        term(`−Y[${j}], the truth`, -y, null),
      ];
      const way = total < 0 ? "low: its sum should rise" : "high: its sum should fall";
      return single(
        `dZ${n}[${j}]`,
        `A${n}[${j}] − Y[${j}]`,
        terms,
        total,
        `The probability of ${j} is too ${way}.`,
        UNITS.a(state, n, j),
      );
    }
    const on = state.caches[n - 1].z.values[j] > 0;
    return single(
      `dZ${n}[${j}]`,
      `dA${n}[${j}] · (Z${n}[${j}] > 0)`,
      [term(on ? "Z > 0: passes" : "Z ≤ 0: stops", state.grads[n].dx.values[j], on ? 1 : 0)],
      total,
      on ? "The unit was on, so the error passes." : "The unit was off, so the error stops here.",
      UNITS.da(state, n, j),
    );
  },
};

/** The gradient of a weight: its input times the error of its unit. */
function gradient(state, n, from, to) {
  const { dz, dw } = state.grads[n - 1];
  const input = state.caches[n - 1].x.values[from];
  return single(
    `dW${n}[${from}, ${to}]`,
    `${inputOf(n)}[${from}] · dZ${n}[${to}]`,
    [term(`${sourceName(n, from)}, times the error of ${unitName(state, n, to)}`, input, dz.values[to])],
    dw.values[from * dw.cols + to],
    input === 0 ? "The input of this weight is 0, so the weight has no effect on the loss." : "",
    UNITS.dz(state, n, to),
  );
}

/** A weight: forward its term of the sum, backward its gradient, at the step its new value. */
function edge(stages, at, state, { layer: n, from, to }) {
  const { w } = state.params[n - 1];
  const index = from * w.cols + to;
  const [input, weight] = [state.caches[n - 1].x.values[from], w.values[index]];
  const [name, source] = [`W${n}[${from}, ${to}]`, `${inputOf(n)}[${from}]`];
  const { kind, layer } = stages[at];
  if (kind === "step") {
    const { dw } = state.grads[n - 1];
    return single(
      `${name} after the step`,
      `W − rate · dW`,
      [term(`${name} now`, weight, null), term("−rate · dW", -state.rate, dw.values[index])],
      state.next[n - 1].w.values[index],
      "",
      gradient(state, n, from, to),
    );
  }
  if (kind === "da" && layer === n - 1) {
    const error = state.grads[n - 1].dz.values[to];
    return single(
      `a term of dA${n - 1}[${from}]`,
      `dZ${n}[${to}] · ${name}`,
      [term(`back from ${unitName(state, n, to)}`, error, weight)],
      error * weight,
      "",
      UNITS.da(state, n - 1, from),
    );
  }
  if (at >= placeOf(stages, "dw", n) && state.grads) return gradient(state, n, from, to);
  if (at < placeOf(stages, "z", n)) return null;
  return single(
    `a term of Z${n}[${to}]`,
    `${source} · ${name}`,
    [term(sourceName(n, from), input, weight)],
    input * weight,
    "",
    UNITS.z(state, n, to),
  );
}

/** How the numbers of a sum are written: alike, so that they add up as they are shown. */
export const writtenAs = ({ terms, rest, total, chance }) =>
  alike([...terms.map(({ value }) => value), rest.value], total, chance);

/** What a target is called and its value, in one line: "dZ1[17] = −0.231". */
export const inOneLine = (sum) => `${sum.name} = ${writtenAs(sum)(sum.total)}`;
