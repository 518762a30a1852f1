/**
 * A drawing with axes, and handles on it that are dragged or moved with the arrow keys: what the
 * widgets with a line, a bowl, or arrows share. The handles are HTML above the drawing: they keep
 * their size on a phone, and the keyboard reaches them.
 */

import { drawnWords, sentence, styles as formulas } from "./formula.js";
import { drawing, element, mark, show, styled, words } from "./kit.js";

/** Loads plane.css, handle.css, and the letters of formulas once. */
export const styles = () => {
  const sheets = ["plane.css", "handle.css"].map((name) => styled(new URL(name, import.meta.url)));
  return Promise.all([...sheets, formulas()]);
};

/** Whether the screen is a phone's. A widget asks when it is made. */
export const narrow = () => matchMedia("(max-width: 30em)").matches;

/** What a plane is on a phone where a second one is beside it: about as wide as it is drawn there. */
export const HALF = { width: 166, height: 200 };

/**
 * plane("Name for those who cannot see it", { x: [-3, 3], y: [-3, 3] }): `box` is the element, `px`, `py`
 * go from values to the units of the drawing, `layer()` is a group to draw in, cut off at the edges.
 * `ticks` and `label`, which may have a formula in dollar signs, name an axis, and `log: true` makes it
 * logarithmic; `widest` is how many pixels wide the drawing may become. `phone` has the options that are
 * different on a phone.
 */
export function plane(name, { phone, ...options }) {
  const { width = 340, height = 340, widest = width, x, y, axes = {}, margin = {} } = {
    ...options,
    ...(narrow() && phone),
  };
  const small = width < 250;
  const edge = { left: 8, right: 8, top: 8, bottom: 8, ...margin };
  const svg = drawing(width, height, name);
  const box = element("div", { class: "plane", style: `max-width: ${widest}px` }, svg);
  svg.style.maxWidth = "100%";
  const id = `cut-${(plane.count = (plane.count ?? 0) + 1)}`;
  const inner = { x: edge.left, y: edge.top, width: width - edge.left - edge.right };
  inner.height = height - edge.top - edge.bottom;
  svg.append(mark("defs", {}, mark("clipPath", { id }, mark("rect", inner))));
  svg.append(mark("rect", { ...inner, fill: "none", stroke: "var(--figure-faint)" }));
  const made = { box, svg, x, y, inner, small };
  const part = (value, [from, to], log) =>
    log ? Math.log(value / from) / Math.log(to / from) : (value - from) / (to - from);
  const whole = (share, [from, to], log) => (log ? from * (to / from) ** share : from + share * (to - from));
  made.px = (value) => inner.x + part(value, made.x, axes.x?.log) * inner.width;
  made.py = (value) => inner.y + (1 - part(value, made.y, axes.y?.log)) * inner.height;
  made.values = (point) => ({
    x: whole((point.x - inner.x) / inner.width, made.x, axes.x?.log),
    y: whole(1 - (point.y - inner.y) / inner.height, made.y, axes.y?.log),
  });
  made.layer = (attributes = {}) => {
    const group = mark("g", { "clip-path": `url(#${id})`, ...attributes });
    svg.append(group);
    return group;
  };
  const scales = mark("g", { "font-size": small ? 11 : 13 });
  svg.append(scales);
  made.scales = ({ x: along, y: up } = axes) => scales.replaceChildren(...ticksOf(made, along, up));
  made.scales();
  made.line = (points, attributes) =>
    mark("polyline", { points: points.map((p) => made.pair(p)).join(" "), fill: "none", ...attributes });
  made.pair = ([a, b]) => `${made.px(a).toFixed(2)},${made.py(b).toFixed(2)}`;
  made.area = (points, attributes) =>
    mark("polygon", { points: points.map((p) => made.pair(p)).join(" "), ...attributes });
  made.corners = () => [
    [made.x[0], made.y[0]],
    [made.x[1], made.y[0]],
    [made.x[1], made.y[1]],
    [made.x[0], made.y[1]],
  ];
  made.handle = (label, options, change) => handle(made, label, options, change);
  return made;
}

