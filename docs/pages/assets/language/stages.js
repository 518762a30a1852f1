/**
 * The backward pass as a list of stages, from the loss to the characters. A stage has a name, its
 * formula, and the gradient that it hands on, a row for each position.
 */

import { matrix, row } from "./matrix.js";

/**
 * @typedef {{kind: string, name: string, formula: string, part: number, dx: Matrix}} Stage
 * @returns {Stage[]}
 */
export function stagesOf(session, found) {
  const { depth } = session.network;
  const last = 2 * depth + 2; // the dense layer that makes the scores
  const of = (part) => found.inner[part].dx;
  const stages = [
    { kind: "loss", name: "loss", formula: "dz = p − y", part: last, dx: found.dz },
    { kind: "dense", name: "scores", formula: "dx = dz · wᵀ", part: last, dx: of(last) },
    {
      kind: "norm",
      name: "norm",
      formula: "dx = r (v − x̂ · mean(v ⊙ x̂))",
      part: last - 1,
      dx: of(last - 1),
    },
  ];
  for (let block = depth; block >= 1; block--) {
    const [attends, mixes] = [2 * block - 1, 2 * block];
    stages.push(
      { kind: "mlp", name: `MLP ${block}`, formula: "dx = dy + the gradient through the layer", part: mixes },
      {
        kind: "attention",
        name: `attention ${block}`,
        formula: "dx = dy + the gradient through the heads",
        part: attends,
      },
    );
  }
  for (const stage of stages) stage.dx ??= of(stage.part);
  const dw = found.grads[0].w;
  stages.push({
    kind: "embedding",
    name: "embedding",
    formula: "dw[v] = the sum of dx over the places of v",
    part: 0,
    dx: rowsOf(dw, session.tokens),
  });
  return stages;
}

/** The length of each row: how much of the gradient stands at each position. */
export function sizes(a) {
  return Array.from({ length: a.rows }, (_, i) => Math.hypot(...row(a, i)));
}

function rowsOf(table, tokens) {
  const found = matrix(tokens.length, table.cols);
  tokens.forEach((token, p) => row(found, p).set(row(table, token)));
  return found;
}
