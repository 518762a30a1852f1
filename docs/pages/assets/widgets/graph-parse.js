/**
 * Statements such as "u = x * w + b" as trees, and trees as the boxes of a graph.
 *
 * A tree is { name }, { number }, or { op, args }. A box is { name, tree, args }: `args` are the names it
 * is computed from, each once if the statement is kept whole, otherwise one for each use. A leaf has no tree.
 */

const FUNCTIONS = {
  max: 2,
  relu: 1,
  exp: 1,
  log: 1,
  tanh: 1,
  sigmoid: 1,
  sqrt: 1,
  square: 1,
  mean: Infinity,
  sum: Infinity,
};
const LETTERS = ["p", "q", "r", "s", "u", "v", "h", "k", "e", "g"];

/** The tree of an expression. */
export function parsed(text) {
  const tokens = text.match(/\d+(\.\d+)?|[A-Za-z]\w*|[-+*/^(),]|\S/g) ?? [];
  let at = 0;
  const wrong = (what) => new Error(`graph: in “${text}”: ${what}`);
  const is = (...symbols) => symbols.includes(tokens[at]);
  const expect = (symbol) => {
    if (tokens[at] !== symbol) throw wrong(`expected ${symbol}, got ${tokens[at] ?? "the end"}`);
    at++;
  };

  function sum() {
    let left = product();
    while (is("+", "-")) {
      const op = tokens[at++] === "+" ? "add" : "subtract";
      const right = product();
      const longer = op === "add" && left.op === "add" && !left.closed;
      left = longer ? { op, args: [...left.args, right] } : { op, args: [left, right] };
    }
    return left;
  }
  function product() {
    let left = signed();
    while (is("*", "/")) left = { op: tokens[at++] === "*" ? "multiply" : "divide", args: [left, signed()] };
    return left;
  }
  function signed() {
    if (!is("-")) return power();
    at++;
    const tree = signed();
    return "number" in tree ? { number: -tree.number } : { op: "negate", args: [tree] };
  }
  function power() {
    const base = atom();
    if (!is("^")) return base;
    at++;
    if (tokens[at++] !== "2") throw wrong("the only power is ^2");
    return { op: "square", args: [base] };
  }
  function atom() {
    const token = tokens[at++];
    if (/^\d/.test(token)) return { number: Number(token) };
    if (token === "(") {
      const tree = { ...sum(), closed: true };
      expect(")");
      return tree;
    }
    if (!/^[A-Za-z]/.test(token ?? "")) throw wrong(`unexpected ${token ?? "end"}`);
    if (!is("(")) return { name: token };
    return called(token);
  }
  function called(name) {
    if (!(name in FUNCTIONS))
      throw wrong(`there is no function ${name}: ${Object.keys(FUNCTIONS).join(", ")}`);
    const args = [];
    do {
      at++;
      args.push(sum());
    } while (is(","));
    expect(")");
    const count = FUNCTIONS[name];
    if (count !== Infinity && args.length !== count)
      throw wrong(`${name} takes ${count}, got ${args.length}`);
    return { op: name === "sum" ? "add" : name, args };
  }

  const tree = sum();
  if (at < tokens.length) throw wrong(`unexpected ${tokens[at]}`);
  return tree;
}

/** The names in a tree, in the order in which they are read, once for each use. */
export function namesIn(tree) {
  if ("name" in tree) return [tree.name];
  return "number" in tree ? [] : tree.args.flatMap(namesIn);
}

/** The boxes of a graph, a leaf before its first use. Raises what is wrong with the settings. */
export function boxesOf({ steps, values, whole = [], seeds, fixed = [] }) {
  if (!Array.isArray(steps) || !steps.length) throw new Error("graph: `steps` is a list of statements");
  if (typeof values !== "object" || !values) throw new Error("graph: `values` has a number for each leaf");
  const statements = steps.map(statement);
  const names = statements.map(({ name }) => name);
  const taken = new Set([...names, ...statements.flatMap(({ tree }) => namesIn(tree))]);
  const boxes = new Map();

  const leaf = (name) => {
    if (!Number.isFinite(values[name])) throw new Error(`graph: \`values\` has no number for ${name}`);
    boxes.set(name, { name, args: [] });
  };
  const add = (name, tree) => {
    if (boxes.has(name)) throw new Error(`graph: ${name} is set after it was used, or twice`);
    const isWhole = whole.includes(name);
    const inner = isWhole ? tree : { ...tree, args: tree.args?.map((arg) => boxed(arg)) };
    const args = isWhole ? [...new Set(namesIn(tree))] : namesIn(inner);
    for (const arg of args) if (!boxes.has(arg)) leaf(arg);
    boxes.set(name, { name, tree: inner, args });
  };
  const boxed = (tree) => {
    if (!("op" in tree)) return tree;
    const name = free(taken);
    add(name, tree);
    return { name };
  };
  for (const { name, tree } of statements) {
    if (!("op" in tree)) throw new Error(`graph: ${name} computes nothing`);
    add(name, tree);
  }

  const known = (given, what, list) => {
    const other = list.find((name) => !given.has(name));
    if (other) throw new Error(`graph: ${what} names ${other}, which is not in the graph`);
  };
  known(boxes, "`values`", Object.keys(values));
  known(new Set(names), "`whole`", whole);
  known(boxes, "`fixed`", fixed);
  known(boxes, "`seeds`", Object.keys(seeds ?? {}));
  const used = new Set([...boxes.values()].flatMap(({ args }) => args));
  const begin = Object.keys(seeds ?? { [names.at(-1)]: 1 });
  for (const name of boxes.keys()) {
    if (used.has(name) === begin.includes(name)) {
      throw new Error(`graph: ${name} is ${used.has(name) ? "used, so it has no seed" : "not used"}`);
    }
  }
  return [...boxes.values()];
}

function statement(text) {
  const match = /^\s*([A-Za-z]\w*)\s*=(.+)$/.exec(text);
  if (!match) throw new Error(`graph: “${text}” is not of the form name = expression`);
  return { name: match[1], tree: parsed(match[2]) };
}

function free(taken) {
  const suffixes = ["", ...Array.from({ length: 99 }, (_, i) => i + 1)];
  const candidates = suffixes.flatMap((suffix) => LETTERS.map((letter) => letter + suffix));
  const name = candidates.find((candidate) => !taken.has(candidate));
  taken.add(name);
  return name;
}
