/** The playground: what is on the page, what happens to it, and what follows from that. */

import { asInput, loadManifest, loadParams } from "./assets.js";
import { createBackwardView } from "./backward-view.js";
import { element, ranked, show } from "./dom.js";
import { createFigure } from "./figure.js";
import { createForwardView } from "./forward-view.js";
import { oneImage } from "./layers.js";
import { backward, forward, loss, step } from "./network.js";
import { createBars } from "./outputs.js";
import { createPad } from "./pad.js";
import { toMnist } from "./preprocess.js";
import { createOthers, createStepView } from "./step-view.js";
import { coloursOf, onThemeChange } from "./theme.js";

const BLANK = "The canvas is blank: draw a digit, or load a test digit.";
const root = document.querySelector("#playground");
const find = (id) => document.querySelector(`#pg-${id}`);

/**
 * All that changes. x is null while the canvas is blank, label until one is chosen. Until somebody
 * has `chosen` a unit, it is the strongest.
 */
const state = {
  params: null,
  x: null,
  label: null,
  unit: 0,
  chosen: false,
  rate: 0.01,
  losses: [],
  steps: 0,
  drawing: false,
};
let trained = null; // the parameters as they were exported
let network = null;
let views = {};

const { networks, digits } = await loadManifest().catch(fail);
const bars = createBars(find("bars"));
const input = createFigure(find("input"), { symbol: "X", formula: "pixels / 255" });
const stepView = createStepView(find("step"));
const others = createOthers(find("others"), digits, load);
const pad = createPad(find("pad"), (done) => network && drawn(done));

/** The drawing changed: `done` when the pen is up. */
function drawn(done) {
  const digit = pad.digit();
  const { values, width, height } = pad.ink();
  const pixels = digit ? digit.pixels : toMnist(values, width, height);
  state.drawing = !done;
  state.x = pixels && asInput(pixels);
  if (digit) state.label = digit.label;
  if (!pixels) state.label = null;
  restartCurve();
  update();
  if (done) announce();
  if (done && !state.chosen) strongest();
}

/** Forward, and with a label backward and the step that would follow. */
function compute() {
  const { x, label, params, rate } = state;
  state.caches = x && forward(params, x);
  state.grads = x && label !== null ? backward(params, state.caches, [label]) : null;
  if (!state.grads) return;
  state.next = step(params, state.grads, rate);
  state.nextLoss = loss(forward(state.next, x), [label]);
  if (!state.losses.length) state.losses = [loss(state.caches, [label])];
}

let asked = 0;
/** Compute and paint, once for all that happens before the next frame. */
function update() {
  cancelAnimationFrame(asked);
  asked = requestAnimationFrame(() => {
    compute();
    paint();
  });
}

function paint() {
  const { x, caches, grads, label } = state;
  bars(caches && caches.at(-1).a.values);
  input.paint(
    oneImage(x ? x.values : new Float64Array(784), "(1, 784)", {
      scale: 1,
      ink: true,
      label: "The network's input",
    }),
  );
  root.classList.toggle("pg-no-digit", !x);
  root.classList.toggle("pg-no-label", !grads);
  for (const button of [find("one"), find("ten")]) button.disabled = !grads;
  for (const radio of find("labels").querySelectorAll("input"))
    radio.checked = Number(radio.value) === label;
  const said = grads ? caches.at(-1).a.values[label] : 0;
  const near = said > 0.9995 && said < 1 ? `(1 − ${show(1 - said)})` : show(said);
  find("label-says").textContent = grads
    ? `loss = −log a[${label}] = −log ${near} = ${show(loss(caches, [label]))}`
    : "";
  if (x) views.forward(state);
  if (!grads || state.drawing) return; // a stroke is drawn more smoothly without
  views.backward(state);
  stepView(state);
}

/** The prediction in words, where a screen reader hears it. */
function announce() {
  compute();
  find("says").textContent = state.x ? inWords(state.caches.at(-1).a.values) : BLANK;
}

function inWords(probabilities) {
  const [first, second] = ranked(probabilities);
  const [p, q] = [first, second].map((digit) => probabilities[digit].toFixed(3));
  const answer =
    probabilities[first] < 0.6
      ? `The network wavers: ${first} with probability ${p}, or ${second} with ${q}.`
      : `The network reads ${first}, with probability ${p}.`;
  const digit = pad.digit();
  if (!digit) return answer;
  return `${answer} This is image ${digit.index} of the test set, labelled ${digit.label}.`;
}

function restartCurve() {
  state.losses = [];
}

