/**
 * A question that takes an answer before it shows the right one: a number, or one of several choices. The
 * figure's caption is the question, with a number where the page has several. Settings: `answer`; `choices`,
 * or else `tolerance` for a number; `because`, a sentence on why; `hints`, what to say to a certain wrong
 * answer. The answers are kept in this browser, and a line at the end of the page counts the right ones.
 */

import { button, element, sayings, styled } from "./kit.js";
import { keep, kept, tally } from "./predict-record.js";

let count = 0;

export default async function predict(body, { answer, choices, tolerance = 0.005, because, hints = {} }) {
  if (choices ? !choices.includes(answer) : !Number.isFinite(answer))
    throw new Error(`predict: ${answer} is not an answer to choose or a number`);
  await styled(new URL("predict.css", import.meta.url));
  const id = `predict-${++count}`;
  const question = body.parentElement.querySelector("figcaption");
  question.id = id;
  const all = [...document.querySelectorAll('.widget[data-widget="predict"]')];
  if (all.length > 1) question.dataset.number = all.indexOf(body.parentElement) + 1; // for "question 7"

  const options = choices?.map((choice) => {
    const input = element("input", { type: "radio", name: id, value: choice });
    return element("label", {}, input, choice);
  });
  const field = element("input", {
    type: "text",
    inputmode: "text",
    autocomplete: "off",
    placeholder: "a number",
    "aria-labelledby": id,
  });
  const given = () =>
    choices ? options.map((label) => label.firstChild).find((input) => input.checked)?.value : numberIn(field.value);

  const check = element("button", { type: "submit" }, "Check");
  const reveal = button("Show the answer", () => {
    keep(because, { ...kept(because), shown: true });
    show();
  });
  reveal.hidden = true;
  const says = sayings();
  const form = element("form", { class: "controls predict", role: choices ? "radiogroup" : "group" });
  form.setAttribute("aria-labelledby", id);
  form.append(...(options ?? [field]), check, reveal);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const mine = given();
    if (mine === undefined) return tell("", choices ? "Pick an answer first." : "Type a number, such as −0.5 or 1/4.");
    const before = kept(because);
    const right = judge(mine);
    const typed = choices ? mine : field.value;
    const { first, began } = before ?? { first: right, began: typed }; // whatever is answered later
    const { shown } = before ?? {};
    keep(because, { typed, shown, right: right && !shown, first, began });
    judged(mine);
  });
  for (const event of ["input", "change"]) form.addEventListener(event, () => tell("", ""));

  const judge = (mine) => (choices ? mine === answer : Math.abs(mine - answer) <= tolerance);
  const show = () => tell("shown", `The answer: ${text(answer)}. ${because}`);

  function judged(mine) {
    const right = judge(mine);
    reveal.hidden = right;
    if (right) return tell("right", `✓ Right, ${text(answer)}. ${because}`);
    const hint = choices ? hints[mine] : Object.entries(hints).find(([wrong]) => Math.abs(wrong - mine) <= tolerance)?.[1];
    tell("wrong", `✗ Not ${text(mine)}. ${hint ?? "Try again."}`);
  }

  /** What was answered before the page was loaded again, or nothing. */
  function restore() {
    const before = kept(because);
    if (choices) for (const { firstChild } of options) firstChild.checked = firstChild.value === before?.typed;
    else field.value = before?.typed ?? "";
    const mine = given();
    if (mine !== undefined && (judge(mine) || !before.shown)) judged(mine);
    else if (before?.shown) show();
    else (tell("", ""), (reveal.hidden = true));
  }

  function tell(outcome, words) {
    form.dataset.outcome = outcome;
    if (outcome === "shown") reveal.hidden = true;
    says.textContent = words;
  }
  restore();
  body.append(form, says);
  tally(because, question, restore);
}

/** The number that a text means, with a comma, a minus sign, or as a fraction; otherwise undefined. */
export function numberIn(text) {
  const plain = text.trim().replaceAll("−", "-").replace(",", ".");
  const [, above, below = "1"] = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:\s*\/\s*(\d+))?$/.exec(plain) ?? [];
  const value = Number(above) / Number(below);
  return Number.isFinite(value) ? value : undefined;
}

const text = (value) => String(typeof value === "number" ? Number(value.toPrecision(6)) : value).replace("-", "−");
