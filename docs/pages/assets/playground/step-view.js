/** Steps of gradient descent: the loss so far, one unit's weights before and after, other digits. */

import { twoChances, twoLosses } from "./alike.js";
import { element, reach, show } from "./dom.js";
import { createFigure } from "./figure.js";
import { oneImage } from "./layers.js";
import { createLossPlot } from "./lossplot.js";
import { column } from "./matrix.js";
import { isCertain } from "./stages.js";

const TRY = ", almost 0. A wrong label or an unclear digit gives the network an error to correct.";

/** The loss as a curve, what the last steps did to the answer, and what the next step will do. @returns {(state: object) => void} */
export function createLossView(plot, sentence, change) {
  const paint = createLossPlot(plot);
  return (state) => {
    const { grads, losses, nextLoss, steps, before, caches, label } = state;
    change.textContent =
      grads && before
        ? `Probability of ${label}: ${twoChances(before[label], caches.at(-1).a.values[label]).join(" → ")}`
        : "";
    const nearly = isCertain(state) && nextLoss < losses.at(-1);
    plot.hidden = steps === 0; // a curve has two points
    paint(grads ? losses : []);
    const count = steps === 1 ? "1 step" : `${steps} steps`;
    const taken = steps === 0 ? "The weights are as trained." : `${count} taken.`;
    const both = twoLosses(losses.at(-1), nextLoss);
    const next = nearly ? TRY : `. The next step will take it to ${both(nextLoss)}.`;
    sentence.textContent = grads
      ? `${taken} The loss is ${both(losses.at(-1))}${next}`
      : `${taken} To take steps, first say which digit you meant.`;
  };
}

/** The weights of one unit of the first layer: now, what the step adds, and after it. */
export function createWeightsView(host) {
  const row = element("div", { class: "pg-row" });
  const sentence = element("p", { class: "pg-says" });
  host.append(row, sentence);
  const before = createFigure(row, { symbol: "W1[:, j]" });
  const change = createFigure(row, { symbol: "−rate · dW1[:, j]" });
  const after = createFigure(row, { symbol: "W1[:, j] after the step" });
  return ({ params, grads, next, rate }, unit) => {
    const [w, dw, stepped] = [params[0].w, grads[0].dw, next[0].w].map((of) => column(of, unit));
    const scale = reach(w, stepped);
    const added = dw.map((value) => -rate * value);
    before.paint(oneImage(w, "(784,)", { scale, note: `j = ${unit}, now` }));
    change.paint(oneImage(added, "(784,)", { note: "the change" }));
    after.paint(oneImage(stepped, "(784,)", { scale }));
    const [largest, slope] = [w, dw].map((of) => Math.max(...of.map(Math.abs)));
    sentence.textContent =
      slope === 0
        ? `Unit ${unit} is off, so its dW1 is 0 and the step leaves its weights unchanged.`
        : `The largest change is ${show((100 * rate * slope) / largest)}% of unit ${unit}'s largest weight.`;
  };
}

/**
 * The test digits as buttons, each marked with whether the network, as it is now, reads it right.
 *
 * @returns {(predict: (digit: object) => number, ink: number[]) => void}
 */
export function createOthers(host, says, digits, onLoad) {
  const buttons = digits.map((digit) => {
    const canvas = element("canvas", { width: 28, height: 28, "aria-hidden": "true" });
    const mark = element("span", { "aria-hidden": "true" });
    const name = `Load test digit ${digit.label}, image ${digit.index}`;
    const button = element("button", { type: "button", "aria-label": name }, canvas, mark);
    button.addEventListener("click", () => onLoad(digit));
    host.append(button);
    return { button, canvas, mark, digit, name };
  });
  return function paint(predict, ink) {
    let right = 0;
    for (const { button, canvas, mark, digit, name } of buttons) {
      const predicted = predict(digit);
      const wrong = predicted !== digit.label;
      right += Number(!wrong);
      button.classList.toggle("pg-wrong", wrong);
      mark.textContent = wrong ? `✗ ${predicted}` : "✓";
      const verdict = `now read as ${predicted}${wrong ? ", wrong" : ""}`;
      button.setAttribute("aria-label", `${name}: ${verdict}`);
      const image = new ImageData(28, 28);
      digit.pixels.forEach((value, i) => image.data.set([...ink, value], 4 * i));
      canvas.getContext("2d").putImageData(image, 0, 0);
    }
    says.textContent =
      `With its current weights, the network reads ${right} of the ${digits.length} test digits ` +
      "on this page correctly.";
  };
}
