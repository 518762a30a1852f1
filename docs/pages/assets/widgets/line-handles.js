/**
 * A line w1·x + w2·y + b = 0 in a plane, with two handles: the foot, a dot on the line that shifts
 * it, and the tip of the arrow w, which turns it and makes w longer.
 */

import { drawnWords } from "./formula.js";
import { arrow, cut } from "./plane.js";

/** Words that stay readable on a line. */
export const HALO =
  "paint-order: stroke; stroke: var(--figure-paper); stroke-width: 3px; stroke-linejoin: round";

/** The arrow is drawn `reach`·|w|/(1 + |w|) long, so that any w fits; `reach` grows with the plane. */
const drawnLength = (size, reach) => (reach * size) / (1 + size);
const sizeOf = (length, reach) => Math.min(Math.max(length / (reach - length), 0.02), 50);

/**
 * lineHandles(plane, "The line", params, options, change): `change(params)` where a handle moves.
 * `set(params)` moves the line from elsewhere; `draw(layer, [words at
 * the arrow, words behind it])` draws it.
 */
export function lineHandles(on, name, start, { reach = 2.2, color = "figure-ink", done }, change) {
  let params = start;
  const center = () => [(on.x[0] + on.x[1]) / 2, (on.y[0] + on.y[1]) / 2];
  const longest = () => reach * on.zoom;
  const inside = ([x, y]) => well(x, on.x) && well(y, on.y);
  let foot = nearest(params, center());
  const tip = () => {
    const size = Math.hypot(params.w1, params.w2);
    const length = drawnLength(size, longest());
    return [foot[0] + (length * params.w1) / size, foot[1] + (length * params.w2) / size];
  };
  const place = () => {
    const [x, y] = tip();
    shift.move({ x: foot[0], y: foot[1] });
    turn.move({ x, y });
  };
  const through = ({ w1, w2 }) => ({ w1, w2, b: -w1 * foot[0] - w2 * foot[1] });
  const shift = on.handle(
    `Shift ${name}`,
    { at: { x: foot[0], y: foot[1] }, step: (on.x[1] - on.x[0]) / 60, color, done },
    ({ x, y }) => {
      foot = [x, y];
      params = through(params);
      place();
      change(params);
    },
  );
  const turn = on.handle(
    `Turn ${name}`,
    { at: { x: tip()[0], y: tip()[1] }, step: (on.x[1] - on.x[0]) / 60, color, done },
    ({ x, y }) => {
      const [dx, dy] = [x - foot[0], y - foot[1]];
      const length = Math.hypot(dx, dy);
      if (length < 1e-6) return;
      const size = sizeOf(Math.min(length, 0.97 * longest()), longest());
      params = through({ w1: (size * dx) / length, w2: (size * dy) / length });
      place();
      change(params);
    },
  );
  const set = (now) => {
    params = now;
    if (Math.hypot(now.w1, now.w2) < 1e-9) return;
    foot = nearest(params, foot);
    if (!inside(foot)) foot = nearest(params, center());
    place();
  };
  const draw = (layer, sides = []) => {
    const ends = endsOf(on, params);
    if (ends) layer.append(on.line(ends, { stroke: `var(--${color})`, "stroke-width": 3 }));
    const to = tip();
    layer.append(arrow(on, foot, to, { color: `var(--${color})`, size: 12, gap: 8 }));
    const [dx, dy] = [on.px(to[0]) - on.px(foot[0]), on.py(to[1]) - on.py(foot[1])];
    const length = Math.hypot(dx, dy);
    sides.forEach((text, i) => {
      const away = i ? -30 : length + 28;
      const [x, y] = [on.px(foot[0]) + (away * dx) / length, on.py(foot[1]) + (away * dy) / length];
      layer.append(drawnWords(x, y, text, { "font-weight": 600, style: HALO }));
    });
  };
  return { set, draw, handles: [shift, turn] };
}

/** The place on the line that is nearest to a point. */
function nearest({ w1, w2, b }, [x, y]) {
  const share = (w1 * x + w2 * y + b) / (w1 * w1 + w2 * w2);
  return [x - share * w1, y - share * w2];
}

/** Where the line leaves the plane; undefined where it does not cross it. */
function endsOf(on, params) {
  const corners = on.corners();
  const inside = cut(corners, params);
  const ends = inside.filter((point) => !corners.includes(point));
  return ends.length === 2 ? ends : undefined;
}

/** Whether a value is within the middle nine tenths. */
const well = (value, [from, to]) => Math.abs(value - (from + to) / 2) < 0.45 * (to - from);
