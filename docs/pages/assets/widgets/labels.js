/** Names of places in a plane, put where they cover neither lines nor other names. */

import { drawnWords, plainText } from "./formula.js";
import { HALO } from "./line-handles.js";

/**
 * labels(plane, layer, lines, dots) is a function that puts a name at a place: name([x, y], "text"), which
 * may have a formula in dollar signs. `lines` are pairs of places, [from, to], that names keep away from;
 * `dots` are the places of handles.
 */
export function labels(on, layer, lines, dots) {
  const size = on.small ? 11 : 13;
  const pixels = ([x, y]) => [on.px(x), on.py(y)];
  const drawn = lines.map((ends) => ends.map(pixels));
  const names = [];
  const handles = dots.map(pixels);
  return function name(place, text) {
    const [x, y] = pixels(place);
    const half = 0.3 * size * plainText(text).length;
    const free = around(x, y, half).filter((middle) => inside(on.inner, middle, half));
    const room = (line) =>
      Math.min(
        10, // this is enough, and the first place that has it is taken
        ...drawn.map((ends) => gap(line, ends)),
        ...names.map((other) => gap(line, other) - 8),
        ...handles.map((dot) => distance(dot, line) - 10),
      );
    const rooms = free.map((middle) => room(edge(middle, half)));
    const best = free[rooms.indexOf(Math.max(...rooms))] ?? [x, y - 20];
    names.push(edge(best, half));
    layer.append(drawnWords(...best, text, { "font-size": size, style: HALO }));
  };
}

/** The middles that a name may have at a handle: above, below, to the right, to the left, at the corners. */
const around = (x, y, half) => [
  [x, y - 20],
  [x, y + 20],
  [x + half + 20, y],
  [x - half - 20, y],
  [x + half + 8, y - 14],
  [x - half - 8, y - 14],
  [x + half + 8, y + 14],
  [x - half - 8, y + 14],
];

const inside = (box, [x, y], half) =>
  x - half > box.x && x + half < box.x + box.width && y - 8 > box.y && y + 8 < box.y + box.height;

/** The line in the middle of a name. */
const edge = ([x, y], half) => [
  [x - half, y],
  [x + half, y],
];

/** The least distance between two lines, to a pixel or two: between places along the one and the other. */
function gap(one, other) {
  const along = ([from, to]) =>
    Array.from({ length: 9 }, (_, i) => from.map((value, k) => value + (i / 8) * (to[k] - value)));
  const places = along(other);
  return Math.min(...along(one).map((p) => distance(p, other)), ...places.map((p) => distance(p, one)));
}

/** From a place to a line between two others. */
function distance([x, y], [[ax, ay], [bx, by]]) {
  const [dx, dy] = [bx - ax, by - ay];
  const square = dx * dx + dy * dy;
  const share = square ? Math.min(Math.max(((x - ax) * dx + (y - ay) * dy) / square, 0), 1) : 0;
  return Math.hypot(x - ax - share * dx, y - ay - share * dy);
}
