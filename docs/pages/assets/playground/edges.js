/** Which weights the drawing shows as lines: the strongest of what a stage computes. */

import { placeOf } from "./stages.js";

const LINES = 120; // of a layer
const OWN = 14; // of the unit that somebody points at

/**
 * @typedef {{layer: number, from: number, to: number, value: number, share: number, lit: number}} Edge
 *   share: |value| of the layer's largest; lit: 1 for what the stage computes, less for the rest
 * @returns {Edge[]}
 */
export function edgesAt(stages, at, state, target) {
  const { kind, layer, direction } = stages[at];
  const depth = state.params.length;
  const loss = placeOf(stages, "loss", depth);
  const edges = [];
  for (let n = 1; n <= depth; n++) {
    const active = isActive(kind, layer, n, depth);
    if (at < loss && n > layer) continue; // not yet computed
    const passed = direction === "backward" && n > layer && !active;
    const what = active ? kind : passed ? "dw" : "z";
    edges.push(...ofLayer(state, n, what, active ? 1 : 0.24, active ? target : null));
  }
  return edges;
}

/** Whether a stage uses or changes the weights of layer n. */
function isActive(kind, layer, n, depth) {
  if (kind === "step") return true;
  if (kind === "da" || (kind === "dz" && layer < depth)) return n === layer + 1;
  return ["z", "a", "dw"].includes(kind) && n === layer;
}

/** What a line stands for: a term of Z or of dA, a gradient, or what the step adds. */
function meaning(state, n, what) {
  const { w } = state.params[n - 1];
  const { values: input } = state.caches[n - 1].x;
  const grads = state.grads?.[n - 1];
  switch (what) {
    case "dw":
      return (i, j) => grads.dw.values[i * w.cols + j];
    case "step":
      return (i, j) => -state.rate * grads.dw.values[i * w.cols + j];
    case "da":
      return (i, j) => grads.dz.values[j] * w.values[i * w.cols + j];
    case "dz": {
      const { values: before } = state.caches[n - 2].z;
      return (i, j) => (before[i] > 0 ? grads.dz.values[j] * w.values[i * w.cols + j] : 0);
    }
    default:
      return (i, j) => input[i] * w.values[i * w.cols + j];
  }
}

function ofLayer(state, n, what, lit, target) {
  const { w } = state.params[n - 1];
  const value = meaning(state, n, what);
  const all = fairly(w.rows, w.cols, value, what === "da" || what === "dz");
  const mine = target ? own(w, value, n, target) : [];
  const largest = all.reduce((most, edge) => Math.max(most, Math.abs(edge.value)), 0) || 1;
  const share = (edge) => Math.min(1, Math.abs(edge.value) / largest);
  const light = lit * (mine.length === 0 ? 1 : target.kind === "edge" ? 0.6 : 0.3);
  return [
    ...all.map((edge) => ({ ...edge, layer: n, share: share(edge), lit: light })),
    ...mine.map((edge) => ({ ...edge, layer: n, share: share(edge), lit })),
  ];
}

/** Some lines to each unit, so that no single one has them all: its strongest. */
function fairly(rows, cols, value, byRow) {
  const [outer, inner] = byRow ? [rows, cols] : [cols, rows];
  const each = Math.max(1, Math.round(LINES / outer));
  const edges = [];
  for (let u = 0; u < outer; u++)
    edges.push(
      ...strongest(
        inner,
        each,
        (v) => (byRow ? value(u, v) : value(v, u)),
        (v) => (byRow ? [u, v] : [v, u]),
        u + 1,
      ),
    );
  return edges.sort((p, q) => Math.abs(p.value) - Math.abs(q.value)); // the strongest are drawn last
}

/** The lines of the unit or the weight that somebody points at. */
function own(w, value, n, target) {
  if (target?.kind === "edge" && target.layer === n) {
    const { from, to } = target;
    return [{ from, to, value: value(from, to) }];
  }
  if (target?.kind === "pixel" && n === 1) {
    const from = target.index;
    return strongest(
      w.cols,
      OWN,
      (to) => value(from, to),
      (to) => [from, to],
    );
  }
  if (target?.kind !== "unit") return [];
  const u = target.index;
  if (target.layer === n)
    return strongest(
      w.rows,
      OWN,
      (from) => value(from, u),
      (from) => [from, u],
    );
  if (target.layer === n - 1)
    return strongest(
      w.cols,
      OWN,
      (to) => value(u, to),
      (to) => [u, to],
    );
  return [];
}

/**
 * The `count` largest of some values, zeros left out. With a `spread`, numbers nearly as large
 * stand a chance too: a drawing has many pixels of full ink, and the lines should not all have one.
 */
function strongest(length, count, valueOf, ends, spread = 0) {
  const score = (v, value) => Math.abs(value) * (spread ? 1 - 0.1 * ((0.618 * v * spread) % 1) : 1);
  const kept = [];
  for (let v = 0; v < length; v++) {
    const value = valueOf(v);
    const size = score(v, value);
    if (size === 0 || (kept.length === count && size <= kept.at(-1).size)) continue;
    let place = kept.length;
    while (place > 0 && kept[place - 1].size < size) place--;
    const [from, to] = ends(v);
    kept.splice(place, 0, { from, to, value, size });
    if (kept.length > count) kept.pop();
  }
  return kept;
}
