/** One line to drag between two groups of points: a neuron, its answers, and its loss. */

import { math } from "./formula.js";
import { button, element, mark, sayings } from "./kit.js";
import { gradientOf, isRight, lossOf, outputOf, rightOf, stepped } from "./line-model.js";
import { lineHandles } from "./line-handles.js";
import { cut, number, plane, player, signOf, styles, term } from "./plane.js";
import { normal } from "./random.js";

const START = { w1: -0.6, w2: 0.9, b: 0.5 };

/** Ten points around each of two centers, the same each time; [x1, x2, target]. */
function twoGroups() {
  const draw = normal(4);
  return Array.from({ length: 20 }, (_, i) => {
    const [x, y] = i % 2 ? [1.1, 0.9] : [-0.9, -0.8];
    return [x + 0.62 * draw(), y + 0.62 * draw(), i % 2];
  });
}

export default async function line(body, { points = twoGroups(), start = START, rate = 1 } = {}) {
  await styles();
  const on = plane("Points of two kinds, and the line between the two answers", {
    width: 360,
    height: 370,
    x: [-3, 3],
    y: [-2.7, 2.7],
    axes: { x: { label: "$x₁$" }, y: { label: "$x₂$" } },
    margin: { bottom: 38 },
  });
  const [tints, marks, above] = [on.layer(), on.layer(), on.layer()];
  let [params, steps] = [start, 0];
  const formula = formulaOf();
  const numbers = { right: number(0), loss: number(0) };
  const says = sayings();
  says.textContent = "Drag the dot or the tip of the arrow until every point is on the correct side.";

  const handles = lineHandles(on, "the line", params, {}, (now) => {
    learn.stop();
    params = now;
    steps = 0;
    update();
    tell();
  });

  function update() {
    formula.tell(params);
    const right = rightOf(params, points);
    numbers.right.tell(right, right === points.length ? "positive" : "", `${right} of ${points.length}`);
    numbers.loss.tell(lossOf(params, points));
    tints.replaceChildren(...halves(on, params));
    marks.replaceChildren(...points.map((point) => dot(on, point, outputOf(params, point))));
    above.replaceChildren();
    handles.draw(above, ["$z > 0$", "$z < 0$"]);
  }

  function tell() {
    const wrong = points.length - rightOf(params, points);
    says.textContent = wrong
      ? `${wrong} ${wrong === 1 ? "point is" : "points are"} on the wrong side.`
      : "All points are on the correct side. A longer arrow makes the answers more confident and the loss smaller.";
  }

  function learnOnce() {
    params = stepped(params, gradientOf(params, points), rate);
    steps += 1;
    handles.set(params);
    update();
    says.textContent = `${steps} ${steps === 1 ? "step" : "steps"} of gradient descent.`;
    return steps % 150 !== 0;
  }

  const learn = player("Let it learn", learnOnce);
  const one = button("One step", () => {
    learn.stop();
    learnOnce();
  });
  const again = button("Start again", () => {
    learn.stop();
    [params, steps] = [start, 0];
    handles.set(params);
    update();
    tell();
  });
  body.append(
    on.box,
    formula.element,
    element(
      "div",
      { class: "readout" },
      element("span", {}, "right ", numbers.right),
      element("span", {}, "loss ", numbers.loss),
    ),
    element("div", { class: "controls" }, learn, one, again),
    says,
  );
  update();
}

/** z = w1·x1 + w2·x2 + b with its numbers, and their signs as the signs of the terms. */
export function formulaOf() {
  const [w1, w2, b] = [number(0), number(0), number(0)];
  const parts = [math("z ="), w1, math("x₁"), w2, math("x₂"), b].flatMap((part) => [part, " "]);
  return {
    element: element("div", { class: "readout" }, element("span", {}, ...parts)),
    tell(params) {
      w1.tell(params.w1, signOf(params.w1));
      w2.tell(params.w2, signOf(params.w2), term(params.w2));
      b.tell(params.b, signOf(params.b), term(params.b));
    },
  };
}

/** The side where z > 0 and the other. */
export function halves(on, params) {
  const { w1, w2, b } = params;
  return [
    on.area(cut(on.corners(), params), { fill: "var(--positive)", opacity: 0.16 }),
    on.area(cut(on.corners(), { w1: -w1, w2: -w2, b: -b }), { fill: "var(--negative)", opacity: 0.16 }),
  ];
}

/** A disk for target 1, a square for 0; a red ring where the answer is wrong. */
export function dot(on, [x, y, target], z, size = 7) {
  const [cx, cy] = [on.px(x), on.py(y)];
  const look = { stroke: "var(--figure-paper)", "stroke-width": 1.5 };
  const shape = target
    ? mark("circle", { cx, cy, r: size, fill: "var(--positive)", ...look })
    : mark("rect", {
        x: cx - 0.9 * size,
        y: cy - 0.9 * size,
        width: 1.8 * size,
        height: 1.8 * size,
        fill: "var(--negative)",
        ...look,
      });
  const ring = { cx, cy, r: size + 4, fill: "none", stroke: "var(--wrong)", "stroke-width": 2.5 };
  return mark("g", {}, shape, ...(isRight(z, target) ? [] : [mark("circle", ring)]));
}
