/** Softmax of x/T: logits to drag, a slider for the temperature, probabilities, and derivatives. */

import { labelOf, math, sentence } from "./formula.js";
import { button, element, mark, sayings, show, slider, words } from "./kit.js";
import { fixed, number, panels, plane, rounds, signOf, styles } from "./plane.js";
import { entropy, jacobian, softmax } from "./temperature-model.js";

export default async function temperature(body, settings = {}) {
  await styles();
  const given = { logits: [2, 1, 0.5, -0.5, -1.5], temperature: 1, ...settings };
  const count = given.logits.length;
  const [logit, probability] = given.letters ?? ["x", "y"];
  const labels = given.labels ?? [..."ABCDEFGHIJ"].slice(0, count);
  const slopes = `∂yᵢ/∂xⱼ = yᵢ (δᵢⱼ − yⱼ) / T`.replaceAll("y", probability).replace("x", logit);
  let logits = [...given.logits];
  let heat = given.temperature;
  const slots = { x: [0, count], margin: { left: 34, bottom: 24 }, height: 230, phone: { height: 165 } };
  const named = { x: { ticks: labels.map((text, i) => [i + 0.5, text]) } };
  const raw = plane("The logits, as bars to drag", {
    ...slots,
    y: [-4, 4],
    axes: { ...named, y: { ticks: [-4, -2, 0, 2, 4] } },
  });
  const shares = plane("The probabilities, as bars", {
    ...slots,
    y: [0, 1],
    axes: { ...named, y: { ticks: [0, 0.25, 0.5, 0.75, 1] } },
  });
  const [bars, probabilities] = [raw.layer(), shares.layer()];
  const spread = number(0);
  const says = sayings();
  const table = element("table", { class: "numbers" });

  const handles = logits.map((value, i) =>
    raw.handle(
      `Logit of ${labels[i]}`,
      { at: { x: i + 0.5, y: value }, step: 0.1, axis: "y" },
      ({ y }) => {
        logits[i] = y;
        update();
      },
    ),
  );

  /** A probability above its bar, or in it where it is tall. */
  function share(i, value) {
    const inside = value > 0.9 ? { fill: "var(--figure-paper)", "data-on": "bar" } : {};
    const y = shares.py(value) + (value > 0.9 ? 14 : -10);
    return words(shares.px(i + 0.5), y, value.toFixed(count > 6 ? 2 : 3), { "font-size": 13, ...inside });
  }

  function update() {
    const y = softmax(logits, heat);
    handles.forEach((handle, i) => handle.move({ x: i + 0.5, y: logits[i] }));
    bars.replaceChildren(
      ...logits.map((value, i) => bar(raw, i, value, `var(--${value < 0 ? "negative" : "positive"})`)),
    );
    probabilities.replaceChildren(
      ...y.flatMap((value, i) => [
        bar(shares, i, value, "var(--forward)"),
        share(i, value),
      ]),
    );
    spread.tell(entropy(y));
    table.replaceChildren(...rowsOf(probability, jacobian(y, heat), labels));
    const best = labels[y.indexOf(Math.max(...y))];
    const most = show(100 * Math.max(...y));
    const even = entropy(y) / Math.log(count);
    says.textContent = `${best} has a probability of ${most}%. ${meaningOf(even)}`.trim();
  }

  const hot = slider(
    labelOf("Temperature $T$"),
    { values: rounds(0.05, 10), value: heat },
    (value) => {
      heat = value;
      update();
    },
  );
  heat = hot.read();
  const again = button("Start again", () => {
    logits = [...given.logits];
    hot.set(given.temperature);
    heat = hot.read();
    update();
  });
  body.append(
    panels([`Logits $${logit}$`, raw], [`Probabilities $${probability} = softmax(${logit}/T)$`, shares]),
    element("div", { class: "controls" }, hot, again),
    element(
      "div",
      { class: "readout" },
      element("span", {}, "entropy ", spread),
      element("span", {}, ...sentence(`of at most $ln ${count} = ${show(Math.log(count))}$`)),
    ),
    says,
    element("p", { class: "panel-name" }, ...sentence(`Derivatives $${slopes}$`)),
    element("div", { class: "wide" }, table),
  );
  update();
}

/** What a share of the largest entropy means. */
function meaningOf(even) {
  if (even > 0.95) return "The probabilities are nearly equal, so the logits hardly matter.";
  return even < 0.1 ? "Nearly all of the probability goes to the largest logit." : "";
}

function bar(on, i, value, fill) {
  const [zero, end] = [on.py(0), on.py(value)];
  const left = on.px(i + 0.2);
  const box = { x: left, width: on.px(i + 0.8) - left, y: Math.min(zero, end), height: Math.abs(end - zero) };
  return mark("rect", { ...box, fill });
}

function rowsOf(letter, matrix, labels) {
  const head = element("tr", {}, element("th", { scope: "col" }, math(letter)));
  for (const label of labels) head.append(element("th", { scope: "col" }, label));
  return [
    head,
    ...matrix.map((row, i) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, labels[i]),
        ...row.map((value) => element("td", {}, cellOf(value))),
      ),
    ),
  ];
}

/** A number with three decimals, in the color of its sign. */
function cellOf(value) {
  const made = number(value);
  made.tell(value, Math.abs(value) < 5e-4 ? "" : signOf(value), fixed(value));
  return made;
}
