/** What a learner chooses: data, network, optimizer. */

import { button, choice, element, slider } from "../widgets/kit.js";
import { activations } from "./activations.js";
import { optimizers } from "./optimizers.js";
import { shapeNames } from "./points.js";

export const MOST_LAYERS = 4;
/** How wide a layer can be: a unit on points is a picture, so there is room for few. */
export const mostUnits = (data) => (data === "digits" ? 128 : 16);

const BATCHES = ["1", "8", "32", "100", "all"];
const ALL = 1e6; // more than there are examples: the run takes all of them

/** 0.0001, 0.0002, 0.0003, 0.0005, 0.001 … 50 */
const RATES = [-4, -3, -2, -1, 0, 1].flatMap((power) =>
  [1, 2, 3, 5].map((digit) => Number(`${digit}e${power}`)),
);

/**
 * @param {HTMLElement} host @param {import("./run.js").Spec} first
 * @param {(spec: import("./run.js").Spec, restart: boolean) => void} change a new rate needs no restart
 */
export function createControls(host, first, change) {
  let spec = { ...first };
  const set = (more, restart = true) => {
    spec = { ...spec, ...more };
    change({ ...spec, hidden: [...spec.hidden] }, restart);
  };

  const data = choice("Data", [...shapeNames, "digits"], spec.data, (name) => {
    set({ data: name, hidden: spec.hidden.map((units) => Math.min(units, mostUnits(name))) });
    refresh();
  });
  const noise = slider("Noise", { min: 0, max: 1, step: 0.05, value: spec.noise }, (value) =>
    set({ noise: value }),
  );
  const seed = number("Seed", 0, 9999, (value) => set({ seed: value }));
  const layers = element("div", { class: "tr-layers" });
  const add = button("Add layer", () => resize([...spec.hidden, spec.hidden.at(-1) ?? 8]));
  const remove = button("Remove layer", () => resize(spec.hidden.slice(0, -1)));
  const activation = choice("Activation", Object.keys(activations), spec.activation, (name) =>
    set({ activation: name }),
  );
  const optimizer = choice("Optimizer", Object.keys(optimizers), spec.optimizer, (name) =>
    set({ optimizer: name }),
  );
  const rate = slider(
    "Rate",
    { min: 0, max: RATES.length - 1, step: 1, value: 0, text: (place) => String(RATES[place]) },
    (place) => set({ rate: RATES[place] }, false),
  );
  const batch = choice("Batch", BATCHES, "32", (text) =>
    set({ batch: text === "all" ? ALL : Number(text) }),
  );

  const group = (legend, ...parts) => element("fieldset", {}, element("legend", {}, legend), ...parts);
  host.append(
    group("Data", data, noise, seed),
    group("Network", layers, element("div", { class: "tr-pair" }, add, remove), activation),
    group("Optimizer", optimizer, rate, batch),
  );

  function resize(hidden) {
    set({ hidden });
    refresh();
  }

  /** A field for a whole number between two bounds. */
  function number(label, min, max, changed) {
    const input = element("input", { type: "number", min, max, step: 1 });
    let kept = min;
    const refuses = (yes) => {
      if (yes) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
      const line = input.closest(".widget")?.querySelector(":scope > .says");
      line?.classList.toggle("refuses", yes);
      if (line) line.textContent = yes ? `${label} needs a number, so ${kept} is kept.` : "";
    };
    const restore = () => {
      if (!input.hasAttribute("aria-invalid")) return;
      input.value = kept;
      refuses(false);
    };
    input.addEventListener("input", () => refuses(!Number.isFinite(input.valueAsNumber)));
    input.addEventListener("blur", restore);
    input.addEventListener("change", () => {
      if (!Number.isFinite(input.valueAsNumber)) return restore();
      kept = Math.round(Math.max(min, Math.min(max, input.valueAsNumber)));
      input.value = kept;
      changed(kept);
    });
    const made = element("label", {}, label, input);
    made.set = (value) => (input.value = kept = value);
    return made;
  }

  /** Writes the choices into the controls. */
  function refresh() {
    const most = mostUnits(spec.data);
    data.set(spec.data);
    noise.set(spec.noise);
    noise.hidden = spec.data === "digits";
    seed.set(spec.seed);
    layers.replaceChildren(
      ...spec.hidden.map((units, l) => {
        const field = number(`Layer ${l + 1}`, 1, most, (value) =>
          set({ hidden: spec.hidden.map((old, i) => (i === l ? value : old)) }),
        );
        field.append(element("span", { class: "tr-units" }, " units"));
        field.set(units);
        return field;
      }),
    );
    if (!spec.hidden.length) layers.append(element("span", {}, "no hidden layer"));
    add.disabled = spec.hidden.length >= MOST_LAYERS;
    remove.disabled = spec.hidden.length === 0;
    activation.set(spec.activation);
    optimizer.set(spec.optimizer);
    rate.set(RATES.indexOf(spec.rate));
    batch.set(spec.batch >= ALL ? "all" : String(spec.batch));
  }

  refresh();
  return {
    set(wanted) {
      spec = { ...wanted, hidden: [...wanted.hidden] };
      refresh();
    },
  };
}
