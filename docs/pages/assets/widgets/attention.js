/** A small attention: queries, keys, and values as arrows to drag, the weights, and the way back. */

import { button, element, mark, sayings } from "./kit.js";
import { backward, forward } from "./attention-model.js";
import { MATRICES, matrixTable, sumOf } from "./attention-matrix.js";
import { math, plainText, sentence } from "./formula.js";
import { labels } from "./labels.js";
import { arrow, fixed, number, panels, plane, styles } from "./plane.js";

const EXAMPLE = {
  tokens: ["the", "cat", "sat", "down"],
  q: [
    [0.4, 1],
    [-0.9, 1.4],
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
    [-0.9, -0.6],
    [0.3, 0.6],
    [0.9, 0.1],
    [-0.5, 0.4],
  ],
  causal: false,
};
/** On a phone the planes are below each other, as large as possible with all of the widget in view. */
const PHONE = { width: 330, height: 189, x: [-3.7, 3.7], y: [-2.04, 2.04] };
const INK = "var(--figure-ink)";
const BACK = { color: "var(--backward)", width: 3, size: 10 }; // a derivative, from what it belongs to
const HINT =
  "Drag the query toward a key, and the key's weight grows. The buttons at the start of the rows choose the query.";

export default async function attention(body, settings = {}) {
  await styles();
  const given = { ...EXAMPLE, ...settings };
  const { tokens } = given;
  const copied = () => structuredClone({ q: given.q, k: given.k, v: given.v, dO: given.dO });
  let vectors = copied();
  let { causal } = given;
  let name = "P";
  const opening = { t: Math.min(2, tokens.length - 1), j: 1 };
  let chosen = { ...opening };
  const range = { x: [-2.6, 2.6], y: [-2.6, 2.6], phone: PHONE };
  const left = plane("The keys and the chosen query, as arrows", range);
  const right = plane("The values, and the output as their weighted mean", range);
  const [arrows, means] = [left.layer(), right.layer()];
  const says = sayings();
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
  }

  function update() {
    const { t } = chosen;
    const made = forward(vectors, causal);
    const back = backward(vectors, made, vectors.dO);
    const all = { ...made, ...back };
    tell(name, all[name], chosen);
    says.replaceChildren(...sentence(sumOf(name, vectors, all, chosen)));
    title.replaceChildren(...sentence(MATRICES[name]));
    title.style.color = isBack() ? "var(--backward)" : "";
    drawKeys(made.P[t], back);
    drawValues(made, back);
    const [o, dO] = [made.O[t], vectors.dO[t]];
    const tip = { x: o[0] + dO[0], y: o[1] + dO[1] };
    handles.dO.hidden = !isBack();
    handles.dO.move(tip);
    handles.dO.setAttribute("aria-label", `The derivative dO of ${tokens[t]}`);
    handles.q.setAttribute("aria-label", `Query of ${tokens[t]}`);
    handles.q.move({ x: vectors.q[t][0], y: vectors.q[t][1] });
    for (const rows of ["k", "v"]) {
      handles[rows].forEach((handle, j) => handle.move({ x: vectors[rows][j][0], y: vectors[rows][j][1] }));
    }
    results.replaceChildren(
      headOf(["", "1", "2"]),
      rowOf(`output $o$ of ${tokens[t]}`, o),
      ...(isBack() ? derivativeRows(dO, back) : []),
    );
  }

  /** Those of the chosen query and of the chosen key. */
  function derivativeRows(dO, { dQ, dK, dV }) {
    return [
      rowOf(`given $dO$ of ${tokens[chosen.t]}`, dO),
      rowOf(`$dq$ of ${tokens[chosen.t]}`, dQ[chosen.t]),
      rowOf(`$dk$ of ${tokens[chosen.j]}`, dK[chosen.j]),
      rowOf(`$dv$ of ${tokens[chosen.j]}`, dV[chosen.j]),
    ];
  }

  function drawKeys(weights, back) {
    const { t } = chosen;
    arrows.replaceChildren();
    const tips = [...vectors.k, vectors.q[t]];
    const moves = isBack() ? [...back.dK, back.dQ[t]].map((move, i) => [tips[i], plus(tips[i], move)]) : [];
    const rays = tips.map((tip) => [[0, 0], tip]);
    const name = labels(left, arrows, [...rays, ...moves], tips);
    vectors.k.forEach((key, j) => {
      const hidden = causal && j > t;
      const look = { color: "var(--forward)", width: 1.5 + 4 * weights[j], gap: 8, size: 11 };
      arrows.append(arrow(left, [0, 0], key, { ...look, opacity: hidden ? 0.2 : 0.35 + 0.65 * weights[j] }));
    });
    arrows.append(arrow(left, [0, 0], vectors.q[t], { color: INK, width: 3, gap: 8, size: 12 }));
    for (const [tip, end] of moves) arrows.append(arrow(left, tip, end, BACK));
    name(vectors.q[t], chosenName(left, "q"));
    vectors.k.forEach((key, j) => name(key, `$k$ ${tokens[j]}`));
  }

  function drawValues({ P, O }, back) {
    const { t } = chosen;
    const o = O[t];
    means.replaceChildren();
    const tip = plus(o, vectors.dO[t]);
    const moves = isBack() ? vectors.v.map((value, j) => [value, plus(value, back.dV[j])]) : [];
    if (isBack()) moves.push([o, tip]);
    const rays = vectors.v.map((value) => [o, value]);
    const name = labels(right, means, [...rays, ...moves], [...vectors.v, o, tip]);
    vectors.v.forEach((value, j) => {
      const look = { stroke: "var(--forward)", "stroke-width": 0.5 + 7 * P[t][j], opacity: 0.55 };
      if (P[t][j] > 0) means.append(right.line([o, value], look));
    });
    for (const [start, end] of moves) {
      means.append(arrow(right, start, end, start === o ? { color: BACK.color, gap: 8 } : BACK));
    }
    means.append(mark("circle", { cx: right.px(o[0]), cy: right.py(o[1]), r: 7, fill: INK }));
    name(o, chosenName(right, "o"));
    if (isBack()) name(tip, chosenName(right, "dO"));
    vectors.v.forEach((value, j) => name(value, `$v$ ${tokens[j]}`));
  }

  /** What belongs to the chosen query; there is little room for its name on a phone. */
  const chosenName = (on, text) => (on.small ? `$${text}$` : `$${text}$ ${tokens[chosen.t]}`);
  const isBack = () => name.startsWith("d");

  function show(key) {
    name = key;
    for (const [other, made] of Object.entries(shown)) made.setAttribute("aria-pressed", other === key);
    choose(chosen);
  }

  const shown = {};
  for (const key of Object.keys(MATRICES)) {
    const made = button("", () => show(key));
    made.append(math(key));
    shown[key] = made;
    made.className = key.startsWith("d") ? "toggle backward" : "toggle";
    made.setAttribute("aria-label", `Show ${plainText(MATRICES[key])}`);
    made.setAttribute("aria-pressed", key === name);
  }
  const mask = element("input", { type: "checkbox" });
  mask.checked = causal;
  mask.addEventListener("change", () => {
    causal = mask.checked;
    choose(chosen);
  });
  const again = button("Start again", () => {
    vectors = copied();
    chosen = { ...opening };
    mask.checked = causal = given.causal;
    show("P");
  });
  body.append(
    element("p", { class: "hint" }, HINT),
    panels(["Query and keys", left], ["Values and mean", right]),
    element(
      "div",
      { class: "controls" },
      ...Object.values(shown),
      element("label", {}, mask, "causal mask"),
      again,
    ),
    title,
    element("div", { class: "side-by-side" }, table, results),
    says,
  );
  update();
}

const plus = (a, b) => a.map((value, i) => value + b[i]);

const headOf = (texts) => element("tr", {}, ...texts.map((text) => element("th", { scope: "col" }, text)));

const rowOf = (text, values) =>
  element(
    "tr",
    {},
    element("th", { scope: "row" }, ...sentence(text)),
    ...values.map((value) => {
      const cell = number(value);
      cell.tell(value, "", fixed(value));
      return element("td", {}, cell);
    }),
  );
