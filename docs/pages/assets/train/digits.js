/** The digits to train on. Their format: docs/sitetools/train.py. */

import { get } from "../playground/fetching.js";

const [TRAINING, HELD_OUT, PIXELS] = [3000, 500, 28 * 28];

let asked = null;

/** Loads them, once. @returns {Promise<{train, held, pixels: Uint8Array}>} pixels of those held out */
export function loadDigits() {
  asked ??= load().catch((error) => {
    asked = null; // to be tried again
    throw error;
  });
  return asked;
}

async function load() {
  const { body } = await get("digits.bin", import.meta.url);
  const stream = body.pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const labels = bytes.subarray((TRAINING + HELD_OUT) * PIXELS);
  const examples = (from, to) => ({
    x: {
      rows: to - from,
      cols: PIXELS,
      values: Float64Array.from(bytes.subarray(from * PIXELS, to * PIXELS), (value) => value / 255),
    },
    targets: Array.from(labels.subarray(from, to)),
  });
  return {
    train: examples(0, TRAINING),
    held: examples(TRAINING, TRAINING + HELD_OUT),
    pixels: bytes.slice(TRAINING * PIXELS, (TRAINING + HELD_OUT) * PIXELS),
  };
}
