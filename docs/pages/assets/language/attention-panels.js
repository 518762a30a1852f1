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
    "The gradient takes two paths: past the heads, unchanged, and through them. The output of a head is " +
    "O = P · V, so the values and the " +
    "weights each receive a gradient. Every row of weights sums to 1, so the softmax subtracts the row's " +
    "mean D from dP. The result, dS, " +
    "says which scores should rise (purple, because the loss falls when they do) and which should fall " +
    "(green). dQ and dK are shown before the rotation by position is undone.";

  const pairs = (symbol, formula, a, color, sum) => ({
    symbol,
    formula,
    pair: true,
    rows: a.rows,
    cols: a.cols,
    value: (t, j) => (j > t ? NaN : entry(a, t, j)),
    color,
    widest: 16,
    top: positions.map((p) => glyph(session.characterOf(session.tokens[p]))),
    left: positions.map((p) => glyph(session.characterOf(session.tokens[p]))),
    chosen: [session.position, -1],
    start: [session.position, session.position],
    says(t, j) {
      const pair = pairOf(session, t, j);
      return j > t ? `${pair}: hidden` : `${symbol}, ${pair}: ${show(entry(a, t, j))}${sum(t, j)}`;
    },
  });
  const largest = Math.max(...[dV, dQr, dKr].flatMap(({ values }) => [...values].map(Math.abs)));
  const vectors = (...of) => ({ ...acrossText(session, ...of), scale: largest });
  const products = (a, i, b, j) =>
    [...row(a, i)].map((value, c) => ({ value: value * entry(b, j, c), from: `feature ${c}` }));
  const list = [
    { ...pairs("P", "softmax(S)", P, "forward", () => ""), scale: 1 },
    pairs("dP", "dO · Vᵀ", dP, "sign", (t, j) => ` = ${sumOf(products(dO, t, V, j))}`),
    pairs("dS", "P ⊙ (dP − D)", dS, "sign", (t, j) => {
      return ` = ${show(entry(P, t, j))} · (${show(entry(dP, t, j))} − ${show(D.values[t])})`;
    }),
    vectors("dV", dV, "Pᵀ · dO", (c, j) =>
      sumOf(positions.map((t) => ({ value: entry(P, t, j) * entry(dO, t, c), from: at(t) }))),
    ),
    vectors("dQ", dQr, "dS · K / √d", (c, t) =>
      sumOf(positions.map((j) => ({ value: (entry(dS, t, j) * entry(Kr, j, c)) / root, from: at(j) }))),
    ),
    vectors("dK", dKr, "dSᵀ · Q / √d", (c, j) =>
      sumOf(positions.map((t) => ({ value: (entry(dS, t, j) * entry(Qr, t, c)) / root, from: at(t) }))),
    ),
    residualPanel(
      session,
      found,
      stage,
      "(dQ · wqᵀ + dK · wkᵀ + dV · wvᵀ of all heads, back through the norm)",
    ),
  ];
  return { text, list };
}
