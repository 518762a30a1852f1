/** Gradient descent, momentum and Adam on a long bowl, from a start that is dragged. */

import { button, element, mark, sayings, show, slider } from "./kit.js";
import { adam, lossAt, momentum, sgd } from "./bowl-steps.js";
import { number, plane, player, styles } from "./plane.js";

const RULES = [
  ["Gradient descent", "figure-blue", sgd],
  ["Momentum", "figure-purple", momentum],
  ["Adam", "figure-green", adam],
];
const NAMES = ["gradient descent", "momentum", "Adam"];
const LEVELS = [0.02, 0.1, 0.3, 0.8, 2, 4, 8, 14, 22, 35, 55, 85, 130, 200];

export default async function bowl(body, settings = {}) {
  await styles();
  const given = { start: [-4, 1.5], rate: 0.09, momentum: 0.9, condition: 20, steps: 40, ...settings };
  let { start, rate, momentum: beta, condition, steps } = given;
  const on = plane("Contour lines of the bowl, and the three paths from the start", {
    width: 560,
    height: 330,
    x: [-5, 5],
    y: [-2.9, 2.9],
  });
  const [contours, paths] = [on.layer(), on.layer()];
  const says = sayings();
  const losses = RULES.map(() => number(0));
  let shown = steps;

  const handle = on.handle("The start", { at: { x: start[0], y: start[1] }, step: 0.1 }, ({ x, y }) => {
    start = [x, y];
    handle.move({ x, y });
    update();
  });

  function update(count = steps) {
    shown = Math.min(count, steps);
    const all = RULES.map(([, , rule]) => rule(start, { rate, condition, steps, beta }));
    paths.replaceChildren(mark("path", { d: star(on.px(0), on.py(0)), fill: "var(--figure-ink)" }));
    all.forEach((places, i) => {
      const color = `var(--${RULES[i][1]})`;
      const walked = places.slice(0, shown + 1).filter((w) => w.every((value) => Math.abs(value) < 1e4));
      paths.append(on.line(walked, { stroke: color, "stroke-width": 2, "stroke-linejoin": "round" }));
      for (const place of walked.slice(1)) {
        paths.append(mark("circle", { cx: on.px(place[0]), cy: on.py(place[1]), r: 2.4, fill: color }));
      }
      const [x, y] = walked.at(-1);
      paths.append(mark("circle", { cx: on.px(x), cy: on.py(y), r: 5, fill: color }));
      losses[i].tell(lossAt(places[shown], condition));
    });
    tell(all.map((places) => lossAt(places[shown], condition)));
  }

  function tell(found) {
    const limit = 2 / condition;
    if (rate >= limit) {
      says.textContent = `The rate is above 2/κ = ${show(limit)}: gradient descent diverges.`;
      return;
    }
    const best = found.indexOf(Math.min(...found));
    says.textContent =
      `After ${shown} steps ${NAMES[best]} is lowest. ` +
      `Gradient descent converges at rates below 2/κ = ${show(limit)}.`;
  }

  function drawContours() {
    contours.replaceChildren(
      ...LEVELS.map((level) => {
        const [rx, ry] = [Math.sqrt(2 * level), Math.sqrt((2 * level) / condition)];
        return mark("ellipse", {
          cx: on.px(0),
          cy: on.py(0),
          rx: on.px(rx) - on.px(0),
          ry: on.py(0) - on.py(ry),
          fill: "none",
          stroke: "var(--figure-faint)",
        });
      }),
    );
  }

  const play = player(
    "Play",
    () => {
      if (shown >= steps) shown = -1;
      update(shown + 1);
      return shown < steps;
    },
    70,
  );
  const changed = (set) => (value) => {
    play.stop();
    set(value);
    drawContours();
    update();
  };
  const sliders = [
    slider(
      "Rate η",
      { min: 0.005, max: 0.5, step: 0.005, value: rate },
      changed((value) => (rate = value)),
    ),
    slider(
      "Momentum β",
      { min: 0, max: 0.99, step: 0.01, value: beta },
      changed((value) => (beta = value)),
    ),
    slider(
      "Condition number κ",
      { min: 1, max: 100, step: 1, value: condition },
      changed((value) => (condition = value)),
    ),
    slider(
      "Steps",
      { min: 1, max: 200, step: 1, value: steps },
      changed((value) => (steps = value)),
    ),
  ];
  const again = button("Start again", () => {
    play.stop();
    ({ start, rate, momentum: beta, condition, steps } = given);
    [rate, beta, condition, steps].forEach((value, i) => sliders[i].set(value));
    handle.move({ x: start[0], y: start[1] });
    drawContours();
    update();
  });
  body.append(
    on.box,
    element("div", { class: "controls" }, ...sliders),
    element("div", { class: "controls" }, play, again),
    element(
      "table",
      { class: "numbers" },
      element(
        "tr",
        {},
        ...["Optimizer", "Loss"].map((text) => element("th", { scope: "col" }, text)),
      ),
      ...RULES.map(([name, color], i) => {
        const head = element("th", { scope: "row", class: "key", style: `--key: var(--${color})` }, name);
        return element("tr", {}, head, element("td", {}, losses[i]));
      }),
    ),
    says,
  );
  drawContours();
  update();
}

/** A star of five points around a place. */
export function star(x, y, size = 9) {
  const corner = (i) => {
    const radius = i % 2 ? size * 0.42 : size;
    const angle = (Math.PI * i) / 5;
    return `${x + radius * Math.sin(angle)},${y - radius * Math.cos(angle)}`;
  };
  return `M${Array.from({ length: 10 }, (_, i) => corner(i)).join("L")}Z`;
}
