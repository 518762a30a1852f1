/** The backward pass, the last layer first: dZ of every layer, dW as pictures. */

import { element, reach, show } from "./dom.js";
import { createFigure } from "./figure.js";
import { imageTiles, matrixTiles, titleOf, unitTiles } from "./layers.js";
import { createOutputs } from "./outputs.js";

/** @returns {(state: object) => void} */
export function createBackwardView(host, network, onChoose) {
  const last = network.layers.length - 1;
  const paints = [];
  for (let l = last; l >= 0; l--) {
    const section = element(
      "section",
      { class: "pg-layer" },
      element("h3", {}, titleOf(network.layers[l], l)),
    );
    host.append(section);
    paints.push(
      l === last ? outputs(section, l) : hidden(section, l, l === 0 ? onChoose : undefined),
    );
    paints.push(weights(section, l, l === 0 ? onChoose : undefined));
  }
  paints.push(unitInWords(host.querySelector("section:last-child")));
  return (state) => paints.forEach((paint) => paint(state));
}

/** dZ = (A − Y) / m, and m is 1. */
function outputs(host, l) {
  const n = l + 1;
  const paint = createOutputs(
    host,
    [
      { symbol: `A${n}` },
      { symbol: "Y", formula: "one-hot" },
      { symbol: `dZ${n}`, formula: `A${n} − Y` },
    ],
    `A${n}, Y, and dZ${n} of each digit`,
  );
  return ({ caches, grads, label }) => {
    const y = Float64Array.from({ length: 10 }, (_, digit) => Number(digit === label));
    paint([caches[l].a.values, y, grads[l].dz.values], label);
  };
}

/** dA = dZ of the next layer times its weights; dZ = dA where the unit was on. */
function hidden(host, l, onChoose) {
  const n = l + 1;
  const pair = element("div", { class: "pg-pair" });
  host.append(pair);
  const da = createFigure(pair, { symbol: `dA${n}`, formula: `dZ${n + 1}·W${n + 1}ᵀ`, onChoose });
  const dz = createFigure(pair, { symbol: `dZ${n}`, formula: `dA${n} ⊙ (Z${n} > 0)`, onChoose });
  return ({ grads, unit }) => {
    const [das, dzs] = [grads[l + 1].dx.values, grads[l].dz.values];
    const chosen = l === 0 ? unit : -1;
    const scale = reach(das);
    const stopped = dzs.filter((value) => value === 0).length;
    da.paint(unitTiles(das, { scale, chosen }));
    dz.paint(unitTiles(dzs, { scale, chosen, note: `${stopped} of ${dzs.length} stopped` }));
  };
}

/** dW = the layer's input, transposed, times dZ. */
function weights(host, l, onChoose) {
  const n = l + 1;
  const formula = `${l === 0 ? "X" : `A${l}`}ᵀ·dZ${n}`;
  const figure = createFigure(host, { symbol: `dW${n}`, formula, onChoose });
  return ({ grads, unit }) => {
    const { dw } = grads[l];
    const sides = `one column per unit of layer ${l}, one row per unit of layer ${n}`;
    if (l === 0) figure.paint(imageTiles(dw, { chosen: unit, note: "one image per unit" }));
    else figure.paint(matrixTiles(dw, { note: sides }));
  };
}

function unitInWords(host) {
  const sentence = element("p", { class: "pg-says" });
  host.append(sentence);
  return ({ caches, grads, unit }) => {
    const z = caches[0].z.values[unit];
    const [da, dz] = [grads[1].dx.values[unit], grads[0].dz.values[unit]];
    const way = dz > 0 ? "lower" : "raise";
    sentence.textContent =
      z > 0
        ? `Unit ${unit} was on (z = ${show(z)}), so dz = da = ${show(dz)}. Its image in dW1 is X ` +
          `times this number. The step goes the other way and will ${way} z for this drawing.`
        : `Unit ${unit} was off (z = ${show(z)}), so da = ${show(da)} stops here: dz is 0, ` +
          "and neither its 784 weights nor its bias will change.";
  };
}
