/** Softmax of x/T: logits to drag, a slider for the temperature, probabilities and derivatives. */

import { button, element, mark, sayings, show, slider, words } from "./kit.js";
import { number, plane, signOf, styles } from "./plane.js";
import { entropy, jacobian, softmax } from "./temperature-model.js";

export default async function temperature(body, settings = {}) {
  await styles();
  const given = { logits: [2, 1, 0.5, -0.5, -1.5], temperature: 1, ...settings };
  const count = given.logits.length;
  const labels = given.labels ?? [..."ABCDEFGHIJ"].slice(0, count);
  let logits = [...given.logits];
  let heat = given.temperature;
  const slots = { x: [0, count], margin: { left: 34, bottom: 24 }, height: 230 };
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
  const table = element("table", { class: "numbers cells" });

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

  function update() {
    const y = softmax(logits, heat);
    handles.forEach((handle, i) => handle.move({ x: i + 0.5, y: logits[i] }));
    bars.replaceChildren(...logits.map((value, i) => bar(raw, i, value, `var(--${signOf(value) || "figure-ink"})`)));
    probabilities.replaceChildren(
      ...y.flatMap((value, i) => [
        bar(shares, i, value, "var(--forward)"),
        words(shares.px(i + 0.5), shares.py(value) + (value > 0.9 ? 14 : -10), value.toFixed(count > 6 ? 2 : 3), {
          "font-size": 13,
          ...(value > 0.9 ? { fill: "var(--figure-paper)", "data-on": "bar" } : {}),
        }),
      ]),
    );
    spread.tell(entropy(y));
    table.replaceChildren(...rowsOf(y, jacobian(y, heat), labels));
    const best = labels[y.indexOf(Math.max(...y))];
    const most = show(100 * Math.max(...y));
    const even = entropy(y) / Math.log(count);
    const words_ = even > 0.95 ? "nearly even: the logits hardly matter" : even < 0.1 ? "nearly a maximum" : "";
    says.textContent = `${best} has ${most} %${words_ ? `: ${words_}` : ""}.`;
  }

  const hot = slider(
    "Temperature T",
    { min: Math.log10(0.05), max: 1, step: 0.001, value: heat, scale: "log" },
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
  const panel = (text, plot) =>
    element("div", { class: "panel" }, element("p", { class: "panel-name" }, text), plot.box);
  body.append(
    element("div", { class: "panels" }, panel("Logits x", raw), panel("Probabilities y = softmax(x/T)", shares)),
    element("div", { class: "controls" }, hot, again),
    element(
      "div",
      { class: "readout" },
      element("span", {}, "entropy ", spread),
      element("span", {}, `of at most ln ${count} = ${show(Math.log(count))}`),
    ),
    says,
    element(
      "details",
      {},
      element("summary", {}, "The derivatives ∂yᵢ/∂xⱼ = yᵢ (δᵢⱼ − yⱼ) / T"),
      table,
    ),
  );
  update();
}

function bar(on, i, value, fill) {
  const [zero, end] = [on.py(0), on.py(value)];
  const left = on.px(i + 0.2);
  const box = { x: left, width: on.px(i + 0.8) - left, y: Math.min(zero, end), height: Math.abs(end - zero) };
  return mark("rect", { ...box, fill });
}

function rowsOf(y, matrix, labels) {
  const head = element("tr", {}, element("th", { scope: "col" }, "y"));
  for (const label of labels) head.append(element("th", { scope: "col" }, label));
  return [
    head,
    ...matrix.map((row, i) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, labels[i]),
        ...row.map((value) => element("td", {}, number(value, signOf(value)))),
      ),
    ),
  ];
}
