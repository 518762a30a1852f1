/** Tables of the ten outputs: rows of colored numbers. */

import { chance, element, reach, show } from "./dom.js";
import { colorsOf, css, diverging, textOn } from "./theme.js";

const DIGITS = Array.from({ length: 10 }, (_, digit) => digit);

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
    const colors = colorsOf(host);
    rows.forEach((values, i) => {
      const scale = reach(values);
      cells[i].forEach((cell, digit) => {
        const value = values[digit];
        cell.textContent = show(value);
        const color = [0, 0, 0];
        diverging(colors, value, scale, color, 0);
        cell.style.background = css(color.slice(0, 3));
        cell.style.color = textOn(color.slice(0, 3));
      });
    });
    head.forEach((cell, digit) => cell.classList.toggle("pg-chosen", digit === column));
  };
}

/** The ten probabilities as a table that is heard and not seen: the drawing shows them as bars. */
export function createProbabilities(host) {
  const numbers = DIGITS.map(() => element("td", { class: "pg-number" }, "–"));
  const rows = DIGITS.map((digit) =>
    element("tr", {}, element("th", { scope: "row" }, String(digit)), numbers[digit]),
  );
  const caption = element("caption", {}, "Probability of each digit");
  host.append(element("table", {}, caption, element("tbody", {}, ...rows)));

  /** @param {ArrayLike<number> | null} probabilities */
  return function paint(probabilities) {
    numbers.forEach((cell, digit) => {
      cell.textContent = probabilities ? chance(probabilities[digit]) : "–";
    });
  };
}
