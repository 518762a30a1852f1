/** An activation's curve with a point to drag: its value, its slope, and what the slope does to dy. */

import { ACTIVATIONS, at, CORNERS } from "./activation-model.js";
import { labelOf, sentence } from "./formula.js";
import { button, choice, element, mark, sayings, show, slider } from "./kit.js";
import { HALF, number, panels, plane, signOf, styles } from "./plane.js";

const REACH = 6; // x goes this far to both sides
const GRID = 20; // places per unit of x, so that a finger finds 0
const NARROW = ["sigmoid", "tanh"]; // a drawing as high as ReLU's would show them flat
const HEIGHTS = { narrow: [-1.3, 1.3], wide: [-2, 6] };
const TICKS = { narrow: [-1, -0.5, 0, 0.5, 1], wide: [-2, 0, 2, 4, 6] };
const SHARES = { 0.25: "A quarter", 0.5: "Half", 0.75: "Three quarters" };

export default async function activation(body, settings = {}) {
  await styles();
  const given = { activation: "sigmoid", x: 2, dy: 2, ...settings };
  let { activation: name, x, dy } = given;
  if (!ACTIVATIONS[name]) throw new Error(`activation: there is no ${name}`);
  let seen; // from where to where the point has been: so far the slope is drawn
  const sizes = { x: [-REACH, REACH], height: 290, margin: { left: 38, bottom: 38 } };
  const phone = { ...HALF, margin: { left: 30, bottom: 38 } };
  const along = { label: "$x$", ticks: [-6, -3, 0, 3, 6] };
  const values = plane("The activation's curve, with its tangent at the point", {
    ...sizes,
    y: HEIGHTS.wide,
    axes: { x: along },
    phone,
  });
  const slopes = plane("The slope, drawn as far as the point has been dragged", {
    ...sizes,
    y: [-0.3, 1.9],
    axes: { x: along, y: { ticks: [0, 0.25, 0.5, 1, 1.5] } },
    phone,
  });
  const [curve, trace] = [values.layer(), slopes.layer()];
  const numbers = { x: number(0), y: number(0), slope: number(0) };
  const product = { dy: number(0), slope: number(0), dx: number(0) };
  for (const part of Object.values(product)) part.style.minWidth = 0; // it reads as one sum
  const says = sayings();

  const point = values.handle(
    "The point on the curve",
    { at: { x, y: 0 }, step: 0.1, axis: "x", color: "forward" },
    (wanted) => {
      x = Math.round(wanted.x * GRID) / GRID;
      update();
    },
  );

  function update() {
    seen = [Math.min(x, seen[0]), Math.max(x, seen[1])];
    const { y, slope } = at(name, x);
    point.move({ x, y });
    const ends = [-REACH, REACH];
    const zero = (on) => on.line(ends.map((end) => [end, 0]), { stroke: "var(--figure-faint)", "stroke-width": 1.5 });
    const tangent = ends.map((end) => [end, y + slope * (end - x)]);
    curve.replaceChildren(
      zero(values),
      values.line(places(...ends).map((u) => [u, at(name, u).y]), look("forward")),
      values.line(tangent, { stroke: "var(--backward)", "stroke-width": 2, "stroke-dasharray": "6 4" }),
    );
    trace.replaceChildren(
      zero(slopes),
      ...pieces(name, seen).map((piece) => slopes.line(piece, look("backward"))),
      mark("circle", { cx: slopes.px(x), cy: slopes.py(slope), r: 6, fill: "var(--backward)" }),
    );
    const dx = dy * slope;
    numbers.x.tell(x);
    numbers.y.tell(y);
    numbers.slope.tell(slope);
    product.dy.tell(dy);
    product.slope.tell(slope);
    product.dx.tell(dx, signOf(dx));
    says.replaceChildren(...sentence(sayingOf(name, x, slope)));
  }

  /** Another activation: its heights, and a slope that is not drawn yet. */
  function choose(chosen) {
    name = chosen;
    seen = [x, x];
    const size = NARROW.includes(name) ? "narrow" : "wide";
    values.y = HEIGHTS[size];
    values.scales({ x: along, y: { ticks: TICKS[size] } });
    update();
  }

  const chosen = choice("Activation", Object.keys(ACTIVATIONS), name, choose);
  const arriving = slider(labelOf("Derivative $dy$"), { min: -3, max: 3, step: 0.25, value: dy }, (value) => {
    dy = value;
    update();
  });
  const again = button("Start again", () => {
    ({ x, dy } = given);
    chosen.set(given.activation);
    arriving.set(dy);
    choose(given.activation);
  });
  const span = (text, ...rest) => element("span", {}, ...sentence(`${text} `), ...rest);
  body.append(
    element("div", { class: "controls" }, chosen, again),
    element("p", { class: "hint" }, "Drag the point along the curve."),
    panels(["Value $y = f(x)$", values], ["Slope $f^{′}(x)$", slopes]),
    element("div", { class: "controls" }, arriving),
    element(
      "div",
      { class: "readout" },
      span("$x =$", numbers.x),
      span("$y =$", numbers.y),
      span("slope $f^{′}(x) =$", numbers.slope),
    ),
    element(
      "div",
      { class: "readout" },
      span("$dx = dy · f^{′}(x) =$", product.dy, " · ", product.slope, " = ", product.dx),
    ),
    says,
  );
  choose(name);
}

const look = (color) => ({ stroke: `var(--${color})`, "stroke-width": 2.5 });

/** From one place to another, in steps of a twentieth. */
function places(from, to) {
  const count = Math.max(1, Math.round((to - from) * GRID));
  return Array.from({ length: count + 1 }, (_, i) => from + (i / count) * (to - from));
}

/** The slope as lines: two of them where it jumps at a corner. */
function pieces(name, [from, to]) {
  const slopeAt = (u) => [u, at(name, u).slope];
  if (!CORNERS.includes(name) || from > 0 || to <= 0) return [places(from, to).map(slopeAt)];
  const right = places(0, to).map((u) => slopeAt(Math.max(u, Number.MIN_VALUE)));
  return [places(from, 0).map(slopeAt), right];
}

/** What the slope at a point means for the derivative that arrives there. */
function sayingOf(name, x, slope) {
  if (x === 0 && CORNERS.includes(name)) {
    return `The curve has a corner here. purenn uses the slope on its left, ${show(slope)}.`;
  }
  if (slope === 0) return "The slope is 0: nothing is passed back, whatever $dy$ is.";
  if (Math.abs(slope) < 0.01) return "The curve is almost flat: almost nothing is passed back.";
  if (slope < 0) {
    return `The curve falls here: $dx$ has the opposite sign of $dy$ and is ${percent(-slope)} of its size.`;
  }
  if (slope === 1) return "The slope is 1: $dy$ is passed back unchanged.";
  if (Math.abs(slope - 1) < 0.005) return "The slope is almost 1: $dy$ is passed back almost unchanged.";
  if (slope > 1) return `The slope is above 1: $dx$ is ${show(slope)} times as large as $dy$.`;
  return `${SHARES[slope] ?? percent(slope)} of $dy$ is passed back.`;
}

const percent = (share) => `${Number((100 * share).toPrecision(3))}%`;
