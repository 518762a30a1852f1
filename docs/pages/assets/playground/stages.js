/**
 * The stages of one pass, in order: the input, each layer forward, the loss, each layer backward,
 * and the step. A layer's number n counts from 1; the symbols are those of `pn.explain`.
 *
 * @typedef {{kind: string, layer: number, symbol: string, direction: string}} Stage
 *   kind: x, z, a, loss, dz, dw, da, or step; direction: forward, backward, or ""
 */

import { twoLosses } from "./alike.js";
import { ranked, show, withChance } from "./dom.js";

/** @returns {Stage[]} of a network with `depth` dense layers */
export function stagesOf(depth) {
  const stages = [stage("x", 0, "X", "forward")];
  for (let n = 1; n <= depth; n++) {
    stages.push(stage("z", n, `Z${n}`, "forward"), stage("a", n, `A${n}`, "forward"));
  }
  stages.push(stage("loss", depth, "loss", ""));
  for (let n = depth; n >= 1; n--) {
    if (n < depth) stages.push(stage("da", n, `dA${n}`, "backward"));
    stages.push(stage("dz", n, `dZ${n}`, "backward"), stage("dw", n, `dW${n}`, "backward"));
  }
  return [...stages, stage("step", depth, "step", "")];
}

const stage = (kind, layer, symbol, direction) => ({ kind, layer, symbol, direction });

/** Where a stage is, by its kind and layer. */
export const placeOf = (stages, kind, layer) =>
  stages.findIndex(
    (stage) => stage.kind === kind && (layer === undefined || stage.layer === layer),
  );

/** The kind of number that layer n shows at stage `at`: z, a, da, or dz; null before it has any. */
export function quantityAt(stages, at, n) {
  const reached = stages
    .slice(0, at + 1)
    .filter(({ kind, layer }) => layer === n && ["z", "a", "da", "dz"].includes(kind));
  return reached.at(-1)?.kind ?? null;
}

/** The numbers of layer n, one per unit. */
export function valuesOf({ caches, grads }, n, quantity) {
  if (quantity === "da") return grads[n].dx.values;
  if (quantity === "dz") return grads[n - 1].dz.values;
  return caches[n - 1][quantity].values;
}

/** "X", "A1": what layer n reads. */
export const inputOf = (n) => (n === 1 ? "X" : `A${n - 1}`);

const CERTAIN = 0.05; // the loss of a probability of 0.95

/** Whether the network is right and so sure of it that nothing is left to learn. */
export const isCertain = ({ grads, loss }) => Boolean(grads) && loss < CERTAIN;

/** Whether the network is as sure of its answer, right or wrong. */
export const isSure = ({ caches }) => Math.max(...caches.at(-1).a.values) > Math.exp(-CERTAIN);

/** What happens at a stage: a formula, and words with the numbers of this pass. */
export function told(stages, at, state) {
  const [formula, words] = toldOf(stages, at, state);
  if (!state.grads) return [formula, `${words} ${whatIsAsked(stages[at], state)}`];
  const small = isCertain(state) && at > placeOf(stages, "loss");
  return [formula, small ? `Almost 0, because nothing is left to learn. ${words}` : words];
}

/** What is asked for while no label is chosen. */
function whatIsAsked({ kind, layer }, state) {
  return kind === "a" && layer === state.params.length && isSure(state)
    ? "Now say which digit you meant; with a wrong label, there is an error to send back."
    : "Now say which digit you meant, and the error can travel back.";
}

function toldOf(stages, at, state) {
  const { kind, layer: n } = stages[at];
  const depth = state.params.length;
  const units = state.params[n - 1]?.b.length;
  switch (kind) {
    case "x":
      return ["X = pixels / 255", "The drawing as 784 numbers, from 0 (paper) to 1 (ink)."];
    case "z":
      return [
        `Z${n} = ${inputOf(n)} @ W${n} + b${n}`,
        `Each of the ${units} units multiplies its inputs by its weights and adds up the products ` +
          "and a bias. The lines show the largest products. Each pushes a sum up or down.",
      ];
    case "a":
      return n === depth ? answer(n, state) : ["A" + `${n} = relu(Z${n})`, survivors(n, state)];
    case "loss":
      return lossTold(n, state);
    case "da":
      return [
        `dA${n} = dZ${n + 1} @ W${n + 1}.T`,
        "The error goes back through the same weights. Each unit adds up the errors of the units in the " +
          "next layer, each multiplied by the connecting weight.",
      ];
    case "dz":
      return n === depth
        ? errorTold(n, state)
        : [`dZ${n} = dA${n} * (Z${n} > 0)`, stopped(n, state)];
    case "dw":
      return [
        `dW${n} = ${inputOf(n)}.T @ dZ${n},  db${n} = dZ${n}`,
        "The gradient of a weight is its input times the error of its unit. Raising a weight whose " +
          "line is green would raise the loss.",
      ];
    default: {
      const both = twoLosses(state.loss, state.nextLoss);
      return [
        "W − rate · dW,  b − rate · db",
        `Every weight moves a little against its gradient. This step would take the loss from ` +
          `${both(state.loss)} to ${both(state.nextLoss)}; the outlined bars show the new answer.`,
      ];
    }
  }
}

function survivors(n, { caches }) {
  const values = caches[n - 1].a.values;
  const on = values.filter((value) => value > 0).length;
  return `ReLU keeps positive numbers and makes the others 0. Here, ${on} of ${values.length} units are on.`;
}

function answer(n, { caches }) {
  const values = caches[n - 1].a.values;
  const [first] = ranked(values);
  return [
    `A${n} = softmax(Z${n})`,
    `Softmax turns ten sums into ten probabilities that add up to 1. The largest is the answer: ` +
      `${first}, with ${withChance(values[first])}.`,
  ];
}

function lossTold(n, state) {
  const { caches, label, loss } = state;
  const { values } = caches[n - 1].a;
  const p = values[label];
  const said = p > 0.9995 && p < 1 ? `(1 − ${show(1 - p)})` : show(p);
  const given = p < 0.0005 ? `a probability of ${show(p)}` : withChance(p);
  const right = ranked(values)[0] === label;
  const more =
    isCertain(state)
      ? "A network that is certain and right has nothing to learn, so every gradient is almost 0. " +
        "A wrong label or an unclear digit gives it an error to correct."
      : right
        ? "The answer is right but not certain, so there is some error to send back."
        : "The network read another digit, so there is a large error to send back.";
  return [
    `loss = −ln A${n}[${label}] = −ln ${said} = ${show(loss)}`,
    `The label is ${label}, and the network gave it ${given}. ${more}`,
  ];
}

function errorTold(n, state) {
  const { grads, label } = state;
  const { values } = grads[n - 1].dz;
  const most = ranked(values)[0];
  const sizes = `${label} got ${show(-values[label])} too little, and ${most} got ${show(values[most])} too much`;
  return [
    `dZ${n} = A${n} − Y`,
    "The error is the answer minus the truth, Y, which is 1 at your digit and 0 elsewhere" +
      (isCertain(state) ? "." : `: ${sizes}.`),
  ];
}

function stopped(n, { caches, grads }) {
  const off = caches[n - 1].z.values.filter((value) => value <= 0).length;
  return (
    `A unit that is off does not affect the answer, so the error stops there: ${off} of ` +
    `${grads[n - 1].dz.values.length} units receive none.`
  );
}
