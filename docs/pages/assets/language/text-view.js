/** The text, a character in each cell. One is chosen, and the others show how much it looks at them. */

import { element } from "../widgets/kit.js";
import { glyph, named } from "./characters.js";

/** @param {(position: number) => void} choose  told which character was chosen */
export function textView(host, choose) {
  const cells = element("div", { class: "lm-text", role: "radiogroup", "aria-label": "The text" });
  host.replaceChildren(cells);
  let session = null;

  cells.addEventListener("keydown", (event) => {
    const last = session.tokens.length - 1;
    const moves = { ArrowLeft: session.position - 1, ArrowRight: session.position + 1, Home: 0, End: last };
    const to = moves[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(Math.max(0, Math.min(last, to)));
    cells.querySelector("[aria-checked=true]").focus();
  });
  cells.addEventListener("click", (event) => {
    const at = event.target.closest("[role=radio]");
    if (at) choose(Number(at.dataset.position));
  });

  return {
    /** `weights` are the chosen position's, one for each position of the window. */
    show(next, weights) {
      session = next;
      const old = session.text.slice(0, session.start);
      const made = [element("span", { class: "lm-old" }, old.length > 120 ? `… ${old.slice(-120)}` : old)];
      session.tokens.forEach((token, p) => made.push(cellOf(session.characterOf(token), p)));
      if (session.finished) made.push(element("span", { class: "lm-end" }, "↵"));
      cells.replaceChildren(...made);
      paint(weights);
    },
    paint,
    /** Mark the two characters of a number that is pointed at: a query, and a key it sees. */
    point(query, key) {
      each((cell, p) => {
        cell.classList.toggle("lm-query", p === query);
        cell.classList.toggle("lm-key", p === key);
      });
    },
  };

  function cellOf(character, p) {
    const chosen = p === session.position;
    return element(
      "span",
      {
        role: "radio",
        "aria-checked": chosen,
        "aria-label": `${named(character)}, position ${p}`,
        tabindex: chosen ? 0 : -1,
        "data-position": p,
        class: p === session.position + 1 ? "lm-next" : "",
      },
      glyph(character),
    );
  }

  function paint(weights) {
    each((cell, p) => {
      const share = p <= session.position ? Math.sqrt(weights[p]) : 0;
      cell.style.setProperty("--share", `${Math.round(40 * share)}%`);
    });
  }

  function each(f) {
    cells.querySelectorAll("[role=radio]").forEach(f);
  }
}
