/** The exported networks and test digits. Their format: docs/sitetools/playground.py. */

import { get } from "./fetching.js";
import { matrix } from "./matrix.js";

const DIGIT = 28 * 28;

/** @returns {Promise<{networks: object[], digits: Digit[], unsure: object}>} */
export async function loadManifest() {
  const manifest = await (await get("manifest.json", import.meta.url)).json();
  return { ...manifest, digits: await loadDigits(manifest.digits) };
}

/**
 * @typedef {{index: number, label: number, pixels: Uint8Array}} Digit  index: in the test set
 * @returns {Promise<Digit[]>} of the manifest's `digits` or `unsure`
 */
export async function loadDigits({ file, labels, indices }) {
  const pixels = new Uint8Array(await (await get(file, import.meta.url)).arrayBuffer());
  return labels.map((label, i) => ({
    label,
    index: indices[i],
    pixels: pixels.subarray(i * DIGIT, (i + 1) * DIGIT),
  }));
}

/** @returns {Promise<import("./network.js").Params[]>} of a network of the manifest */
export async function loadParams(network) {
  const numbers = fromBfloat16(await (await get(network.file, import.meta.url)).arrayBuffer());
  let start = 0;
  const take = (count) => numbers.subarray(start, (start += count));
  const params = network.layers.map(({ w, b }) => ({
    w: matrix(w[0], w[1], take(w[0] * w[1])),
    b: Float64Array.from(take(b[0])),
  }));
  if (start !== numbers.length) {
    throw new Error(`${network.file}: expected ${start} numbers, got ${numbers.length}`);
  }
  return params;
}

/** What the model's first two layers do: 784 bytes -> x (1, 784), 0 to 1. */
export function asInput(pixels) {
  const x = Float64Array.from(pixels, (value) => value / 255);
  return matrix(1, pixels.length, x);
}

/** bfloat16 is the upper half of float32. */
function fromBfloat16(buffer) {
  const view = new DataView(buffer);
  const float = new DataView(new ArrayBuffer(4));
  return Float64Array.from({ length: buffer.byteLength / 2 }, (_, i) => {
    float.setUint16(0, view.getUint16(2 * i, true));
    return float.getFloat32(0);
  });
}
