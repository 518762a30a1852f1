/** One stage of the backward pass in detail: its matrices, each number with the sum it comes from. */

import { element } from "../widgets/kit.js";
import { attentionPanels } from "./attention-panels.js";
import { heatmap } from "./heatmap.js";
import { densePanels, embeddingPanels, lossPanels, mlpPanels, normPanels } from "./panels.js";

const PANELS = {
  loss: lossPanels,
  dense: densePanels,
  norm: normPanels,
  mlp: mlpPanels,
  attention: attentionPanels,
  embedding: embeddingPanels,
};

/** @param {{point: Function, head: Function}} told */
export function stageView(told) {
  const words = element("p", { class: "lm-words" });
  const heads = element("div", { class: "controls", role: "group", "aria-label": "Head" });
  const panels = element("div", { class: "lm-panels" });
  let shown = ""; // which panels there are
  let views = [];

  return {
    host: element("div", {}, words, heads, panels),

    show(session, found, stage, head) {
      const { text, list } = PANELS[stage.kind](session, found, stage, head);
      words.textContent = text;
      heads.hidden = stage.kind !== "attention";
      if (stage.kind === "attention") headButtons(session, stage, head);
      const names = list.map(({ symbol }) => symbol).join();
      if (names !== shown) {
        // Point at a query and a key, or at one position in a row of columns.
        views = list.map(({ symbol, formula, pair }) =>
          heatmap(symbol, {
            formula,
            point: (cell) => told.point(...(cell ? (pair ? cell : [cell[1]]) : [])),
          }),
        );
        panels.replaceChildren(...views.map(({ host }) => host));
        list.forEach(({ wide }, i) => views[i].host.classList.toggle("lm-wide", Boolean(wide)));
        shown = names;
      }
      list.forEach((panel, i) => views[i].show(panel));
    },
  };

  function headButtons(session, stage, chosen) {
    const layer = (stage.part - 1) / 2;
    const made = Array.from({ length: session.network.heads }, (_, head) => {
      const each = element("button", { type: "button", "aria-pressed": head === chosen.head }, `Head ${head + 1}`);
      each.addEventListener("click", () => {
        told.head({ layer, head });
        heads.children[head].focus();
      });
      return each;
    });
    heads.replaceChildren(...made);
  }
}
