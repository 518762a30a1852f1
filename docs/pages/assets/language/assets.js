/** The networks that examples/language.py trained. Their format: docs/sitetools/language.py. */

import { get } from "../playground/fetching.js";
import { gpt } from "./gpt.js";
import { matrix } from "./matrix.js";

/** What the manifest says of each network. */
export async function loadManifest() {
  return (await (await get("manifest.json", import.meta.url)).json()).networks;
}

/** A network, ready: what the manifest says, with `model` and `params`. */
export async function loadNetwork(described) {
  const numbers = fromHalves(await (await get(described.file, import.meta.url)).arrayBuffer());
  let start = 0;
  const params = described.parameters.map((part) => take(part));
  if (start !== numbers.length) {
    throw new Error(`${described.file}: expected ${start} numbers, got ${numbers.length}`);
  }
  return { ...described, model: gpt(described.depth, described.heads), params };

  /** A part's matrices, by name, or those of a list of parts. */
  function take(part) {
    if (Array.isArray(part)) return part.map(take);
    const matrices = Object.entries(part).map(([name, [rows, cols]]) => {
      const values = numbers.slice(start, (start += rows * cols));
      return [name, matrix(rows, cols, values)];
    });
    return Object.fromEntries(matrices);
  }
}

/** Little-endian float16: a sign, 5 bits of exponent, 10 of fraction. */
export function fromHalves(buffer) {
  const view = new DataView(buffer);
  return Float64Array.from({ length: buffer.byteLength / 2 }, (_, i) => {
    const bits = view.getUint16(2 * i, true);
    const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}
