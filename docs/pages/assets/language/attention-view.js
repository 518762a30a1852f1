/** Where each position looks: a small picture per head, and the chosen one large. */

import { element, show } from "../widgets/kit.js";
import { glyph, named, percent } from "./characters.js";
import { heatmap } from "./heatmap.js";
import { entry, row } from "./matrix.js";
import { colorsOf, css, mixed } from "./theme.js";

const ABOVE = 380; // CSS pixels of the page above the grid and below it

/** Forward, what attention layer `layer` kept of head `head`. */
export function stepsOf(session, { layer, head }) {
  return session.forward.cache[1 + 2 * layer].inner[1].steps[head];
}

/** Both characters of a number: “e” at 12 looks at “h” at 11. */
export function pairOf(session, t, j) {
  const name = (p) => `${named(session.characterOf(session.tokens[p]))} at ${p}`;
  return `${name(t)} looks at ${name(j)}`;
}

/**
 * @param {HTMLElement} host
 * @param {{depth: number, heads: number}} network
 * @param {{choose: Function, position: Function, point: Function}} told  choose({layer, head}),
 *   position(t), point(t, j)
 */
export function attentionView(host, { depth, heads }, { choose, position, point }) {
  const thumbs = [];
  const rows = [];
  for (let layer = depth - 1; layer >= 0; layer--) {
    const made = Array.from({ length: heads }, (_, head) => thumb(layer, head));
    rows.push(element("div", { class: "lm-thumb-row" }, element("span", {}, `layer ${layer + 1}`), ...made));
  }
  const large = heatmap("P", {
    point: (cell) => point(...(cell ?? [])),
    choose: (t) => position(t),
  });
  const small = element("div", { class: "lm-thumbs", role: "group", "aria-label": "Heads" }, ...rows);
  host.replaceChildren(small, large.host);

  function thumb(layer, head) {
    const canvas = element("canvas", { "aria-hidden": "true" });
    const name = `Layer ${layer + 1}, head ${head + 1}`;
    const made = element("button", { type: "button", "aria-label": name, title: name }, canvas);
    made.addEventListener("click", () => choose({ layer, head }));
    thumbs.push({ layer, head, canvas, made });
    return made;
  }

  return {
    show(session, chosen) {
      const colors = colorsOf(host);
      for (const each of thumbs) {
        const same = each.layer === chosen.layer && each.head === chosen.head;
        each.made.setAttribute("aria-pressed", same);
        miniature(each.canvas, stepsOf(session, each).P, colors);
      }
      const { P, S, Qr, Kr } = stepsOf(session, chosen);
      large.rename({
        symbol: `P, layer ${chosen.layer + 1}, head ${chosen.head + 1}`,
        formula: "softmax(Q · Kᵀ / √d)",
      });
      const glyphs = session.tokens.map((token) => glyph(session.characterOf(token)));
      large.show({
        rows: P.rows,
        cols: P.cols,
        value: (t, j) => (j > t ? NaN : entry(P, t, j)),
        color: "forward",
        scale: 1,
        widest: widestOf(P.rows),
        top: glyphs,
        left: glyphs,
        chosen: [session.position, -1],
        where: `Row: ${named(session.characterOf(session.tokens[session.position]))} at ${session.position}`,
        start: [session.position, session.position],
        says(t, j) {
          if (j > t) return `${pairOf(session, t, j)}: hidden, because it comes later`;
          const product = row(Qr, t).reduce((total, value, c) => total + value * row(Kr, j)[c], 0);
          const [root, score] = [Math.sqrt(Qr.cols), entry(S, t, j)];
          const sum = `score Q·K/√d = ${show(product)} / ${show(root)} = ${show(score)}`;
          return `${pairOf(session, t, j)} with a weight of ${percent(entry(P, t, j))}; ${sum}`;
        },
      });
    },
  };
}

/** How wide a cell may be, so that the whole grid is on the screen, if its letters fit. */
function widestOf(rows) {
  const beside = window.matchMedia("(min-width: 75em)").matches;
  return beside ? Math.max(11, Math.min(16, Math.floor((window.innerHeight - ABOVE) / rows))) : 16;
}

/** A weight in each pixel, enlarged by CSS. */
function miniature(canvas, P, colors) {
  [canvas.width, canvas.height] = [P.cols, P.rows];
  const context = canvas.getContext("2d");
  for (let t = 0; t < P.rows; t++) {
    for (let j = 0; j <= t; j++) {
      context.fillStyle = css(mixed(colors.paper, colors.forward, Math.sqrt(entry(P, t, j))));
      context.fillRect(j, t, 1, 1);
    }
  }
}
