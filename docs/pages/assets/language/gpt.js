/** The network of examples/language_models.py, its loss and its gradients, and a step of descent. */

import { attention } from "./attention.js";
import { residual, serial } from "./combine.js";
import { dense } from "./dense.js";
import { embedding } from "./embedding.js";
import { gatedDense } from "./gated-dense.js";
import { map } from "./matrix.js";
import { rmsNorm } from "./rms-norm.js";
import { softmaxCrossEntropy } from "./softmax-cross-entropy.js";

/** From tokens to the logits of the character after each: `depth` blocks of two residuals. */
export function gpt(depth, heads) {
  const block = () => [
    residual(serial([rmsNorm, attention(heads)])),
    residual(serial([rmsNorm, gatedDense, dense])),
  ];
  const blocks = Array.from({ length: depth }, block).flat();
  return serial([embedding, ...blocks, rmsNorm, dense]);
}

/**
 * The loss and every derivative of a forward pass, `model.forward(params, tokens)`.
 *
 * @param {(number | null)[]} targets  what should come after each position, null where it does not count
 * @returns {{loss: number, dz: Matrix, grads: object[], inner: object[]}}  grads: like the parameters;
 *   inner: of each layer, what came back to it (dy) and what it hands back (dx)
 */
export function gradients(model, params, { y: z, cache }, targets) {
  const dz = softmaxCrossEntropy.backward(z, targets);
  const { dparams: grads, inner } = model.backward(params, cache, dz);
  return { loss: softmaxCrossEntropy.forward(z, targets), dz, grads, inner };
}

/** One step of gradient descent, as new parameters: w − rate·dw, for each of them. */
export function sgd(params, grads, rate) {
  if (Array.isArray(params)) return params.map((part, i) => sgd(part, grads[i], rate));
  if (params.values) return map((w, dw) => w - rate * dw, params, grads);
  const entries = Object.entries(params).map(([name, part]) => [name, sgd(part, grads[name], rate)]);
  return Object.fromEntries(entries);
}
