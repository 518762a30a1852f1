/**
 * A figure: numbers as colored tiles, with caption, legend, and a line that reads out the number
 * under the pointer. A tile is one number, or an image of side × side numbers.
 */

import { element, reach, show } from "./dom.js";
import { colorsOf, css, diverging, textOn } from "./theme.js";

const BORDERS = 2; // CSS pixels, both together
const WITH_NUMBERS = 37; // CSS pixels of a tile that has room for its number
const LEAST_TEXT = 9; // CSS pixels of its text

/**
 * @param {HTMLElement} host
 * @param {{symbol: string, formula?: string, onChoose?: (tile: number) => void}} options
 */
export function createFigure(host, { symbol, formula = "", onChoose }) {
  const canvas = element("canvas", { role: "img", "aria-label": symbol });
  const shape = element("span", { class: "pg-shape" });
  const note = element("span", { class: "pg-note" });
  const ends = [0, 1].map(() => element("span"));
  const readout = element("span", { class: "pg-readout", "aria-hidden": "true" });
  const box = element("div", { class: "pg-scroll", role: "group", "aria-label": symbol }, canvas);
  const made = element(
    "figure",
    { class: "pg-figure" },
    element(
      "figcaption",
      {},
      element("b", {}, symbol),
      formula ? ` = ${formula} ` : " ",
      shape,
      " ",
      note,
    ),
    box,
    element(
      "div",
      { class: "pg-legend", "aria-hidden": "true" },
      element("span", { class: "pg-ends" }, ends[0], element("i"), ends[1]),
      readout,
    ),
  );
  host.append(made);
  let painted = null;

  /** The tile and the number in it under the pointer, or null. */
  function under(event) {
    if (!painted) return null;
    const { spec, tile, gap } = painted;
    const scale = canvas.width / canvas.clientWidth;
    const column = Math.floor((event.offsetX * scale) / (tile + gap));
    const row = Math.floor((event.offsetY * scale) / (tile + gap));
    const index = row * spec.columns + column;
    if (column < 0 || column >= spec.columns || index < 0 || index >= spec.count) return null;
    const inside = (offset) => Math.floor(((offset * scale) % (tile + gap)) * (spec.side / tile));
    const [x, y] = [inside(event.offsetX), inside(event.offsetY)].map((i) =>
      Math.min(i, spec.side - 1),
    );
    return { index, inside: y * spec.side + x };
  }

  canvas.addEventListener("pointermove", (event) => {
    const found = under(event);
    const place = found && [found.index, found.inside];
    readout.textContent = found
      ? `${painted.spec.name(...place)}: ${show(painted.spec.value(...place))}`
      : "";
  });
  canvas.addEventListener("pointerleave", () => (readout.textContent = ""));
  if (onChoose) {
    canvas.classList.add("pg-choose");
    canvas.addEventListener("click", (event) => {
      const found = under(event);
      if (found) onChoose(found.index);
    });
  }

  return {
    element: made,

    /**
     * @param {object} spec
     * @param {(tile: number, inside: number) => number} spec.value
     * @param {(tile: number, inside: number) => string} spec.name what the readout calls it
     * @param {number} spec.count tiles @param {number} spec.columns tiles in a row
     * @param {number} [spec.side] 1 for one number a tile
     * @param {number} [spec.scale] the number of the full color; the largest unless given
     * @param {number} [spec.chosen] a tile to outline
     * @param {number} [spec.least] @param {number} [spec.most] CSS pixels of a tile
     * @param {boolean} [spec.ink] nothing is negative: from paper to ink
     * @param {string} spec.shape @param {string} [spec.note] @param {string} [spec.label]
     */
    paint(spec) {
      spec = { side: 1, chosen: -1, least: 8, most: 56, note: "", ...spec };
      const numbers = Float64Array.from({ length: spec.count * spec.side ** 2 }, (_, i) =>
        spec.value(Math.floor(i / spec.side ** 2), i % spec.side ** 2),
      );
      const scale = spec.scale ?? reach(numbers);
      painted = { spec, ...paintTiles(canvas, box.clientWidth - BORDERS, spec, numbers, scale) };
      if (box.scrollWidth > box.clientWidth)
        box.tabIndex = 0; // to scroll it with the keyboard
      else box.removeAttribute("tabindex");
      shape.textContent = spec.shape;
      note.textContent = spec.note;
      made.classList.toggle("pg-ink", Boolean(spec.ink));
      ends.forEach((end, i) => (end.textContent = show([spec.ink ? 0 : -scale, scale][i])));
      const [low, high] = minmax(numbers);
      canvas.setAttribute(
        "aria-label",
        `${spec.label ?? symbol}: ${numbers.length} numbers, ` +
          `from ${show(low)} to ${show(high)}. ${spec.note}`,
      );
    },
  };
}

function minmax(numbers) {
  return numbers.reduce(
    ([low, high], n) => [Math.min(low, n), Math.max(high, n)],
    [Infinity, -Infinity],
  );
}

/** Tiles of whole device pixels, as large as the width allows. */
function paintTiles(canvas, width, spec, numbers, scale) {
  const ratio = window.devicePixelRatio || 1;
  const gap = spec.gap ?? Math.round(ratio);
  const rows = Math.ceil(spec.count / spec.columns);
  const fits = Math.floor((width * ratio) / spec.columns) - gap;
  const tile = Math.round(Math.max(spec.least * ratio, Math.min(fits, spec.most * ratio)));
  canvas.width = spec.columns * (tile + gap) - gap;
  canvas.height = rows * (tile + gap) - gap;
  canvas.style.width = `${canvas.width / ratio}px`;

  const colors = colorsOf(canvas.parentElement);
  if (spec.ink) colors.positive = colors.ink;
  const { side } = spec;
  const image = new ImageData(side, side * spec.count); // one tile under the other
  numbers.forEach((value, i) => diverging(colors, value, scale, image.data, 4 * i));
  const source = Object.assign(document.createElement("canvas"), {
    width: side,
    height: side * spec.count,
  });
  source.getContext("2d").putImageData(image, 0, 0);

  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  const family = getComputedStyle(canvas).fontFamily;
  const texts = side === 1 && tile >= WITH_NUMBERS * ratio ? Array.from(numbers, show) : [];
  const size = sizeThatFits(context, texts, family, tile, ratio);
  context.font = `${size}px ${family}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let i = 0; i < spec.count; i++) {
    const x = (i % spec.columns) * (tile + gap);
    const y = Math.floor(i / spec.columns) * (tile + gap);
    context.drawImage(source, 0, i * side, side, side, x, y, tile, tile);
    if (size) {
      context.fillStyle = textOn(Array.from(image.data.subarray(4 * i, 4 * i + 3)));
      context.fillText(texts[i], x + tile / 2, y + tile / 2);
    }
    if (i === spec.chosen) {
      const line = Math.max(2, Math.round(2 * ratio));
      context.strokeStyle = css(colors.chosen);
      context.lineWidth = line;
      context.strokeRect(x + line / 2, y + line / 2, tile - line, tile - line);
    }
  }
  return { tile, gap };
}

/** The size at which the widest of the texts fits a tile; 0 where it would be too small to read. */
function sizeThatFits(context, texts, family, tile, ratio) {
  context.font = `100px ${family}`;
  const widest = Math.max(0, ...texts.map((text) => context.measureText(text).width));
  if (widest === 0) return 0;
  const size = Math.floor(Math.min(0.3 * tile, (100 * (tile - 6 * ratio)) / widest));
  return size >= LEAST_TEXT * ratio ? size : 0;
}
