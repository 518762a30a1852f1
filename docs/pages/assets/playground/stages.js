/**
 * The stages of one pass, in order: the input, each layer forward, the loss, each layer backward,
 * and the step. A layer's number n counts from 1; the symbols are those of `pn.explain`.
 *
 * @typedef {{kind: string, layer: number, symbol: string, direction: string}} Stage
 *   kind: x, z, a, loss, dz, dw, da or step; direction: forward, backward or ""
 */

import { ranked, show } from "./dom.js";

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

/** The kind of number that layer n shows at stage `at`: z, a, da or dz; null before it has any. */
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

/** What happens at a stage: a formula, and words with the numbers of this pass. */
export function told(stages, at, state) {
  const { kind, layer: n } = stages[at];
  const depth = state.params.length;
  const units = state.params[n - 1]?.b.length;
  switch (kind) {
    case "x":
      return ["X = pixels / 255", "The drawing as 784 numbers, from 0 for paper to 1 for ink."];
    case "z":
      return [
        `Z${n} = ${inputOf(n)} @ W${n} + b${n}`,
        `Each of the ${units} units adds up what comes in, every number times a weight of its own, ` +
          "plus a bias. The lines are the largest terms: they push its sum up or down.",
      ];
    case "a":
      return n === depth ? answer(n, state) : ["A" + `${n} = relu(Z${n})`, survivors(n, state)];
    case "loss":
      return lossTold(n, state);
    case "da":
      return [
        `dA${n} = dZ${n + 1} @ W${n + 1}.T`,
        `The error goes back through the same weights. Each unit adds up the errors of the units ` +
          "it fed, each times the weight between them.",
      ];
    case "dz":
      return n === depth
        ? errorTold(n, state)
        : [`dZ${n} = dA${n} * (Z${n} > 0)`, stopped(n, state)];
    case "dw":
      return [
        `dW${n} = ${inputOf(n)}.T @ dZ${n},  db${n} = dZ${n}`,
        "The gradient of a weight: what came in through it times the error of its unit. More of a " +
          "weight whose line is positive would raise the loss.",
      ];
    default:
      return [
        "W − rate · dW,  b − rate · db",
        `Every weight moves a little against its gradient. This step would take the loss from ` +
          `${show(state.loss)} to ${show(state.nextLoss)}; the outlined bars are the new answer.`,
      ];
  }
}

function survivors(n, { caches }) {
  const values = caches[n - 1].a.values;
  const on = values.filter((value) => value > 0).length;
  return `ReLU keeps what is above 0 and makes the rest 0: ${on} of ${values.length} units are on.`;
}

function answer(n, { caches }) {
  const values = caches[n - 1].a.values;
  const [first] = ranked(values);
  return [
    `A${n} = softmax(Z${n})`,
    `Softmax turns ten sums into ten probabilities that add up to 1. The largest is the answer: ` +
      `${first}, with ${show(values[first])}.`,
  ];
}

function lossTold(n, { caches, label, loss }) {
  const { values } = caches[n - 1].a;
  const p = values[label];
  const said = p > 0.9995 && p < 1 ? `(1 − ${show(1 - p)})` : show(p);
  const right = ranked(values)[0] === label;
  const more =
    loss < 0.1
      ? "There is almost no error to send back: claim that it is another digit, and there will be."
      : right
        ? "It is right, but not sure, so there is some error to send back."
        : "It read another digit, so there is a large error to send back.";
  return [
    `loss = −log A${n}[${label}] = −log ${said} = ${show(loss)}`,
    `You say ${label}; the network gave ${label} a probability of ${show(p)}. ${more}`,
  ];
}

function errorTold(n, { grads, label }) {
  const { values } = grads[n - 1].dz;
  const most = ranked(values)[0];
  return [
    `dZ${n} = A${n} − Y`,
    `The error starts as the answer minus the truth, Y, which is 1 at your digit and 0 elsewhere: ` +
      `${label} got ${show(-values[label])} too little, ${most} got ${show(values[most])} too much.`,
  ];
}

function stopped(n, { caches, grads }) {
  const off = caches[n - 1].z.values.filter((value) => value <= 0).length;
  return (
    `A unit that was off had no part in the answer, so the error stops there: ${off} of ` +
    `${grads[n - 1].dz.values.length} units get none.`
  );
}
