/** A matrix as cells: fields that are edited, entries that are pointed at, and lights on them. */

import { plainText, sentence, styles as formulas } from "./formula.js";
import { element, numberField, show, styled } from "./kit.js";

/** Loads grid.css and the letters of formulas once. */
export const styles = () => Promise.all([styled(new URL("grid.css", import.meta.url)), formulas()]);

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/**
 * grid("$x$", 2, 3, { … }), whose name may have a formula in dollar signs, with `cell`, the greatest width
 * of a cell in pixels; `edit(r, c)` gives what takes a cell's new number (or nothing, where it is fixed);
 * `pick(r, c, clicked)` is called for the entry that is pointed at, clicked, or reached with the arrow keys;
 * `color` is "forward" or "backward"; `shape` is its text; `label(r, c)` names a cell; `decimals` is how many
 * are shown, of numbers that have more.
 */
export function grid(name, rows, cols, { cell = 44, edit, pick, color, shape, label, decimals }) {
  const spoken = plainText(name);
  const named = label ?? ((r, c) => `${spoken}[${r}, ${c}]`);
  const cells = Array.from({ length: rows }, (_, r) => Array.from({ length: cols }, (_, c) => cellOf(r, c)));
  const made = element(
    "div",
    { class: `grid-cells ${color}`, role: "group", "aria-label": spoken },
    ...cells.flat(),
  );
  made.style.gridTemplateColumns = `repeat(${cols}, minmax(0, 1fr))`;
  const block = element(
    "div",
    { class: "grid-block" },
    element("div", { class: "grid-name" }, element("b", {}, ...sentence(name)), shape ? ` ${shape}` : ""),
    made,
  );
  block.style.width = `${cols * cell}px`;

  function cellOf(r, c) {
    const change = edit?.(r, c);
    if (change) {
      const field = element("input", { type: "number", step: "any", "aria-label": named(r, c) });
      return numberField(field, change);
    }
    if (!pick) return element("span", {});
    const entry = element("button", { type: "button", tabindex: r + c ? -1 : 0 });
    for (const event of ["pointerenter", "click", "focus"])
      entry.addEventListener(event, () => pick(r, c, event === "click"));
    entry.addEventListener("keydown", (event) => {
      const [down, right] = ARROWS[event.key] ?? [0, 0];
      const next = cells[r + down]?.[c + right];
      if (!next || (!down && !right)) return;
      event.preventDefault();
      next.focus();
    });
    return entry;
  }

  return {
    element: block,
    /** Shows a number in a cell, in full where the pointer rests on it; null, what is to be predicted. */
    set(r, c, value) {
      const at = cells[r][c];
      if (value === null) {
        at.textContent = "?";
        at.setAttribute("aria-label", `${named(r, c)}, hidden until you click it`);
        return;
      }
      const rounded = roundedTo(decimals, value);
      if (at.tagName === "INPUT") at.value = String(rounded);
      else at.textContent = show(rounded);
      if (!pick) return;
      at.title = String(value);
      at.setAttribute("aria-label", `${named(r, c)} = ${show(rounded)}`);
    },
    /** Lights the cells for which `lit(r, c)` is true, or names a class. */
    light(lit) {
      cells.forEach((row, r) => row.forEach((at, c) => (at.dataset.lit = lit(r, c) || "")));
    },
    /** Marks one entry as the one that is looked at; the Tab key stops there. */
    choose(row, col) {
      cells.forEach((line, r) =>
        line.forEach((at, c) => {
          const chosen = r === row && c === col;
          at.toggleAttribute("data-chosen", chosen);
          if (pick) at.tabIndex = chosen ? 0 : -1;
        }),
      );
    },
  };
}

/** A number with so many decimals, or as it is. */
export const roundedTo = (decimals, value) =>
  decimals === undefined ? value : Number(value.toFixed(decimals));

/** A matrix from the settings, or what is wrong with it. */
export function checked(widget, name, given, rows, cols) {
  const wrong = (what) => new Error(`${widget}: \`${name}\` ${what}`);
  if (!Array.isArray(given) || !given.length || !Array.isArray(given[0])) throw wrong("is a list of rows");
  const size = [rows ?? given.length, cols ?? given[0].length];
  if (given.length !== size[0] || given.some((row) => row.length !== size[1])) {
    const lengths = [...new Set(given.map((row) => row.length))].join(" or ");
    throw wrong(`is of shape (${given.length}, ${lengths}), not (${size.join(", ")})`);
  }
  if (!given.flat().every(Number.isFinite)) throw wrong("has an entry that is not a number");
  return given.map((row) => [...row]);
}
