/** A polynomial of a degree to choose: the error on the points it is fitted to, and on others. */

import { labelOf } from "./formula.js";
import { button, element, mark, sayings, slider } from "./kit.js";
import { errorOf, fit, pointsOf, valueAt } from "./overfit-model.js";
import { key, number, panels, plane, rounds, styles } from "./plane.js";
import { power } from "./powers.js";

const PENALTIES = [0, ...rounds(1e-4, 1)];
const DASHES = "5 3"; // of the training points' curve, a second cue beside the color
const HINT = "Drag a point up or down, and raise the degree.";
const DEGREES = Array.from({ length: 12 }, (_, i) => i);

export default async function overfit(body, settings = {}) {
  await styles();
  const given = { degree: 3, count: 12, noise: 0.25, penalty: 0, seed: 3, ...settings };
  let { degree, penalty, seed } = given;
  const sample = (from) => pointsOf({ count: given.count, noise: given.noise, seed: from });
  let [train, held] = [sample(seed), sample(seed + 1)];
  const on = plane("The points, and the polynomial through them", {
    x: [-1.1, 1.1],
    y: [-2, 2],
    height: 310,
    phone: { height: 180 },
  });
  const chart = plane("The error for each degree, on a logarithmic axis", {
    x: [-0.4, 11.4],
    y: [1e-4, 1e2],
    height: 310,
    phone: { height: 190 },
    axes: {
      x: { label: "degree", ticks: [0, 2, 4, 6, 8, 10] },
      y: { log: true, ticks: [1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100].map((value) => [value, power(value)]) },
    },
    margin: { left: 38, bottom: 38 },
  });
  const [curve, others, errors] = [on.layer(), on.layer(), chart.layer()];
  const numbers = { train: number(0), held: number(0) };
  const says = sayings();
  says.textContent = HINT;

  const handles = train.map(([x, y], i) =>
    on.handle(`Point ${i + 1}`, { at: { x, y }, step: 0.1, axis: "y", color: "series-2" }, (place) => {
      train[i] = [train[i][0], place.y];
      update();
    }),
  );

  function update() {
    handles.forEach((handle, i) => handle.move({ x: train[i][0], y: train[i][1] }));
    const best = fit(train, degree, penalty);
    const places = Array.from({ length: 161 }, (_, i) => -1.1 + (2.2 * i) / 160);
    const drawn = places.map((x) => [x, Math.min(Math.max(valueAt(best, x), -50), 50)]);
    curve.replaceChildren(on.line(drawn, { stroke: "var(--series-3)", "stroke-width": 2.5 }));
    others.replaceChildren(
      ...held.map(([x, y]) =>
        mark("rect", { x: on.px(x) - 4, y: on.py(y) - 4, width: 8, height: 8, fill: "var(--series-1)" }),
      ),
    );
    const all = DEGREES.map((wanted) => fit(train, wanted, penalty));
    const [inner, outer] = [train, held].map((points) => all.map((c) => errorOf(c, points)));
    errors.replaceChildren();
    lineOf(inner, "series-2", DASHES);
    lineOf(outer, "series-1");
    const x = chart.px(degree);
    const { y, height } = chart.inner;
    const rule = { x1: x, x2: x, y1: y, y2: y + height, "stroke-dasharray": "2 3" };
    errors.append(mark("line", { ...rule, stroke: "var(--figure-ink)" }));
    numbers.train.tell(inner[degree]);
    numbers.held.tell(outer[degree]);
  }

  function lineOf(values, color, dashes = "none") {
    const points = values.map((value, i) => [i, Math.min(Math.max(value, 1e-9), 1e9)]);
    const look = { stroke: `var(--${color})`, "stroke-width": 2, "stroke-dasharray": dashes };
    errors.append(chart.line(points, look));
    for (const [i, value] of points) {
      const r = i === degree ? 6 : 3.4;
      errors.append(mark("circle", { cx: chart.px(i), cy: chart.py(value), r, fill: `var(--${color})` }));
    }
  }

  function tell() {
    const outer = DEGREES.map((wanted) => errorOf(fit(train, wanted, penalty), held));
    const best = outer.indexOf(Math.min(...outer));
    says.textContent =
      degree === best
        ? "This degree has the smallest error on the held-out points."
        : degree > best
          ? `Overfitting: degree ${best} is better on the held-out points.`
          : `Underfitting: degree ${best} is better on the held-out points.`;
  }

  const sliders = [
    slider("Degree", { min: 0, max: 11, step: 1, value: degree }, (value) => {
      degree = value;
      update();
      tell();
    }),
    slider(
      labelOf("Penalty $λ$"),
      { values: PENALTIES, value: penalty, text: String },
      (value) => {
        penalty = value;
        update();
        tell();
      },
    ),
  ];
  function draw() {
    [train, held] = [sample(seed), sample(seed + 1)];
    update();
  }
  body.append(
    panels(["The fit", on], ["Mean squared error", chart]),
    element("div", { class: "sliders" }, ...sliders),
    element(
      "div",
      { class: "readout" },
      key("series-2", DASHES, "error on the training points ", numbers.train),
      key("series-1", "none", "error on the held-out points ", numbers.held),
    ),
    says,
    element(
      "div",
      { class: "controls" },
      button("Draw new points", () => {
        seed += 2;
        draw();
        tell();
      }),
      button("Start again", () => {
        ({ degree, penalty, seed } = given);
        sliders[0].set(degree);
        sliders[1].set(penalty);
        draw();
        says.textContent = HINT;
      }),
    ),
  );
  update();
}
