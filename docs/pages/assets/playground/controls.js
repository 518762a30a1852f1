/** The controls beside the drawing: the label, the claim, the rate. */

import { element, show } from "./dom.js";

/**
 * @param {(id: string) => HTMLElement} find
 * @param {{setLabel: (label: number) => void, claim: (label: number) => void}} on
 * @returns {(state: object, answer: number | null) => void}
 */
export function createControls(find, on) {
  const radios = Array.from({ length: 10 }, (_, digit) => {
    const radio = element("input", { type: "radio", name: "pg-label", value: digit });
    radio.addEventListener("change", () => on.setLabel(digit));
    find("labels").append(element("label", {}, radio, element("span", {}, String(digit))));
    return radio;
  });
  let offered = null;
  find("claim").addEventListener("click", () => on.claim(offered));

  return function paint({ x, grads, label }, answer) {
    for (const radio of radios) {
      radio.checked = Number(radio.value) === label;
      radio.disabled = !x;
    }
    for (const id of ["one", "ten"]) find(id).disabled = !grads;
    find("claim").disabled = !x;
    if (!x) return;
    offered = label !== null && label !== answer ? answer : answer === 3 ? 8 : 3;
    const article = offered === 8 ? "an" : "a";
    find("claim").textContent =
      `${offered === answer ? "Say" : "Claim"} it is ${article} ${offered}`;
  };
}

/** The rate of the slider, which is on a log axis; shown, and said to a screen reader. */
export function showRate(range, output) {
  const rate = 10 ** Number(range.value);
  output.textContent = show(rate);
  range.setAttribute("aria-valuetext", show(rate));
  return rate;
}