function ticksOf(on, along, up) {
  const { inner } = on;
  const bottom = inner.y + inner.height;
  const marks = [];
  const grid = { stroke: "var(--figure-faint)", "stroke-width": 0.7 };
  for (const [value, text] of pairs(along?.ticks)) {
    marks.push(mark("line", { x1: on.px(value), x2: on.px(value), y1: inner.y, y2: bottom, ...grid }));
    marks.push(words(on.px(value), bottom + 11, text));
  }
  for (const [value, text] of pairs(up?.ticks)) {
    const right = inner.x + inner.width;
    marks.push(mark("line", { x1: inner.x, x2: right, y1: on.py(value), y2: on.py(value), ...grid }));
    marks.push(words(inner.x - 5, on.py(value), text, { "text-anchor": "end" }));
  }
  if (along?.label) marks.push(drawnWords(inner.x + inner.width / 2, bottom + 27, along.label));
  if (up?.label) marks.push(drawnWords(inner.x + 7, inner.y + 12, up.label, { "text-anchor": "start" }));
  return marks;
}

const pairs = (ticks = []) => ticks.map((tick) => (Array.isArray(tick) ? tick : [tick, show(tick)]));

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };

/**
 * A handle at `at` ({x, y} in values): `change({ x, y })` as it is dragged, and with the arrow keys by
 * `step`. `axis: "x"` or `"y"` holds the other value fixed. `done()` is called when it is let go.
 */
function handle(on, label, { at, step = 0.1, color, axis, done = () => {} }, change) {
  const dot = element("div", {
    class: "handle",
    role: "slider",
    tabindex: 0,
    "aria-label": label,
    style: `touch-action: none; cursor: grab; ${color ? `--handle: var(--${color})` : ""}`,
  });
  let now;
  dot.move = (place) => {
    now = place;
    const share = (value, all) => `${(100 * value) / all}%`;
    const [, , width, height] = on.svg.getAttribute("viewBox").split(" ").map(Number);
    dot.style.left = share(Math.min(Math.max(on.px(now.x), 0), width), width);
    dot.style.top = share(Math.min(Math.max(on.py(now.y), 0), height), height);
    dot.setAttribute("aria-valuenow", axis === "y" ? now.y : now.x);
    dot.setAttribute("aria-valuetext", axis ? show(now[axis]) : `${show(now.x)}, ${show(now.y)}`);
  };
  const go = (wanted) => {
    const free = { x: axis === "y" ? now.x : wanted.x, y: axis === "x" ? now.y : wanted.y };
    change({ x: within(free.x, on.x), y: within(free.y, on.y) });
  };
  dot.addEventListener("pointerdown", (event) => {
    dot.setPointerCapture(event.pointerId);
    dot.focus({ preventScroll: true, focusVisible: false });
    event.preventDefault();
    on.box.classList.add("touched");
  });
  dot.addEventListener("pointermove", (event) => {
    if (!dot.hasPointerCapture(event.pointerId)) return;
    const point = new DOMPoint(event.clientX, event.clientY);
    go(on.values(point.matrixTransform(on.svg.getScreenCTM().inverse())));
  });
  dot.addEventListener("lostpointercapture", () => done());
  dot.addEventListener("keydown", (event) => {
    const way = KEYS[event.key];
    if (!way) return;
    event.preventDefault();
    on.box.classList.add("touched");
    const size = event.shiftKey ? step * 5 : step;
    go({ x: now.x + way[0] * size, y: now.y + way[1] * size });
    done();
  });
  dot.move(at);
  on.box.append(dot);
  return dot;
}

const within = (value, [from, to]) => Math.min(Math.max(value, from), to);

/** The part of a convex polygon where w1·x + w2·y + b > 0. */
export function cut(polygon, { w1, w2, b }) {
  const value = ([x, y]) => w1 * x + w2 * y + b;
  return polygon.flatMap((point, i) => {
    const next = polygon[(i + 1) % polygon.length];
    const [here, there] = [value(point), value(next)];
    const kept = here > 0 ? [point] : [];
    if (here > 0 === there > 0) return kept;
    const share = here / (here - there);
    return [...kept, point.map((coordinate, k) => coordinate + share * (next[k] - coordinate))];
  });
}

