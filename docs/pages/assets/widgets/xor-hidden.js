/** The second stage of `xor`: two relu units as lines to drag, and the plane of their features. */

import { sentence } from "./formula.js";
import { button, element, sayings, show, words } from "./kit.js";
import { isRight, stepped } from "./line-model.js";
import { HALO, lineHandles } from "./line-handles.js";
import { dot, halves } from "./line.js";
import { cut, number, panels, plane, player, signOf } from "./plane.js";
import { STARTS } from "./xor-starts.js";
import { XOR, PENCIL, forward, gradientOf, linesOf, lossOf, piecesOf, withLine } from "./xor-model.js";

const START = { w11: 1.2, w21: -0.5, b1: 0.3, w12: -0.3, w22: 1.1, b2: -0.2, v1: 1, v2: 0.6, c: -1 };
const HINT =
  "Each gray line belongs to a hidden unit, whose output is 0 behind the line. Drag the lines, or let the network learn.";
const STEPS = 500; // of gradient descent, until it stops: those of the course's experiment
const EACH = 5; // steps per picture
const END = 2.6; // of the axes of the features, at first
const FARTHEST = 2.1; // of the features in it: the example's name has room as well
const COLORS = ["series-2", "series-3", "figure-ink"];

export function hiddenLayer(stage, { rate, back }) {
  const look = { margin: { left: 22, bottom: 38 }, height: 350 };
  const phone = (x) => ({ phone: { height: 225, x } }); // as wide as keeps right angles
  const inputs = plane("The examples in the plane of the inputs, and the lines of the two hidden units", {
    x: [-0.6, 1.6],
    y: [-0.6, 1.6],
    axes: { x: { label: "$x₁$", ticks: [0, 1] }, y: { label: "$x₂$", ticks: [0, 1] } },
    ...look,
    ...phone([-1.4, 2.4]),
  });
  const features = plane("The examples in the plane of the features, and the output's line", {
    x: [-0.6, END],
    y: [-0.6, END],
    axes: { x: { label: "$a₁$", ticks: ticksTo(END) }, y: { label: "$a₂$", ticks: ticksTo(END) } },
    ...look,
    ...phone([-1.77, 3.77]),
  });
  const planes = [inputs, inputs, features];
  const layers = { tints: inputs.layer(), inputs: inputs.layer(), sides: features.layer() };
  layers.features = features.layer();
  const says = sayings();
  says.textContent = HINT;
  let [params, steps] = [START, 0];
  let drawn = 0; // random starts so far

  const lines = linesOf(params).map((start, i) =>
    lineHandles(
      planes[i],
      i < 2 ? `unit ${i + 1}` : "the output's line",
      start,
      { reach: i < 2 ? 0.8 : 1.1, color: COLORS[i] },
      (now) => {
        halt();
        params = withLine(params, i, now);
        steps = 0;
        update();
        tell();
      },
    ),
  );
  const learn = player("Let it learn", learnOnce, 30);
  const morph = player("Show a solution", morphOnce, 25);
  let from = START;
  let share = 0;
  const table = element("table", { class: "numbers" });
  const loss = number(0);
  const right = number(0);

  function halt() {
    learn.stop();
    morph.stop();
    share = 0;
  }

  function learnOnce() {
    morph.stop();
    share = 0;
    for (let i = 0; i < EACH; i++) params = stepped(params, gradientOf(params, XOR), rate);
    steps += EACH;
    moved();
    const all = rightCount() === 4;
    says.textContent = `${steps} steps of gradient descent: ${rightCount()} of 4 are right.`;
    if (steps % STEPS) return true;
    if (!all) says.textContent += " Training is stuck. Try another start, or drag a line elsewhere.";
    return false;
  }

  /** Twenty-five pictures from where the lines are to the solution. */
  function morphOnce() {
    learn.stop();
    if (share === 0) from = params;
    share = Math.min(share + 1 / 25, 1);
    const mixed = (name) => from[name] + share * (PENCIL[name] - from[name]);
    params = share < 1 ? Object.fromEntries(Object.keys(from).map((name) => [name, mixed(name)])) : PENCIL;
    moved();
    if (share < 1) return true;
    share = steps = 0;
    tell();
    return false;
  }

  function moved() {
    linesOf(params).forEach((line, i) => lines[i].set(line));
    update();
  }

  /** The features have no bound: the axes grow as far as the farthest example. */
  function follow(values) {
    const zoom = Math.max(1, ...values.flatMap(({ a1, a2 }) => [a1 / FARTHEST, a2 / FARTHEST]));
    if (zoom === features.zoom) return;
    features.showing(zoom, ticksTo(END * zoom));
    lines[2].set(linesOf(params)[2]);
  }

  const rightCount = () => XOR.filter((point) => isRight(forward(params, point).z, point[2])).length;

  function tell() {
    const count = rightCount();
    says.textContent =
      count === 4
        ? "All four are right, because the hidden layer has moved them to where one line can separate them."
        : `${count} of 4 are right.`;
  }

  function update() {
    const values = XOR.map((point) => forward(params, point));
    follow(values);
    loss.tell(lossOf(params, XOR));
    right.tell(rightCount(), rightCount() === 4 ? "positive" : "", `${rightCount()} of 4`);
    layers.tints.replaceChildren(...regions(inputs, params));
    layers.sides.replaceChildren(...halves(features, linesOf(params)[2]));
    layers.inputs.replaceChildren();
    layers.features.replaceChildren();
    lines[0].draw(layers.inputs);
    lines[1].draw(layers.inputs);
    lines[2].draw(layers.features);
    layers.inputs.append(...examples(inputs, XOR, values));
    const moved = XOR.map((point, i) => [values[i].a1, values[i].a2, point[2]]);
    layers.features.append(...examples(features, moved, values));
    table.replaceChildren(headOf(), ...XOR.map((point, i) => rowOf(point, values[i])));
  }

  stage.replaceChildren(
    panels(["The given inputs", inputs], ["As the last neuron sees them", features]),
    element(
      "div",
      { class: "readout" },
      element("span", {}, "right ", right),
      element("span", {}, "loss ", loss),
    ),
    element(
      "div",
      { class: "controls" },
      learn,
      morph,
      button("Another start", () => {
        halt();
        params = STARTS[drawn % STARTS.length];
        steps = 0;
        drawn = (drawn % STARTS.length) + 1;
        moved();
        const which = `Random start ${drawn} of ${STARTS.length}.`;
        says.textContent = `${which} Press "Let it learn". Not every start succeeds.`;
      }),
      button("Back to one line", () => (halt(), back())),
    ),
    says,
    table,
  );
  update();
}

