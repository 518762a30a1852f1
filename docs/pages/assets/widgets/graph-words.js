/** Names and trees as text, with names or with their numbers. */

import { show } from "./kit.js";

const GREEK = { alpha: "α", beta: "β", gamma: "γ", delta: "δ", epsilon: "ε", mu: "μ", sigma: "σ" };
const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

/** "xhat1" is shown x̂₁. */
export function shown(name) {
  const [, letters, hat, digits] = /^([A-Za-z]+?)(hat)?_?([\d_]*)$/.exec(name) ?? [null, name, "", ""];
  const low = [...digits.replaceAll("_", "")].map((digit) => SUBSCRIPTS[digit]).join("");
  return (GREEK[letters] ?? letters) + (hat ? "\u0302" : "") + low;
}

/**
 * "dx via u": the part of x's derivative that comes back through the box u, one of the `uses` of x. Where u
 * takes x more than once, its arguments are counted: "dx via u (1)". Its spaces do not break.
 */
export function nameOfPart(name, uses, use) {
  const through = uses[use].box;
  const same = uses.filter(({ box }) => box === through);
  const count = same.length > 1 ? ` (${1 + same.indexOf(uses[use])})` : "";
  return `d${shown(name)} via ${shown(through)}${count}`.replaceAll(" ", "\u00a0");
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

/** A formula, the same with numbers, and the result: "≈" where it does not hold for what is shown. */
export function worked(formula, numbers, result, holds) {
  const line = equal(formula, numbers, result);
  return holds || numbers === result ? line : line.replace(/ = ([^=]*)$/, " ≈ $1");
}

/**
 * Why no step against the gradient changes the loss: all its derivatives are 0. The names are in dollar
 * signs. Nothing where it does change.
 */
export function standstill(boxes, { values, derivatives }, leaves, loss) {
  if (leaves.some((name) => derivatives[name] !== 0)) return "";
  const shut = boxes.filter(({ name, tree }) => tree?.op === "relu" && values[name] === 0);
  const names = shut.map(({ name }) => `$${shown(name)}$`).join(" and ");
  const inputs = boxes.at(-1).args;
  const why = inputs.every((name) => derivatives[name] === 0)
    ? `the slope of $${shown(loss)}$ is 0 here`
    : shut.length
      ? `the ${shut.length > 1 ? "units" : "unit"} ${names} ${shut.length > 1 ? "are" : "is"} off, and ` +
        "a unit that is off passes nothing back"
      : "none of them affects the loss here";
  return `All derivatives of the weights and biases are 0: ${why}. Another step would change nothing.`;
}
