/**
 * A computational graph that is stepped: forward box by box, then backward. Each box shows its value and
 * the derivative with respect to it, and below stands the rule of the box that has just fired.
 */

import { drawn } from "./graph-board.js";
import { boxesOf } from "./graph-parse.js";
import { stepsOf } from "./graph-steps.js";
import { shown } from "./graph-words.js";
import { button, element, sayings, styled } from "./kit.js";

const PAUSE = 1100; // milliseconds from step to step

export default async function graph(body, settings) {
  const boxes = boxesOf(settings);
  const { values, seeds, fixed = [], descend, at } = settings;
  const loss = boxes.at(-1).name;
  const begin = { leaves: leavesOf(boxes, values), seeds: { ...(seeds ?? { [loss]: 1 }) } };
  const leaves = { ...begin.leaves };
  const arriving = { ...begin.seeds };
  const compute = () => stepsOf(boxes, leaves, arriving, fixed, !seeds);
  let run = compute();
  let position = { end: run.steps.length, forward: run.forward }[at] ?? 0;
  let playing = null;

  await styled(new URL("graph.css", import.meta.url));
  const says = sayings();
  says.classList.add("graph-lines");
  const board = drawn(boxes, settings, (name, value, isSeed) => {
    (isSeed ? arriving : leaves)[name] = value;
    run = compute();
    update();
  });

  const stop = () => {
    clearInterval(playing?.timer);
    playing = null;
  };
  const go = (to) => {
    position = Math.min(Math.max(to, 0), run.steps.length);
    update();
  };
  const play = (which, start, end) => {
    const pausing = playing?.which === which;
    stop();
    if (pausing) return update();
    if (position < start || position >= end()) position = start;
    const tick = () => {
      if (position >= end()) stop();
      else position++;
      if (position >= end()) stop();
      update();
    };
    playing = { which, timer: setInterval(tick, PAUSE) };
    tick();
  };
  const controls = {
    forward: button("Forward", () => play("forward", 0, () => run.forward)),
    backward: button("Backward", () => play("backward", run.forward, () => run.steps.length)),
    back: button("Step back", () => (stop(), go(position - 1))),
    step: button("Step", () => (stop(), go(position + 1))),
    reset: button("Reset", () => (stop(), restore(), go(0))),
  };
  if (descend)
    controls.descend = button(`Step against the gradient, rate ${descend.rate}`, () => (stop(), descended()));

  function restore() {
    Object.assign(leaves, begin.leaves);
    Object.assign(arriving, begin.seeds);
    run = compute();
    board.fill(leaves, arriving);
  }
  function descended() {
    for (const name of descend.leaves) leaves[name] -= descend.rate * run.derivatives[name];
    run = compute();
    board.fill(leaves, arriving);
    go(run.forward);
  }
  function update() {
    const { steps, forward } = run;
    controls.forward.textContent = playing?.which === "forward" ? "Pause" : "Forward";
    controls.backward.textContent = playing?.which === "backward" ? "Pause" : "Backward";
    controls.back.disabled = position === 0;
    controls.step.disabled = position === steps.length;
    if (controls.descend) controls.descend.disabled = position < steps.length;
    board.show(steps, position);
    says.replaceChildren(...told(steps, position, forward));
  }

  const other = descend?.leaves.find((name) => !(name in leaves) || fixed.includes(name));
  if (other) throw new Error(`graph: \`descend\` names ${other}, which is not a leaf with a derivative`);
  body.append(
    element("div", { class: "controls" }, ...Object.values(controls)),
    says,
    element("div", { class: "graph-scroll" }, board.element),
    legend(
      seeds ? "the derivative that comes back to it" : `the derivative of ${shown(loss)} with respect to it`,
    ),
  );
  board.fill(leaves, arriving);
  board.place();
  says.style.minHeight = `${1.5 * (1 + Math.max(...run.steps.map(({ lines }) => lines.length)))}em`;
  update();
}

function legend(text) {
  const value = element("span", { class: "forward" }, "its value");
  return element(
    "p",
    { class: "graph-legend" },
    "In each box: ",
    value,
    ", ",
    element("span", { class: "backward" }, text),
  );
}

function leavesOf(boxes, values) {
  return Object.fromEntries(boxes.filter(({ tree }) => !tree).map(({ name }) => [name, values[name]]));
}

/** What the last step did, in words. */
function told(steps, position, forward) {
  const count = (text) => element("strong", {}, text);
  if (position === 0) return [count("The inputs are given. Forward computes one box after the other.")];
  const { phase, title, lines } = steps[position - 1];
  const head = title || `Forward, step ${position} of ${forward}`;
  return [count(head), ...lines.map((line) => element("span", { class: phase }, line))];
}
