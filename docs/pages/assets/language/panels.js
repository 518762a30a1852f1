/** The matrices of each stage but attention: what is shown of them, and the sum behind each number. */

import { show } from "../widgets/kit.js";
import { glyph, named, percent, sumOf } from "./characters.js";
import { silu } from "./gated-dense.js";
import { entry, row } from "./matrix.js";

const narrow = window.matchMedia("(max-width: 44.98em)");

/** A (positions, features) matrix on its side: a column for each position, as the text has them. */
export function acrossText(session, symbol, a, formula, says, wide = false) {
  return {
    symbol,
    formula,
    rows: a.cols,
    cols: a.rows,
    value: (c, t) => entry(a, t, c),
    color: "sign",
    wide,
    widest: wide ? 26 : 16,
    top: wide ? session.tokens.map((token) => glyph(session.characterOf(token))) : undefined,
    height: a.cols > 100 || (wide && narrow.matches) ? 1 : a.cols > 40 ? 2 : 6,
    start: [0, session.position],
    chosen: [-1, session.position],
    says: (c, t) =>
      `${symbol} of ${placeOf(session, t)}, feature ${c}: ${show(entry(a, t, c))} = ${says(c, t)}`,
  };
}

export const placeOf = (session, p) => `${named(session.characterOf(session.tokens[p]))} at ${p}`;

const glyphAt = (session, p) => `${glyph(session.characterOf(session.tokens[p]))} at ${p}`;

export function lossPanels(session, found, stage) {
  const p = session.probabilities();
  const wanted = session.wanted();
  const t = session.position;
  const size = (token) => Math.abs(entry(found.dz, t, token));
  const ranked = [...p.keys()].sort((a, b) => size(b) - size(a));
  const shown = ranked.slice(0, 16);
  const glyphs = shown.map((token) => glyph(session.characterOf(token)));
  const text =
    `${named(session.characterOf(wanted))} should come next and has a probability of ` +
    `${percent(p[wanted])}. Its ` +
    "score should rise, since p − 1 is negative. All other scores should fall, each in proportion to its " +
    "probability.";
  const scores = {
    symbol: "dz",
    formula: `p − y, the largest ${shown.length}`,
    rows: 1,
    cols: shown.length,
    value: (_, j) => entry(found.dz, t, shown[j]),
    color: "sign",
    wide: true,
    widest: 34,
    height: 34,
    top: glyphs,
    says(_, j) {
      const token = shown[j];
      const name = named(session.characterOf(token));
      const y = token === wanted ? 1 : 0;
      const dz = p[token] - y;
      return `dz of ${name}: p − y = ${show(p[token])} − ${y} = ${show(dz)}${share(dz, found, t, token)}`;
    },
  };
  const all = {
    ...acrossText(session, "dz", found.dz, "", () => "", true),
    symbol: "All dz",
    formula: "one row per possible character, one column per position",
    says(c, q) {
      const name = named(session.characterOf(c));
      return `dz of ${name} after ${placeOf(session, q)}: ${show(entry(found.dz, q, c))}`;
    },
  };
  return { text, list: [scores, all] };
}

/** With the mean over many positions, each has its part of dz. */
function share(whole, found, t, token) {
  const part = entry(found.dz, t, token);
  if (Math.abs(part - whole) < 1e-12) return "";
  return `; divided by the number of positions that count, ${show(part)}`;
}

export function densePanels(session, found, stage) {
  const { w } = session.params[stage.part];
  const { x } = session.forward.cache[stage.part];
  const { dx } = stage;
  const text =
    "The scores come from a dense layer, z = x · w. Each position receives the sum of the columns of w, " +
    "one per character, " +
    "each multiplied by the dz of its character.";
  const terms = (c, t) =>
    [...row(found.dz, t)].map((dz, v) => ({
      value: dz * entry(w, c, v),
      from: glyph(session.characterOf(v)),
    }));
  const dw = found.grads[stage.part].w;
  const weights = {
    symbol: "dw",
    formula: "xᵀ · dz, one row per character",
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
      const name = named(session.characterOf(v));
      return `dw of ${name}, feature ${c}: ${show(entry(dw, c, v))} = ${sumOf(found_)}`;
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
    "RMS norm divides each position's vector by the root of its mean square, so stretching the vector " +
    "changes nothing. " +
    "The backward pass therefore removes the part of the gradient that points along the vector.";
  const list = [
    acrossText(session, "dy", dy, "the gradient from the scores", (c, t) => `the dx of the scores`),
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
    true,
  );
}

export function mlpPanels(session, found, stage) {
  const [, gated, dense] = found.inner[stage.part].inner;
  const { a, h } = session.forward.cache[stage.part].inner[1];
  const { w } = session.params[stage.part][2];
  const { dy } = dense;
  const dG = (t, u) => entry(dense.dx, t, u);
  const text =
    "The gradient takes two paths: past the layer, unchanged, and through the layer, which treats each " +
    "position separately. A unit's " +
    "output is silu(a) ⊙ h, so each factor receives the gradient times the other factor.";
  const list = [
    acrossText(
      session,
      "dy",
      dy,
      "the gradient from above, which also goes past",
      () => "the dx of the stage above",
      true,
    ),
    acrossText(session, "dG", dense.dx, "dy · wᵀ, one row per unit", (u, t) => {
      const from = (c) => `feature ${c}`;
      return sumOf([...row(dy, t)].map((value, c) => ({ value: value * entry(w, u, c), from: from(c) })));
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
    "Each character has a row in a table. The network uses the row wherever the character occurs, so the " +
    "gradient is the sum over " +
    `these places. The largest gradient belongs to ${named(session.characterOf(first))}, which occurs in ${count} ` +
    `${count === 1 ? "place" : "places"}.`;
  const sizes = {
    symbol: "‖dw‖",
    formula: "of each character in the text, the largest first",
    rows: 1,
    cols: tokens.length,
    value: (_, j) => size.get(tokens[j]),
    color: "backward",
    wide: true,
    widest: 34,
    height: 34,
    top: tokens.map((token) => glyph(session.characterOf(token))),
    says(_, j) {
      const at = places(tokens[j]);
      const name = named(session.characterOf(tokens[j]));
      const positions = `position${at.length === 1 ? "" : "s"} ${at.join(", ")}`;
      return `‖dw‖ of ${name}: ${show(size.get(tokens[j]))}, from ${positions}`;
    },
  };
  const sums = {
    symbol: "dw",
    formula: "the rows of these characters, shown as columns",
    rows: dw.cols,
    cols: tokens.length,
    value: (c, j) => entry(dw, tokens[j], c),
    color: "sign",
    wide: true,
    widest: 34,
    height: 2,
    says(c, j) {
      const terms = places(tokens[j]).map((p) => ({ value: entry(dy, p, c), from: `position ${p}` }));
      const name = named(session.characterOf(tokens[j]));
      return `dw of ${name}, feature ${c}: ${show(entry(dw, tokens[j], c))} = ${sumOf(terms, 4)}`;
    },
  };
  return { text, list: [sizes, sums] };
}
