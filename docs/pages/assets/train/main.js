/** The page: choices and buttons on one side, a worker that trains on the other, pictures between. */

import { failed } from "../playground/failed.js";
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
worker.addEventListener("error", (event) => {
  failed(event.message ? `worker.js: ${event.message}` : "The file worker.js, or one that it uses, could not be downloaded.");
});
const SPEEDS = { "1 step": 1, "5 steps": 5, "25 steps": 25 }; // per picture
const MILLISECONDS = 40; // of training per picture, at most

const OWN = "Your own choice";

let spec = presets[0].spec;
let loaded = spec; // the last one whose examples are at hand
let run = 0; // counts the runs: reports of an earlier one are dropped
let found = null;
let points = [];
let digits = null;
let running = false;
let waiting = false;
let fetching = false; // the digits: until they are there, the worker has the run before
let looked = null;
let newRate = null;
let idea = null; // the preset that runs

const part = (name, ...children) => element("div", { class: name }, ...children);
const chips = part("tr-presets");
const chipOf = new Map(presets.map((preset) => [preset, button(preset.name, () => take(preset))]));
// On a phone, where the row of buttons would be five rows high.
const ideas = choice("Idea", [...presets.map(({ name }) => name), OWN], presets[0].name, (name) => {
  const preset = presets.find((each) => each.name === name);
  if (preset) take(preset);
  else chosen(null);
});
const tip = element("p", { class: "tr-tip", role: "status", "aria-live": "polite" });
const start = button("Start", () => (running ? pause() : go()));
const one = button("Step", () => fetching || ask({ steps: 1, milliseconds: MILLISECONDS }));
const reset = button("Reset", () => begin(spec));
const speed = choice("Speed", Object.keys(SPEEDS), "5 steps", () => {});
const lines = choice("Show", ["weights", "changes", "gradients"], "weights", () => paint());
const numbers = part("tr-numbers");
const status = sayings();
const [choices, middle, right] = ["tr-choices", "tr-middle", "tr-right"].map((name) => part(name));
const chosenNow = element("span", { class: "tr-now" });
// Folded on a phone, where it would be a screen high; always open beside the network.
const left = element(
  "details",
  { class: "tr-controls" },
  element("summary", {}, "Settings ", chosenNow),
  choices,
);
const beside = window.matchMedia("(min-width: 60.01rem)");
const unfold = () => (left.open = beside.matches);
const [onPoints, onDigits] = [part("tr-on-points"), part("tr-on-digits")];
const code = element("code");
const python = element(
  "details",
  { class: "tr-python" },
  element("summary", {}, "This run in Python"),
  element("pre", { tabindex: 0, "aria-label": "Python" }, code),
);
const [planeHost, digitsHost, curveHost] = [part(""), part(""), part("")];
start.classList.add("tr-start", "main");
middle.append(part("tr-head", element("p", { class: "tr-title" }, "The network"), lines), onPoints, onDigits);
right.append(planeHost, digitsHost, curveHost);
root.querySelector(".tr-loading").remove();
root.append(
  chips,
  part("tr-ideas", ideas),
  tip,
  part("tr-bar", start, one, reset, speed, numbers),
  part("tr-screen", left, middle, right),
  status,
  python,
);

const controls = createControls(choices, spec, (wanted, restart) => {
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
const curve = createCurve(curveHost);
const table = createLayerTable(curveHost);
let digitsView = null;

for (const kind of new Set(presets.map(({ kind }) => kind))) {
  const name = element("span", { class: "tr-kind", id: `tr-${kind.replaceAll(" ", "-")}` }, kind);
  const those = presets.filter((preset) => preset.kind === kind).map((preset) => chipOf.get(preset));
  for (const chip of those) chip.className = "toggle";
  chips.append(element("div", { role: "group", "aria-labelledby": name.id }, name, ...those));
}

function take(preset) {
  controls.set(preset.spec);
  begin(preset.spec);
  chosen(preset);
}

function chosen(preset) {
  for (const [each, chip] of chipOf) chip.setAttribute("aria-pressed", each === preset);
  ideas.set(preset?.name ?? OWN);
  idea = preset;
  advise();
}

/** First what to guess; what the run shows is said once it has shown it. */
function advise(steps = 0) {
  const shown = idea && steps >= idea.after;
  const words = !idea ? 'Your own choice. Press "Start".' : shown ? idea.says : `${idea.asks} Guess, then press "Start".`;
  if (tip.textContent !== words) tip.textContent = words;
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
    try {
      waiting = fetching = true;
      digits ??= await loadDigits();
    } catch (error) {
      if (run === mine) withoutDigits(error.message);
      return;
    }
    if (run !== mine) return; // another was begun while the digits were on their way
    fetching = false;
    lines.set("changes"); // without the noise of the start, which stays where no digit has ink
    if (!digitsView) digitsView = createDigitsView(digitsHost, digits.pixels, digits.held.targets);
  } else {
    fetching = false;
    loaded = spec;
    lines.set("weights");
    points = drawPoints(spec.data, { ...spec, count: TRAINING_POINTS + HELD_OUT_POINTS });
  }
  ask({ spec });
  writePython();
}

function ask(message) {
  waiting = true;
  // A rate that was chosen while a report was on its way: of the next step, however it is asked for.
  const rate = newRate === null ? {} : { rate: newRate };
  newRate = null;
  worker.postMessage({ id: run, ...rate, ...message });
}

worker.addEventListener("message", ({ data }) => {
  if (data.id !== run) return;
  if (data.error) return spec.data === "digits" ? withoutDigits(data.error) : failed(`${data.error}.`);
  waiting = false;
  loaded = spec;
  found = data;
  curve.add(found);
  root.classList.toggle("tr-digits-on", spec.data === "digits");
  paint();
  advise(found.steps);
  root.classList.add("widget-ready");
  if (!Number.isFinite(found.train.loss)) {
    pause();
    status.textContent =
      "The run has diverged, so the loss is no longer a number. Press \"Reset\" and lower the rate.";
  } else if (running) requestAnimationFrame(next);
  else if (found.steps) tell();
});

function next() {
  if (!running || waiting) return;
  ask({ steps: SPEEDS[speed.read()], milliseconds: MILLISECONDS });
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
    `After ${steps} ${steps === 1 ? "step" : "steps"}, the loss is ${show(train.loss)} on the training ` +
    "examples and " +
    `${show(held.loss)} on the held-out ones. It gets ${percent(held)} of these right.`;
  writePython();
}

const percent = ({ accuracy }) => `${(100 * accuracy).toFixed(spec.data === "digits" ? 1 : 0)}%`;

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
  const units = spec.hidden.length ? `${spec.hidden.join("-")} ${spec.activation}` : "no hidden layer";
  chosenNow.textContent = `${spec.data}, ${units}, ${spec.optimizer} ${spec.rate}`;
}

/** The digits have not come: the run that is on the page stays, at its beginning. */
function withoutDigits(why) {
  const preset = presets.find(({ spec }) => spec === loaded);
  controls.set(loaded);
  begin(loaded);
  chosen(preset ?? null);
  status.textContent = `${why}, so the page still shows the points. Check your connection and choose the digits again.`;
}

new MutationObserver(paint).observe(document.body, {
  attributes: true,
  attributeFilter: ["data-md-color-scheme"],
});
window.addEventListener("resize", paint);
beside.addEventListener("change", unfold);
unfold();
chosen(presets[0]);
await begin(spec);
