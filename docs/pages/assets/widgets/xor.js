/** XOR: first one line, which cannot; then two hidden units, whose features one line separates. */

import { button, element, sayings } from "./kit.js";
import { outputOf, rightOf } from "./line-model.js";
import { lineHandles } from "./line-handles.js";
import { halves } from "./line.js";
import { number, plane, signOf, styles } from "./plane.js";
import { examples, hiddenLayer } from "./xor-hidden.js";
import { XOR } from "./xor-model.js";

const START = { w1: -0.4, w2: 1, b: -0.2 };
const TRIES = 3; // before the hidden layer is offered

export default async function xor(body, { hidden = false, rate = 0.5 } = {}) {
  await styles();
  const stage = element("div");
  body.append(stage);
  if (hidden) hiddenLayer(stage, { rate, back: oneLine });
  else oneLine();

  function oneLine() {
    const on = plane("The four examples of XOR and one line", {
      x: [-0.6, 1.6],
      y: [-0.6, 1.6],
      axes: { x: { label: "x₁", ticks: [0, 1] }, y: { label: "x₂", ticks: [0, 1] } },
      margin: { left: 22, bottom: 38 },
      height: 350,
    });
    const [tints, above] = [on.layer(), on.layer()];
    let [params, tries, best, tried] = [START, 0, rightOf(START, XOR), false];
    const numbers = { w1: number(0), w2: number(0), b: number(0), right: number(0) };
    const counts = { tries: number(0), best: number(0) };
    const says = sayings();
    says.textContent = "Can one line have all four right? Drag it.";
    const more = button("Add a hidden layer", () => hiddenLayer(stage, { rate, back: oneLine }));
    more.hidden = true;

    /** A try is a place where the line is let go. */
    function done() {
      if (!tried) return;
      tried = false;
      tries += 1;
      const right = rightOf(params, XOR);
      best = Math.max(best, right);
      more.hidden = tries < TRIES;
      says.textContent =
        tries < TRIES
          ? `${right} of 4. Try another place.`
          : `${right} of 4. No line can: 01 and 10 together ask for w₁ + w₂ + 2b > 0, and 00 and 11 for ≤ 0.`;
      update();
    }

    const handles = lineHandles(on, "the line", params, { reach: 0.9, done }, (now) => {
      params = now;
      tried = true;
      update();
    });

    function update() {
      for (const name of ["w1", "w2", "b"]) numbers[name].tell(params[name], signOf(params[name]));
      const right = rightOf(params, XOR);
      numbers.right.tell(right, "", `${right} of 4`);
      counts.tries.tell(tries);
      counts.best.tell(best, "", `${best} of 4`);
      tints.replaceChildren(...halves(on, params));
      above.replaceChildren();
      handles.draw(above);
      above.append(...examples(on, XOR, XOR.map((point) => ({ z: outputOf(params, point) }))));
    }

    stage.replaceChildren(
      on.box,
      element(
        "div",
        { class: "readout" },
        element("span", {}, "z = ", numbers.w1, " x₁ + ", numbers.w2, " x₂ + ", numbers.b),
      ),
      element(
        "div",
        { class: "readout" },
        element("span", {}, "right ", numbers.right),
        element("span", {}, "tries ", counts.tries),
        element("span", {}, "best so far ", counts.best),
      ),
      says,
      element("div", { class: "controls" }, more),
    );
    update();
  }
}
