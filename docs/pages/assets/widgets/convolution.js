/**
 * Convolution in motion: a window that moves over a field, and the sum at each of its places, for the
 * output, for the derivative with respect to the kernel, and for that with respect to the image.
 */

import { geometry, sceneOf } from "./convolution-rules.js";
import { plainText, sentence } from "./formula.js";
import { checked, grid, styles } from "./grid.js";
import { button, choice, element, sayings, show } from "./kit.js";

const MODES = { z: "Forward: $z$", dw: "Backward: $dw$", dx: "Backward: $dx$" };
const PAUSE = 900; // milliseconds from place to place
const PADDINGS = { 0: 0, 1: 1, SAME: "SAME" };

export default async function convolution(body, settings) {
  const { modes = Object.keys(MODES), mode: first = modes[0], stride = 1, padding = 0, seed = 1 } = settings;
  const unknown = [...modes, first].find((name) => !(name in MODES));
  if (unknown) throw new Error(`convolution: there is no mode ${unknown}: ${Object.keys(MODES).join(", ")}`);
  const draw = drawing(seed);
  const start = given(settings, draw);
  const sizes = { size: start.x.length, kernel: start.w.length, stride, padding };
  within("size", sizes.size, [3, 4, 5, 6, 7]);
  within("kernel", sizes.kernel, [2, 3]);
  within("stride", stride, [1, 2]);
  within("padding", padding, Object.values(PADDINGS));
  const numbers = { x: start.x, w: start.w, dz: settings.dz ?? [] };
  if (settings.dz) {
    const { out } = geometry(sizes.size, sizes.kernel, stride, padding);
    numbers.dz = checked("convolution", "dz", settings.dz, out, out);
  }
  await styles();

  let [mode, at, playing, grids, shape, scene, cell] = [first, [0, 0], null, {}, null, null, 42];
  const tabs = modes.map((name) => {
    const tab = button("", () => ((mode = name), begin()));
    tab.append(...sentence(MODES[name]));
    tab.setAttribute("aria-label", plainText(MODES[name]));
    tab.className = "toggle";
    return tab;
  });
  const select = (label, names, name, read = Number) =>
    choice(label, names, String(sizes[name]), (text) => ((sizes[name] = read(text)), begin()));
  const choices = [
    select("image", ["3", "4", "5", "6", "7"], "size"),
    select("kernel", ["2", "3"], "kernel"),
    select("stride", ["1", "2"], "stride"),
    select("padding", Object.keys(PADDINGS), "padding", (text) => PADDINGS[text]),
  ];
  const moves = {
    play: button("Play", () => (playing ? stop() : play())),
    back: button("Step back", () => (stop(), move(-1))),
    step: button("Step", () => (stop(), move(1))),
    shuffle: button("New numbers", shuffle),
  };
  const place = element("div", { class: "grids" });
  const says = sayings();
  says.classList.add("grid-sum");

  function begin() {
    stop();
    shape = geometry(sizes.size, sizes.kernel, sizes.stride, sizes.padding);
    numbers.x = resized(numbers.x, shape.size, () => draw(0, 4));
    numbers.w = resized(numbers.w, shape.kernel, () => draw(-2, 2));
    numbers.dz = resized(numbers.dz, shape.out, () => draw(1, 3) * (draw(0, 1) ? 1 : -1));
    at = [0, 0];
    tabs.forEach((tab, i) => tab.setAttribute("aria-pressed", modes[i] === mode));
    build();
    update();
  }
  function shuffle() {
    for (const name of ["x", "w", "dz"]) numbers[name] = [];
    begin();
  }
  function build() {
    scene = sceneOf(mode, numbers, shape);
    const names = {
      z: ["$x$", "$w$", "$z$"],
      dw: ["$x$", "$dz$", "$dw$"],
      dx: ["$dz$", "$w$, turned", "$dx$"],
    }[mode];
    const extra = mode !== "z" && sizes.stride > 1;
    const [low, high] = [shape.low, shape.high];
    const field =
      mode === "dx"
        ? [extra ? "with gaps" : "", "with a border"].filter(Boolean).join(" and ")
        : low + high
          ? "with padding"
          : "";
    const columns = scene.field.length + scene.window.length + scene.length;
    const [room, least] = body.clientWidth < 560 ? [0, 34] : [body.clientWidth - 130, 28];
    cell = Math.max(least, Math.min(42, Math.floor(room / columns)));
    grids = {
      field: cellsGrid(scene.field, names[0], mode === "dx", field),
      window: cellsGrid(scene.window, names[1], mode === "dw", mode === "dw" && extra ? "with gaps" : ""),
      result: grid(names[2], scene.length, scene.length, {
        cell,
        color: mode === "z" ? "forward" : "backward",
        shape: `(${scene.length}, ${scene.length})`,
        pick: (r, c) => (stop(), (at = [r, c]), update()),
      }),
    };
    const sign = (text) => element("span", {}, text);
    place.replaceChildren(
      grids.window.element,
      sign("over"),
      grids.field.element,
      sign("="),
      grids.result.element,
    );
  }
  /** The cells of a field or window: those that are numbers of a matrix can be edited. */
  function cellsGrid(cells, name, back, shape) {
    const made = grid(name, cells.length, cells.length, {
      cell,
      color: back ? "backward" : "forward",
      shape: shape && `(${shape})`,
      label: (r, c) => (cells[r][c].at ? `${cells[r][c].name}[${cells[r][c].at.join(", ")}]` : "0"),
      edit: (r, c) => cells[r][c].at && ((value) => edit(cells[r][c], value)),
    });
    cells.forEach((row, r) => row.forEach(({ value }, c) => made.set(r, c, value)));
    return made;
  }
  function edit({ name, at }, value) {
    numbers[name][at[0]][at[1]] = value;
    scene = sceneOf(mode, numbers, shape);
    update();
  }
  function update() {
    const { field, window, step, length, entry } = scene;
    for (let r = 0; r < length; r++)
      for (let c = 0; c < length; c++) grids.result.set(r, c, entry(r, c).value);
    grids.result.choose(...at);
    const [top, left] = [step * at[0], step * at[1]];
    const over = (r, c) => window[r - top]?.[c - left];
    const kind = (lit, zero) => (zero ? (lit ? "lit zero" : "zero") : lit ? "yes" : "");
    grids.field.light((r, c) => kind(over(r, c) && (over(r, c).at || !field[r][c].at), !field[r][c].at));
    grids.window.light((r, c) => kind(field[top + r][left + c].at && window[r][c].at, !window[r][c].at));
    moves.play.textContent = playing ? "Pause" : "Play";
    moves.back.disabled = at[0] + at[1] === 0;
    moves.step.disabled = at[0] === length - 1 && at[1] === length - 1;
    const [formula, sum] = written(mode, at, shape, entry(...at));
    // A long formula breaks before its second factor, and nowhere else.
    const factors = formula.split(/ (?=· )/).map((part) => element("span", {}, ...sentence(`$${part}$`)));
    says.replaceChildren(
      element("span", { class: "factors" }, factors[0], " ", factors[1]),
      element("span", {}, ...sentence(sum)),
    );
  }
  function move(by) {
    const next = at[0] * scene.length + at[1] + by;
    if (next < 0 || next >= scene.length ** 2) return false;
    at = [Math.floor(next / scene.length), next % scene.length];
    update();
    return next < scene.length ** 2 - 1;
  }
  function play() {
    if (at[0] * scene.length + at[1] === scene.length ** 2 - 1) at = [0, 0];
    playing = setInterval(() => move(1) || stop(), PAUSE);
    update();
  }
  function stop() {
    clearInterval(playing);
    playing = null;
    if (scene) moves.play.textContent = "Play";
  }

  body.append(
    element("div", { class: "controls tight" }, ...tabs),
    element("div", { class: "controls tight moves" }, ...Object.values(moves)),
    element("div", { class: "controls sizes" }, ...choices),
    place,
    says,
  );
  begin();
}

