/**
 * The numbers of one sum in one form: the same decimals, and the same power of ten, so that what a reader
 * adds up is the total that is shown, within the rounding of the last decimal.
 */

const MOST = 9; // decimals that there is room for
const LEAST = 0.001; // below it, all numbers of a sum share a power of ten

/** Two losses, a step apart, with as many decimals as tell one from the other. */
export const twoLosses = (before, after) => alike([before, before - after], after);

/** Two probabilities, a step apart, in as many figures as tell one from the other and neither from 1. */
export function twoChances(before, after) {
  const write = (p, figures) =>
    p !== 0 && p < LEAST ? p.toExponential(figures - 1).replace("-", "−") : p.toFixed(figures + 1);
  const written = (figures) => [before, after].map((p) => write(p, figures));
  const unclear = (texts) =>
    texts[0] === texts[1] || [before, after].some((p, i) => p < 1 && Number(texts[i]) === 1);
  let figures = 2;
  while (before !== after && figures < 15 && unclear(written(figures))) figures += 1;
  return written(figures);
}

const exponentOf = (value) => Math.floor(Math.log10(Math.abs(value)));

/** The decimals in which a value has `figures` figures. */
const decimalsFor = (value, figures) => figures - 1 - exponentOf(value);

/**
 * @param {number[]} terms @param {number} total
 * @param {boolean} [chance] whether these are probabilities, or become them: none of them is rounded to 1
 * @returns {(value: number) => string}
 */
export function alike(terms, total, chance = false) {
  const known = [...terms, total].filter((value) => value !== 0 && Number.isFinite(value));
  const largest = Math.max(...known.map(Math.abs));
  if (!known.length) return () => "0";
  const power = largest < LEAST || largest >= 1e5 ? exponentOf(largest) : 0;
  const unit = 10 ** power;
  const part = (value) => value / unit;
  const wanted = [
    power ? 2 : 3,
    decimalsFor(part(largest), 3),
    ...known.map((value) => Math.min(7, decimalsFor(part(value), 1))), // of a small term
    total && decimalsFor(part(total), 2),
    chance && total < 1 ? decimalsFor(1 - total, 2) : 0,
  ];
  const decimals = Math.min(MOST, Math.max(...wanted));
  return (value) => {
    const digits = Math.abs(part(value)).toFixed(decimals);
    if (chance && value < 1 && Number(digits) === 1) return `>0.${"9".repeat(decimals)}`;
    const sign = value < 0 && Number(digits) ? "−" : "";
    return `${sign}${digits}${power ? `e${String(power).replace("-", "−")}` : ""}`;
  };
}

/** A factor with four figures, so that a product comes out as the term that is shown: 14.58, 0.3824. */
export function factor(value) {
  if (value === 0) return "0";
  const power = exponentOf(value);
  const sign = value < 0 ? "−" : "";
  if (power < -4 || power > 5) return sign + Math.abs(value).toExponential(2).replace("-", "−");
  return sign + Math.abs(value).toFixed(Math.max(0, 3 - power));
}
