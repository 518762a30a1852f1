/** A small attention: queries, keys and values as arrows to drag, the weights, and the way back. */

import { button, element, mark, sayings, words } from "./kit.js";
import { HALO } from "./line-handles.js";
import { backward, forward } from "./attention-model.js";
import { MATRICES, matrixTable, sumOf } from "./attention-matrix.js";
import { arrow, number, plane, styles } from "./plane.js";

const EXAMPLE = {
  tokens: ["the", "cat", "sat", "down"],
  q: [
    [0.5, 1],
    [-1, 1.2],
    [1.2, -0.3],
    [-0.2, 1.3],
  ],
  k: [
    [-1.4, 0.4],
    [1.5, 1.4],
    [0.4, -1.6],
    [-0.8, -1],
  ],
  v: [
    [-1.6, 1.2],
    [1.5, 1.5],
    [1.2, -1.4],
    [-1.4, -1],
  ],
  dO: [
    [0.5, 0],
    [0, 0.5],
    [0.8, 0.6],
    [-0.5, 0.4],
  ],
  causal: false,
};
const INK = "var(--figure-ink)";

export default async function attention(body, settings = {}) {
  await styles();
  const given = { ...EXAMPLE, ...settings };
  const { tokens } = given;
  const copied = () => structuredClone({ q: given.q, k: given.k, v: given.v, dO: given.dO });
  let vectors = copied();
  let { causal } = given;
  let name = "P";
  let chosen = { t: Math.min(2, tokens.length - 1), j: 1 };
  const range = { x: [-2.6, 2.6], y: [-2.6, 2.6] };
  const left = plane("The keys and the chosen query, as arrows", range);
  const right = plane("The values, and the output as their weighted mean", range);
  const [arrows, means] = [left.layer(), right.layer()];
  const says = sayings();
  says.textContent = "Drag the query towards a key.";
  const title = element("p", { class: "panel-name" });
  const { table, tell } = matrixTable(tokens, {
    pick: (t, j) => choose({ t, j }),
    row: (t) => choose({ t, j: chosen.j }),
  });
  const results = element("table", { class: "numbers" });

  const moved = (rows, index) => ({ x, y }) => {
    vectors[rows][index()] = [x, y];
    update();
  };
  const at = { at: { x: 0, y: 0 }, step: 0.1 };
  const blue = { ...at, color: "forward" };
  const handles = {
    k: tokens.map((token, j) => left.handle(`Key of ${token}`, blue, moved("k", () => j))),
    v: tokens.map((token, j) => right.handle(`Value of ${token}`, blue, moved("v", () => j))),
    q: left.handle("The query", { ...at, color: "figure-ink" }, moved("q", () => chosen.t)),
    dO: right.handle("The derivative dO", { ...at, color: "backward" }, ({ x, y }) => {
      const { O } = forward(vectors, causal);
      vectors.dO[chosen.t] = [x - O[chosen.t][0], y - O[chosen.t][1]];
      update();
    }),
  };

  function choose(now) {
    chosen = now;
    update();
    const made = forward(vectors, causal);
    says.textContent = sumOf(name, vectors, { ...made, ...backward(vectors, made, vectors.dO) }, chosen);
  }

  function update() {
    const { t } = chosen;
    const made = forward(vectors, causal);
    const back = backward(vectors, made, vectors.dO);
    const all = { ...made, ...back };
    tell(name, all[name], chosen);
    title.textContent = MATRICES[name];
    drawKeys(made.P[t], back);
    drawValues(made, back);
    const [o, dO] = [made.O[t], vectors.dO[t]];
    const tip = { x: o[0] + dO[0], y: o[1] + dO[1] };
    handles.dO.move(tip);
    handles.dO.setAttribute("aria-label", `The derivative dO of ${tokens[t]}`);
    handles.q.setAttribute("aria-label", `Query of ${tokens[t]}`);
    handles.q.move({ x: vectors.q[t][0], y: vectors.q[t][1] });
    for (const rows of ["k", "v"]) {
      handles[rows].forEach((handle, j) => handle.move({ x: vectors[rows][j][0], y: vectors[rows][j][1] }));
    }
    results.replaceChildren(
      headOf(["", "1", "2"]),
      rowOf(`output o of ${tokens[t]}`, o),
      ...(isBack() ? derivativeRows(dO, back) : []),
    );
  }

  function derivativeRows(dO, { dQ, dK, dV }) {
    return [
      rowOf(`given dO of ${tokens[chosen.t]}`, dO),
      rowOf(`dq of ${tokens[chosen.t]}`, dQ[chosen.t]),
      ...tokens.map((token, j) => rowOf(`dk of ${token}`, dK[j])),
      ...tokens.map((token, j) => rowOf(`dv of ${token}`, dV[j])),
    ];
  }

  function drawKeys(weights, back) {
    const { t } = chosen;
    arrows.replaceChildren();
    vectors.k.forEach((key, j) => {
      const hidden = causal && j > t;
      const look = { color: "var(--forward)", width: 1.5 + 4 * weights[j], gap: 8, size: 11 };
      arrows.append(arrow(left, [0, 0], key, { ...look, opacity: hidden ? 0.2 : 0.35 + 0.65 * weights[j] }));
      arrows.append(named(left, key, `k ${tokens[j]}`));
      if (isBack()) arrows.append(from(left, key, back.dK[j]));
    });
    arrows.append(arrow(left, [0, 0], vectors.q[t], { color: INK, width: 3, gap: 8, size: 12 }));
    arrows.append(named(left, vectors.q[t], `q ${tokens[t]}`));
    if (isBack()) arrows.append(from(left, vectors.q[t], back.dQ[t]));
  }

  function drawValues({ P, O }, back) {
    const { t } = chosen;
    const o = O[t];
    means.replaceChildren();
    vectors.v.forEach((value, j) => {
      const look = { stroke: "var(--forward)", "stroke-width": 0.5 + 7 * P[t][j], opacity: 0.55 };
      if (P[t][j] > 0) means.append(right.line([o, value], look));
      means.append(named(right, value, `v ${tokens[j]}`));
      if (isBack()) means.append(from(right, value, back.dV[j]));
    });
    const dO = vectors.dO[t];
    means.append(arrow(right, o, [o[0] + dO[0], o[1] + dO[1]], { color: "var(--backward)", gap: 8 }));
    means.append(mark("circle", { cx: right.px(o[0]), cy: right.py(o[1]), r: 7, fill: INK }));
    means.append(named(right, o, `o ${tokens[t]}`));
  }

  const isBack = () => name.startsWith("d");

  const shown = Object.keys(MATRICES).map((key) => {
    const made = button(key, () => {
      name = key;
      for (const other of shown) other.setAttribute("aria-pressed", other === made);
      choose(chosen);
    });
    made.setAttribute("aria-label", `Show ${MATRICES[key]}`);
    made.setAttribute("aria-pressed", key === name);
    return made;
  });
  const mask = element("input", { type: "checkbox" });
  mask.checked = causal;
  mask.addEventListener("change", () => {
    causal = mask.checked;
    choose(chosen);
  });
  const again = button("Start again", () => {
    vectors = copied();
    update();
  });
  const panel = (text, plot) =>
    element("div", { class: "panel" }, element("p", { class: "panel-name" }, text), plot.box);
  body.append(
    element("div", { class: "panels" }, panel("Query and keys", left), panel("Values and their mean", right)),
    element("div", { class: "controls" }, ...shown, element("label", {}, mask, "causal mask"), again),
    title,
    table,
    says,
    results,
  );
  update();
}

/** The name of a vector at its tip. */
const named = (on, [x, y], text) =>
  words(on.px(x), on.py(y) + (y < 0 ? 20 : -20), text, { "font-size": 13, style: HALO });

/** A derivative, drawn from the tip of what it belongs to. */
const from = (on, [x, y], [dx, dy]) =>
  arrow(on, [x, y], [x + dx, y + dy], { color: "var(--backward)", width: 3, size: 10 });

const headOf = (texts) => element("tr", {}, ...texts.map((text) => element("th", { scope: "col" }, text)));

const rowOf = (text, values) =>
  element(
    "tr",
    {},
    element("th", { scope: "row" }, text),
    ...values.map((value) => element("td", {}, number(value))),
  );
