/** One stage of the backward pass in detail: its matrices, each number with the sum it comes from. */

import { element } from "../widgets/kit.js";
import { attentionPanels } from "./attention-panels.js";
import { heatmap, readoutLine, taps } from "./heatmap.js";
import { densePanels, embeddingPanels, lossPanels, mlpPanels, normPanels, placeOf } from "./panels.js";

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
  const more = element("details", { class: "lm-more" }, element("summary", {}, "What happens here"), words);
  const heads = element("div", { class: "controls", role: "group", "aria-label": "Head" });
  const readout = readoutLine();
  const panels = element("div", { class: "lm-panels" });
  panels.addEventListener("click", enlarge);
  let shown = ""; // which panels there are
  let views = [];

  return {
    host: element("div", {}, more, heads, readout, panels),

    show(session, found, stage, head) {
      const { text, list } = PANELS[stage.kind](session, found, stage, head);
      words.textContent = text;
      const framed = list.some(({ chosen }) => chosen) ? `The frame marks ${placeOf(session, session.position)}. ` : "";
      readout.dataset.hint = framed + (taps() ? "Tap a picture to enlarge it." : "Point at a cell to read it.");
      heads.hidden = stage.kind !== "attention";
      if (stage.kind === "attention") headButtons(session, stage, head);
      const names = list.map(({ symbol }) => symbol).join();
      if (names !== shown) {
        // Point at a query and a key, or at one position in a row of columns.
        views = list.map(({ symbol, formula, pair }) =>
          heatmap(symbol, {
            formula,
            readout,
            point: (cell) => told.point(...(cell ? (pair ? cell : [cell[1]]) : [])),
          }),
        );
        panels.replaceChildren(...views.map(({ host }) => host));
        list.forEach(({ wide }, i) => views[i].host.classList.toggle("lm-wide", Boolean(wide)));
        panels.dataset.columns = list.some(({ wide }) => wide) ? 3 : list.length;
        readout.textContent = "";
        shown = names;
      }
      list.forEach((panel, i) => views[i].show(panel));
    },
  };

  /** Where three pictures share a phone's width, the one that is tapped has all of it. */
  function enlarge(event) {
    const host = event.target.closest(".lm-heatmap");
    if (event.target.localName !== "canvas" || !host) return;
    for (const view of views) view.host.classList.toggle("lm-large", view.host === host);
  }

  function headButtons(session, stage, chosen) {
    const layer = (stage.part - 1) / 2;
    const made = Array.from({ length: session.network.heads }, (_, head) => {
      const look = { type: "button", class: "toggle", "aria-pressed": head === chosen.head };
      const each = element("button", look, `Head ${head + 1}`);
      each.addEventListener("click", () => {
        told.head({ layer, head });
        heads.children[head].focus();
      });
      return each;
    });
    heads.replaceChildren(...made);
  }
}