function choose(unit) {
  state.chosen = true;
  follow(unit);
}

function follow(unit) {
  state.unit = Math.min(Math.max(unit, 0), network.layers[0].b[0] - 1);
  for (const field of root.querySelectorAll(".pg-unit")) field.value = state.unit;
  update();
}

/** The unit that the step changes most, or without a label the one that answers most. */
function strongest() {
  compute();
  const values = state.grads ? state.grads[0].dz.values : state.caches?.[0].a.values;
  if (values) follow(ranked(values.map(Math.abs))[0]);
}

function setLabel(label) {
  state.label = label;
  restartCurve();
  update();
}

function takeSteps(count) {
  for (let i = 0; i < count; i++) {
    compute();
    if (!state.grads) return;
    state.params = state.next;
    state.losses.push(state.nextLoss);
    state.steps += 1;
  }
  paramsChanged();
}

function paramsChanged() {
  others(predict, coloursOf(root).ink);
  update();
  announce();
}

function predict({ pixels }) {
  return ranked(forward(state.params, asInput(pixels)).at(-1).a.values)[0];
}

function reset() {
  Object.assign(state, { params: trained, steps: 0 });
  restartCurve();
  paramsChanged();
}

function load(digit) {
  pad.load(digit);
}

async function useNetwork(name) {
  const wanted = networks.find((one) => one.name === name);
  const params = await loadParams(wanted).catch(fail);
  if (find("network").value !== name) return; // another was chosen while this one was on its way
  [network, trained] = [wanted, params];
  for (const id of ["forward", "backward"]) find(id).replaceChildren();
  views = {
    forward: createForwardView(find("forward"), network, choose),
    backward: createBackwardView(find("backward"), network, choose),
  };
  const lastUnit = network.layers[0].b[0] - 1;
  for (const field of root.querySelectorAll(".pg-unit")) field.max = lastUnit;
  for (const text of root.querySelectorAll(".pg-last-unit")) text.textContent = lastUnit;
  find("network-says").textContent =
    `${network.parameters.toLocaleString("en")} parameters, ` +
    `${(100 * network.test_accuracy).toFixed(2)} % of the ` +
    `${network.test_images.toLocaleString("en")} test images right`;
  find("command").textContent = network.command;
  follow(state.unit);
  reset();
}

function fail(error) {
  find("says").textContent = `The playground could not be loaded: ${error.message}`;
  throw error;
}

function listen() {
  let next = 0;
  const on = (id, kind, action) => find(id).addEventListener(kind, action);
  on("undo", "click", pad.undo);
  on("clear", "click", pad.clear);
  on("load", "click", () => load(digits[next++ % digits.length]));
  on("network", "change", (event) => useNetwork(event.target.value));
  on("one", "click", () => takeSteps(1));
  on("ten", "click", () => takeSteps(10));
  on("reset", "click", reset);
  on("rate", "input", (event) => {
    state.rate = 10 ** Number(event.target.value);
    find("rate-says").textContent = show(state.rate);
    event.target.setAttribute("aria-valuetext", show(state.rate));
    update();
  });
  for (const field of root.querySelectorAll(".pg-unit")) {
    field.addEventListener("change", () => choose(Math.round(Number(field.value)) || 0));
  }
  for (const button of root.querySelectorAll(".pg-strongest"))
    button.addEventListener("click", strongest);
  document.addEventListener("keydown", digitKey);
  window.addEventListener("resize", update);
  onThemeChange(() => {
    pad.paint();
    others(predict, coloursOf(root).ink);
    update();
  });
}

/** 0 to 9 choose the label, unless the key is meant for a field or for the browser. */
function digitKey(event) {
  const { target, key } = event;
  const ours = target === document.body || root.contains(target);
  const field = target.matches("select, textarea, input:not([type=radio], [type=range])");
  if (!ours || field || event.ctrlKey || event.altKey || event.metaKey) return;
  if (/^[0-9]$/.test(key)) setLabel(Number(key));
}

for (let digit = 0; digit < 10; digit++) {
  const radio = element("input", { type: "radio", name: "pg-label", value: digit });
  radio.addEventListener("change", () => setLabel(digit));
  find("labels").append(element("label", {}, radio, element("span", {}, String(digit))));
}
for (const { name } of networks) find("network").append(element("option", { value: name }, name));
await useNetwork(networks[0].name); // nothing is computed, whatever happens, before it is there
listen();
find("rate").dispatchEvent(new Event("input"));
drawn(true); // what was drawn meanwhile
root.classList.add("pg-ready");
