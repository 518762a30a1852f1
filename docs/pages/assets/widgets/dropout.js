/** Dropout: a mask that is drawn again and again, and the mean over the draws, which is the input. */

import { sentence } from "./formula.js";
import { button, element, mark, sayings, show, slider } from "./kit.js";
import { deviationOf, dropped, masksFrom, rootMeanSquare } from "./dropout-model.js";
import { number, plane, player, styles } from "./plane.js";

const UNITS = [1.2, 0.6, 1.8, 0.9, 1.5, 0.4, 1.1, 1.7];

export default async function dropout(body, { x = UNITS, rate: firstRate = 0.5, seed = 1 } = {}) {
  await styles();
  let rate = firstRate;
  let next = masksFrom(seed);
  let [mask, sums, draws] = [x.map(() => 1), x.map(() => 0), 0];
  const top = Math.ceil(2 * Math.max(...x));
  const on = plane("The units before and after dropout, and the mean over all draws", {
    width: 400,
    height: 260,
    widest: 520,
    x: [0, x.length],
    y: [0, top],
    axes: {
      x: { label: "unit", ticks: x.map((_, i) => [i + 0.5, String(i + 1)]) },
      y: { ticks: Array.from({ length: top + 1 }, (_, i) => i) },
    },
    margin: { left: 24, bottom: 38 },
    phone: { width: 340, height: 200 },
  });
  const bars = on.layer();
  const numbers = { draws: number(0), left: number(0), scale: number(0) };
  Object.assign(numbers, { apart: number(0), typical: number(0) });
  const says = sayings();
  const table = element("table", { class: "numbers" });

  function drawOne() {
    mask = next(x.length, rate);
    draws += 1;
    sums = dropped(x, mask, rate).map((value, i) => sums[i] + value);
    update();
    return draws % 200 !== 0;
  }

  function forget() {
    play.stop();
    next = masksFrom(seed);
    [mask, sums, draws] = [x.map(() => 1), x.map(() => 0), 0];
    drawOne();
  }

  function update() {
    const y = dropped(x, mask, rate);
    const means = sums.map((sum) => sum / draws);
    bars.replaceChildren();
    x.forEach((value, i) => {
      const place = (height) => ({
        x: on.px(i + 0.18),
        width: on.px(i + 0.82) - on.px(i + 0.18),
        y: on.py(Math.min(height, top)),
        height: on.py(0) - on.py(Math.min(height, top)),
      });
      if (mask[i]) bars.append(mark("rect", { ...place(y[i]), fill: "var(--forward)", opacity: 0.75 }));
      const look = { fill: "none", stroke: "var(--figure-ink)" };
      if (!mask[i]) look["stroke-dasharray"] = "3 3";
      bars.append(mark("rect", { ...place(value), ...look }));
      const dot = { cx: on.px(i + 0.5), cy: on.py(Math.min(means[i], top)), r: 4.5 };
      bars.append(mark("circle", { ...dot, fill: "var(--figure-ink)", stroke: "var(--figure-paper)" }));
    });
    numbers.draws.tell(draws);
    const left = mask.filter(Boolean).length;
    numbers.left.tell(left, "", `${left} of ${x.length}`);
    numbers.scale.tell(1 / (1 - rate));
    numbers.apart.tell(rootMeanSquare(means.map((mean, i) => mean - x[i])));
    numbers.typical.tell(deviationOf(rootMeanSquare(x), rate, draws));
    says.textContent =
      rate === 0
        ? "At rate 0 no unit is dropped, so the output is the input."
        : draws < 20
          ? `The remaining units are multiplied by ${show(1 / (1 - rate))}. ` +
            "Draw more masks: the dots show the mean."
          : "The mean over the draws approaches the input, so evaluation needs neither a mask nor a factor.";
    tellRows(y, means);
  }

  function tellRows(y, means) {
    const row = (name, values) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, ...sentence(name)),
        ...values.map((value) => {
          const cell = number(value);
          cell.tell(value, "", value.toFixed(2));
          return element("td", {}, cell);
        }),
      );
    table.replaceChildren(row("$x$", x), row("$y$", y), row("mean", means));
  }

  const play = player("Keep drawing", drawOne, 60);
  const span = (text, value) => element("span", {}, ...sentence(`${text} `), value);
  body.append(
    on.box,
    element(
      "div",
      { class: "controls" },
      slider("Rate", { min: 0, max: 0.9, step: 0.05, value: rate }, (value) => {
        rate = value;
        forget();
      }),
      button("Draw a mask", () => (play.stop(), drawOne())),
      play,
      button("Start again", forget),
    ),
    element(
      "div",
      { class: "readout" },
      span("draws", numbers.draws),
      span("units left", numbers.left),
      span("factor $1/(1 − rate) =$", numbers.scale),
    ),
    element(
      "div",
      { class: "readout" },
      span("mean is off by", numbers.apart),
      span("expected: about", numbers.typical),
    ),
    says,
    element("div", { class: "wide" }, table),
  );
  drawOne();
}
