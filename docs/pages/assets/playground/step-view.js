/** One step of gradient descent: the loss, one unit's weights before and after, other digits. */

import { element, reach, show } from "./dom.js";
import { createFigure } from "./figure.js";
import { oneImage } from "./layers.js";
import { createLossPlot } from "./lossplot.js";
import { column } from "./matrix.js";
import { createBars } from "./outputs.js";

/** @returns {(state: object) => void} */
export function createStepView(host) {
  const paintLoss = createLossPlot(host.querySelector("#pg-loss"));
  const paintBars = createBars(host.querySelector("#pg-bars-now"));
  const sentence = host.querySelector("#pg-step-says");
  const unitSentence = host.querySelector("#pg-unit-says");
  const row = host.querySelector("#pg-unit-weights");
  const before = createFigure(row, { symbol: "W1[:, j]" });
  const change = createFigure(row, { symbol: "−rate · dW1[:, j]" });
  const after = createFigure(row, { symbol: "W1[:, j] after the step" });
  return ({ losses, nextLoss, params, caches, grads, next, rate, unit, steps }) => {
    paintLoss(losses);
    paintBars(caches.at(-1).a.values);
    const count = steps === 1 ? "1 step" : `${steps} steps`;
    const taken = steps === 0 ? "as trained" : `${count} from the trained ones`;
    sentence.textContent =
      `Loss ${show(losses.at(-1))}, the weights ${taken}. ` +
      `The next step will take it to ${show(nextLoss)}.`;
    const [w, dw, stepped] = [params[0].w, grads[0].dw, next[0].w].map((of) => column(of, unit));
    const scale = reach(w, stepped);
    before.paint(oneImage(w, "(784,)", { scale, note: `j = ${unit}, now` }));
    change.paint(
      oneImage(
        dw.map((value) => -rate * value),
        "(784,)",
        { note: "what is added" },
      ),
    );
    after.paint(oneImage(stepped, "(784,)", { scale }));
    const [largest, slope] = [w, dw].map((of) => Math.max(...of.map(Math.abs)));
    unitSentence.textContent =
      slope === 0
        ? `Unit ${unit} is off: its dW1 is 0, and the step leaves its weights as they are.`
        : `The largest change is ${show((100 * rate * slope) / largest)} % of unit ${unit}'s largest weight.`;
  };
}

/**
 * The test digits as buttons, each marked with whether the network, as it is now, reads it right.
 *
 * @param {(digit: object) => number} predict
 */
export function createOthers(host, digits, onLoad) {
  const says = host.parentElement.querySelector("#pg-others-says");
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
      button.setAttribute(
        "aria-label",
        `${name}: now read as ${predicted}${wrong ? ", wrong" : ""}`,
      );
      const image = new ImageData(28, 28);
      digit.pixels.forEach((value, i) => image.data.set([...ink, value], 4 * i));
      canvas.getContext("2d").putImageData(image, 0, 0);
    }
    says.textContent =
      `Of the ${digits.length} test digits of this page the network, ` +
      `as it is now, reads ${right} right.`;
  };
}
