/**
 * A computational graph that is stepped: forward box by box, then backward. Each box shows its value and
 * the derivative with respect to it, and below stands the rule of the box that has just fired.
 */

import { drawn } from "./graph-board.js";
import { boxesOf } from "./graph-parse.js";
import { stepsOf } from "./graph-steps.js";
import { shown, standstill } from "./graph-words.js";
import { math, sentence, styles as formulas } from "./formula.js";
import { button, element, sayings, show, styled } from "./kit.js";

const PAUSE = 1100; // milliseconds from step to step
const MOST_ROOM = 9; // lines of words that room is kept for

let count = 0; // of the graphs on the page

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
  let went = ""; // what the last step against the gradient did to the loss
  let printing = false; // paper shows the finished graph, wherever the reader is

  await Promise.all([styled(new URL("graph.css", import.meta.url)), formulas()]);
  const says = sayings();
  says.classList.add("graph-lines");
  const board = drawn(boxes, settings, (name, value, isSeed) => {
    (isSeed ? arriving : leaves)[name] = value;
    went = "";
    run = compute();
    update();
  });

  const stop = () => {
    clearInterval(playing?.timer);
    playing = null;
    went = "";
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
    step: button("Step", () => (stop(), go(position + 1))),
    back: button("Step back", () => (stop(), go(position - 1))),
    forward: button("Forward", () => play("forward", 0, () => run.forward)),
    backward: button("Backward", () => play("backward", run.forward, () => run.steps.length)),
    reset: button("Reset", () => (stop(), restore(), go(0))),
  };
  const note = element("small", { id: `graph-note-${++count}` });
  if (descend) {
    controls.descend = button("Gradient step", () => (stop(), descended()));
    controls.descend.setAttribute("aria-describedby", note.id);
  }

  controls.step.className = "main";
  controls.forward.className = "forward";
  controls.backward.className = "backward";

  function restore() {
    Object.assign(leaves, begin.leaves);
    Object.assign(arriving, begin.seeds);
    run = compute();
    board.fill(leaves, arriving);
  }
  function descended() {
    for (const name of descend.leaves) leaves[name] -= descend.rate * run.derivatives[name];
    const before = run.values[loss];
    run = compute();
    went = `$${shown(loss)}$: ${show(before)} → ${show(run.values[loss])} after one gradient step`;
    board.fill(leaves, arriving);
    go(run.forward);
  }
  function update() {
    const { steps, forward } = run;
    controls.forward.textContent = playing?.which === "forward" ? "Pause" : "Forward";
    controls.backward.textContent = playing?.which === "backward" ? "Pause" : "Backward";
    controls.back.disabled = position === 0;
    controls.step.disabled = position === steps.length;
    if (controls.descend) {
      controls.descend.disabled = position < steps.length;
      note.textContent = controls.descend.disabled ? "available after the backward pass" : `rate ${descend.rate}`;
    }
    const shownTo = printing ? steps.length : position;
    board.show(steps, shownTo);
    const ended = descend && (went || shownTo === steps.length);
    const stuck = ended && standstill(boxes, run, descend.leaves, loss);
    says.classList.toggle("rests", shownTo === 0);
    says.replaceChildren(...told(steps, shownTo, forward, went, stuck));
  }

  const other = descend?.leaves.find((name) => !(name in leaves) || fixed.includes(name));
  if (other) throw new Error(`graph: \`descend\` names ${other}, which is not a leaf with a derivative`);
  const { descend: last, ...others } = controls;
  const buttons = Object.values(others);
  if (last) buttons.push(element("span", { class: "graph-descent" }, last, note));
  body.append(
    element("div", { class: "graph-scroll" }, board.element),
    legend(
      seeds ? "the derivative that it receives" : `the derivative of $${shown(loss)}$ with respect to it`,
    ),
    element("div", { class: "controls steps" }, ...buttons),
    says,
  );
  board.fill(leaves, arriving);
  board.place();
  update();
  const print = (now) => () => ((printing = now), update());
  addEventListener("beforeprint", print(true));
  addEventListener("afterprint", print(false));
  let width = 0;
  new ResizeObserver(() => {
    if (says.offsetWidth === width) return;
    width = says.offsetWidth;
    keepRoom(says, run);
  }).observe(body);
}

function legend(text) {
  return element(
    "p",
    { class: "graph-legend" },
    "In each box: ",
    element("span", { class: "forward" }, "its value"),
    " above the line, ",
    element("span", { class: "backward" }, ...sentence(text)),
    " below",
  );
}

function leavesOf(boxes, values) {
  return Object.fromEntries(boxes.filter(({ tree }) => !tree).map(({ name }) => [name, values[name]]));
}

/** So much room for the words that no step, whose words may wrap, moves the page. */
function keepRoom(says, { steps, forward }) {
  const probe = says.cloneNode();
  for (const name of ["role", "aria-live"]) probe.removeAttribute(name);
  probe.setAttribute("aria-hidden", "true");
  Object.assign(probe.style, { minHeight: 0, position: "absolute", visibility: "hidden" });
  probe.style.width = `${says.offsetWidth}px`;
  says.after(probe);
  let most = 0;
  for (let position = 0; position <= steps.length; position++) {
    probe.replaceChildren(...told(steps, position, forward));
    most = Math.max(most, probe.offsetHeight);
  }
  probe.remove();
  const line = 1.5 * parseFloat(getComputedStyle(says).fontSize);
  says.style.minHeight = `${Math.ceil(Math.min(most, MOST_ROOM * line))}px`;
}

/** What the last step did, in words; `went` and `stuck` are what a step against the gradient does. */
function told(steps, position, forward, went = "", stuck = "") {
  const count = (text) => element("strong", {}, ...sentence(text));
  if (position === 0) {
    const hint = element("i", {}, "Press \"Step\" to see each box's formula or rule here.");
    return [count("The inputs are given. The forward pass computes the boxes one by one."), hint];
  }
  const { phase, title, lines } = steps[position - 1];
  const head = went || title || `Forward, step ${position} of ${forward}`;
  // A title of the backward pass says which rule fires, so its number stands beside it.
  const number = `Backward, step ${position - forward} of ${steps.length - forward}`;
  const which = title && !went ? [element("small", {}, number)] : [];
  const last = stuck ? [element("em", {}, ...sentence(stuck))] : [];
  return [...which, count(head), ...lines.map((line) => math(line, { class: phase })), ...last];
}
