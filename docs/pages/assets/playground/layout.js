/** Where everything in the drawing of the network stands, in CSS pixels, and what is at a point. */

import { SIDE } from "./preprocess.js";

const TOP = 34; // above the columns, for their symbols
const EDGE = 10; // of everything, except for the top
const GRID = 8; // columns of a layer with many units
const SYMBOL = 12; // from a symbol's middle to what it stands above

/**
 * All columns begin on one line and use the height that there is.
 *
 * @typedef {{x: number, y: number, r: number, layer: number, index: number}} Node
 * @param {number[]} units of each layer
 */
export function layoutOf(width, height, units) {
  const narrow = width < 480;
  const room = height - TOP - EDGE;
  const inner = width - 2 * EDGE;
  const image = Math.floor(Math.min((narrow ? 0.26 : 0.28) * inner, (room - 44) / 2));
  const outputs = narrow ? 116 : 150;
  const hidden = units.slice(0, -1).map((count) => column(count, room, narrow, width));
  const taken = hidden.reduce((sum, { width }) => sum + width, image + outputs);
  const gap = (inner - taken) / (hidden.length + 1);
  const images = [TOP, TOP + room - image].map((y) => ({ x: EDGE, y, side: image }));
  const columns = [];
  let left = EDGE + image + gap;
  hidden.forEach(({ width: wide, across, pitch, down }, l) => {
    const nodes = Array.from({ length: units[l] }, (_, j) => ({
      x: left + pitch * ((j % across) + 0.5),
      y: TOP + down * (Math.floor(j / across) + 0.5),
      r: 0.42 * Math.min(pitch, down),
      layer: l + 1,
      index: j,
    }));
    columns.push({ left, width: wide, nodes, center: left + wide / 2, symbolY: TOP - SYMBOL });
    left += wide + gap;
  });
  const pitch = Math.min(44, (room - 44) / 10);
  const last = Array.from({ length: units.at(-1) }, (_, j) => ({
    x: left + 12,
    y: TOP + pitch * (j + 0.5),
    r: Math.min(13, 0.4 * pitch),
    layer: units.length,
    index: j,
  }));
  columns.push({
    left,
    width: outputs,
    nodes: last,
    center: left + 12,
    symbolY: TOP - SYMBOL,
    pitch,
  });
  const loss = { x: left, y: TOP + room - 30, width: outputs, height: 30 };
  return { width, height, narrow, images, columns, loss };
}

/** Units beside each other and below each other: a little further apart where there is height. */
function column(count, room, narrow, width) {
  const across = count > 64 ? GRID : 1;
  const most = room / Math.ceil(count / across);
  const pitch = Math.min(across > 1 ? (narrow ? width / 32 : 24) : 32, most);
  return { across, pitch, down: Math.min(most, 1.3 * pitch), width: across * pitch };
}

/** The middle of a pixel of one of the two images. */
export function pixelAt({ x, y, side }, index) {
  const size = side / SIDE;
  return { x: x + size * ((index % SIDE) + 0.5), y: y + size * (Math.floor(index / SIDE) + 0.5) };
}

/** The curve of an edge, from the unit before to the unit after: four points of a cubic. */
export function curveOf(layout, { layer, from, to }) {
  const end = layout.columns[layer - 1].nodes[to];
  const begin =
    layer === 1 ? pixelAt(layout.images[0], from) : layout.columns[layer - 2].nodes[from];
  const near = layer === 1 ? begin.x : begin.x + begin.r;
  const far = end.x - end.r;
  const bend = 0.45 * (far - near);
  return [near, begin.y, near + bend, begin.y, far - bend, end.y, far, end.y];
}

export function pointOn([x0, y0, x1, y1, x2, y2, x3, y3], t) {
  const s = 1 - t;
  const [a, b, c, d] = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t];
  return [a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3];
}

/** The target at a point, or null. `shown` is the unit whose weights the second image has. */
export function targetAt(layout, edges, shown, x, y) {
  const [image, weights] = layout.images.map((box) => pixelIn(box, x, y));
  if (image !== null) return { kind: "pixel", index: image };
  if (weights !== null) return { kind: "edge", layer: 1, from: weights, to: shown };
  if (inside(layout.loss, x, y)) return { kind: "loss" };
  const last = layout.columns.at(-1);
  const row = last.nodes.find(
    (node) => x > last.left - 6 && Math.abs(node.y - y) <= last.pitch / 2,
  );
  if (row) return { kind: "unit", layer: row.layer, index: row.index };
  for (const { nodes } of layout.columns.slice(0, -1)) {
    const node = nodes.find((one) => Math.hypot(one.x - x, one.y - y) <= one.r / 0.8);
    if (node) return { kind: "unit", layer: node.layer, index: node.index };
  }
  return nearestEdge(layout, edges, x, y);
}

function nearestEdge(layout, edges, x, y) {
  let [best, found] = [7, null];
  for (const edge of edges.filter(({ lit }) => lit > 0.25)) {
    const curve = curveOf(layout, edge);
    for (let t = 0; t <= 1; t += 0.04) {
      const [px, py] = pointOn(curve, t);
      const away = Math.hypot(px - x, py - y);
      if (away < best)
        [best, found] = [away, { kind: "edge", layer: edge.layer, from: edge.from, to: edge.to }];
    }
  }
  return found;
}

const inside = (box, x, y) =>
  x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height;

function pixelIn({ x, y, side }, px, py) {
  if (!inside({ x, y, width: side, height: side }, px, py)) return null;
  const [column, row] = [px - x, py - y].map((at) => Math.floor((at * SIDE) / side));
  return row * SIDE + column;
}

/** The next target for an arrow key: the nearest thing in its direction. */
export function neighbor(layout, target, key) {
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
    key
  ];
  const here = placeOfTarget(layout, target);
  let [best, found] = [Infinity, target];
  for (const candidate of candidates(layout)) {
    const [x, y] = [candidate.at.x - here.x, candidate.at.y - here.y];
    const [along, across] = [x * dx + y * dy, Math.abs(x * dy) + Math.abs(y * dx)];
    if (along < 1 || (dy && across > along)) continue;
    const cost = along + 2 * across;
    if (cost < best) [best, found] = [cost, candidate.target];
  }
  return found;
}

function candidates({ images, columns, loss }) {
  const pixels = Array.from({ length: SIDE * SIDE }, (_, index) => ({
    at: pixelAt(images[0], index),
    target: { kind: "pixel", index },
  }));
  const units = columns.flatMap(({ nodes }) =>
    nodes.map((at) => ({ at, target: { kind: "unit", layer: at.layer, index: at.index } })),
  );
  return [...pixels, ...units, { at: middle(loss), target: { kind: "loss" } }];
}

const middle = ({ x, y, height }) => ({ x: x + 12, y: y + height / 2 });

function placeOfTarget(layout, target) {
  if (target.kind === "pixel") return pixelAt(layout.images[0], target.index);
  if (target.kind === "loss") return middle(layout.loss);
  if (target.kind === "edge") return layout.columns[target.layer - 1].nodes[target.to];
  return layout.columns[target.layer - 1].nodes[target.index];
}
