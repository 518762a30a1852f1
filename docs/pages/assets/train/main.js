/** The page: choices and buttons on one side, a worker that trains on the other, pictures between. */

import { button, choice, element, sayings, show } from "../widgets/kit.js";
import { createControls } from "./controls.js";
import { createCurve } from "./curve.js";
import { loadDigits } from "./digits.js";
import { createDigitsView, createWeightsView } from "./digits-view.js";
import { createLayerTable, createNetworkView } from "./network-view.js";
import { colorsOf } from "./paint.js";
import { createPlane } from "./plane.js";
import { drawPoints } from "./points.js";
import { presets } from "./presets.js";
import { pythonOf } from "./python.js";
import { HELD_OUT_POINTS, TRAINING_POINTS } from "./run.js";

const root = document.querySelector("#train");
const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
const SPEEDS = { "1 step": 1, "5 steps": 5, "25 steps": 25 }; // per picture
const MILLISECONDS = 40; // of training per picture, at most

let spec = presets[0].spec;
let run = 0; // counts the runs: reports of an earlier one are dropped
let found = null;
let points = [];
let digits = null;
let running = false;
let waiting = false;
let looked = null;
let newRate = null;

const part = (name, ...children) => element("div", { class: name }, ...children);
const chips = part("tr-presets");
const tip = element("p", { class: "tr-tip" });
const start = button("Start", () => (running ? pause() : go()));
const one = button("Step", () => ask({ steps: 1, milliseconds: MILLISECONDS }));
const reset = button("Reset", () => begin(spec));
const speed = choice("Speed", Object.keys(SPEEDS), "5 steps", () => {});
const lines = choice("Show", ["weights", "changes", "gradients"], "weights", () => paint());
const numbers = part("tr-numbers");
const status = sayings();
const [left, middle, right] = ["tr-controls", "tr-middle", "tr-right"].map((name) => part(name));
const [onPoints, onDigits] = [part("tr-on-points"), part("tr-on-digits")];
const code = element("code");
const python = element(
  "details",
  { class: "tr-python" },
  element("summary", {}, "This run in Python"),
  element("pre", { tabindex: 0, "aria-label": "Python" }, code),
);
const [planeHost, digitsHost, curveHost] = [part(""), part(""), part("")];
start.classList.add("tr-start");
middle.append(part("tr-head", element("p", { class: "tr-title" }, "The network"), lines), onPoints, onDigits);
right.append(planeHost, digitsHost, curveHost);
root.append(
  chips,
  tip,
  part("tr-bar", start, one, reset, speed, numbers),
  part("tr-screen", left, middle, right),
  status,
  python,
);

const controls = createControls(left, spec, (wanted, restart) => {
  spec = wanted;
  chosen(null);
  if (restart) begin(spec);
  else if (waiting) newRate = spec.rate;
  else ask({ rate: spec.rate });
  writePython();
});
const plane = createPlane(planeHost);
const network = createNetworkView(onPoints, (unit) => {
  looked = unit;
  paint();
});
const weights = createWeightsView(onDigits);
const table = createLayerTable(middle);
const curve = createCurve(curveHost);
let digitsView = null;

for (const preset of presets) {
  const chip = button(preset.name, () => {
    controls.set(preset.spec);
    begin(preset.spec);
    chosen(preset);
  });
  chips.append(chip);
}

function chosen(preset) {
  presets.forEach(({ name }, i) => chips.children[i].setAttribute("aria-pressed", name === preset?.name));
  tip.textContent = preset?.says ?? "Your own choice. Press Start.";
}

/** A new run, at its beginning. */
async function begin(wanted) {
  pause();
  spec = wanted;
  run += 1;
  const mine = run;
  looked = null;
  newRate = null;
  curve.clear();
  if (spec.data === "digits") {
    digits ??= await loadDigits().catch(fail);
    if (run !== mine) return; // another was begun while the digits were on their way
    lines.set("changes"); // without the noise of the start, which stays where no digit has ink
    if (!digitsView) digitsView = createDigitsView(digitsHost, digits.pixels, digits.held.targets);
  } else {
    lines.set("weights");
    points = drawPoints(spec.data, { ...spec, count: TRAINING_POINTS + HELD_OUT_POINTS });
  }
  ask({ spec });
  writePython();
}

function ask(message) {
  waiting = true;
  worker.postMessage({ id: run, ...message });
}

worker.addEventListener("message", ({ data }) => {
  if (data.error) return fail(new Error(data.error));
  if (data.id !== run) return;
  waiting = false;
  found = data;
  curve.add(found);
  root.classList.toggle("tr-digits-on", spec.data === "digits");
  paint();
  root.classList.add("widget-ready");
  if (!Number.isFinite(found.train.loss)) {
    pause();
    status.textContent = "The loss is no longer a number: the run has diverged. Reset, and lower the rate.";
  } else if (running) requestAnimationFrame(next);
  else if (found.steps) tell();
});
worker.addEventListener("error", (event) => fail(new Error(event.message)));

function next() {
  if (!running || waiting) return;
  const rate = newRate === null ? {} : { rate: newRate };
  newRate = null;
  ask({ steps: SPEEDS[speed.read()], milliseconds: MILLISECONDS, ...rate });
}

function go() {
  running = true;
  start.textContent = "Pause";
  status.textContent = "";
  if (!waiting) next();
}

function pause() {
  if (running && found) tell();
  running = false;
  start.textContent = "Start";
}

/** In words, where a screen reader hears it: when training stops, not at each picture. */
function tell() {
  const { steps, train, held } = found;
  status.textContent =
    `After ${steps} ${steps === 1 ? "step" : "steps"} the loss is ${show(train.loss)} on the training examples and ` +
    `${show(held.loss)} on those held out, of which ${percent(held)} are right.`;
  writePython();
}

const percent = ({ accuracy }) => `${(100 * accuracy).toFixed(spec.data === "digits" ? 1 : 0)} %`;

function paint() {
  if (!found) return;
  const colors = colorsOf(root);
  const what = lines.read();
  if (spec.data === "digits") {
    if (!found.logits) return; // a report of points, before that of the digits has come
    weights.paint(found, what, colors);
    digitsView.paint(found, colors);
  } else if (found.field) {
    network.paint(found, what, colors);
    const unit = looked && network.unit(found, looked);
    plane.paint(found, points, TRAINING_POINTS, unit, colors);
  }
  table(found);
  curve.paint();
  const { steps, perEpoch, train, held } = found;
  const number = (name, value) => element("span", {}, `${name} `, element("b", {}, value));
  numbers.replaceChildren(
    number("step", steps),
    number("epoch", Math.floor(steps / perEpoch)),
    number("loss", show(train.loss)),
    number("held out", show(held.loss)),
    number("right", percent(held)),
  );
}

function writePython() {
  const epochs = found ? Math.round(found.steps / found.perEpoch) : 0;
  code.textContent = pythonOf(spec, epochs || 50);
}

function fail(error) {
  status.textContent = `The training could not be loaded: ${error.message}`;
  throw error;
}

new MutationObserver(paint).observe(document.body, {
  attributes: true,
  attributeFilter: ["data-md-color-scheme"],
});
window.addEventListener("resize", paint);
chosen(presets[0]);
await begin(spec);
