/** What happens in a graph, step by step: its values, its derivatives, and the rule of each box. */

import { decided, derivative, evaluated, OPERATIONS, product, slopeOf } from "./graph-rules.js";
import { nameOfPart, shown, textOf, worked } from "./graph-words.js";
import { show } from "./kit.js";

/** The uses of each value, in order: { box, place } for argument `place` of `box`. */
export function usesOf(boxes) {
  const uses = new Map(boxes.map(({ name }) => [name, []]));
  for (const box of boxes) box.args.forEach((arg, place) => uses.get(arg).push({ box: box.name, place }));
  return uses;
}

/**
 * All steps for these numbers. A step is { phase, box, title, lines, sends, done }: the box that fires,
 * what is said (the title with formulas in dollar signs), the derivatives { from, place, to, value } that
 * it sends back, and `done`, the values or derivatives { name, value } that are complete after it. `loss`:
 * the seed is the 1 of the last value.
 */
export function stepsOf(boxes, leaves, seeds, fixed, loss = false) {
  const values = { ...leaves };
  const uses = usesOf(boxes);
  const steps = [];
  for (const box of boxes) {
    if (!box.tree) continue;
    values[box.name] = evaluated(box.tree, values);
    steps.push(forwardStep(box, values));
  }
  const forward = steps.length;

  const derivatives = {};
  const sent = new Map(boxes.map(({ name }) => [name, []]));
  const finish = (name, value) => ((derivatives[name] = value), { name, value });
  for (const [name, value] of Object.entries(seeds)) steps.push(seedStep(finish(name, value), loss));
  for (const box of boxes.toReversed()) {
    if (!box.tree) continue;
    const sends = box.args.map((to, place) => sendOf(box, place, to, values, derivatives, uses));
    const open = sends.filter(({ to }) => !fixed.includes(to));
    for (const send of open) sent.get(send.to)[send.use] = send;
    const single = open.filter(({ to }) => uses.get(to).length === 1);
    const title = OPERATIONS[box.tree.op].says.replace("{d}", () => `$d${shown(box.name)}$`);
    const why = reason(box, values);
    const whole = box.args.length && !isElementary(box);
    const rule = whole ? "The chain rule, applied to the whole box at once" : title;
    steps.push({
      phase: "backward",
      box: box.name,
      title: `$${shown(box.name)}$: ${rule}${why}`,
      lines: open.map(({ line }) => line),
      sends: open,
      done: single.map(({ to, value }) => finish(to, value)),
    });
    for (const name of new Set(open.map(({ to }) => to))) {
      const all = sent.get(name);
      const of = uses.get(name);
      if (of.length < 2 || all.filter(Boolean).length < of.length) continue;
      const total = all.reduce((sum, { value }) => sum + value, 0);
      steps.push(copyStep(finish(name, total), all, of));
    }
  }
  return { steps, forward, values, derivatives };
}

function isElementary({ tree }) {
  return tree.args.every((arg) => !("op" in arg));
}

function forwardStep(box, values) {
  const { name, tree } = box;
  const number = (leaf) => show(values[leaf]);
  const result = show(values[name]);
  const sum = worked(textOf(tree, shown), textOf(tree, number), result, holds(tree, values, values[name]));
  const line = `${shown(name)} = ${sum}`;
  return {
    phase: "forward",
    box: name,
    title: "",
    lines: [line],
    sends: [],
    done: [{ name, value: values[name] }],
  };
}

/** Whether a formula gives this result with the numbers as they are shown. */
function holds(tree, values, result) {
  const rounded = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, seen(value)]));
  return same(evaluated(tree, rounded), seen(result));
}

const seen = (value) => Number(show(value).replace("∞", "Infinity").replaceAll("−", "-"));
const same = (a, b) => Object.is(a, b) || Math.abs(a - b) < 1e-9 * Math.max(1, Math.abs(b));

function seedStep({ name, value }, loss) {
  const title = loss
    ? `The derivative of $${shown(name)}$ with respect to itself is 1`
    : "This derivative is given";
  const lines = [`d${shown(name)} = ${show(value)}`];
  return { phase: "backward", box: name, title, lines, sends: [], done: [{ name, value }] };
}

function copyStep({ name, value }, sends, uses) {
  const terms = sends.map((_, use) => nameOfPart(name, uses, use)).join(" + ");
  const numbers = sends.map((send, i) => (i && send.value < 0 ? `(${show(send.value)})` : show(send.value)));
  const exact = same(sends.reduce((sum, send) => sum + seen(send.value), 0), seen(value));
  const times = ["", "", "twice", "three times"][sends.length] ?? `${sends.length} times`;
  return {
    phase: "backward",
    box: name,
    title: `$${shown(name)}$ is used ${times}, and a copy adds the derivatives`,
    lines: [`d${shown(name)} = ${worked(terms, numbers.join(" + "), show(value), exact)}`],
    sends: [],
    done: [{ name, value }],
    copied: sends,
  };
}

/** The derivative that a box sends to one of its arguments, and the line that says how it is found. */
function sendOf(box, place, to, values, derivatives, uses) {
  const self = { name: box.name };
  const plain = isElementary(box);
  const slots = box.tree.args.map((arg, i) => ("name" in arg ? i : -1)).filter((i) => i >= 0);
  const slope =
    plain && slots.length === box.args.length
      ? slopeOf(box.tree, slots[place], self)
      : derivative(box.tree, to, self);
  const value = derivatives[box.name] * evaluated(slope, values);
  const of = uses.get(to);
  const use = of.findIndex((each) => each.box === box.name && each.place === place);
  const mine = of.length > 1 ? nameOfPart(to, of, use) : `d${shown(to)}`;

  const chain = product({ name: " d" }, decided(slope, values));
  const named = (name) => (name === " d" ? `d${shown(box.name)}` : shown(name));
  const number = (name) => show(name === " d" ? derivatives[box.name] : values[name]);
  const right = holds(chain, { ...values, " d": derivatives[box.name] }, value);
  const line = `${mine} = ${worked(textOf(chain, named), textOf(chain, number), show(value), right)}`;
  return { from: box.name, place, to, use, value: value === 0 ? 0 : value, line };
}

/** Why a maximum or a ReLU sends what it does. */
function reason({ tree }, values) {
  if (tree.op !== "max" && tree.op !== "relu") return "";
  if (!isElementary({ tree })) return "";
  const [a, b] = tree.op === "max" ? tree.args : [tree.args[0], { number: 0 }];
  const [left, right] = [evaluated(a, values), evaluated(b, values)];
  const sign = left > right ? ">" : left < right ? "<" : "=";
  return `: $${textOf(a, shown)} ${sign} ${textOf(b, shown)}$`;
}
