/**
 * Layers into larger layers. A layer has forward(params, x) -> { y, cache } and
 * backward(params, cache, dy) -> { dparams, dx }, as in purenn; what a layer computed on the way, to
 * be looked at, is in `inner` and `steps`.
 */

import { sum } from "./matrix.js";

/** Layers one after the other; params is a list with an entry for each. */
export const serial = (layers) => ({
  layers,

  forward(params, x) {
    const cache = [];
    for (const [i, layer] of layers.entries()) {
      const result = layer.forward(params[i], x);
      cache.push({ ...result.cache, y: result.y });
      x = result.y;
    }
    return { y: x, cache };
  },

  /** From the last layer to the first: the dx of a layer is the dy of the one before it. */
  backward(params, cache, dy) {
    const inner = [];
    for (let i = layers.length - 1; i >= 0; i--) {
      inner[i] = { ...layers[i].backward(params[i], cache[i], dy), dy };
      dy = inner[i].dx;
    }
    return { dparams: inner.map(({ dparams }) => dparams), dx: dy, inner };
  },
});

/** y = x + layer(x): a shortcut around a layer. */
export const residual = (layer) => ({
  layer,

  forward(params, x) {
    const { y, cache } = layer.forward(params, x);
    return { y: sum(x, y), cache: { x, inner: cache } };
  },

  /** A sum hands its derivative on to both terms, so dx = dy + the layer's dx. */
  backward(params, { inner: cache }, dy) {
    const { dparams, dx, inner } = layer.backward(params, cache, dy);
    return { dparams, dx: sum(dy, dx), inner, through: dx };
  },
});
