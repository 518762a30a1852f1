/** Gradient descent, momentum, and Adam on a long bowl, from a start that is dragged. */

import { labelOf, plainText, sentence } from "./formula.js";
import { button, element, mark, sayings, show, slider } from "./kit.js";
import { adam, exitOf, limitsOf, lossAt, momentum, sgd } from "./bowl-steps.js";
import { arrow, key, number, plane, player, rounds, styles } from "./plane.js";

const RULES = [
  ["Gradient descent", "series-1", sgd],
  ["Momentum", "series-2", momentum],
  ["Adam", "series-3", adam],
];
const DASHES = ["none", "7 3", "2 3"]; // the second cue beside the colors
const NAMES = ["gradient descent", "momentum", "Adam"];
const RATES = [rounds(0.001, 0.5), rounds(0.01, 1), rounds(0.01, 1)];
/** A narrow valley, and for each rule a rate that suits it: gradient descent's is just below its limit. */
const OPENING = { start: [-4, 1.5], rates: [0.019, 0.1, 0.2], momentum: 0.8, condition: 100, steps: 40 };
/** What the buttons set: the rate of gradient descent is below, just below, and above 2/κ. */
const IDEAS = {
  Zigzag: { condition: 20, rates: [0.09, 0.1, 0.2] },
  "Just below $2/κ$": { condition: 100, rates: [0.019, 0.1, 0.2] },
  Diverges: { condition: 100, rates: [0.022, 0.1, 0.2] },
};
const LEVELS = [0.02, 0.1, 0.3, 0.8, 2, 4, 8, 14, 22, 35, 55, 85, 130, 200];

export default async function bowl(body, settings = {}) {
  await styles();
  const given = { ...OPENING, ...settings };
  let { start, rates, momentum: beta, condition, steps } = given;
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
  let playing = false;

  const handle = on.handle("The start", { at: { x: start[0], y: start[1] }, step: 0.1 }, ({ x, y }) => {
    start = [x, y];
    handle.move({ x, y });
    update();
  });

  function update(count = steps) {
    shown = Math.min(count, steps);
    const all = RULES.map(([, , rule], i) => rule(start, { rate: rates[i], condition, steps, beta }));
    paths.replaceChildren(mark("path", { d: star(on.px(0), on.py(0)), fill: "var(--figure-ink)" }));
    // Adam has no limit: its steps are never longer than its rate allows.
    const limits = [...limitsOf(condition, beta), Infinity];
    const exits = all.map((places, i) =>
      rates[i] < limits[i] ? null : exitOf(places.slice(0, shown + 1), on),
    );
    all.forEach((places, i) => {
      const color = `var(--${RULES[i][1]})`;
      const walked = exits[i]?.walked ?? places.slice(0, shown + 1);
      const dashes = DASHES[i];
      const look = { stroke: color, "stroke-width": 2, "stroke-dasharray": dashes };
      paths.append(on.line(walked, { ...look, "stroke-linejoin": "round" }));
      for (const place of walked.slice(1)) {
        paths.append(mark("circle", { cx: on.px(place[0]), cy: on.py(place[1]), r: 2.4, fill: color }));
      }
      const [x, y] = walked.at(-1);
      if (exits[i]) {
        paths.append(arrow(on, [x, y], exits[i].place, { color, size: 12, width: 2 }));
        return;
      }
      paths.append(mark("circle", { cx: on.px(x), cy: on.py(y), r: 5, fill: color }));
    });
    const found = all.map((places, i) => (exits[i] ? Infinity : lossAt(places[shown], condition)));
    losses.forEach((loss, i) => {
      if (exits[i]) loss.tell(Infinity, "wrong", "∞ (diverged)");
      else loss.tell(found[i], found[i] > lossAt(start, condition) ? "wrong" : "");
    });
    tell(found);
    const now = JSON.stringify([condition, ...rates]);
    for (const [name, made] of Object.entries(presets)) {
      const idea = IDEAS[name];
      made.setAttribute("aria-pressed", JSON.stringify([idea.condition, ...idea.rates]) === now);
    }
  }

  function tell(found) {
    if (playing) {
      says.textContent = `Playing ${steps} steps …`; // the verdict comes at the end
      return;
    }
    const [limit, wider] = limitsOf(condition, beta);
    const best = found.indexOf(Math.min(...found));
    const text =
      rates[0] >= limit
        ? `Gradient descent diverges: its rate must be below $2/κ = ${show(limit)}$.`
        : rates[1] >= wider
          ? `Momentum diverges: its rate must be below $2(1 + β)/((1 − β)κ) = ${show(wider)}$.`
          : `After ${shown} ${shown === 1 ? "step" : "steps"}, ${NAMES[best]} has the lowest loss. ` +
            `Gradient descent converges at rates below $2/κ = ${show(limit)}$, and momentum at rates below ` +
            `${show(wider)}.`;
    says.replaceChildren(...sentence(text));
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
      playing = shown + 1 < steps;
      update(shown + 1);
      return playing;
    },
    70,
  );
  const stop = () => {
    play.stop();
    playing = false;
  };
  play.addEventListener("click", () => {
    if (play.textContent !== "Play" || !playing) return;
    playing = false; // stopped on the way: the verdict is on the steps so far
    update(shown);
  });
  const changed = (set) => (value) => {
    stop();
    set(value);
    drawContours();
    update();
  };
  const sliders = [
    ...RATES.map((values, i) =>
      slider(
        `Rate of ${NAMES[i]}`,
        { values, value: rates[i] },
        changed((value) => (rates = rates.with(i, value))),
      ),
    ),
    slider(
      labelOf("Momentum $β$"),
      { min: 0, max: 0.99, step: 0.01, value: beta },
      changed((value) => (beta = value)),
    ),
    slider(
      labelOf("Condition number $κ$"),
      { values: rounds(1, 200), value: condition },
      changed((value) => (condition = value)),
    ),
    slider(
      "Steps",
      { min: 1, max: 200, step: 1, value: steps },
      changed((value) => (steps = value)),
    ),
  ];
  function begin(chosen) {
    stop();
    ({ start, rates, momentum: beta, condition, steps } = { ...given, ...chosen });
    [...rates, beta, condition, steps].forEach((value, i) => sliders[i].set(value));
    handle.move({ x: start[0], y: start[1] });
    drawContours();
    update();
  }
  const again = button("Start again", () => begin({}));
  const presets = {};
  for (const [name, idea] of Object.entries(IDEAS)) {
    presets[name] = button("", () => begin(idea));
    presets[name].className = "toggle preset";
    presets[name].setAttribute("aria-label", plainText(name));
    const numbers = sentence(`$κ = ${idea.condition}$, rate ${idea.rates[0]}`);
    presets[name].append(...sentence(name), element("small", {}, ...numbers));
  }
  play.classList.add("main");
  const [rate, ...others] = sliders;
  const kappa = others.splice(3, 1)[0];
  body.append(
    on.box,
    element(
      "div",
      { class: "readout" },
      "Loss:",
      ...RULES.map(([name, color], i) => key(color, DASHES[i], `${name} `, losses[i])),
    ),
    element("div", { class: "controls tight" }, ...Object.values(presets), play, again),
    says,
    element("div", { class: "sliders even" }, rate, kappa),
    element(
      "details",
      { class: "more" },
      element("summary", {}, "Momentum, Adam, and the number of steps"),
      element("div", { class: "sliders even" }, ...others),
    ),
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
