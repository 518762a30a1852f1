/** The playground: what is on the page, what happens to it, and what follows from that. */

import { inWords } from "./answer.js";
import { asInput, loadDigits, loadManifest, loadParams } from "./assets.js";
import { createDetails } from "./details.js";
import { element } from "./dom.js";
import { failed } from "./failed.js";
import { createInspector } from "./inspector.js";
import { createNetView } from "./netview.js";
import { createOffer } from "./offer.js";
import { createProbabilities } from "./outputs.js";
import { createPad } from "./pad.js";
import { toMnist } from "./preprocess.js";
import { createScrubber } from "./scrubber.js";
import { createSession, telling } from "./session.js";
import { isCertain, placeOf, stagesOf, told } from "./stages.js";
import { createLossView, createOthers } from "./step-view.js";
import { inOneLine, sumOf } from "./sums.js";
import { createControls, showRate } from "./controls.js";
import { colorsOf, onThemeChange } from "./theme.js";
import { createThumbnail } from "./thumbnail.js";

const WRONG = 9; // the label of the first digit, a 7: its error is large enough to be seen
const BLANK = "The pad is blank. Draw a digit, or load a test digit.";
const root = document.querySelector("#playground");
const find = (id) => document.querySelector(`#pg-${id}`);

const session = createSession();
const { state } = session;
let network = null;
let stages = [];
let at = 0; // the stage that is shown
let pinned = null; // what somebody clicked, and what is under the pointer
let hovered = null;
let drawing = false;

const { networks, digits, unsure } = await loadManifest().catch(fail);
const unclear = await loadDigits(unsure).catch(fail);
const net = createNetView(find("net"), { hover, pin });
const probabilities = createProbabilities(find("bars"));
const inspect = createInspector(find("sum"));
const scrubber = createScrubber(find("scrubber"), move);
const lossView = createLossView(find("loss"), find("step-says"), find("change"));
const others = createOthers(find("others"), find("others-says"), digits, load);
const details = createDetails(find("details"), {
  choose: (index) =>
    pin({
      kind: "unit",
      layer: 1,
      index: Math.min(Math.max(index, 0), network.layers[0].b[0] - 1),
    }),
  strongest: () => pin(null),
});
const pad = createPad(find("pad"), (done) => network && drawn(done));
const controls = createControls(find, { setLabel, claim: (label) => setLabel(label, true) });
const thumbnail = createThumbnail(root, find);
const offer = createOffer(find, unclear, {
  label: (label) => setLabel(label, true),
  load(digit) {
    load(digit);
    setLabel(digit.label, true);
  },
});

/** The drawing changed: `done` when the pen is up. */
function drawn(done) {
  const digit = pad.digit();
  const { values, width, height } = pad.ink();
  const pixels = digit ? digit.pixels : toMnist(values, width, height);
  drawing = !done;
  state.x = pixels && asInput(pixels);
  if (digit) state.label = digit.label;
  if (!pixels) state.label = null;
  find("says").setAttribute("aria-busy", drawing); // it is heard when the pen is up
  restart();
  if (done) announce();
}

/** Another drawing, label, or network: another curve, and what matters most is another unit. */
function restart() {
  state.losses = [];
  state.before = null;
  pinned = hovered = null;
  update();
}

let asked = 0;
let growing = false;
/** Compute and paint, once for all that happens before the next frame. */
function update() {
  cancelAnimationFrame(asked);
  asked = requestAnimationFrame(() => {
    session.compute();
    paint();
  });
}

function paint() {
  const { x, grads } = state;
  const most = !x ? 0 : grads ? stages.length - 1 : placeOf(stages, "loss") - 1;
  at = scrubber.limit(most);
  controls(state, x && session.answer());
  root.classList.toggle("pg-no-digit", !x);
  root.classList.toggle("pg-no-label", !grads);
  probabilities(x && state.caches.at(-1).a.values);
  lossView(state);
  paintStage();
  thumbnail(x && session.answer());
  if (drawing) tell();
  else details.show(state, unitOf(target()));
}

/** What changes with the stage and the pointer alone: nothing is computed again. */
function paintStage() {
  const { x } = state;
  const { direction } = stages[at];
  const [formula, words] = x ? told(stages, at, state) : ["", BLANK];
  find("stage").textContent = x
    ? `${at + 1} of ${stages.length}${direction && `, ${direction}`}`
    : "";
  find("formula").textContent = formula;
  find("words").textContent = words;
  find("unpin").hidden = !pinned;
  find("told").dataset.direction = direction;
  offer(stages, at, state, drawing);
  const shown = target();
  const sum = x && shown && sumOf(stages, at, state, shown);
  const hint = x
    ? "This number is computed at a later stage."
    : "Draw a digit, then point at a number to see where it comes from.";
  inspect(sum, hint);
  const caption = x
    ? `The network: ${formula}. ${sum ? inOneLine(sum) : ""}`
    : "The network, without a drawing";
  find("heard").textContent = pinned && sum ? inOneLine(sum) : "";
  net.show({ state, stages, at, target: shown, unit: unitOf(shown), caption }, growing);
  growing = false;
}

