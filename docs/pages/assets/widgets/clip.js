/** Gradients of many batches as arrows: the batch's size narrows them, the norm's limit cuts them. */

import { labelOf, sentence } from "./formula.js";
import { button, element, mark, sayings, show, slider } from "./kit.js";
import { clipped, gradientsOf, noiseOf, normOf, spreadOf } from "./clip-model.js";
import { arrow, number, plane, styles } from "./plane.js";

const BATCHES = 40;
const LARGEST = 512; // examples in a batch: 2⁹

export default async function clip(body, settings = {}) {
  await styles();
  const given = { gradient: [1.5, 1], noise: 3, batch: 8, norm: 2, seed: 1, ...settings };
  let { gradient, batch, norm, seed } = given;
  let noise;
  let thick; // the batch that is drawn thick: the one with the longest gradient when they are drawn
  const on = plane("Gradients of forty batches as arrows, and the circle at which they are clipped", {
    width: 400,
    height: 360,
    widest: 440,
    x: [-5, 5],
    y: [-4.5, 4.5],
    phone: { width: 340, height: 250, x: [-5.3, 5.3], y: [-3.9, 3.9] },
  });
  const [circle, arrows] = [on.layer(), on.layer()];
  const says = sayings();
  const numbers = { spread: number(0), formula: number(0), cut: number(0) };
  const one = { g1: number(0), g2: number(0), length: number(0), c1: number(0), c2: number(0), c: number(0) };

  const handle = on.handle(
    "The true gradient",
    { at: { x: gradient[0], y: gradient[1] }, step: 0.1, color: "figure-ink" },
    ({ x, y }) => {
      gradient = [x, y];
      handle.move({ x, y });
      update();
    },
  );

  function draw() {
    noise = noiseOf({ batches: BATCHES, largest: LARGEST, seed });
    const lengths = gradientsOf(noise, { gradient, deviation: given.noise, size: batch }).map(normOf);
    thick = lengths.indexOf(Math.max(...lengths));
    update();
  }

  function update() {
    const all = gradientsOf(noise, { gradient, deviation: given.noise, size: batch });
    const short = all.map((g) => clipped(g, norm));
    const cut = all.filter((g) => normOf(g) > norm).length;
    circle.replaceChildren(
      mark("circle", {
        cx: on.px(0),
        cy: on.py(0),
        r: on.px(norm) - on.px(0),
        fill: "var(--backward)",
        "fill-opacity": 0.06,
        stroke: "var(--figure-ink)",
        "stroke-width": 1.5,
        "stroke-dasharray": "5 4",
      }),
    );
    arrows.replaceChildren();
    all.forEach((g, i) => {
      const look = { stroke: "var(--backward)", "stroke-width": 1.2, "stroke-dasharray": "2 3" };
      if (normOf(g) > norm) arrows.append(on.line([short[i], g], { ...look, opacity: 0.55 }));
    });
    for (const g of short) {
      arrows.append(arrow(on, [0, 0], g, { color: "var(--backward)", width: 1.4, size: 7, opacity: 0.55 }));
    }
    arrows.append(arrow(on, [0, 0], short[thick], { color: "var(--backward)", width: 4, size: 14 }));
    arrows.append(arrow(on, [0, 0], gradient, { color: "var(--figure-ink)", width: 2.5, size: 11, gap: 8 }));
    numbers.spread.tell(spreadOf(all, gradient));
    numbers.formula.tell((given.noise * Math.SQRT2) / Math.sqrt(batch));
    numbers.cut.tell(cut, "", `${cut} of ${BATCHES}`);
    one.g1.tell(all[thick][0]);
    one.g2.tell(all[thick][1]);
    one.length.tell(normOf(all[thick]));
    one.c1.tell(short[thick][0]);
    one.c2.tell(short[thick][1]);
    one.c.tell(normOf(short[thick]));
    const times = normOf(all[thick]) / norm;
    says.textContent =
      times > 1
        ? `The thick arrow is ${show(times)} times as long as allowed, so both of its components are ` +
          `divided by ${show(times)}.`
        : "The thick arrow is short enough and stays unchanged.";
  }

  const sliders = [
    slider(
      labelOf("Batch size $m$"),
      { min: 0, max: 9, step: 1, value: Math.log2(batch), text: (value) => show(2 ** value) },
      (value) => {
        batch = 2 ** value;
        update();
      },
    ),
    slider(labelOf("Maximum norm $c$"), { min: 0.1, max: 5, step: 0.1, value: norm }, (value) => {
      norm = value;
      update();
    }),
  ];
  const more = button("Draw new batches", () => {
    seed += 1;
    draw();
  });
  const again = button("Start again", () => {
    ({ gradient, batch, norm, seed } = given);
    sliders[0].set(Math.log2(batch));
    sliders[1].set(norm);
    handle.move({ x: gradient[0], y: gradient[1] });
    draw();
  });
  const span = (text, ...values) => element("span", {}, ...sentence(`${text} `), ...values);
  body.append(
    on.box,
    element("div", { class: "sliders" }, ...sliders),
    element(
      "div",
      { class: "readout" },
      span("spread", numbers.spread),
      span("predicted $σ√2/√m =$", numbers.formula),
      span("clipped", numbers.cut),
    ),
    element(
      "table",
      { class: "numbers" },
      element(
        "tr",
        {},
        ...["The thick arrow", "$g₁$", "$g₂$", "Norm"].map((text) =>
          element("th", { scope: "col" }, ...sentence(text)),
        ),
      ),
      rowOf("before clipping", one.g1, one.g2, one.length),
      rowOf("clipped", one.c1, one.c2, one.c),
    ),
    says,
    element("div", { class: "controls" }, more, again),
  );
  draw();
}

const rowOf = (name, ...cells) =>
  element(
    "tr",
    {},
    element("th", { scope: "row" }, name),
    ...cells.map((cell) => element("td", {}, cell)),
  );
