/** A parabola, and a rate that may be too large for it: the steps, and the loss on a log axis. */

import { labelOf, sentence } from "./formula.js";
import { button, element, mark, sayings, show, slider } from "./kit.js";
import { HALF, number, panels, plane, player, styles } from "./plane.js";
import { power } from "./powers.js";
import { factorOf, lossAt, walk } from "./rate-model.js";

const DECADES = [1e-12, 1e-8, 1e-4, 1, 1e4, 1e8, 1e12];

export default async function rateOf(body, settings = {}) {
  await styles();
  const given = { curvature: 2, rate: 0.3, start: 1, steps: 20, ...settings };
  let { curvature, rate, start } = given;
  const { steps, at } = given;
  const begin = at === "start" ? 0 : steps; // how many steps are shown at first
  const hill = plane("The parabola, and the steps on it", {
    x: [-2, 2],
    y: [-0.3, 5],
    height: 310,
    axes: { x: { label: "$w$", ticks: [-2, -1, 0, 1, 2] }, y: { label: "$L$" } },
    margin: { bottom: 38 },
    phone: HALF,
  });
  const chart = plane("The loss at each step, on a logarithmic axis", {
    x: [0, steps],
    y: [1e-12, 1e12],
    height: 310,
    axes: {
      x: { label: "step", ticks: [0, steps / 4, steps / 2, (3 * steps) / 4, steps] },
      y: { log: true, ticks: DECADES.map((value) => [value, power(value)]) },
    },
    margin: { left: 38, bottom: 38 },
    phone: { ...HALF, margin: { left: 32, bottom: 38 } },
  });
  const [curve, path, course] = [hill.layer(), hill.layer(), chart.layer()];
  const numbers = { factor: number(0), limit: number(0), loss: number(0), w: number(0), steps: number(0) };
  const says = sayings();
  let shown = steps;

  const ball = hill.handle("The start", { at: { x: start, y: 0 }, step: 0.05, axis: "x" }, ({ x }) => {
    play.stop();
    start = x;
    update();
  });

  function update(count = steps) {
    shown = Math.min(count, steps);
    const places = walk(start, { rate, curvature, steps }).slice(0, shown + 1);
    const losses = places.map((w) => lossAt(w, curvature));
    const factor = factorOf(rate, curvature);
    ball.move({ x: start, y: lossAt(start, curvature) });
    const samples = Array.from({ length: 81 }, (_, i) => -2 + i / 20);
    const bowl = samples.map((w) => [w, lossAt(w, curvature)]);
    curve.replaceChildren(hill.line(bowl, { stroke: "var(--figure-ink)", "stroke-width": 2 }));
    const near = places.findIndex((w) => Math.abs(w) > 1e3);
    const seen = (near < 0 ? places : places.slice(0, near)).map((w) => [w, lossAt(w, curvature)]);
    const color = Math.abs(factor) < 1 ? "var(--figure-ink)" : "var(--wrong)";
    path.replaceChildren(hill.line(seen, { stroke: color, "stroke-width": 1.5, "stroke-dasharray": "4 3" }));
    for (const [w, loss] of seen.slice(1)) path.append(dotAt(hill, w, loss, color, 4));
    if (seen.length === places.length) path.append(dotAt(hill, ...seen.at(-1), color, 7));
    const points = losses.map((loss, t) => [t, Math.min(Math.max(loss, 1e-16), 1e16)]);
    course.replaceChildren(chart.line(points, { stroke: color, "stroke-width": 2 }));
    for (const point of points) course.append(dotAt(chart, ...point, color, 3.5));
    numbers.factor.tell(factor, Math.abs(factor) < 1 ? "" : "wrong");
    numbers.limit.tell(2 / curvature);
    numbers.w.tell(places.at(-1));
    numbers.loss.tell(losses.at(-1));
    numbers.steps.tell(shown);
    says.replaceChildren(...sentence(sayingOf(factor)));
  }

  const play = player(
    "Play",
    () => {
      if (shown >= steps) shown = -1;
      update(shown + 1);
      return shown < steps;
    },
    200,
  );
  const sliders = [
    slider(labelOf("Rate $η$"), { min: 0.01, max: 2.5, step: 0.01, value: rate }, (value) => {
      play.stop();
      rate = value;
      update();
    }),
    slider(labelOf("Curvature $λ$"), { min: 0.5, max: 4, step: 0.1, value: curvature }, (value) => {
      play.stop();
      curvature = value;
      update();
    }),
  ];
  const again = button("Start again", () => {
    play.stop();
    ({ curvature, rate, start } = given);
    sliders[0].set(rate);
    sliders[1].set(curvature);
    update(begin);
  });
  const one = button("One step", () => {
    play.stop();
    update(shown >= steps ? 0 : shown + 1);
  });
  const span = (text, value) => element("span", {}, ...sentence(`${text} `), value);
  body.append(
    panels(["The steps", hill], ["The loss", chart]),
    element("div", { class: "sliders" }, ...sliders),
    element(
      "div",
      { class: "readout" },
      span("factor $1 − ηλ =$", numbers.factor),
      span("largest rate $2/λ =$", numbers.limit),
    ),
    element("div", { class: "controls" }, play, one, again),
    element(
      "div",
      { class: "readout" },
      span("after step", numbers.steps),
      span("$w =$", numbers.w),
      span("loss", numbers.loss),
    ),
    says,
  );
  update(begin);
}

const dotAt = (on, x, y, fill, r) => mark("circle", { cx: on.px(x), cy: on.py(y), r, fill });

/** What a factor means for the walk. */
function sayingOf(factor) {
  const size = Math.abs(factor);
  if (size < 1e-9) return "The rate is $1/λ$, so a single step goes straight to the bottom.";
  if (factor > 0 && size < 1) return `Each step leaves ${show(100 * size)}% of the distance.`;
  if (size < 1 - 1e-9) {
    return `Each step crosses the bottom and leaves ${show(100 * size)}% of the distance.`;
  }
  if (size < 1 + 1e-9) return "The steps go back and forth forever, and the loss stays the same.";
  return `Each step crosses the bottom and ends ${show(size)} times as far from it, so gradient descent diverges.`;
}
