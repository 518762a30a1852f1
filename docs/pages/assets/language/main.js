/** The page: what is pressed changes the session, and the session is shown. */

import { button, choice, element, sayings, show, slider } from "../widgets/kit.js";
import { failed } from "../playground/failed.js";
import { loadManifest, loadNetwork } from "./assets.js";
import { attentionView, stepsOf } from "./attention-view.js";
import { backwardView } from "./backward-view.js";
import { glyph, named, percent } from "./characters.js";
import { row } from "./matrix.js";
import { nextView } from "./next-view.js";
import { Session } from "./session.js";
import { textView } from "./text-view.js";
import { onThemeChange } from "./theme.js";

const PAUSE = 60; // milliseconds between two characters
const KEPT = 12; // names

const at = (id) => document.getElementById(id);
const TITLES = { "moby-dick": "Moby Dick", names: "First names" };

async function main() {
  const manifest = await loadManifest();
  const networks = new Map();
  let session, attention;
  let head = { layer: manifest[0].depth - 1, head: 0 };
  let every = false;
  let writing = null; // a timer
  let invented = [];

  const network = choice("Network", Object.values(TITLES), TITLES["moby-dick"], (title) => {
    use(manifest.find(({ name }) => TITLES[name] === title));
  });
  const prompt = element("textarea", { rows: 1, maxlength: 60, spellcheck: "false", autocomplete: "off" });
  const temperature = slider(
    "Temperature",
    { min: 0, max: 2, step: 0.05, value: 0.6, text: (value) => value.toFixed(2) },
    () => showNext(),
  );
  const play = button("Write", () => (writing === null ? start() : stop()));
  const one = button("One character", () => (stop(), next()));
  const again = button("Start over", () => (stop(), begin()));
  play.classList.add("main");
  const says = sayings();
  const list = element("p", { class: "lm-invented" });
  at("lm-controls").replaceChildren(
    element(
      "div",
      { class: "controls" },
      network,
      element("label", { class: "lm-prompt" }, "Prompt", prompt),
    ),
    element("div", { class: "controls lm-write-row" }, play, one, again, temperature),
  );
  const text = textView(at("lm-text"), (position) => (stop(), session.choose(position), showAll()));
  at("lm-said").replaceChildren(says, list);
  const write = (token) => {
    stop();
    session.write(token, session.position);
    showAll();
    tell(`You wrote ${named(session.characterOf(token))}.`);
  };
  const move = (by) => (stop(), session.choose(session.position + by), showAll());
  const nexts = nextView(at("lm-next"), write, move);
  const told = {
    point: (query, key) => text.point(query, key),
    head: chooseHead,
    choose: chooseHead,
    position: (position) => (stop(), session.choose(position), showAll()),
  };
  const backward = backwardView(at("lm-backward"), told);

  prompt.addEventListener("input", () => {
    if (prompt.value.includes("\n")) prompt.value = prompt.value.replaceAll("\n", " "); // pasted
    stop();
    begin();
  });
  prompt.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    writing === null ? start() : stop();
  });

  /* What should come next, and steps toward it. */
  const target = choice("should be followed by", [], "", () => {
    session.target = Number(target.read());
    showBackward();
  });
  const select = target.querySelector("select");
  const surprise = button("Go to the biggest surprise", () => {
    stop();
    session.choose(session.surprise());
    showAll();
  });
  const all = element("input", { type: "checkbox" });
  all.addEventListener("change", () => ((every = all.checked), showBackward()));
  const loss = sayings();
  at("lm-target").replaceChildren(
    element(
      "div",
      { class: "controls" },
      target,
      surprise,
      element("label", {}, all, "mean over all positions, as in training"),
    ),
    loss,
  );
  const rate = slider("Rate", { min: -3, max: 0, step: 0.1, value: 0.1, scale: "log" }, () => {});
  const [step, ten] = [
    button("One step", () => descend(1)),
    button("Ten steps", () => descend(10)),
  ];
  const undo = button("Undo", () => changed(() => session.back(), "The last step was undone."));
  const reset = button("Reset", () => {
    changed(() => session.reset(), "The trained weights are restored.");
  });
  step.classList.add("main");
  const stepSays = sayings();
  at("lm-step").replaceChildren(
    element("div", { class: "controls" }, rate, step, ten, undo, reset),
    stepSays,
  );

  async function use(described) {
    stop();
    const title = TITLES[described.name];
    if (!networks.has(described.name)) {
      const loaded = await loadNetwork(described).catch(session ? kept : undefined);
      if (!loaded) return;
      networks.set(described.name, new Session(loaded));
    }
    if (network.read() !== title) return; // another was chosen while this one was on its way
    session = networks.get(described.name);
    prompt.value = described.opening;
    session.set((described.names ? "\n" : "") + described.opening);
    session.choose(session.surprise());
    temperature.set(described.names ? 1 : 0.6);
    invented = [];
    every = all.checked = false;
    head = { layer: described.depth - 1, head: 0 };
    attention = attentionView(at("lm-attention"), described, told);
    const { characters, count, bits_per_character: bits, length, command } = described;
    at("lm-network").textContent =
      `${count.toLocaleString("en")} parameters, ${bits.toFixed(2)} bits per character on held-out text. ` +
      "The network reads the " +
      `last ${length} characters and knows ${characters.length} different ones.`;
    at("lm-command").textContent = command;
    says.textContent = stepSays.textContent = list.textContent = "";
    showAll();
  }

  /** Another network has not come: the one that is there stays. */
  function kept(error) {
    const title = TITLES[session.network.name];
    network.set(title);
    tell(`${error.message}, so the page still shows ${title}. Check your connection and choose the network again.`);
  }

  function begin() {
    const unknown = session.begin(prompt.value);
    invented = [];
    showAll();
    const names = [...new Set(unknown)].map(named).join(", ");
    tell(names ? `Left out, because the network has never seen it: ${names}.` : "");
  }

  function start() {
    play.textContent = "Pause";
    writing = setTimeout(function one() {
      next();
      writing = setTimeout(one, PAUSE);
    }, 0);
  }

  function stop() {
    if (writing === null) return;
    clearTimeout(writing);
    writing = null;
    play.textContent = "Write";
    showAll();
  }

  function next() {
    if (session.finished) invented = [session.text.trim(), ...invented].slice(0, KEPT);
    session.writeNext(temperature.read(), session.network.names && invented.length ? "" : prompt.value);
    if (writing === null) showAll();
    else showForward();
  }

  function descend(count) {
    const wanted = session.wanted();
    const before = session.probabilities()[wanted];
    stop();
    changed(
      () => session.step(rate.read(), count, every),
      () => {
        const after = session.probabilities()[wanted];
        const name = named(session.characterOf(wanted));
        const lead = `The probability of ${name} went from ${percent(before)} to ${percent(after)}.`;
        const advice = after > before ? 'Press "Write" to see what else has changed.' : "Try a lower rate.";
        return `${lead} ${advice}`;
      },
    );
  }

  function changed(change, words) {
    stop();
    change();
    showAll();
    stepSays.textContent = typeof words === "function" ? words() : words;
  }

  function chooseHead(chosen) {
    head = chosen;
    stop();
    showAll();
  }

  function showAll() {
    showForward();
    showBackward();
  }

  function showForward() {
    text.show(session, row(stepsOf(session, head).P, session.position));
    showNext();
    attention.show(session, head);
    list.textContent = invented.length ? `Names so far: ${invented.join(", ")}` : "";
  }

  function showNext() {
    nexts.show(session, session.probabilities(temperature.read()), session.probabilities());
  }

  function showBackward() {
    const found = session.gradients(every);
    const wanted = session.wanted();
    const p = session.probabilities();
    const ranked = [...p.keys()].sort((a, b) => p[b] - p[a]);
    const options = ranked.map((token) => {
      const is = token === session.following() ? ", as in the text" : "";
      return new Option(`${percent(p[token])}  ${glyph(session.characterOf(token))}${is}`, token);
    });
    select.replaceChildren(...options);
    target.set(String(wanted));
    const current = `${named(session.characterOf(session.tokens[session.position]))} at ${session.position}`;
    target.firstChild.textContent = `${current} should be followed by`;
    const counted = session.targets(true).filter((t) => t !== null).length;
    loss.textContent = every
      ? `The mean of −ln p over ${counted} positions is ${show(found.loss)}.`
      : `loss = −ln p = −ln ${show(p[wanted])} = ${show(found.loss)}`;
    undo.disabled = session.undo.length === 0;
    reset.disabled = session.params === session.network.params;
    backward.show(session, found, head);
  }

  function tell(words) {
    says.textContent = words;
  }

  const beside = window.matchMedia("(min-width: 45em)");
  const unfold = () => document.querySelectorAll(".lm-more:not(.lm-folded)").forEach((more) => (more.open = beside.matches));
  beside.addEventListener("change", unfold);
  unfold();
  await use(manifest[0]);
  onThemeChange(() => showAll());
  at("writer").classList.add("widget-ready");
}

main().catch((error) => {
  failed(`${error.message}.`);
  throw error;
});
