/** The forward pass: Z and A of every layer, and what one unit of the first layer adds up. */

import { element, reach, show } from "./dom.js";
import { createFigure } from "./figure.js";
import { oneImage, titleOf, unitTiles } from "./layers.js";
import { column } from "./matrix.js";
import { createOutputs } from "./outputs.js";

/** @returns {(state: object) => void} paints what main.js holds */
export function createForwardView(host, network, onChoose) {
  const paints = network.layers.map((layer, l) => {
    const n = l + 1;
    const before = l === 0 ? "X" : `A${l}`;
    const section = element("section", { class: "pg-layer" }, element("h3", {}, titleOf(layer, l)));
    host.append(section);
    if (n === network.layers.length) {
      const paint = createOutputs(
        section,
        [
          { symbol: `Z${n}`, formula: `${before}·W${n} + b${n}` },
          { symbol: `A${n}`, formula: `softmax(Z${n})` },
        ],
        `Outputs of layer ${n}: Z${n} and A${n} of each digit`,
      );
      return ({ caches }) => paint([caches[l].z.values, caches[l].a.values]);
    }
    const pair = element("div", { class: "pg-pair" });
    section.append(pair);
    const choose = l === 0 ? onChoose : undefined;
    const z = createFigure(pair, {
      symbol: `Z${n}`,
      formula: `${before}·W${n} + b${n}`,
      onChoose: choose,
    });
    const a = createFigure(pair, { symbol: `A${n}`, formula: `relu(Z${n})`, onChoose: choose });
    return ({ caches, unit }) => {
      const [zs, as] = [caches[l].z.values, caches[l].a.values];
      const chosen = l === 0 ? unit : -1;
      const scale = reach(zs); // the same for both, so that what ReLU leaves looks the same
      const off = as.filter((value) => value === 0).length;
      z.paint(unitTiles(zs, { scale, chosen }));
      a.paint(unitTiles(as, { scale, chosen, note: `${off} of ${as.length} off` }));
    };
  });
  const paintUnit = createUnitView(host.querySelector("section"));
  return (state) => [...paints, paintUnit].forEach((paint) => paint(state));
}

/** x ⊙ W1[:, j], pixel by pixel, and its sum. */
function createUnitView(host) {
  const row = element("div", { class: "pg-row" });
  const sentence = element("p", { class: "pg-says" });
  host.append(row, sentence);
  const figures = ["X", "W1[:, j]", "X ⊙ W1[:, j]"].map((symbol) => createFigure(row, { symbol }));
  return ({ x, params, caches, unit }) => {
    const w = column(params[0].w, unit);
    const products = w.map((value, pixel) => value * x.values[pixel]);
    const sum = products.reduce((total, value) => total + value, 0);
    const [b, z] = [params[0].b[unit], caches[0].z.values[unit]];
    figures[0].paint(oneImage(x.values, "(1, 784)", { scale: 1, ink: true }));
    figures[1].paint(oneImage(w, "(784,)", { note: `j = ${unit}` }));
    figures[2].paint(oneImage(products, "(784,)", { note: "contribution of each pixel" }));
    sentence.textContent =
      `Unit ${unit}: the products add up to ${show(sum)}, the bias is ${show(b)}, ` +
      `so z = ${show(z)}. ` +
      (z > 0
        ? "This is above 0, so ReLU passes it on: a = z."
        : "This is not above 0, so ReLU makes it 0: the unit is off.");
  };
}
