/** Every number of the pass as tiles, layer by layer: folded, and painted only while it is open. */

import { createBackwardView } from "./backward-view.js";
import { createForwardView } from "./forward-view.js";
import { createWeightsView } from "./step-view.js";

/**
 * @param {HTMLDetailsElement} root
 * @param {{choose: (unit: number) => void, strongest: () => void}} on
 */
export function createDetails(root, on) {
  const find = (id) => root.querySelector(`#pg-${id}`);
  const field = root.querySelector(".pg-unit");
  const weights = createWeightsView(find("weights"));
  let [views, last] = [null, null];

  field.addEventListener("change", () => on.choose(Math.round(Number(field.value)) || 0));
  find("strongest").addEventListener("click", on.strongest);
  root.addEventListener("toggle", paint);

  function paint() {
    if (!root.open || !views || !last) return;
    const { state, unit } = last;
    root.classList.toggle("pg-no-digit", !state.x);
    root.classList.toggle("pg-no-label", !state.grads);
    field.value = unit;
    if (state.x) views.forward({ ...state, unit });
    if (!state.grads) return;
    views.backward({ ...state, unit });
    weights(state, unit);
  }

  return {
    use(network) {
      for (const id of ["forward", "backward"]) find(id).replaceChildren();
      views = {
        forward: createForwardView(find("forward"), network, on.choose),
        backward: createBackwardView(find("backward"), network, on.choose),
      };
      last = null;
      field.max = network.layers[0].b[0] - 1;
      root.querySelector(".pg-last-unit").textContent = field.max;
    },

    show(state, unit) {
      last = { state, unit };
      paint();
    },
  };
}
