/** The gradient's size at each position and stage, and the chosen stage in detail. */

import { button, element, show } from "../widgets/kit.js";
import { glyph, named } from "./characters.js";
import { heatmap, readoutLine, taps } from "./heatmap.js";
import { stageView } from "./stage-view.js";
import { sizes, stagesOf } from "./stages.js";

/** @param {{point: Function, head: Function}} told  point(t, j), head({layer, head}) */
export function backwardView(host, told) {
  let [session, found, stages, chosenHead] = [];
  const narrow = window.matchMedia("(max-width: 44.98em)");
  let chosen = 6; // attention of the first block
  const grid = heatmap("Size of the gradient", {
    formula: "‖dx‖ at each position, from the loss down to the characters",
    point: (cell) => told.point(cell?.[1]),
    choose: (i) => choose(i),
    readout: readoutLine(`${taps() ? "Tap" : "Press"} a row to see its stage below.`),
  });
  const title = element("p", { class: "lm-title", role: "status", "aria-live": "polite" });
  const [up, down] = [
    button("↑ Toward the loss", () => choose(chosen - 1)),
    button("↓ Toward the input", () => choose(chosen + 1)),
  ];
  const detail = stageView(told);
  host.replaceChildren(
    grid.host,
    element("div", { class: "lm-stage-head" }, title, element("div", { class: "controls" }, up, down)),
    detail.host,
  );

  function choose(i) {
    chosen = Math.max(0, Math.min(stages.length - 1, i));
    paint();
  }

  function paint() {
    const lengths = stages.map(({ dx }) => sizes(dx));
    const glyphs = session.tokens.map((token) => glyph(session.characterOf(token)));
    grid.show({
      rows: stages.length,
      cols: glyphs.length,
      value: (i, p) => lengths[i][p],
      color: "backward",
      by: true,
      widest: 26,
      least: 13, // of a cell: columns that do not fit continue below
      height: narrow.matches ? 15 : 22,
      margin: narrow.matches ? 80 : 92,
      top: glyphs,
      left: stages.map(({ name }) => name),
      chosen: [chosen, -1],
      start: [chosen, session.position],
      says(i, p) {
        const where = `${named(session.characterOf(session.tokens[p]))} at ${p}`;
        const all = Math.hypot(...lengths[i]);
        if (stages[i].kind === "embedding") {
          return `The vector of ${where.split(" at ")[0]}: ‖dw‖ = ${show(lengths[i][p])}`;
        }
        return `After ${stages[i].name}, ${where}: ‖dx‖ = ${show(lengths[i][p])}, of ${show(all)} in all`;
      },
    });
    const stage = stages[chosen];
    const place = `${chosen + 1} of ${stages.length}, ${stage.name}: `;
    title.replaceChildren(element("b", {}, place), stage.formula);
    up.disabled = chosen === 0;
    down.disabled = chosen === stages.length - 1;
    detail.show(session, found, stage, chosenHead);
  }

  return {
    show(nextSession, nextFound, head) {
      [session, found, chosenHead] = [nextSession, nextFound, head];
      stages = stagesOf(session, found);
      chosen = Math.min(chosen, stages.length - 1);
      paint();
    },
  };
}
