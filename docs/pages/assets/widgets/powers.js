/** The numbers at a logarithmic axis: all of them plain, or all of them powers of ten. */

import { show } from "./kit.js";

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** 10⁻⁴ */
export function power(value) {
  const exponent = Math.round(Math.log10(value));
  const digits = [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPTS[digit]).join("");
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

/** What writes the ticks of an axis, which are powers of ten: 0.01, 0.1, 1 where none is long. */
export const ofAxis = (values) => (values.every((value) => value >= 1e-3 && value <= 1e4) ? show : power);
