/** The exported networks and test digits. Their format: docs/sitetools/playground.py. */

import { matrix } from "./matrix.js";

const DIGIT = 28 * 28;

/**
 * @typedef {{index: number, label: number, pixels: Uint8Array}} Digit  index: in the test set
 * @returns {Promise<{networks: object[], digits: Digit[]}>}
 */
export async function loadManifest() {
  const { networks, digits } = await (await get("manifest.json")).json();
  const pixels = new Uint8Array(await (await get(digits.file)).arrayBuffer());
  return {
    networks,
    digits: digits.labels.map((label, i) => ({
      label,
      index: digits.indices[i],
      pixels: pixels.subarray(i * DIGIT, (i + 1) * DIGIT),
    })),
  };
}

/**
 * The parameters of a network of the manifest.
 *
 * @returns {Promise<import("./network.js").Params[]>}
 */
export async function loadParams(network) {
  const numbers = littleEndian(await (await get(network.file)).arrayBuffer());
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

/** What the model's first two layers do, rescale and flatten: 784 bytes -> x (1, 784), 0 to 1. */
export function asInput(pixels) {
  return matrix(
    1,
    pixels.length,
    Float64Array.from(pixels, (value) => value / 255),
  );
}

function littleEndian(buffer) {
  const view = new DataView(buffer);
  return Float64Array.from({ length: buffer.byteLength / 4 }, (_, i) =>
    view.getFloat32(4 * i, true),
  );
}

async function get(file) {
  const response = await fetch(new URL(file, import.meta.url));
  if (!response.ok) throw new Error(`${file}: ${response.status} ${response.statusText}`);
  return response;
}