/** Named planes: beside each other where there is room for them, one above the other otherwise. */
export function panels(...named) {
  const beside = named.every(([, on]) => on.small);
  return element(
    "div",
    { class: beside ? "panels beside" : "panels" },
    ...named.map(([text, on]) =>
      element("div", { class: "panel" }, element("p", { class: "panel-name" }, ...sentence(text)), on.box),
    ),
  );
}

/** Round numbers, about evenly spaced on a logarithmic scale: 1, 1.1 … 2, 2.2 … 4, 4.5 … 10, and so on. */
export function rounds(from, to) {
  const found = [];
  const tenths = [
    [10, 20, 1],
    [20, 40, 2],
    [40, 100, 5],
  ];
  for (let exponent = Math.floor(Math.log10(from)); 10 ** exponent <= to; exponent++) {
    for (const [first, end, step] of tenths) {
      for (let k = first; k < end; k += step) found.push(Number(`${k}e${exponent - 1}`));
    }
  }
  return found.filter((value) => value >= from && value <= to);
}

/** A number that is shown with four digits, and kept in full as its value. */
export function number(value, kind = "") {
  const made = element("data", { class: kind });
  made.tell = (now, name = kind, text = show(now)) => {
    made.value = String(now);
    made.className = name;
    made.textContent = text;
  };
  made.tell(value);
  return made;
}

/** Three decimals, and no sign before zero. */
export const fixed = (value) => (Math.abs(value) < 5e-4 ? "0.000" : value.toFixed(3).replace("-", "−"));

/** A number as a term of a sum: "+ 2", "− 0.3187". */
export const term = (value) => `${value < 0 ? "−" : "+"} ${show(Math.abs(value))}`;

/** "positive" or "negative", for the color of a number; nothing at 0. */
export const signOf = (value) => (value > 0 ? "positive" : value < 0 ? "negative" : "");

/**
 * A button that starts `step`, called each `wait` milliseconds until it returns false, and stops it.
 * `stop()` stops from elsewhere.
 */
export function player(text, step, wait = 40) {
  const made = element("button", { type: "button" }, text);
  let timer;
  made.stop = () => {
    clearInterval(timer);
    timer = undefined;
    made.textContent = text;
  };
  made.start = () => {
    made.stop();
    made.textContent = "Stop";
    timer = setInterval(() => step() === false && made.stop(), wait);
    if (step() === false) made.stop();
  };
  made.addEventListener("click", () => (timer === undefined ? made.start() : made.stop()));
  return made;
}

/** A name with a sample of its curve: the color's name, and the curve's `stroke-dasharray`. */
export function key(color, dashes, ...parts) {
  const [on, off] = dashes === "none" ? [1, 0] : dashes.split(" ");
  const style = `--key: var(--${color}); --on: ${on}px; --off: ${off}px`;
  return element("span", { class: "key", style }, ...parts);
}

/** An arrow from one place to another, its head of `size` units; it ends `gap` units before its end. */
export function arrow(on, from, to, { size = 9, width = 2.5, gap = 0, color, ...attributes }) {
  const [ax, ay] = [on.px(from[0]), on.py(from[1])];
  const [dx, dy] = [on.px(to[0]) - ax, on.py(to[1]) - ay];
  const whole = Math.hypot(dx, dy);
  const length = whole - gap;
  if (!(length > 1e-6)) return mark("g");
  const [ux, uy] = [dx / whole, dy / whole];
  const [bx, by] = [ax + length * ux, ay + length * uy];
  const head = Math.min(size, length);
  const [cx, cy] = [bx - head * ux, by - head * uy];
  const corner = (side) => `${cx - (side * uy * head) / 2},${cy + (side * ux * head) / 2}`;
  return mark(
    "g",
    attributes,
    mark("line", { x1: ax, y1: ay, x2: cx, y2: cy, stroke: color, "stroke-width": width }),
    mark("polygon", { points: `${bx},${by} ${corner(1)} ${corner(-1)}`, fill: color }),
  );
}
