/**
 * A network that reads a digit while it is drawn: a pad, the units of each layer, and the ten
 * probabilities, which stand beside the network, or, on a phone, beside the pad. The network, its numbers and the way from a drawing to its pixels are those of the
 * playground. An edge is as strong as what it adds to the unit it leads to, in the color of its sign.
 */

import { asInput, loadManifest, loadParams } from "../playground/assets.js";
import { forward } from "../playground/network.js";
import { createSheet } from "./digit-sheet.js";
import { button, drawing, element, mark, sayings, words } from "./kit.js";

const WIDTH = 216;
const HEIGHT = 320;
const LAYERS = [14, 112]; // where the columns of the hidden units are
const OUTPUT = 206; // and that of the digits, whose bars go on from there
const FIRST = 3; // of the test digits: the one that is there when the page opens

export default async function digit(body, { network: name = "784-16-16-10" }) {
  const { networks, digits } = await loadManifest();
  const params = await loadParams(networks.find((network) => network.name === name));
  const picture = createPicture(params);
  const says = sayings();
  let next = FIRST;

  const sheet = createSheet((pixels, done) => {
    if (pixels === null) {
      picture.clear();
      says.textContent = "Draw a digit on the pad.";
      return;
    }
    const caches = forward(params, asInput(pixels));
    picture.show(caches);
    if (done) says.textContent = saying(caches.at(-1).a.values, sheet.label());
  });
  const controls = element(
    "div",
    { class: "controls" },
    button("Try a test digit", () => {
      sheet.load(digits[next]);
      next = (next + 1) % digits.length;
    }),
    button("Clear", () => sheet.clear()),
  );
  const right = element("div", { class: "digit-net" }, picture.svg, picture.bars);
  body.append(element("div", { class: "digit" }, sheet.canvas, controls, right), says);
  sheet.load(digits[next++]);
}

/** What the network says, and a test digit is. */
function saying(probabilities, label) {
  const guess = probabilities.indexOf(Math.max(...probabilities));
  const reads = `It reads ${guess}, with a probability ${percent(probabilities[guess])}.`;
  if (label === null) return reads;
  return `${reads} ${guess === label ? "That is right." : `That is wrong: this is ${label === 8 ? "an" : "a"} ${label}.`}`;
}

const percent = (value) => (value > 0.995 ? "above 99%" : `of ${(100 * value).toFixed(0)}%`);

/** The units as circles, what flows between them as lines, the ten probabilities as bars. */
function createPicture(params) {
  const columns = params.slice(0, -1).map(({ b }, l) => places(b.length, LAYERS[l]));
  columns.push(places(params.at(-1).b.length, OUTPUT));
  const edges = params.slice(1).map(({ w }, l) =>
    Array.from({ length: w.rows * w.cols }, (_, i) => {
      const [x1, y1] = columns[l][Math.floor(i / w.cols)];
      const [x2, y2] = columns[l + 1][i % w.cols];
      return mark("line", { x1, y1, x2: x2 - (l === params.length - 2 ? 9 : 0), y2, opacity: 0 });
    }),
  );
  const units = columns.slice(0, -1).map((column) =>
    column.map(([cx, cy]) =>
      mark("circle", {
        cx,
        cy,
        r: 7,
        stroke: "var(--figure-ink)",
        fill: "var(--positive)",
        "fill-opacity": 0,
      }),
    ),
  );
  const outputs = columns.at(-1).map(([x, y], k) => ({
    name: words(x, y, k, { "font-size": 17 }),
    bar: element("i"),
  }));
  const paper = columns.slice(0, -1).flatMap((column) =>
    column.map(([cx, cy]) => mark("circle", { cx, cy, r: 7, fill: "var(--figure-paper)" })),
  );
  const svg = drawing(
    WIDTH,
    HEIGHT,
    "The units of the two hidden layers, and the signals between them and the ten digits.",
    mark("g", { "stroke-width": 1.4 }, ...edges.flat()),
    ...paper,
    ...units.flat(),
    ...outputs.map(({ name }) => name),
  );
  const rows = outputs.map(({ bar }, k) => element("span", { "data-k": k }, bar));
  const name = "The probability of each digit, as a bar";
  const bars = element("div", { class: "digit-bars", role: "img", "aria-label": name }, ...rows);

  return {
    svg,
    bars,
    /** @param {import("../playground/network.js").Cache[]} caches of one image */
    show(caches) {
      edges.forEach((lines, l) => flow(lines, params[l + 1].w, caches[l].a.values));
      units.forEach((circles, l) => {
        const largest = Math.max(...caches[l].a.values, 1e-9);
        circles.forEach((circle, j) =>
          circle.setAttribute("fill-opacity", (caches[l].a.values[j] / largest).toFixed(3)),
        );
      });
      const a = caches.at(-1).a.values;
      const best = a.indexOf(Math.max(...a));
      outputs.forEach(({ name, bar }, k) => {
        bar.style.width = `${100 * a[k]}%`;
        bar.dataset.probability = a[k];
        name.setAttribute("font-weight", k === best ? 700 : 400);
      });
    },
    clear() {
      for (const line of edges.flat()) line.setAttribute("opacity", 0);
      for (const circle of units.flat()) circle.setAttribute("fill-opacity", 0);
      for (const { name, bar } of outputs) {
        bar.style.width = 0;
        delete bar.dataset.probability;
        name.setAttribute("font-weight", 400);
      }
    },
  };
}

/** Each line as strong as a·w, against the largest of its layer. */
function flow(lines, w, a) {
  const products = lines.map((_, i) => a[Math.floor(i / w.cols)] * w.values[i]);
  const largest = Math.max(...products.map(Math.abs), 1e-9);
  lines.forEach((line, i) => {
    line.setAttribute("opacity", (Math.abs(products[i]) / largest).toFixed(3));
    line.setAttribute("stroke", products[i] < 0 ? "var(--negative)" : "var(--positive)");
  });
}

/** The middles of a column of units, from top to bottom. */
function places(count, x) {
  const pitch = (HEIGHT - 10) / count;
  return Array.from({ length: count }, (_, i) => [x, 5 + pitch * (i + 0.5)]);
}
