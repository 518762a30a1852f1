/** Tables of the ten outputs: the probabilities as bars, and rows of coloured numbers. */

import { element, ranked, reach, show } from "./dom.js";
import { coloursOf, css, diverging, textOn } from "./theme.js";

const DIGITS = Array.from({ length: 10 }, (_, digit) => digit);

/** Ten bars with their numbers. */
export function createBars(host) {
  const rows = DIGITS.map((digit) => {
    const bar = element("div", { class: "pg-bar" });
    const number = element("td", { class: "pg-number" }, "–");
    const row = element(
      "tr",
      {},
      element("th", { scope: "row" }, String(digit)),
      element("td", { "aria-hidden": "true" }, element("div", { class: "pg-track" }, bar)),
      number,
    );
    return { row, bar, number };
  });
  const caption = element("caption", { class: "pg-hidden" }, "Probability of each digit");
  host.append(
    element(
      "table",
      { class: "pg-bars" },
      caption,
      element("tbody", {}, ...rows.map(({ row }) => row)),
    ),
  );

  /** @param {ArrayLike<number> | null} probabilities */
  return function paint(probabilities) {
    const first = probabilities && ranked(probabilities)[0];
    rows.forEach(({ row, bar, number }, digit) => {
      bar.style.width = probabilities ? `${100 * probabilities[digit]}%` : "0";
      number.textContent = probabilities ? probabilities[digit].toFixed(3) : "–";
      row.classList.toggle("pg-first", digit === first);
    });
  };
}

/**
 * A table with one column a digit and a row for each symbol; `paint` takes their values.
 *
 * @param {{symbol: string, formula?: string}[]} symbols
 */
export function createOutputs(host, symbols, title) {
  const cells = symbols.map(() => DIGITS.map(() => element("td")));
  const names = symbols.map(({ symbol, formula = "" }) =>
    element(
      "th",
      { scope: "row" },
      element("b", {}, symbol),
      formula ? element("small", {}, formula) : "",
    ),
  );
  const head = DIGITS.map((digit) => element("th", { scope: "col" }, String(digit)));
  const table = element(
    "table",
    { class: "pg-outputs" },
    element("caption", { class: "pg-hidden" }, title),
    element("thead", {}, element("tr", {}, element("td"), ...head)),
    element("tbody", {}, ...names.map((name, i) => element("tr", {}, name, ...cells[i]))),
  );
  host.append(
    element(
      "div",
      { class: "pg-scroll", tabindex: "0", role: "group", "aria-label": title },
      table,
    ),
  );

  /** @param {ArrayLike<number>[]} rows @param {number | null} column one to mark, the label's */
  return function paint(rows, column = null) {
    const colours = coloursOf(host);
    rows.forEach((values, i) => {
      const scale = reach(values);
      cells[i].forEach((cell, digit) => {
        const value = values[digit];
        cell.textContent = show(value);
        const colour = [0, 0, 0];
        diverging(colours, value, scale, colour, 0);
        cell.style.background = css(colour.slice(0, 3));
        cell.style.color = textOn(colour.slice(0, 3));
      });
    });
    head.forEach((cell, digit) => cell.classList.toggle("pg-chosen", digit === column));
  };
}
