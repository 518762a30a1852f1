/** The same training in purenn, as the lines that a reader would write. */

import { HELD_OUT_POINTS, TRAINING_POINTS } from "./run.js";

/** @param {import("./run.js").Spec} spec @param {number} epochs how many to write */
export function pythonOf(spec, epochs) {
  const digits = spec.data === "digits";
  const examples = digits ? 3000 : TRAINING_POINTS;
  const hidden = `(${spec.hidden.join(", ")}${spec.hidden.length === 1 ? "," : ""})`;
  const activation = spec.activation === "identity" ? "lambda z: z" : `pn.${spec.activation}`;
  const network = `pn.mlp(${hidden}, ${digits ? 10 : 1}, activation=${activation})`;
  const model = digits ? `pn.serial(pn.rescale(), pn.flatten(), ${network})` : network;
  const loss = digits ? "softmax_cross_entropy" : "sigmoid_binary_cross_entropy";
  const data = digits
    ? "# x: (3000, 28, 28), targets: (3000,), digits of MNIST"
    : `# x: (${TRAINING_POINTS}, 2), targets: (${TRAINING_POINTS}, 1), zeros and ones; ` +
      `${HELD_OUT_POINTS} more are held out`;
  return `import jax
import purenn as pn

${data}
model = ${model}
train_state, history = pn.fit(
    model,
    pn.${loss},
    pn.${spec.optimizer}(${spec.rate}),
    (x, targets),
    batch_size=${Math.min(spec.batch, examples)},
    epochs=${Math.max(1, epochs)},
    key=jax.random.key(${spec.seed}),
    validation=(x_held, targets_held),
)`;
}
