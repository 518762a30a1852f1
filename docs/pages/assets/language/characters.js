/** How characters and numbers are written where each stands by itself. */

import { show } from "../widgets/kit.js";

const GLYPHS = { "\n": "↵", " ": "␣" };
const NAMES = { "\n": "new line", " ": "space", $: "dollar sign" };

/** What a character looks like in a picture, where a space would be nothing. */
export const glyph = (character) => GLYPHS[character] ?? character;

/** What it is called in a sentence: “e”, space, new line. */
export const named = (character) => NAMES[character] ?? `“${character}”`;

/** A probability: .031, 1 */
export function percent(probability) {
  const value = 100 * probability;
  if (value !== 0 && value < 0.1) return "< 0.1%";
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)}%`;
}

/** The largest few terms of a sum, with where each came from: 0.12 (e) + 0.03 (h) − 0.01 (t) + 13 more */
export function sumOf(terms, most = 3) {
  const sorted = [...terms].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const shown = sorted.filter(({ value }) => value !== 0).slice(0, most);
  const rest = sorted.filter(({ value }) => value !== 0).length - shown.length;
  const words = shown.map(({ value, from }, i) => {
    const sign = value < 0 ? "− " : i ? "+ " : "";
    return `${sign}${show(Math.abs(value))}${from ? ` (${from})` : ""}`;
  });
  return (words.join(" ") || "0") + (rest > 0 ? ` + ${rest} more` : "");
}
