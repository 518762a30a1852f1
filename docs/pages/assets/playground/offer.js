/**
 * What to press next, the one filled button. When the network is certain, its gradients would be too small to
 * be seen, so the page offers a wrong label, or a digit that it is unsure of: their error travels back.
 */

import { ranked } from "./dom.js";
import { isCertain, isSure, placeOf } from "./stages.js";

/**
 * @param {(id: string) => HTMLElement} find
 * @param {import("./assets.js").Digit[]} unsure digits that the networks are unsure of
 * @param {{label: (label: number) => void, load: (digit: object) => void}} on
 * @returns {(stages: object[], at: number, state: object, drawing: boolean) => void}
 */
export function createOffer(find, unsure, on) {
  let wrong = null; // the digit that the network finds second
  let next = 0;
  const play = find("scrubber").querySelector(".pg-play");
  const taken = (id, action) =>
    find(id).addEventListener("click", () => {
      action();
      play.focus({ preventScroll: true }); // these buttons go away
    });
  taken("wrong", () => on.label(wrong));
  taken("unsure", () => on.load(unsure[next++ % unsure.length]));

  return function paint(stages, at, state, drawing) {
    const certain = state.grads ? isCertain(state) : state.x && isSure(state);
    const shown = Boolean(certain) && !drawing && at >= placeOf(stages, "loss") - 1;
    find("offer").hidden = !shown;
    if (shown) wrong = ranked(state.caches.at(-1).a.values)[1];
    if (shown) find("wrong").textContent = `Use a wrong label: ${wrong}`;
    const main = !state.x ? find("load") : stages[at].kind === "step" ? find("one") : play;
    for (const each of [find("load"), find("one"), play])
      each.classList.toggle("main", !shown && each === main);
  };
}
