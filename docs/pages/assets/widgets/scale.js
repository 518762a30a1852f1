/** The size of the signal and of its derivative at each layer, for a gain, a depth, and a width. */

import { button, choice, element, mark, sayings, show, slider } from "./kit.js";
import { number, plane, styles } from "./plane.js";
import { power } from "./powers.js";
import { drawn, sizes as sizesOf } from "./scale-network.js";

export default async function scale(body, settings = {}) {
  await styles();
  const given = { gain: 1, depth: 20, width: 128, activation: "relu", seed: 1, ...settings };
  const now = { ...given };
  let network;
  let layer = given.depth;
  const on = plane("The root mean square of outputs and of their derivatives at each layer", {
    width: 400,
    height: 260,
    widest: 520,
    x: [0, given.depth],
    y: [1e-3, 1e3],
    axes: { y: { log: true } },
    margin: { left: 42, bottom: 38, right: 14 },
    phone: { width: 340, height: 190 },
  });
  const lines = on.layer();
  const says = sayings();
  const chosen = { forward: number(0), backward: number(0) };
  const factors = { forward: number(0), backward: number(0) };
  let found;

  function draw() {
    network = drawn(now);
    layer = now.depth;
    update();
  }

  function update() {
    found = sizesOf(network, now);
    const all = [...found.forward, ...found.backward].filter((value) => value > 1e-30 && value < 1e30);
    const reach = Math.max(3, ...all.map((value) => Math.ceil(Math.abs(Math.log10(value)))));
    const top = Math.min(reach, 15);
    on.x = [0, now.depth];
    on.y = [10 ** -top, 10 ** top];
    const every = now.depth <= 10 ? 1 : now.depth <= 30 ? 5 : 10;
    const decades = top <= 3 ? 1 : top <= 6 ? 2 : top <= 9 ? 3 : 5;
    const ticks = Array.from({ length: 2 * Math.floor(top / decades) + 1 }, (_, i) => {
      const value = 10 ** ((i - Math.floor(top / decades)) * decades);
      return [value, power(value)];
    });
    const layers = Array.from({ length: Math.floor(now.depth / every) + 1 }, (_, i) => i * every);
    on.scales({ x: { label: "layer", ticks: layers }, y: { ticks } });
    lines.replaceChildren();
    drawLine(found.backward, "backward", true);
    drawLine(found.forward, "forward", false);
    const x = on.px(layer);
    const rule = { x1: x, x2: x, y1: on.inner.y, y2: on.inner.y + on.inner.height };
    lines.append(mark("line", { ...rule, stroke: "var(--figure-ink)", "stroke-dasharray": "2 3" }));
    chosen.forward.tell(found.forward[layer]);
    chosen.backward.tell(found.backward[layer]);
    const perLayer = (last, first) => (last / first) ** (1 / now.depth);
    factors.forward.tell(perLayer(found.forward.at(-1), found.forward[0]));
    factors.backward.tell(perLayer(found.backward[0], found.backward.at(-1)));
    says.textContent = sayingOf(found.forward.at(-1), found.backward[0], now.activation);
  }

  function drawLine(values, direction, square) {
    const color = `var(--${direction})`;
    const points = values.map((value, i) => [i, Math.min(Math.max(value, 1e-40), 1e40)]);
    lines.append(on.line(points, { stroke: color, "stroke-width": 2 }));
    for (const [i, value] of points) {
      const [x, y, r] = [on.px(i), on.py(value), i === layer ? 6 : 3.4];
      lines.append(
        square
          ? mark("rect", { x: x - r, y: y - r, width: 2 * r, height: 2 * r, fill: color })
          : mark("circle", { cx: x, cy: y, r, fill: color }),
      );
    }
  }

  on.svg.addEventListener("pointermove", (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(on.svg.getScreenCTM().inverse());
    const nearest = Math.round(on.values(point).x);
    if (nearest === layer || nearest < 0 || nearest > now.depth) return;
    layer = nearest;
    at.set(layer);
    update();
  });

  const at = slider("Layer", { min: 0, max: given.depth, step: 1, value: layer }, (value) => {
    layer = value;
    update();
  });
  const sizes = (set) => (value) => {
    set(value);
    draw();
    at.querySelector("input").max = now.depth;
    at.set(layer);
  };
  const gain = slider("Gain", { min: 0.1, max: 3, step: 0.05, value: now.gain }, (value) => {
    now.gain = value;
    update();
  });
  const depth = slider(
    "Depth",
    { min: 2, max: 50, step: 1, value: now.depth },
    sizes((value) => (now.depth = value)),
  );
  const width = slider(
    "Width",
    { min: 8, max: 128, step: 8, value: now.width },
    sizes((value) => (now.width = value)),
  );
  const activation = choice("Activation", ["relu", "tanh", "linear"], now.activation, (name) => {
    now.activation = name;
    update();
  });
  const redraw = button("Draw new weights", () => {
    now.seed += 1;
    draw();
    at.set(layer);
  });
  const again = button("Start again", () => {
    Object.assign(now, given);
    gain.set(now.gain);
    depth.set(now.depth);
    width.set(now.width);
    activation.set(now.activation);
    draw();
    at.querySelector("input").max = now.depth;
    at.set(layer);
  });
  const key = (direction, text) =>
    element("th", { scope: "row", class: "key", style: `--key: var(--${direction})` }, text);
  const row = (direction, text) =>
    element(
      "tr",
      {},
      key(direction, text),
      element("td", {}, chosen[direction]),
      element("td", {}, factors[direction]),
    );
  const head = ["Root mean square", "At this layer", "Factor per layer"];
  body.append(
    on.box,
    element("div", { class: "controls" }, gain, depth, width, at),
    element("div", { class: "controls" }, activation, redraw, again),
    element(
      "table",
      { class: "numbers" },
      element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text))),
      row("forward", "outputs, forward"),
      row("backward", "derivatives, backward"),
    ),
    says,
  );
  draw();
}

/** What the ends of the two lines mean. */
function sayingOf(signal, gradient, activation) {
  const size = (value) => (value < 0.1 ? "vanishes" : value > 10 ? "explodes" : "roughly keeps its size");
  if (activation === "tanh" && gradient > 10 && signal > 0.5) {
    return "The signal saturates near ±1, and the derivative explodes on its way back.";
  }
  const [there, back] = [size(signal), size(gradient)];
  const joined = there === back ? "and so does the derivative" : `while the derivative ${back}`;
  const two = (value) => show(Number(value.toPrecision(2)));
  return (
    `The signal ${there}, ${joined}. The root mean square is ${two(signal)} for the last layer's outputs ` +
    `and ${two(gradient)} for the derivatives at the input.`
  );
}
