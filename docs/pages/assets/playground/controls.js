/** The controls beside the drawing: the label, the claim, the rate. */

import { element, show, withArticle } from "./dom.js";

/**
 * @param {(id: string) => HTMLElement} find
 * @param {{setLabel: (label: number) => void, claim: (label: number) => void}} on
 * @returns {(state: object, answer: number | null) => void}
 */
export function createControls(find, on) {
  const radios = Array.from({ length: 10 }, (_, digit) => {
    const radio = element("input", { type: "radio", name: "pg-label", value: digit });
    radio.addEventListener("change", () => on.setLabel(digit));
    radio.addEventListener("click", ({ detail }) => detail && unfold(false)); // by hand, not with the arrows
    find("labels").append(element("label", {}, radio, element("span", {}, String(digit))));
    return radio;
  });
  let read = null; // the network's answer
  find("claim").addEventListener("click", () => on.claim(read));
  // On a phone the ten labels are folded behind this button; elsewhere they are always there.
  const no = find("no");
  const unfold = (open) => {
    no.setAttribute("aria-expanded", open);
    find("labels").classList.toggle("pg-folded", !open);
  };
  no.addEventListener("click", () => unfold(no.getAttribute("aria-expanded") !== "true"));
  unfold(false);

  return function paint({ x, grads, label }, answer) {
    for (const radio of radios) {
      radio.checked = Number(radio.value) === label;
      radio.disabled = !x;
    }
    for (const id of ["one", "ten"]) find(id).disabled = !grads;
    read = answer;
    find("claim").disabled = no.disabled = !x;
    const other = Boolean(x) && label !== null && label !== answer;
    no.textContent = other ? `No, it is ${withArticle(label)}` : "No, it is a …";
    no.classList.toggle("pg-chosen", other);
    find("claim").setAttribute("aria-pressed", Boolean(x) && label === answer);
    find("asks").textContent = x ? `Is it ${withArticle(answer)}?` : "Is it a …?";
    find("otherwise").textContent = x && label !== answer ? "No, it is a …" : "The digit you meant";
  };
}

/** The rate of the slider, which is on a log axis; shown, and said to a screen reader. */
export function showRate(range, output) {
  const rate = 10 ** Number(range.value);
  output.textContent = show(rate);
  range.setAttribute("aria-valuetext", show(rate));
  return rate;
}