/** Where the window is, as the formulas of the page write it, and its sum. */
function written(mode, [i, j], { stride, low }, { terms, value }) {
  const shift = (name, by) => (by ? `${name} ${by < 0 ? "−" : "+"} ${Math.abs(by)}` : name);
  const times = (name) => (stride > 1 ? `${stride}${name}` : name);
  const place = (at) => `${stride > 1 ? "(" : ""}${at + low} − `;
  const over = stride > 1 ? `) / ${stride}` : "";
  const formula = {
    z: `z[${i}, ${j}] = Σ x[${shift("k", stride * i - low)}, ${shift("l", stride * j - low)}] · w[k, l]`,
    dw: `dw[${i}, ${j}] = Σ x[${shift(times("i"), i - low)}, ${shift(times("j"), j - low)}] · dz[i, j]`,
    dx: `dx[${i}, ${j}] = Σ dz[${place(i)}k${over}, ${place(j)}l${over}] · w[k, l]`,
  }[mode];
  const number = (value, start) => (value < 0 && !start ? `(${show(value)})` : show(value));
  const sum = terms.map(([p, q], t) => `${number(p.value, !t)} · ${number(q.value)}`).join(" + ");
  return [formula, terms.length ? `$= ${sum} = ${show(value)}$` : "$= 0$: nothing overlaps here"];
}

function given({ x, w, size = 5, kernel = 3 }, draw) {
  const drawn = (length, low, high) => resized([], length, () => draw(low, high));
  return {
    x: x ? checked("convolution", "x", x, x.length, x.length) : drawn(size, 0, 4),
    w: w ? checked("convolution", "w", w, w.length, w.length) : drawn(kernel, -2, 2),
  };
}

function within(name, value, allowed) {
  if (!allowed.includes(value))
    throw new Error(`convolution: \`${name}\` is one of ${allowed.join(", ")}, not ${value}`);
}

/** The matrix at another size: what it has stays, the rest is drawn. */
function resized(matrix, length, draw) {
  return Array.from({ length }, (_, r) => Array.from({ length }, (_, c) => matrix[r]?.[c] ?? draw()));
}

/** Whole numbers from low to high, the same ones for the same seed. */
function drawing(seed) {
  let state = seed >>> 0;
  return (low, high) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return low + Math.floor((state / 2 ** 32) * (high - low + 1));
  };
}
