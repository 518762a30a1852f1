/**
 * The products of a dense layer with their numbers. The entry of the result that is pointed at lights the
 * row and the column it comes from, and its sum is written out. With `hidden`, an entry's value is shown
 * once it has been clicked.
 */

import { math } from "./formula.js";
import { checked, grid, roundedTo, styles } from "./grid.js";
import { button, element, sayings, show } from "./kit.js";
import { productOf } from "./product-rules.js";

const ALL = ["z", "dw", "db", "dx"];
const LIMIT = 6;

export default async function product(body, settings) {
  const numbers = numbersOf(settings);
  const { products = ALL, product: first = products[0], entry = [0, 0], names = {}, decimals, hidden } = settings;
  const unknown = [...products, first].find((name) => !ALL.includes(name));
  if (unknown || !products.includes(first))
    throw new Error(`product: there is no product ${unknown ?? first} to choose`);
  await styles();

  const called = (name) => names[name] ?? (name[0] === "d" && names[name[1]] ? `d${names[name[1]]}` : name);
  const tabs = products.map((of) => {
    const tab = button("", () => choose(of, [0, 0]));
    tab.append(math(formula(of, called)));
    tab.setAttribute("aria-label", formula(of, called));
    return tab;
  });
  const place = element("div", { class: "grids roomy" });
  const says = sayings();
  says.classList.add("grid-sum");
  let [of, at, grids] = [first, entry.length === 1 ? [0, entry[0]] : entry, {}];
  const clicked = new Set(); // the entries whose value is not hidden anymore
  const isShown = (r, c) => !hidden || clicked.has([of, r, c].join());

  function choose(which, where) {
    [of, at] = [which, where];
    tabs.forEach((tab, i) => tab.setAttribute("aria-pressed", products[i] === of));
    build();
    update();
  }
  function build() {
    const made = productOf(of, numbers);
    const { left, right, rows, cols } = made;
    if (at[0] >= rows || at[1] >= cols) throw new Error(`product: ${of} has no entry [${at}]`);
    grids = { result: resultGrid(rows, cols) };
    if (left) grids.left = givenGrid(left);
    grids.right = givenGrid(right);
    if (of === "z") grids.b = givenGrid({ name: "b" });
    const sign = (text) => element("span", {}, text);
    place.replaceChildren(
      ...(left ? [grids.left.element, sign("·")] : [sign("Σ over the rows of")]),
      grids.right.element,
      ...(grids.b ? [sign("+"), grids.b.element] : []),
      sign("="),
      grids.result.element,
    );
  }
  function resultGrid(rows, cols) {
    const name = called(of);
    const label = of === "db" ? (_, c) => `${name}[${c}]` : undefined;
    const shape = of === "db" ? `(${cols})` : `(${rows}, ${cols})`;
    const color = of === "z" ? "forward" : "backward";
    return grid(`$${name}$`, rows, cols, {
      cell: 54,
      shape,
      color,
      label,
      decimals,
      pick: (r, c, click) => {
        at = [r, c];
        if (click) clicked.add([of, r, c].join());
        update();
      },
    });
  }
  function givenGrid({ name, turned }) {
    const given = name === "b" ? [numbers.b] : numbers[name];
    const [rows, cols] = turned ? [given[0].length, given.length] : [given.length, given[0].length];
    const place = (r, c) => (turned ? [c, r] : [r, c]);
    const label = (r, c) => `${called(name)}[${name === "b" ? c : place(r, c).join(", ")}]`;
    const edit = (r, c) => (value) => {
      const [row, col] = place(r, c);
      given[row][col] = value;
      update();
    };
    const color = name === "dz" ? "backward" : "forward";
    const shape = name === "b" ? `(${cols})` : `(${rows}, ${cols})`;
    const made = grid(`$${called(name)}${turned ? "ᵀ" : ""}$`, rows, cols, {
      cell: 54,
      shape,
      color,
      label,
      decimals,
      edit,
    });
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < cols; c++) {
        const [row, col] = place(r, c);
        made.set(r, c, given[row][col]);
      }
    return made;
  }
  function update() {
    const { rows, cols, entry: entryAt } = productOf(of, numbers);
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < cols; c++) grids.result.set(r, c, isShown(r, c) ? entryAt(r, c).value : null);
    grids.result.choose(...at);
    grids.left?.light((r) => r === at[0] && "yes");
    grids.right.light((_, c) => c === at[1] && "yes");
    grids.b?.light((_, c) => c === at[1] && "yes");
    const lines = written(called, of, at, { ...entryAt(...at), decimals, known: isShown(...at) });
    says.replaceChildren(...lines.map((line) => math(line)));
  }

  for (const tab of tabs) tab.className = "toggle";
  body.append(element("div", { class: "controls" }, ...tabs), place, says);
  choose(of, at);
}

/**
 * The sum of an entry, with names and with numbers; "≈" where numbers are shown with fewer decimals, and "?"
 * for a result that is not known yet.
 */
function written(called, of, at, { terms, more, value, decimals, known }) {
  const text = (number) => show(roundedTo(decimals, number));
  const name = ({ of, at }) => `${called(of)}[${at.join(", ")}]`;
  const all = more ? [...terms, [more]] : terms;
  const factors = all.map((term) => term.map(name).join(" · ")).join(" + ");
  const number = (value, start) => (value < 0 && !start ? `(${text(value)})` : text(value));
  const numbers = all
    .map((term, t) => term.map(({ value }, f) => number(value, !t && !f)).join(" · "))
    .join(" + ");
  const entry = `${called(of)}[${of === "db" ? at[1] : at.join(", ")}]`;
  const given = [value, ...all.flat().map((factor) => factor.value)];
  const exact = given.every((number) => roundedTo(decimals, number) === number);
  if (!known) return [`${entry} = ${factors}`, `= ${numbers} = ?`];
  return [
    `${entry} = ${factors}`,
    numbers === text(value) ? `= ${numbers}` : `= ${numbers} ${exact ? "=" : "≈"} ${text(value)}`,
  ];
}

function formula(of, called) {
  const [x, w, b, z, dz] = ["x", "w", "b", "z", "dz"].map(called);
  const right = { z: `${x} ${w} + ${b}`, dw: `${x}ᵀ ${dz}`, db: `Σ ${dz}`, dx: `${dz} ${w}ᵀ` }[of];
  return `${of === "z" ? z : called(of)} = ${right}`;
}

function numbersOf({ x, w, b, dz }) {
  const inputs = checked("product", "x", x);
  const weights = checked("product", "w", w, inputs[0].length);
  const [m, k] = [inputs.length, weights[0].length];
  if (Math.max(m, k, weights.length) > LIMIT) throw new Error(`product: no size is above ${LIMIT}`);
  const [bias] = checked("product", "b", [b ?? Array(k).fill(0)], 1, k);
  const back = checked("product", "dz", dz ?? Array.from({ length: m }, () => Array(k).fill(1)), m, k);
  return { x: inputs, w: weights, b: bias, dz: back };
}
