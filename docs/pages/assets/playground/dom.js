/** Elements and numbers as text. */

/** element("p", { class: "note" }, "text", child) */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Three figures, two where it is small: 0.731, −2.285, 12.4, 3.1e−5. */
export function show(value) {
  const size = Math.abs(value);
  let text;
  if (size === 0) text = "0";
  else if (size < 0.001) text = size.toExponential(1).replace("-", "−");
  else if (size < 10) text = size.toFixed(3);
  else if (size < 1000) text = size.toFixed(size < 100 ? 1 : 0);
  else text = size.toExponential(1);
  return (value < 0 ? "−" : "") + text;
}

/** A probability: three decimals, and never a certainty. */
export const chance = (p) => (p >= 0.9995 ? ">0.999" : p.toFixed(3));

/** The same in a sentence: "a probability of 0.731", "a probability above 0.999". */
export const withChance = (p) =>
  `a probability ${p >= 0.9995 ? "above" : "of"} ${chance(p).replace(">", "")}`;

/** "a 7", "an 8" */
export const withArticle = (digit) => `${digit === 8 ? "an" : "a"} ${digit}`;

/** The largest |value|, to scale colors by; never 0. */
export function reach(...arrays) {
  let largest = 0;
  for (const array of arrays)
    for (const value of array) largest = Math.max(largest, Math.abs(value));
  return largest || 1;
}

/** Class numbers, the most probable first. */
export function ranked(probabilities) {
  return Array.from(probabilities.keys()).sort((i, j) => probabilities[j] - probabilities[i]);
}

/** Where a pixel of 28×28 is. */
export const pixelName = (pixel) => `row ${Math.floor(pixel / 28)}, column ${pixel % 28}`;
