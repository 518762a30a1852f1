/** XOR: first one line, which cannot; then two hidden units, whose features one line separates. */

import { sentence } from "./formula.js";
import { button, element, sayings } from "./kit.js";
import { outputOf, rightOf } from "./line-model.js";
import { lineHandles } from "./line-handles.js";
import { formulaOf, halves } from "./line.js";
import { number, plane, styles } from "./plane.js";
import { examples, hiddenLayer } from "./xor-hidden.js";
import { XOR } from "./xor-model.js";

const START = { w1: -0.4, w2: 1, b: -0.2 };
const TRIES = 3; // before it is said that there is no such line
const HINT = "Can one line get all four right? Drag the dot or the tip of the arrow to find out.";

export default async function xor(body, { hidden = false, rate = 1 } = {}) {
  await styles();
  const stage = element("div");
  body.append(stage);
  if (hidden) hiddenLayer(stage, { rate, back: oneLine });
  else oneLine();

  function oneLine() {
    const on = plane("The four examples of XOR and one line", {
      x: [-0.6, 1.6],
      y: [-0.6, 1.6],
      axes: { x: { label: "$x₁$", ticks: [0, 1] }, y: { label: "$x₂$", ticks: [0, 1] } },
      margin: { left: 22, bottom: 38 },
      height: 350,
    });
    const [tints, above] = [on.layer(), on.layer()];
    let [params, tries, best, tried] = [START, 0, rightOf(START, XOR), false];
    const formula = formulaOf();
    const counts = { right: number(0), tries: number(0), best: number(0) };
    const says = sayings();
    says.textContent = HINT;
    const more = button("Add a hidden layer", () => hiddenLayer(stage, { rate, back: oneLine }));
    const again = button("Start again", () => {
      [params, tries, best, tried] = [START, 0, rightOf(START, XOR), false];
      handles.set(params);
      says.textContent = HINT;
      update();
    });

    /** A try is a place where the line is let go. */
    function done() {
      if (!tried) return;
      tried = false;
      tries += 1;
      const right = rightOf(params, XOR);
      best = Math.max(best, right);
      says.replaceChildren(
        ...sentence(
          tries < TRIES
            ? `${right} of 4 are right. Try another place.`
            : "No line gets all four: 01 and 10 together require $w₁ + w₂ + 2b > 0$, but 00 and 11 " +
              "require the same sum to be $≤ 0$.",
        ),
      );
      update();
    }

    const handles = lineHandles(on, "the line", params, { reach: 0.9, done }, (now) => {
      params = now;
      tried = true;
      update();
    });

    function update() {
      formula.tell(params);
      const right = rightOf(params, XOR);
      counts.right.tell(right, "", `${right} of 4`);
      counts.tries.tell(tries);
      counts.best.tell(best, "", `${best} of 4`);
      tints.replaceChildren(...halves(on, params));
      above.replaceChildren();
      handles.draw(above);
      above.append(...examples(on, XOR, XOR.map((point) => ({ z: outputOf(params, point) }))));
    }

    stage.replaceChildren(
      on.box,
      formula.element,
      element(
        "div",
        { class: "readout" },
        element("span", {}, "right ", counts.right),
        element("span", {}, "tries ", counts.tries),
        element("span", {}, "best so far ", counts.best),
      ),
      says,
      element("div", { class: "controls" }, more, again),
    );
    update();
  }
}
