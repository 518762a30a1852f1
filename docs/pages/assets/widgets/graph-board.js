/** The boxes of a graph and the lines between them, placed to the right or down, wherever they fit. */

import { across, layersOf, pathOf, shares } from "./graph-layout.js";
import { usesOf } from "./graph-steps.js";
import { shown, textOf } from "./graph-words.js";
import { math } from "./formula.js";
import { element, mark, numberField, show } from "./kit.js";

const NARROW = 76; // the least width of a box with a formula, to the right
const GAP = { right: { across: 10, along: 34 }, down: { across: 6, along: 34 } };
const PHONE = 400; // pixels of room: fewer are a phone's
const CLOSE = { across: 6, along: 18 }; // down, on a phone
const WIDEST = 136;
const LEAST = 52;
const INSET = 16; // beside a label, both sides together
const HEAD = 8; // an arrow's
const DOT = 4; // the radius of the mark where a value is copied
const MARGIN = 4; // for the glow of a box that fires
const MANY = 6; // more lines of values that are used more than once have their numbers only as they are added

const BESIDE = 72; // from this width on, a leaf's name stands beside its field

/**
 * The board: `element`; `place()` lays it out, now and when its room changes; `fill(leaves, seeds)` sets
 * the fields; `show(steps, position)` shows what is known after `position` steps. `change(name, value,
 * isSeed)` is called when the reader edits a number.
 */
