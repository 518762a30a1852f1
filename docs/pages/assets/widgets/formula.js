/** Formulas as the page's own: variables in italics, indices below, and powers above the line. */

import { element, mark, styled } from "./kit.js";

/** Loads formula.css, and the letters where the page has them, so that widths can be measured. */
export const styles = () =>
  Promise.all([
    styled(new URL("formula.css", import.meta.url)),
    document.fonts.load("1em KaTeX_Main"),
    document.fonts.load("italic 1em KaTeX_Math"),
  ]);

const SHORT = 16; // letters of a formula that stays on one line
const LOW = "₀₁₂₃₄₅₆₇₈₉ᵢⱼ";
const HIGH = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᵀ";
const PLAIN = { low: [LOW, "0123456789ij"], high: [HIGH, "0123456789−⊤"] };
const PARTS = new RegExp(`\\^\\{[^}]*\\}|[${LOW}]+|[${HIGH}]+|[\\p{Lu}\\p{Ll}\\u0302]+|[^]`, "gu");

/** The parts of a formula, each with what it is: "variable", "low", "high", or "plain". */
function partsOf(text) {
  return text.match(PARTS).flatMap((part) => {
    if (part.startsWith("^{")) return [["high", part.slice(2, -1)]];
    for (const [kind, [from, to]] of Object.entries(PLAIN)) {
      if (from.includes(part[0])) return [[kind, [...part].map((sign) => to[from.indexOf(sign)]).join("")]];
    }
    const letters = /^(d?[\p{Lu}\p{Ll}]|[α-ωϵ]+)\u0302?$/u.test(part) && part !== "Σ";
    return [[letters ? "variable" : "plain", part]];
  });
}

const TAGS = { variable: "i", low: "sub", high: "sup" };

/**
 * A formula: math("dx₁ = 2·x₁ + e^{−z}"). Single letters are variables, and so are derivatives such as
 * "dx"; words such as "max" are not. Digits below and above the line are Unicode's, and longer powers
 * stand in `^{ }`.
 */
export function math(text, attributes = {}) {
  const nodes = (all) => partsOf(all).map(([kind, part]) => nodeOf(kind, part));
  const nodeOf = (kind, part) => {
    if (kind === "plain") return part;
    return element(TAGS[kind], {}, ...(kind === "variable" ? [part] : [...part].flatMap(nodes)));
  };
  const kinds = ["math", ...(text.length <= SHORT ? ["short"] : []), attributes.class ?? ""];
  return element("span", { ...attributes, class: kinds.join(" ").trim() }, ...nodes(text));
}

/** Words with formulas between dollar signs, as nodes: sentence("The rate $η$ is below $2/κ$."). */
export function sentence(text) {
  return text.split("$").map((part, i) => (i % 2 ? math(part) : part)).filter((node) => node !== "");
}

/** The same in one element: what a slider is called. */
export const labelOf = (text) => element("span", {}, ...sentence(text));

/** The same words as plain text, for names that are read aloud. */
export const plainText = (text) => text.replaceAll(/\$|[{}]/g, "");

/** Words in a drawing with formulas between dollar signs; `y` is their middle. */
export function drawnWords(x, y, text, attributes = {}) {
  const made = mark("text", { x, y, dy: ".35em", ...attributes });
  let shift = 0; // what the next part has to make good
  const add = (part, { down = 0, ...look }) => {
    made.append(mark("tspan", { ...look, ...(down - shift && { dy: `${down - shift}` }) }, part));
    shift = down;
  };
  text.split("$").forEach((part, i) => {
    if (!part) return;
    if (i % 2 === 0) return add(part, {});
    for (const [kind, piece] of partsOf(part)) {
      const down = { low: 3, high: -5 }[kind] ?? 0;
      add(piece, { class: `math ${TAGS[kind] ?? ""}`.trim(), down });
    }
  });
  return made;
}
