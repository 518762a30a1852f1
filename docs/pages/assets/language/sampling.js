/** Which character is written: drawn at random, the likely ones more often. */

import { matrix } from "./matrix.js";
import { softmax } from "./softmax-cross-entropy.js";

/**
 * The probabilities that a character is drawn from: softmax(z / temperature). Below 1, likely
 * characters become likelier; at 0 the likeliest one has all of it, the first of them if several tie.
 *
 * @param {Float64Array} z  the logits of one position
 */
export function distribution(z, temperature) {
  if (temperature === 0) {
    const likeliest = z.indexOf(Math.max(...z));
    return z.map((_, token) => (token === likeliest ? 1 : 0));
  }
  const scaled = matrix(
    1,
    z.length,
    z.map((value) => value / temperature),
  );
  return softmax(scaled).values;
}

/** The token whose share of [0, 1) holds u, when the shares stand one after the other. */
export function draw(probabilities, u = Math.random()) {
  let total = 0;
  for (const [token, probability] of probabilities.entries()) {
    total += probability;
    if (u < total) return token;
  }
  return probabilities.findLastIndex((probability) => probability > 0); // rounding left u above the sum
}
