/** The matrices of attention, backward, for one head. */

import { show } from "../widgets/kit.js";
import { glyph, sumOf } from "./characters.js";
import { pairOf } from "./attention-view.js";
import { entry, row } from "./matrix.js";
import { acrossText, residualPanel } from "./panels.js";

export function attentionPanels(session, found, stage, { head }) {
  const { Qr, Kr, V, P } = session.forward.cache[stage.part].inner[1].steps[head];
  const { dO, dV, dP, D, dS, dQr, dKr } = found.inner[stage.part].inner[1].steps[head];
  const root = Math.sqrt(Qr.cols);
  const at = (p) => `${glyph(session.characterOf(session.tokens[p]))} at ${p}`;
  const positions = [...session.tokens.keys()];
  const text =
    "The gradient goes past the heads as it is, and through them. A head's output is O = P · V: so the values get theirs, and the weights " +
    "theirs. A row of weights sums to 1, so the softmax takes the row's mean D from dP. What is left in dS says which score should rise " +
    "(purple, the loss falls when it does) and which should fall (green).";

  const pairs = (symbol, formula, a, color, sum) => ({
    symbol,
    formula,
    pair: true,
    rows: a.rows,
    cols: a.cols,
    value: (t, j) => (j > t ? NaN : entry(a, t, j)),
    color,
    widest: Math.min(16, 280 / a.cols),
    top: positions.map((p) => glyph(session.characterOf(session.tokens[p]))),
    left: positions.map((p) => glyph(session.characterOf(session.tokens[p]))),
    chosen: [session.position, -1],
    start: [session.position, session.position],
    says: (t, j) =>
      j > t ? `${pairOf(session, t, j)}: hidden` : `${symbol}, ${pairOf(session, t, j)}: ${show(entry(a, t, j))}${sum(t, j)}`,
  });
  const products = (a, i, b, j) => [...row(a, i)].map((value, c) => ({ value: value * entry(b, j, c), from: `feature ${c}` }));
  const list = [
    { ...pairs("P", "the weights, forward", P, "forward", () => ""), scale: 1 },
    pairs("dP", "dO · Vᵀ", dP, "sign", (t, j) => ` = ${sumOf(products(dO, t, V, j))}`),
    pairs("dS", "P ⊙ (dP − D)", dS, "sign", (t, j) => {
      return ` = ${show(entry(P, t, j))} · (${show(entry(dP, t, j))} − ${show(D.values[t])})`;
    }),
    acrossText(session, "dV", dV, "Pᵀ · dO", (c, j) =>
      sumOf(positions.map((t) => ({ value: entry(P, t, j) * entry(dO, t, c), from: at(t) }))),
    ),
    acrossText(session, "dQ", dQr, "dS · K / √d, before it is turned back", (c, t) =>
      sumOf(positions.map((j) => ({ value: (entry(dS, t, j) * entry(Kr, j, c)) / root, from: at(j) }))),
    ),
    acrossText(session, "dK", dKr, "dSᵀ · Q / √d, before it is turned back", (c, j) =>
      sumOf(positions.map((t) => ({ value: (entry(dS, t, j) * entry(Qr, t, c)) / root, from: at(t) }))),
    ),
    residualPanel(session, found, stage, "(dQ · wqᵀ + dK · wkᵀ + dV · wvᵀ of all heads, back through the norm)"),
  ];
  return { text, list };
}
