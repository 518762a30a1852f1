/** Names and trees as text, with names or with their numbers. */

import { show } from "./kit.js";

const GREEK = { alpha: "α", beta: "β", gamma: "γ", delta: "δ", epsilon: "ε", mu: "μ", sigma: "σ" };
const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";
const PRIMES = ["′", "″", "‴"];
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** "xhat1" is shown x̂₁. */
export function shown(name) {
  const [, letters, hat, digits] = /^([A-Za-z]+?)(hat)?_?([\d_]*)$/.exec(name) ?? [null, name, "", ""];
  const low = [...digits.replaceAll("_", "")].map((digit) => SUBSCRIPTS[digit]).join("");
  return (GREEK[letters] ?? letters) + (hat ? "\u0302" : "") + low;
}

/** x′, x″, x‴, x⁽⁴⁾: the uses of a value that is used more than once. */
export function nameOfUse(name, use) {
  const mark = PRIMES[use] ?? `⁽${[...String(use + 1)].map((digit) => SUPERSCRIPTS[digit]).join("")}⁾`;
  return shown(name) + mark;
}

const FIRM = { add: 1, subtract: 1, negate: 1, multiply: 2, divide: 2, square: 4 };

/**
 * A tree as text. `leaf(name)` is the text of a name: itself, or its number. Numbers below zero are put in
 * parentheses, except at the beginning.
 */
export function textOf(tree, leaf, first = true) {
  if (!("op" in tree)) {
    const text = "name" in tree ? leaf(tree.name) : plain(tree.number);
    return text.startsWith("−") && !first ? `(${text})` : text;
  }
  const { op, args } = tree;
  const firm = FIRM[op] ?? 5;
  const part = (arg, least, start = false) => {
    const closed = (FIRM[arg.op] ?? 5) < least;
    const text = textOf(arg, leaf, start || closed);
    return closed ? `(${text})` : text;
  };
  switch (op) {
    case "add":
      return args.reduce((text, arg, i) => {
        if (i === 0) return part(arg, 1, first);
        return arg.op === "negate" ? `${text} − ${part(arg.args[0], 2)}` : `${text} + ${part(arg, 1)}`;
      }, "");
    case "subtract":
      return `${part(args[0], 1, first)} − ${part(args[1], 2)}`;
    case "negate":
      return `−${part(args[0], 2)}`;
    case "multiply":
      return `${part(args[0], 2, first)} · ${part(args[1], 2)}`;
    case "divide":
      return `${part(args[0], 2, first)} / ${part(args[1], 3)}`;
    case "square": {
      const base = part(args[0], 5);
      return /^[\p{L}\u0302₀-₉]+$|^\(.*\)$|^[\d.]+$/u.test(base) ? `${base}²` : `(${base})²`;
    }
    case "sqrt":
      return args[0].op ? `√(${textOf(args[0], leaf)})` : `√${part(args[0], 5)}`;
    case "sigmoid":
      return `σ(${textOf(args[0], leaf)})`;
    case "log":
      return `ln(${textOf(args[0], leaf)})`;
    default:
      return `${op}(${args.map((arg) => textOf(arg, leaf)).join(", ")})`.replace(/^relu/, "ReLU");
  }
}

/** A constant as it is written: 0.00001, not 1.0e−5. */
function plain(number) {
  const digits = Math.max(0, Math.ceil(-Math.log10(Math.abs(number) || 1)) + 3);
  return String(
    Number.isInteger(number) ? number : number.toFixed(Math.min(digits, 20)).replace(/0+$/, ""),
  ).replace("-", "−");
}

/** "a = b = c" without what is said twice in a row. */
export function equal(...texts) {
  return texts.filter((text, i) => text !== texts[i - 1]).join(" = ");
}
