/** The matrices of each stage but attention: what is shown of them, and the sum behind each number. */

import { show } from "../widgets/kit.js";
import { glyph, named, percent, sumOf } from "./characters.js";
import { silu } from "./gated-dense.js";
import { entry, row } from "./matrix.js";

/** A (positions, features) matrix on its side: a column for each position, as the text has them. */
export function acrossText(session, symbol, a, formula, says) {
  return {
    symbol,
    formula,
    rows: a.cols,
    cols: a.rows,
    value: (c, t) => entry(a, t, c),
    color: "sign",
    widest: 26,
    height: a.cols > 100 ? 1 : a.cols > 40 ? 2 : 6,
    start: [0, session.position],
    chosen: [-1, session.position],
    says: (c, t) => `${symbol} of ${placeOf(session, t)}, feature ${c}: ${show(entry(a, t, c))} = ${says(c, t)}`,
  };
}

export const placeOf = (session, p) => `${named(session.characterOf(session.tokens[p]))} at ${p}`;

const glyphAt = (session, p) => `${glyph(session.characterOf(session.tokens[p]))} at ${p}`;

export function lossPanels(session, found, stage) {
  const p = session.probabilities();
  const wanted = session.wanted();
  const t = session.position;
  const ranked = [...p.keys()].sort((a, b) => Math.abs(entry(found.dz, t, b)) - Math.abs(entry(found.dz, t, a)));
  const shown = ranked.slice(0, 16);
  const glyphs = shown.map((token) => glyph(session.characterOf(token)));
  const text =
    `${named(session.characterOf(wanted))} should come next and has a probability of ${percent(p[wanted])}. Its score is ` +
    "too low, by what is missing to 1; every other score is too high, by the probability it has.";
  const scores = {
    symbol: "dz",
    formula: `p − y, the largest ${shown.length}`,
    rows: 1,
    cols: shown.length,
    value: (_, j) => entry(found.dz, t, shown[j]),
    color: "sign",
    widest: 34,
    height: 34,
    top: glyphs,
    says(_, j) {
      const token = shown[j];
      const name = named(session.characterOf(token));
      const y = token === wanted ? 1 : 0;
      return `dz of ${name}: p − y = ${show(p[token])} − ${y} = ${show(p[token] - y)}${share(p[token] - y, found, t, token)}`;
    },
  };
  const all = {
    ...acrossText(session, "dz", found.dz, "", () => ""),
    symbol: "All dz",
    formula: "a row for each character that may come, a column for each position",
    says: (c, q) => `dz of ${named(session.characterOf(c))} after ${placeOf(session, q)}: ${show(entry(found.dz, q, c))}`,
  };
  return { text, list: [scores, all] };
}

/** With the mean over many positions, each has its part of dz. */
function share(whole, found, t, token) {
  const part = entry(found.dz, t, token);
  return Math.abs(part - whole) < 1e-12 ? "" : `; divided by the positions that count, ${show(part)}`;
}

export function densePanels(session, found, stage) {
  const { w } = session.params[stage.part];
  const { x } = session.forward.cache[stage.part];
  const { dx } = stage;
  const text =
    "The scores are a dense layer, z = x · w. Each position gets back the columns of w, one for each character, as many times " +
    "as that character's score was wrong.";
  const terms = (c, t) =>
    [...row(found.dz, t)].map((dz, v) => ({ value: dz * entry(w, c, v), from: glyph(session.characterOf(v)) }));
  const dw = found.grads[stage.part].w;
  const weights = {
    symbol: "dw",
    formula: "xᵀ · dz, a row for each character",
    rows: dw.cols,
    cols: dw.rows,
    value: (v, c) => entry(dw, c, v),
    color: "sign",
    widest: 8,
    height: 3,
    says(v, c) {
      const found_ = session.tokens.map((_, t) => ({
        value: entry(x, t, c) * entry(found.dz, t, v),
        from: `after ${glyphAt(session, t)}`,
      }));
      return `dw of ${named(session.characterOf(v))}, feature ${c}: ${show(entry(dw, c, v))} = ${sumOf(found_)}`;
    },
  };
  const list = [acrossText(session, "dx", dx, "dz · wᵀ", (c, t) => sumOf(terms(c, t))), weights];
  return { text, list };
}

