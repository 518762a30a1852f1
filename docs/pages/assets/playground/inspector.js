/** The sum behind the number that somebody points at, as a small table. */

import { factor } from "./alike.js";
import { element } from "./dom.js";
import { writtenAs } from "./sums.js";

const BEHIND = 2; // sums behind the one that is asked for, if there is room
const FEW = 3; // terms of the one sum behind it on a phone, where what comes below should not be far away

/** @returns {(sum: import("./sums.js").Sum | null, hint?: string) => void} */
export function createInspector(host) {
  const phone = window.matchMedia("(max-width: 59.9em)");
  return function paint(sum, hint = "") {
    const note = element("p", { class: "pg-small pg-sum-note" }, sum ? sum.note : hint);
    if (!sum) {
      host.replaceChildren(titled(element("b", {}, "Nothing to show yet")), note);
      return;
    }
    host.replaceChildren(...told(sum), note);
    const [sums, terms] = phone.matches ? [1, FEW] : [BEHIND, Infinity];
    let behind = sum.within;
    for (let i = 0; i < sums && behind && addIfItFits(host, behind, terms); i++) behind = behind.within;
  };
}

/** A sum behind another one, with as many of its terms as there is room for. */
function addIfItFits(host, sum, most) {
  for (let count = Math.min(most, sum.terms.length); count > 0; count--) {
    const added = told(largest(sum, count));
    host.append(...added);
    if (fits(host.parentElement)) return true;
    for (const part of added) part.remove();
  }
  return false;
}

const fits = (box) => box.scrollHeight <= box.clientHeight + 1;

/** The sum with its `count` largest terms; the others are in the rest. */
function largest(sum, count) {
  const sorted = [...sum.terms].sort((p, q) => Math.abs(q.value) - Math.abs(p.value));
  const left = sorted.slice(count);
  const value = left.reduce((total, term) => total + term.value, sum.rest.value);
  const terms = sum.terms.filter((term) => !left.includes(term));
  return { ...sum, terms, rest: { count: sum.rest.count + left.length, value } };
}

const titled = (...words) => element("p", { class: "pg-sum-name" }, ...words);

/** One sum: its name and formula, and its terms. */
function told(sum) {
  const { name, formula, terms, rest, total, chance } = sum;
  const write = writtenAs(sum);
  const sizes = [...terms.map(({ value }) => value), rest.value, total].map(Math.abs);
  const scale = Math.max(...sizes);
  const rows = terms.map(({ name, left, right, value, text }) =>
    row(name, text ?? factors(left, right), value, scale, chance, write),
  );
  if (rest.count) {
    const words = rest.count === 1 ? "1 other term" : `${rest.count} other terms`;
    rows.push(row(words, "", rest.value, scale, chance, write));
  }
  const last = row(name, "", total, scale, chance, write);
  last.classList.add("pg-total");
  const table = element(
    "table",
    { class: "pg-sum-terms" },
    element("caption", { class: "pg-hidden" }, "The sum"),
    element("tbody", {}, ...rows, last),
  );
  return [titled(element("b", {}, name), " = ", element("span", {}, formula)), table];
}

const factors = (left, right) => (right === null ? "" : `${factor(left)} · ${factor(right)}`);

/** The name, the factors, the value, and the value as a bar from the middle. */
function row(name, text, value, scale, chance, write) {
  const part = scale ? (50 * Math.abs(value)) / scale : 0;
  const side = value < 0 ? "right: 50%" : "left: 50%";
  const bar = element("i", {
    class: chance ? "pg-chance" : value < 0 ? "pg-minus" : "pg-plus",
    style: `${side}; width: ${part}%`,
  });
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, name, text ? element("small", {}, text) : ""),
    element("td", { class: "pg-term-bar", "aria-hidden": "true" }, element("span", {}, bar)),
    element("td", { class: "pg-number" }, write(value)),
  );
}
