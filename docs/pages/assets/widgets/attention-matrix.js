/** The matrices of `attention` as tables of buttons, and the sum of each entry. */

import { math, sentence } from "./formula.js";
import { element, show } from "./kit.js";
import { fixed } from "./plane.js";

export const MATRICES = {
  S: "Scores $S = Q Kᵀ/√d$",
  P: "Weights $P = softmax(S)$",
  dP: "Derivative $dP = dO Vᵀ$",
  dS: "Derivative $dS = P ⊙ (dP − D)$",
};

/**
 * A table of one matrix, a row per query: `pick(t, j)` is called where an entry is pointed at,
 * focused or pressed; `row(t)` where a query is chosen.
 */
export function matrixTable(tokens, { pick, row }) {
  const table = element("table", { class: "numbers cells" });
  const letter = element("strong");
  const sides = ["query ↓", "key →"].flatMap((text) => [" ", element("span", {}, text)]);
  const corner = element("th", { scope: "col", class: "corner" }, letter, ...sides);
  const head = element("tr", {}, corner, ...tokens.map((token) => element("th", { scope: "col" }, token)));
  const queries = tokens.map((token, t) => {
    const made = element("button", { type: "button", class: "toggle" }, token);
    made.addEventListener("click", () => row(t));
    return made;
  });
  const cells = tokens.map((_, t) =>
    tokens.map((_, j) => {
      const made = element("button", { type: "button" });
      for (const event of ["click", "focus", "pointerenter"]) made.addEventListener(event, () => pick(t, j));
      return made;
    }),
  );
  table.append(
    head,
    ...cells.map((all, t) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, queries[t]),
        ...all.map((cell) => element("td", {}, cell)),
      ),
    ),
  );

  /** Fills the table with a matrix; the chosen row and entry are marked. */
  function tell(name, rows, chosen) {
    const largest = Math.max(1e-9, ...rows.flat().filter(Number.isFinite).map(Math.abs));
    letter.replaceChildren(math(name));
    queries.forEach((button, t) => button.setAttribute("aria-pressed", t === chosen.t));
    rows.forEach((values, t) =>
      values.forEach((value, j) => {
        const cell = cells[t][j];
        const share = Number.isFinite(value) ? Math.round((32 * Math.abs(value)) / largest) : 0;
        const color = name === "P" ? "--forward" : value < 0 ? "--negative" : "--positive";
        cell.style.background = `color-mix(in srgb, var(${color}) ${share}%, transparent)`;
        cell.textContent = Number.isFinite(value) ? fixed(value) : "−∞";
        cell.dataset.value = value;
        cell.setAttribute("aria-label", `${name} of ${tokens[t]}, ${tokens[j]}: ${cell.textContent}`);
        cell.setAttribute("aria-pressed", t === chosen.t && j === chosen.j);
      }),
    );
  }
  return { table, tell };
}

/** A number as it is shown, and its text. */
const seen = (value) => Number(Number(value.toFixed(3)).toPrecision(4));
const round = (value) => show(seen(value));
/** The end of a line: "=" where it holds for the numbers as they are shown, else "≈". */
const result = (ofShown, value) => {
  const sign = Math.abs(ofShown - seen(value)) < 1e-9 ? "=" : "≈";
  return ` ${sign} ${round(value)}$`;
};
const dot = (a, b) => a.reduce((sum, value, i) => sum + seen(value) * seen(b[i]), 0);
const signed = (value) => (value < 0 ? `(${round(value)})` : round(value));
const products = (a, b) => a.map((value, i) => `${signed(value)} · ${signed(b[i])}`).join(" + ");

/** How an entry comes about, with formulas in dollar signs. */
export function sumOf(name, { q, k, v, dO }, made, { t, j }) {
  if (made.S[t][j] === -Infinity)
    return "This key comes after the query, so its score is −∞ and its weight is 0.";
  const value = made[name][t][j];
  if (name === "S") {
    const score = dot(q[t], k[j]) / Math.sqrt(q[t].length);
    return `$(${products(q[t], k[j])}) / √${q[t].length}${result(score, value)}`;
  }
  if (name === "P") {
    const score = made.S[t][j];
    const powers = made.S[t].filter(Number.isFinite).map(Math.exp);
    const share = Math.exp(seen(score)) / powers.map(seen).reduce((sum, each) => sum + each);
    return `$e^{${round(score)}} / (${powers.map(round).join(" + ")})${result(share, value)}`;
  }
  if (name === "dP") return `$dO · v = ${products(dO[t], v[j])}${result(dot(dO[t], v[j]), value)}`;
  const [weight, slope, mean] = [made.P[t][j], made.dP[t][j], made.D[t]].map(seen);
  return `$${show(weight)} · (${show(slope)} − ${signed(mean)})${result(weight * (slope - mean), value)}`;
}
