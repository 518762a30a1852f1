/** The operations of a graph: what each computes, its slopes, and how its rule is said. */

const N = (number) => ({ number });
const tree = (op, ...args) => ({ op, args });
const one = N(1);

/**
 * Each has `value(numbers)`, and `slope(i, args, self)`: the tree of the derivative with respect to
 * argument i, where `self` stands for the result. `says` is the rule in words.
 */
export const OPERATIONS = {
  add: {
    value: (xs) => xs.reduce((a, b) => a + b),
    slope: () => one,
    says: "An add copies {d} to every term",
  },
  subtract: {
    value: ([a, b]) => a - b,
    slope: (i) => N(i === 0 ? 1 : -1),
    says: "A subtraction copies {d}, with a minus sign for the second input",
  },
  negate: { value: ([a]) => -a, slope: () => N(-1), says: "A minus sign changes the sign of {d}" },
  multiply: {
    value: ([a, b]) => a * b,
    slope: (i, args) => args[1 - i],
    says: "Multiplication: each factor's derivative is {d} times the other factor",
  },
  divide: {
    value: ([a, b]) => a / b,
    slope: (i, [, b], self) => (i === 0 ? tree("divide", one, b) : negated(tree("divide", self, b))),
    says: "A division divides {d} by the denominator. For the denominator, it also multiplies by the negative of the result",
  },
  max: {
    value: ([a, b]) => (a > b ? a : b),
    slope: (i, [a, b]) => (i === 0 ? tree("above", a, b) : tree("above not", a, b)),
    says: "A maximum routes {d} to the larger input",
  },
  relu: {
    value: ([a]) => (a > 0 ? a : 0),
    slope: (_, [a]) => tree("above", a, N(0)),
    says: "A ReLU passes {d} back only if its input is positive",
  },
  square: {
    value: ([a]) => a * a,
    slope: (_, [a]) => tree("multiply", N(2), a),
    says: "The slope of a square is twice its input",
  },
  sqrt: {
    value: ([a]) => Math.sqrt(a),
    slope: (_, __, self) => tree("divide", one, tree("multiply", N(2), self)),
    says: "The slope of a square root is one over twice its output",
  },
  exp: {
    value: ([a]) => Math.exp(a),
    slope: (_, __, self) => self,
    says: "The slope of an exponential is its output",
  },
  log: {
    value: ([a]) => Math.log(a),
    slope: (_, [a]) => tree("divide", one, a),
    says: "The slope of a logarithm is one over its input",
  },
  tanh: {
    value: ([a]) => Math.tanh(a),
    slope: (_, __, self) => tree("subtract", one, tree("square", self)),
    says: "The slope of tanh is 1 minus its output squared",
  },
  sigmoid: {
    value: ([a]) => 1 / (1 + Math.exp(-a)),
    slope: (_, __, self) => tree("multiply", self, tree("subtract", one, self)),
    says: "The slope of a sigmoid is its output times 1 minus its output",
  },
  mean: {
    value: (xs) => xs.reduce((a, b) => a + b) / xs.length,
    slope: (_, args) => tree("divide", one, N(args.length)),
    says: "A mean shares {d} evenly among its inputs",
  },
  above: { value: ([a, b]) => (a > b ? 1 : 0) },
  "above not": { value: ([a, b]) => (a > b ? 0 : 1) },
};

/** The number that a tree is, given the values of its names. */
export function evaluated(expression, values) {
  if ("name" in expression) return values[expression.name];
  if ("number" in expression) return expression.number;
  return OPERATIONS[expression.op].value(expression.args.map((arg) => evaluated(arg, values)));
}

/**
 * The tree of the derivative of `expression` with respect to use `use` of a name (a number: that argument
 * alone) or to a name; `self` is what the result is called.
 */
export function derivative(expression, name, self) {
  if ("name" in expression) return N(expression.name === name ? 1 : 0);
  if ("number" in expression) return N(0);
  const { op, args } = expression;
  const terms = args.map((arg, i) => {
    const inner = derivative(arg, name, arg);
    return inner.number === 0 ? N(0) : product(OPERATIONS[op].slope(i, args, self), inner);
  });
  const there = terms.filter((term) => term.number !== 0);
  if (!there.length) return N(0);
  return there.length === 1 ? there[0] : tree("add", ...there);
}

/** The slope by one argument of a box with one operation, which may get the same name twice. */
export function slopeOf({ op, args }, i, self) {
  return OPERATIONS[op].slope(i, args, self);
}

/** A product, without the factors 1 and −1 and with one fraction bar. */
export function product(a, b) {
  if (a.number === 0 || b.number === 0) return N(0);
  if (a.number === 1) return b;
  if (b.number === 1) return a;
  if (a.number === -1) return negated(b);
  if (b.number === -1) return negated(a);
  if (a.op === "negate") return negated(product(a.args[0], b));
  if (b.op === "negate") return negated(product(a, b.args[0]));
  if (b.op === "divide") return tree("divide", product(a, b.args[0]), b.args[1]);
  if (a.op === "divide") return tree("divide", product(a.args[0], b), a.args[1]);
  return tree("multiply", a, b);
}

function negated(expression) {
  if ("number" in expression) return N(-expression.number);
  return expression.op === "negate" ? expression.args[0] : tree("negate", expression);
}

/** The same tree where each comparison is the 1 or 0 that it is now. */
export function decided(expression, values) {
  if (!("op" in expression)) return expression;
  const { op } = expression;
  if (op === "above" || op === "above not") return N(evaluated(expression, values));
  const args = expression.args.map((arg) => decided(arg, values));
  return op === "multiply" ? product(...args) : { op, args };
}