/** The four examples with their names; those at the same place share a line of names. */
export function examples(on, points, values) {
  const names = new Map();
  points.forEach((point, i) => {
    const place = on.pair(point);
    names.set(place, [...(names.get(place) ?? []), `${XOR[i][0]}${XOR[i][1]}`]);
  });
  return [
    ...points.map((point, i) => dot(on, point, values[i].z, 9)),
    ...[...names].map(([place, texts]) => {
      const [x, y] = place.split(",").map(Number);
      return words(x, y + 22, texts.join(", "), { "font-size": 13, style: HALO });
    }),
  ];
}

/** 0 and two or three more round numbers. */
function ticksTo(end) {
  const power = 10 ** Math.floor(Math.log10(end / 2));
  const step = Math.max(1, power * [5, 2, 1].find((digit) => digit * power <= end / 2));
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
}

const headOf = () =>
  element(
    "tr",
    {},
    ...["$x₁$ $x₂$", "$a₁$", "$a₂$", "$z$", "Target"].map((text) =>
      element("th", { scope: "col" }, ...sentence(text)),
    ),
  );

function rowOf([x1, x2, target], { a1, a2, z }) {
  const cells = [number(a1), number(a2), number(z, signOf(z))];
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, `${x1} ${x2}`),
    ...cells.map((cell) => element("td", {}, cell)),
    element("td", {}, show(target)),
  );
}

/** The pieces of the plane of inputs, tinted by the sign of z. */
function regions(on, params) {
  const [one, two] = linesOf(params);
  const negated = ({ w1, w2, b }) => ({ w1: -w1, w2: -w2, b: -b });
  return piecesOf(params).flatMap(({ on: [on1, on2], z }) => {
    let piece = cut(on.corners(), on1 ? one : negated(one));
    piece = cut(piece, on2 ? two : negated(two));
    return [
      on.area(cut(piece, z), { fill: "var(--positive)", opacity: 0.16 }),
      on.area(cut(piece, negated(z)), { fill: "var(--negative)", opacity: 0.16 }),
    ];
  });
}
