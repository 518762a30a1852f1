/** The matrices of `attention` as tables of buttons, and the sum of each entry in words. */

import { element, show } from "./kit.js";

export const MATRICES = {
  S: "Scores S = Q·Kᵀ/√d",
  P: "Weights P = softmax(S)",
  dP: "Derivative dP = dO·Vᵀ",
  dS: "Derivative dS = P ⊙ (dP − D)",
};

/**
 * A table of one matrix, a row per query: `pick(t, j)` is called where an entry is pointed at,
 * focused or pressed; `row(t)` where a query is chosen.
 */
export function matrixTable(tokens, { pick, row }) {
  const table = element("table", { class: "numbers cells" });
  const corner = element("th", { scope: "col" }, "query ↓ key →");
  const head = element("tr", {}, corner, ...tokens.map((token) => element("th", { scope: "col" }, token)));
  const queries = tokens.map((token, t) => {
    const made = element("button", { type: "button" }, token);
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
    queries.forEach((button, t) => button.setAttribute("aria-pressed", t === chosen.t));
    rows.forEach((values, t) =>
      values.forEach((value, j) => {
        const cell = cells[t][j];
        const share = Number.isFinite(value) ? Math.round((32 * Math.abs(value)) / largest) : 0;
        const color = name === "P" ? "--forward" : value < 0 ? "--negative" : "--positive";
        cell.style.background = `color-mix(in srgb, var(${color}) ${share}%, transparent)`;
        cell.textContent = Number.isFinite(value) ? value.toFixed(3).replace("-", "−") : "−∞";
        cell.dataset.value = value;
        cell.setAttribute("aria-label", `${name} of ${tokens[t]}, ${tokens[j]}: ${cell.textContent}`);
        cell.setAttribute("aria-pressed", t === chosen.t && j === chosen.j);
      }),
    );
  }
  return { table, tell };
}

const round = (value) => show(Number(value.toFixed(3)));
const signed = (value) => (value < 0 ? `(${round(value)})` : round(value));
const products = (a, b) => a.map((value, i) => `${signed(value)}·${signed(b[i])}`).join(" + ");

/** How an entry comes about. */
export function sumOf(name, { q, k, v, dO }, made, { t, j }) {
  if (made.S[t][j] === -Infinity) return "This key comes after the query: its score is −∞, and its weight 0.";
  const equals = ` = ${round(made[name][t][j])}`;
  if (name === "S") return `(${products(q[t], k[j])}) / √${q[t].length}${equals}`;
  if (name === "P") {
    const powers = made.S[t].filter(Number.isFinite).map((value) => round(Math.exp(value)));
    return `e^${signed(made.S[t][j])} / (${powers.join(" + ")})${equals}`;
  }
  if (name === "dP") return `dO·v = ${products(dO[t], v[j])}${equals}`;
  return `${round(made.P[t][j])} · (${round(made.dP[t][j])} − ${signed(made.D[t])})${equals}`;
}
