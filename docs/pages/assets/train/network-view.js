/**
 * The network on points: each unit is a small picture of what it answers over the plane, each weight a
 * line, green where it is positive and purple where it is negative. Looking at a unit, by pointing or
 * with the arrow keys, shows it large.
 */

import { element, show } from "../widgets/kit.js";
import { css, reach, sharp, tinted } from "./paint.js";
import { REACH } from "./points.js";
import { SIDE, SMALL } from "./report.js";

/** What the two inputs answer over the plane: themselves. */
const INPUTS = [0, 1].map((input) =>
  Float32Array.from({ length: SMALL ** 2 }, (_, i) => {
    const place = input === 0 ? i % SMALL : SMALL - 1 - Math.floor(i / SMALL);
    return REACH * ((2 * place + 1) / SMALL - 1);
  }),
);

/** @param {(unit: {layer: number, unit: number} | null) => void} look */
export function createNetworkView(host, look) {
  const lines = element("canvas", { "aria-hidden": "true", class: "tr-lines" });
  const columns = element("div", { class: "tr-columns" });
  const box = element("div", { class: "tr-network", role: "group", "aria-label": "The network" });
  box.append(lines, columns);
  host.append(box);
  let tiles = [];
  let built = "";

  /** Columns of buttons; one of them is a stop of the Tab key, and arrows go on from there. */
  function build(sizes) {
    built = sizes.join();
    columns.replaceChildren();
    box.style.setProperty("--units", Math.max(...sizes)); // the higher a column, the smaller its pictures
    box.style.setProperty("--columns", sizes.length);
    box.classList.toggle("tr-small", sizes.length > 5 || Math.max(...sizes) > 10);
    tiles = sizes.map((units, layer) => {
      const title = layer === 0 ? "inputs" : layer === sizes.length - 1 ? "logit" : `layer ${layer}`;
      const column = element("div", { class: "tr-column" }, element("span", {}, title));
      columns.append(column);
      return Array.from({ length: units }, (_, unit) => {
        const canvas = element("canvas", { "aria-hidden": "true" });
        const tile = element("button", { type: "button", tabindex: -1 }, canvas);
        const looked = () => look(layer === sizes.length - 1 ? null : { layer, unit });
        for (const event of ["pointerenter", "focus"]) tile.addEventListener(event, looked);
        for (const event of ["pointerleave", "blur"]) tile.addEventListener(event, () => look(null));
        tile.addEventListener("keydown", (event) => move(event, layer, unit));
        column.append(tile);
        return tile;
      });
    });
    tiles[0][0].tabIndex = 0;
  }

  function move(event, layer, unit) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const [across, down] = step[event.key] ?? [0, 0];
    const column = tiles[layer + across];
    if (!(across || down) || !column) return;
    const next = column[Math.max(0, Math.min(column.length - 1, unit + down))];
    event.preventDefault();
    tiles[layer][unit].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  return {
    /** @param {"weights" | "changes" | "gradients"} what the lines are */
    paint(found, what, colors) {
      const sizes = [2, ...found.layers.map(({ shape }) => shape[1])];
      if (built !== sizes.join()) build(sizes);
      tiles.forEach((column, layer) =>
        column.forEach((tile, unit) => paintTile(tile, valuesOf(found, layer, unit), layer, unit)),
      );
      paintLines(found, what, colors);

      function paintTile(tile, values, layer, unit) {
        const output = layer === tiles.length - 1;
        const canvas = tile.firstChild;
        const scale = output ? Math.max(1, reach(values) / 2) : reach(values) || 1;
        tinted(canvas, output ? SIDE : SMALL, values, scale, colors);
        tile.setAttribute("aria-label", nameOf(layer, unit, tiles.length));
        tile.classList.toggle("tr-off", !output && reach(values) === 0);
      }
    },

    /** What a unit answers over the plane, and its name. */
    unit: (found, { layer, unit }) => ({
      values: valuesOf(found, layer, unit),
      name: nameOf(layer, unit, found.layers.length + 1),
    }),
  };

  function paintLines(found, what, colors) {
    const area = box.getBoundingClientRect();
    if (!area.width) return;
    const context = sharp(lines, area.width, area.height);
    const places = tiles.map((column) =>
      column.map((tile) => {
        const { left, right, top, bottom } = tile.getBoundingClientRect();
        return { left: left - area.left, right: right - area.left, y: (top + bottom) / 2 - area.top };
      }),
    );
    found.layers.forEach(({ shape, [what]: values }, l) => {
      const scale = what === "gradients" ? reach(values) || 1 : 2;
      values.forEach((value, i) => {
        const from = places[l][Math.floor(i / shape[1])];
        const to = places[l + 1][i % shape[1]];
        const middle = (from.right + to.left) / 2;
        const size = Math.min(Math.abs(value) / scale, 1.5);
        context.beginPath();
        context.moveTo(from.right, from.y);
        context.bezierCurveTo(middle, from.y, middle, to.y, to.left, to.y);
        context.strokeStyle = css(value < 0 ? colors.negative : colors.positive);
        context.lineWidth = 0.3 + 3 * size;
        context.globalAlpha = 0.15 + 0.6 * Math.min(size, 1);
        context.stroke();
      });
    });
  }
}

function valuesOf(found, layer, unit) {
  if (layer === 0) return INPUTS[unit];
  if (layer === found.layers.length) return found.field;
  return found.layers[layer - 1].pictures.subarray(unit * SMALL ** 2, (unit + 1) * SMALL ** 2);
}

function nameOf(layer, unit, columns) {
  if (layer === 0) return `Input x${unit + 1}`;
  return layer === columns - 1 ? "The logit" : `Layer ${layer}, unit ${unit + 1}`;
}

/** The table of the layers: shape, sizes of weights and gradient, units that are off. */
export function createLayerTable(host) {
  const head = ["Layer", "Shape of w", "‖w‖", "‖dw‖", "Off"];
  const body = element("tbody");
  const row = (texts, tag) => element("tr", {}, ...texts.map((text) => element(tag, {}, text)));
  host.append(element("table", { class: "tr-table" }, element("thead", {}, row(head, "th")), body));
  return function paint(found) {
    const number = (value) => (value === null ? "–" : show(Number(value.toPrecision(3))));
    body.replaceChildren(
      ...found.layers.map(({ shape, wNorm, dwNorm, off }, l) =>
        row(
          [l + 1, shape.join(" × "), number(wNorm), number(dwNorm), off === null ? "–" : off],
          "td",
        ),
      ),
    );
  };
}