export function drawn(boxes, { seeds = {}, labels = {}, fixed = [], direction }, change) {
  const layers = layersOf(boxes);
  const uses = usesOf(boxes);
  const lines = boxes.flatMap(({ name, args }) => args.map((arg, place) => ({ from: arg, to: name, place })));
  const branching = lines.filter(({ from }) => uses.get(from).length > 1);
  const parts = new Map(
    boxes.map((box) => [box.name, partsOf(box, labels[box.name], box.name in seeds, change)]),
  );
  for (const name of fixed) parts.get(name).derivative.classList.add("none");
  const svg = mark("svg", { "aria-hidden": "true" });
  const above = mark("svg", { "aria-hidden": "true", class: "above" }); // numbers on lines
  for (const line of lines) {
    line.ahead = arrow("ahead");
    line.back = arrow("back");
    svg.append((line.group = mark("g", {}, line.ahead.element, line.back.element)));
  }
  const dots = boxes
    .filter(({ name }) => uses.get(name).length > 1)
    .map(({ name }) => [name, mark("circle", { r: DOT })]);
  for (const [, dot] of dots) svg.append(dot);
  for (const line of branching) above.append((line.text = mark("text", { dy: ".35em" })));
  const made = element(
    "div",
    { class: "graph-board" },
    svg,
    ...boxes.map(({ name }) => parts.get(name).box),
    above,
  );

  function place() {
    const room = (made.parentElement.clientWidth || 320) - 2 * MARGIN;
    const right = direction ? direction === "right" : layers.length * (NARROW + GAP.right.along) <= room;
    const gap = !right && room < PHONE ? CLOSE : GAP[right ? "right" : "down"];
    const box = (key) => parts.get(key).box;
    const wanted = wantedBy(layers.map((layer) => layer.filter(({ past }) => !past).map(({ key }) => key)));
    if (right) {
      const most = wanted.map((those) => Math.max(...those.values()));
      const widths = shares(most, room - gap.along * (layers.length - 1), WIDEST);
      wanted.forEach((those, i) => those.forEach((_, key) => (box(key).style.width = `${widths[i]}px`)));
    } else {
      wanted.forEach((those, i) => {
        const free = room - gap.across * (layers[i].length - 1) - 10 * (layers[i].length - those.size);
        const widths = shares([...those.values()], free, WIDEST);
        [...those.keys()].forEach((key, place) => (box(key).style.width = `${widths[place]}px`));
      });
    }
    for (const { box, field } of parts.values()) {
      box.toggleAttribute("data-wide", Boolean(field) && parseFloat(box.style.width) >= BESIDE);
    }
    const size = ({ key }) => (right ? box(key).offsetHeight : box(key).offsetWidth);
    const wide = Math.max(
      ...layers.map((layer) =>
        layer.reduce((sum, each) => sum + (each.past ? 10 : size(each)) + gap.across, -gap.across),
      ),
    );
    const extent = right ? wide : Math.max(wide, Math.min(room, 640));
    const middles = across(layers, size, gap.across, extent);
    for (const [key, middle] of middles) middles.set(key, middle + MARGIN);
    const spans = new Map();
    let from = MARGIN;
    layers.forEach((layer, i) => {
      const own = layer
        .filter(({ past }) => !past)
        .map(({ key }) => (right ? box(key).offsetWidth : box(key).offsetHeight));
      const length = Math.max(...own);
      for (const each of layer) {
        const inset = each.past
          ? 0
          : (length - (right ? box(each.key).offsetWidth : box(each.key).offsetHeight)) / 2;
        spans.set(each.key, {
          middle: middles.get(each.key),
          begin: from + inset,
          end: from + length - inset,
        });
      }
      from += length + (i < layers.length - 1 ? gap.along : MARGIN);
    });
    const total = extent + 2 * MARGIN;
    const [width, height] = right ? [from, total] : [total, from];
    Object.assign(made.style, { width: `${width}px`, height: `${height}px` });
    for (const each of [svg, above]) {
      each.setAttribute("width", width);
      each.setAttribute("height", height);
    }
    for (const [name, part] of parts) {
      const { middle, begin } = spans.get(name);
      const { offsetWidth, offsetHeight, style } = part.box;
      const [left, top] = right ? [begin, middle - offsetHeight / 2] : [middle - offsetWidth / 2, begin];
      Object.assign(style, { left: `${left}px`, top: `${top}px` });
    }
    connect(spans, right);
  }

  /** For each layer the widths, by key, in which its labels stay on one line. */
  function wantedBy(keys) {
    const all = keys.flat().map((key) => parts.get(key).box);
    for (const { style } of all) Object.assign(style, { width: "max-content", whiteSpace: "nowrap" });
    const found = keys.map(
      (those) =>
        new Map(
          those.map((key) => {
            const { field, title } = parts.get(key);
            return [key, Math.max(field ? BESIDE : LEAST, title.offsetWidth + INSET)];
          }),
        ),
    );
    for (const { style } of all) style.whiteSpace = "";
    return found;
  }

  function connect(spans, right) {
    const point = (along, across) => (right ? [along, across] : [across, along]);
    for (const line of lines) {
      const keys = pathOf(layers, line.from, line.to);
      const into = lines.filter(({ to }) => to === line.to);
      const before = ({ from, to }) => spans.get(pathOf(layers, from, to).at(-2)).middle;
      const order = into.toSorted((a, b) => before(a) - before(b)).indexOf(line);
      const shift = (order - (into.length - 1) / 2) * Math.min(12, 40 / into.length);
      const [source, target] = [spans.get(line.from), spans.get(line.to)];
      const stops = [[source.end, source.middle]];
      for (const key of keys.slice(1, -1)) {
        const { begin, end, middle } = spans.get(key);
        stops.push([begin, middle], [end, middle]);
      }
      stops.push([target.begin, target.middle + shift]);
      line.ahead.place(stops, -1, point);
      line.back.place(stops.toReversed(), line.text ? DOT + 1 : 1, point);
      const [[a, b], [c, d]] = stops.slice(-2);
      const [x, y] = point(a + (c - a) * 0.55, b + (d - b) * 0.6);
      for (const [name, value] of [
        ["x", x],
        ["y", y],
      ])
        line.text?.setAttribute(name, value);
    }
    for (const [name, dot] of dots) {
      const [cx, cy] = point(spans.get(name).end + 1, spans.get(name).middle);
      dot.setAttribute("cx", cx);
      dot.setAttribute("cy", cy);
    }
  }

  function fill(leaves, arriving) {
    for (const [name, { field, seed }] of parts) {
      if (field) field.value = rounded(leaves[name]);
      if (seed) seed.value = rounded(arriving[name]);
    }
  }

  function showSteps(steps, position) {
    const [values, derivatives, sent] = [new Map(), new Map(), new Map()];
    for (const { phase, done, sends } of steps.slice(0, position)) {
      for (const { name, value } of done) (phase === "forward" ? values : derivatives).set(name, value);
      for (const send of sends) sent.set(`${send.from} ${send.place}`, send);
    }
    const last = steps[position - 1];
    for (const [name, { box, value, derivative, seed, field }] of parts) {
      if (!field) tell(value, values.get(name), "");
      const fires = last?.box === name;
      if (!seed) tell(derivative, derivatives.get(name), partial(name, sent));
      const phase = derivatives.has(name) || (fires && last.phase === "backward") ? "backward" : "forward";
      const known = field || values.has(name);
      box.className = `graph-box${field ? " leaf" : ""}${known ? ` ${phase}` : ""}${fires ? " fires" : ""}`;
    }
    for (const line of lines) {
      const send = sent.get(`${line.to} ${line.place}`);
      const forward = values.has(line.to);
      const firing =
        last &&
        (last.sends.includes(send) ||
          last.copied?.includes(send) ||
          (last.phase === "forward" && last.box === line.to));
      line.group.setAttribute(
        "class",
        `${send ? "backward" : forward ? "forward" : ""}${firing ? " fires" : ""}`,
      );
      if (line.text)
        line.text.textContent =
          send && (last.copied?.includes(send) || branching.length <= MANY) ? show(send.value) : "";
    }
  }

  /** The terms that have arrived of a sum that is not complete: "5 + …". */
  function partial(name, sent) {
    const of = uses.get(name).map(({ box, place }) => sent.get(`${box} ${place}`));
    const arrived = of.filter(Boolean);
    if (!arrived.length) return "";
    const texts = arrived.map(({ value }) => show(value));
    if (of.length > 2) return "…";
    return arrived.length === 2 ? texts.join(" + ").replace("+ −", "− ") : `${texts[0]} + …`;
  }

  let known = 0;
  function settle() {
    const { clientWidth } = made.parentElement;
    if (clientWidth === known) return;
    known = clientWidth;
    place();
  }
  const begin = () => {
    new ResizeObserver(settle).observe(made.parentElement);
    document.fonts.addEventListener("loadingdone", place); // a box is as wide as its letters
  };
  return { element: made, place: () => (settle(), begin()), fill, show: showSteps };
}

