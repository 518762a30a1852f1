/** The sum behind the number that somebody points at, as a small table. */

import { element, show } from "./dom.js";

/** @returns {(sum: import("./sums.js").Sum | null, hint?: string) => void} */
export function createInspector(host) {
  const title = element("p", { class: "pg-sum-name" });
  const body = element("tbody");
  const table = element(
    "table",
    { class: "pg-sum-terms" },
    element("caption", { class: "pg-hidden" }, "The sum"),
    body,
  );
  const note = element("p", { class: "pg-small pg-sum-note" });
  host.append(title, table, note);

  return function paint(sum, hint = "") {
    if (!sum) {
      title.replaceChildren(element("b", {}, "Nothing here yet"));
      body.replaceChildren();
      note.textContent = hint;
      return;
    }
    title.replaceChildren(element("b", {}, sum.name), " = ", element("span", {}, sum.formula));
    const { terms, rest, total } = sum;
    const scale = Math.max(
      ...terms.map(({ value }) => Math.abs(value)),
      Math.abs(rest.value),
      Math.abs(total),
    );
    const rows = terms.map(({ name, left, right, value, text }) =>
      row(name, text ?? factors(left, right), value, scale),
    );
    if (rest.count)
      rows.push(
        row(rest.count === 1 ? "1 other term" : `${rest.count} other terms`, "", rest.value, scale),
      );
    const last = row(sum.name, "", total, scale);
    last.classList.add("pg-total");
    body.replaceChildren(...rows, last);
    note.textContent = sum.note;
  };
}

const factors = (left, right) => (right === null ? "" : `${show(left)} · ${show(right)}`);

/** The name, the factors, the value, and the value as a bar from the middle. */
function row(name, text, value, scale) {
  const part = scale ? (50 * Math.abs(value)) / scale : 0;
  const side = value < 0 ? "right: 50%" : "left: 50%";
  const bar = element("i", {
    class: value < 0 ? "pg-minus" : "pg-plus",
    style: `${side}; width: ${part}%`,
  });
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, name, text ? element("small", {}, text) : ""),
    element("td", { class: "pg-term-bar", "aria-hidden": "true" }, element("span", {}, bar)),
    element("td", { class: "pg-number" }, show(value)),
  );
}
