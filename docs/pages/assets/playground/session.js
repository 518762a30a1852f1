/** What the playground holds, and what follows from it: the passes, the step, the loss so far. */

import { asInput } from "./assets.js";
import { ranked } from "./dom.js";
import { backward, forward, loss, step } from "./network.js";

/** x is null while the pad is blank, label until one is chosen. */
export function createSession() {
  const blank = asInput(new Uint8Array(28 * 28));
  const state = { params: null, x: null, label: null, rate: 0.002, losses: [], steps: 0, before: null };
  let trained = null; // the parameters as they were exported

  return {
    state,

    use(params) {
      trained = params;
      this.reset();
    },

    reset() {
      Object.assign(state, { params: trained, steps: 0, losses: [], before: null });
    },

    /** Forward, and with a label backward and the step that would follow. */
    compute() {
      const { x, label, params, rate } = state;
      state.caches = x && forward(params, x);
      state.ahead = state.caches ?? forward(params, blank); // without a drawing, the biases alone
      state.grads = x && label !== null ? backward(params, state.caches, [label]) : null;
      if (!state.grads) return;
      state.loss = loss(state.caches, [label]);
      state.next = step(params, state.grads, rate);
      state.nextCaches = forward(state.next, x);
      state.nextLoss = loss(state.nextCaches, [label]);
      if (!state.losses.length) state.losses = [state.loss];
    },

    /** Steps; `before` is what the network answered when they began. */
    takeSteps(count) {
      this.compute();
      if (state.grads) state.before = state.caches.at(-1).a.values;
      for (let i = 0; i < count; i++) {
        this.compute();
        if (!state.grads) return;
        state.params = state.next;
        state.losses.push(state.nextLoss);
        state.steps += 1;
      }
    },

    /** What the network, as it is now, reads in a test digit. */
    predict: ({ pixels }) => ranked(forward(state.params, asInput(pixels)).at(-1).a.values)[0],

    answer: () => ranked(state.caches.at(-1).a.values)[0],

    /** The unit of hidden layer n that matters most: to the step, or without a label to the answer. */
    strongest(n) {
      if (!state.caches) return 0;
      const values = state.grads ? state.grads[n - 1].dz.values : state.caches[n - 1].a.values;
      return ranked(values.map(Math.abs))[0];
    },
  };
}

/** What a stage is best explained by, while nobody points at anything. */
export function telling({ state, strongest, answer }, { kind, layer }) {
  const depth = state.params.length;
  if (kind === "loss") return { kind: "loss" };
  if (kind === "x") return { kind: "pixel", index: ranked(state.x.values)[0] };
  if (kind === "dw" || kind === "step") {
    const { dw } = state.grads[layer - 1];
    const largest = dw.values.reduce(
      (best, value, i) => (Math.abs(value) > Math.abs(dw.values[best]) ? i : best),
      0,
    );
    return { kind: "edge", layer, from: Math.floor(largest / dw.cols), to: largest % dw.cols };
  }
  if (layer < depth) return { kind: "unit", layer, index: strongest(layer) };
  return { kind: "unit", layer, index: kind === "dz" ? state.label : answer() };
}