/** One box: its name or formula, its value or field, its derivative or the field of what arrives. */
function partsOf({ name, tree }, label, isSeed, change) {
  const formula = tree ? (label ?? textOf(tree, shown)) : "";
  const title = math(formula ? `${shown(name)} = ${formula}` : shown(name));
  const value = element("span", { class: "value" });
  const derivative = element("span", { class: "derivative" });
  const edited = (words, seed) => {
    const field = element("input", { type: "number", step: "any", "aria-label": words });
    return numberField(field, (value) => change(name, value, seed));
  };
  const field = tree ? null : edited(shown(name), false);
  const seed = isSeed ? edited(`d${shown(name)}`, true) : null;
  if (field) value.append(field);
  if (seed) derivative.append(seed);
  return {
    box: element(
      "div",
      { class: field ? "graph-box leaf" : "graph-box" },
      element("b", {}, title),
      value,
      derivative,
    ),
    title,
    value,
    derivative,
    field,
    seed,
  };
}

/** A number in its element, in full where the pointer rests on it; what is not known yet is `instead`. */
function tell(element, value, instead) {
  element.textContent = value === undefined ? instead : show(value);
  element.title = value === undefined ? "" : String(value);
}

/** Twelve digits: what a number field holds after a step, without the rounding of binary fractions. */
const rounded = (value) => String(Number(value.toPrecision(12)));

/** A line with a head; `place` leads it through points to one at `distance` before the last. */
function arrow(name) {
  const [line, head] = [mark("path"), mark("path")];
  function place(stops, distance, point) {
    const [end, side] = stops.at(-1);
    const tip = end + distance;
    const base = tip + Math.sign(distance) * HEAD;
    line.setAttribute("d", curve(stops.with(-1, [(tip + base) / 2, side]), point));
    const corners = [-1, 1].map((i) => `L${point(base, side + (i * HEAD) / 2)}`);
    head.setAttribute("d", `M${point(tip, side)}${corners.join("")}Z`);
  }
  return { element: mark("g", { class: name }, line, head), place };
}

/** A smooth line through points, which leaves and arrives along the direction of the layers. */
function curve(stops, point) {
  return stops.reduce((path, stop, i) => {
    if (i === 0) return `M${point(...stop)}`;
    const middle = (stops[i - 1][0] + stop[0]) / 2;
    return `${path}C${point(middle, stops[i - 1][1])} ${point(middle, stop[1])} ${point(...stop)}`;
  }, "");
}