/** What the inspector shows: what is pointed at, what was clicked, or what tells most. */
function target() {
  if (!state.x) return null;
  const chosen = hovered ?? pinned;
  return chosen && sumOf(stages, at, state, chosen) ? chosen : telling(session, stages[at]);
}

/** The unit of layer 1 whose weights are shown as an image. */
function unitOf(shown) {
  if (shown?.kind === "unit" && shown.layer === 1) return shown.index;
  if (shown?.kind === "edge" && shown.layer === 1) return shown.to;
  if (pinned?.kind === "unit" && pinned.layer === 1) return pinned.index;
  return session.strongest(1);
}

function hover(target) {
  if (!hovered && !target) return;
  hovered = target;
  paintStage();
}

function pin(target) {
  pinned = target;
  hovered = null;
  update();
}

function move(to) {
  at = to;
  hovered = null; // what somebody clicked stays: a unit can be followed from stage to stage
  growing = true;
  paintStage();
}

/** The prediction in words, where a screen reader hears it. */
function announce() {
  session.compute();
  tell();
}

function tell() {
  const { x, caches, label } = state;
  find("says").textContent = x ? inWords(caches.at(-1).a.values, pad.digit(), label) : BLANK;
}

/** A label: its loss is shown, and the rest is played unless there is nothing to see. */
function setLabel(label, play = false) {
  state.label = label;
  restart();
  announce();
  scrubber.stop();
  if (!state.grads) return;
  scrubber.limit(stages.length - 1);
  scrubber.go(placeOf(stages, "loss"));
  if (play && !isCertain(state)) scrubber.start();
}

function takeSteps(count) {
  session.takeSteps(count);
  paramsChanged();
}

function paramsChanged() {
  others(session.predict, colorsOf(root).ink);
  pinned = hovered = null;
  update();
  announce();
}

function load(digit) {
  pad.load(digit);
}

async function useNetwork(name) {
  const wanted = networks.find((one) => one.name === name);
  const params = await loadParams(wanted).catch(network ? kept : fail);
  if (!params) return;
  if (find("network").value !== name) return; // another was chosen while this one was on its way
  network = wanted;
  stages = stagesOf(network.layers.length);
  scrubber.stop();
  session.use(params);
  scrubber.use(stages, placeOf(stages, "loss") - 1);
  details.use(network);
  find("network-says").textContent =
    `${network.parameters.toLocaleString("en")} parameters and reads ` +
    `${(100 * network.test_accuracy).toFixed(2)}% of the ` +
    `${network.test_images.toLocaleString("en")} test images correctly`;
  find("command").textContent = network.command;
  growing = true;
  paramsChanged();
}

function fail(error) {
  failed(`${error.message}.`);
  throw error;
}

/** Another network has not come: the one that is there stays. */
function kept(error) {
  find("network").value = network.name;
  find("says").textContent =
    `${error.message}, so the page still shows ${network.name}. Check your connection and choose the network again.`;
}

function listen() {
  let next = 1;
  const on = (id, kind, action) => find(id).addEventListener(kind, action);
  on("undo", "click", pad.undo);
  on("clear", "click", pad.clear);
  on("load", "click", () => load(digits[next++ % digits.length]));
  on("network", "change", (event) => useNetwork(event.target.value));
  on("one", "click", () => takeSteps(1));
  on("ten", "click", () => takeSteps(10));
  on("reset", "click", () => {
    session.reset();
    paramsChanged();
  });
  on("unpin", "click", () => pin(null));
  on("rate", "input", () => {
    state.rate = showRate(find("rate"), find("rate-says"));
    update();
  });
  document.addEventListener("keydown", digitKey);
  window.addEventListener("resize", update);
  onThemeChange(() => {
    pad.paint();
    others(session.predict, colorsOf(root).ink);
    update();
  });
}

/** 0 to 9 choose the label, unless the key is meant for a field or for the browser. */
function digitKey(event) {
  const { target, key } = event;
  const ours = target === document.body || root.contains(target);
  const field = target.matches("select, textarea, input:not([type=radio], [type=range])");
  if (!ours || field || event.ctrlKey || event.altKey || event.metaKey) return;
  if (/^[0-9]$/.test(key) && state.x) setLabel(Number(key));
}

for (const { name } of networks) find("network").append(element("option", { value: name }, name));
await useNetwork(networks[0].name); // nothing is computed, whatever happens, before it is there
state.rate = showRate(find("rate"), find("rate-says"));
listen();
if (pad.isBlank()) {
  load(digits[0]);
  state.label = WRONG;
  restart();
  announce();
} else drawn(true); // what was drawn meanwhile
root.classList.add("pg-ready");