export function normPanels(session, found, stage) {
  const { gamma } = session.params[stage.part];
  const { xHat, r } = session.forward.cache[stage.part];
  const { dy, dx } = found.inner[stage.part];
  const v = (c, t) => gamma.values[c] * entry(dy, t, c);
  const mean = (t) => [...row(xHat, t)].reduce((total, hat, c) => total + hat * v(c, t), 0) / xHat.cols;
  const text =
    "RMS norm divides each position's vector by its length, so that stretching the vector changes nothing. " +
    "Backward, the part of the gradient that points along the vector is taken away.";
  const list = [
    acrossText(session, "dy", dy, "what comes from the scores", (c, t) => `the dx of the scores`),
    acrossText(
      session,
      "dx",
      dx,
      "r (v − x̂ · mean(v ⊙ x̂)), with v = γ ⊙ dy",
      (c, t) => `${show(r[t])} · (${show(v(c, t))} − ${show(entry(xHat, t, c))} · ${show(mean(t))})`,
    ),
  ];
  return { text, list };
}

/** What a residual hands back: what came, and what comes back through its layer. */
export function residualPanel(session, found, stage, through) {
  const { dy, dx } = found.inner[stage.part];
  return acrossText(
    session,
    "dx",
    dx,
    `dy + ${through}`,
    (c, t) => `dy + ${through} = ${show(entry(dy, t, c))} + ${show(entry(dx, t, c) - entry(dy, t, c))}`,
  );
}

export function mlpPanels(session, found, stage) {
  const [, gated, dense] = found.inner[stage.part].inner;
  const { a, h } = session.forward.cache[stage.part].inner[1];
  const { w } = session.params[stage.part][2];
  const { dy } = dense;
  const dG = (t, u) => entry(dense.dx, t, u);
  const text =
    "The gradient goes two ways: past the layer as it is, and through it. Inside, each position is by itself. A unit's output " +
    "is silu(a) ⊙ h, and each factor gets back the gradient times the other one.";
  const list = [
    acrossText(session, "dy", dy, "what comes from above, and goes past too", () => "the dx of the stage above"),
    acrossText(session, "dG", dense.dx, "dy · wᵀ, for each unit", (u, t) => {
      return sumOf([...row(dy, t)].map((value, c) => ({ value: value * entry(w, u, c), from: `feature ${c}` })));
    }),
    acrossText(
      session,
      "da",
      gated.steps.da,
      "dG ⊙ h ⊙ silu′(a)",
      (u, t) => `${show(dG(t, u))} · ${show(entry(h, t, u))} · ${show(silu.derivative(entry(a, t, u)))}`,
    ),
    acrossText(
      session,
      "dh",
      gated.steps.dh,
      "dG ⊙ silu(a)",
      (u, t) => `${show(dG(t, u))} · ${show(silu.forward(entry(a, t, u)))}`,
    ),
    residualPanel(session, found, stage, "(da · wᵀ + dh · vᵀ, back through the norm)"),
  ];
  return { text, list };
}

export function embeddingPanels(session, found, stage) {
  const dw = found.grads[0].w;
  const { dy } = found.inner[0];
  const tokens = [...new Set(session.tokens)];
  const size = new Map(tokens.map((token) => [token, Math.hypot(...row(dw, token))]));
  tokens.sort((left, right) => size.get(right) - size.get(left));
  const places = (token) => [...session.tokens.keys()].filter((p) => session.tokens[p] === token);
  const [first] = tokens;
  const count = places(first).length;
  const text =
    `Each character is a row of a table. It stands in the text wherever the character does, so its gradient is the sum over these ` +
    `places. Most of it goes to ${named(session.characterOf(first))}, which stands in ${count} ${count === 1 ? "place" : "places"}.`;
  const sizes = {
    symbol: "‖dw‖",
    formula: "of each character in the text, the largest first",
    rows: 1,
    cols: tokens.length,
    value: (_, j) => size.get(tokens[j]),
    color: "backward",
    widest: 34,
    height: 34,
    top: tokens.map((token) => glyph(session.characterOf(token))),
    says(_, j) {
      const at = places(tokens[j]);
      const name = named(session.characterOf(tokens[j]));
      return `‖dw‖ of ${name}: ${show(size.get(tokens[j]))}, from position${at.length === 1 ? "" : "s"} ${at.join(", ")}`;
    },
  };
  const sums = {
    symbol: "dw",
    formula: "the rows of these characters, each on its side",
    rows: dw.cols,
    cols: tokens.length,
    value: (c, j) => entry(dw, tokens[j], c),
    color: "sign",
    widest: 34,
    height: 2,
    says(c, j) {
      const terms = places(tokens[j]).map((p) => ({ value: entry(dy, p, c), from: `position ${p}` }));
      return `dw of ${named(session.characterOf(tokens[j]))}, feature ${c}: ${show(entry(dw, tokens[j], c))} = ${sumOf(terms, 4)}`;
    },
  };
  return { text, list: [sizes, sums] };
}
