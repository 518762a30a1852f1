/** The network's answer in words. */

import { chance, ranked, withChance } from "./dom.js";

/**
 * @param {ArrayLike<number>} probabilities
 * @param {import("./assets.js").Digit | null} digit the test digit that is on the pad, if there is one
 * @param {number | null} label
 */
export function inWords(probabilities, digit, label) {
  const [first, second] = ranked(probabilities);
  const [p, q] = [probabilities[first], probabilities[second]];
  const answer =
    p < 0.6
      ? `The network hesitates: ${first} with ${withChance(p)}, or ${second} with ${chance(q)}.`
      : `The network reads ${first}, with ${withChance(p)}.`;
  if (!digit) return answer;
  const image = `${answer} This is image ${digit.index} of the test set, labeled ${digit.label}.`;
  if (label === digit.label || label === null) return image;
  return `${image} Here, its label is ${label}, so the network has an error to send back.`;
}
