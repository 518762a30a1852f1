/** The answers of a page with questions, kept in this browser, and the line that counts the right ones. */

import { button, element } from "./kit.js";
import { printing } from "./predict-print.js";

const place = `purenn-answers ${location.pathname}`;
let record = read();
let line;
let printed;
const asked = []; // { because, question, restore } of each question, as they are ready

/**
 * What was kept for a question: { typed, right, shown, first, began }, or undefined. `right` is without
 * help, `first` whether the first try was, and `began` that try.
 */
export const kept = (question) => record[question];

/** Keeps what was answered to a question. */
export function keep(question, answer) {
  record[question] = answer;
  write();
  count();
}

/** Shows the count after the last question; `restore` shows what is kept for one of them. */
export function tally(because, question, restore) {
  asked.push({ because, question, restore });
  const questions = document.querySelectorAll('.widget[data-widget="predict"]');
  if (questions.length > 1 && !line) {
    line = element("p", { class: "predict-count" }, element("span", { role: "status" }));
    line.append(button("Start again", again));
    questions[questions.length - 1].after(line);
    printed = printing(() => ({ answers: asked.map((one) => [one.question, kept(one.because)]), score: score() }));
    line.after(printed.form);
    count();
  }
}

function count() {
  if (!line) return;
  printed.outdated();
  line.firstChild.textContent = score();
  line.lastChild.hidden = !Object.keys(record).length;
}

function score() {
  const answers = Object.values(record);
  const right = answers.filter((answer) => answer.right).length;
  const shown = answers.filter((answer) => answer.shown).length;
  const first = answers.filter((answer) => answer.right && answer.first).length;
  const all = document.querySelectorAll('.widget[data-widget="predict"]').length;
  const more = (right ? `, ${first} on the first try` : "") + (shown ? `, ${shown} shown` : "");
  return `${right} of ${all} right${more}`;
}

function again() {
  record = {};
  write();
  for (const { restore } of asked) restore();
  count();
}

/** Without storage, as in some private windows, the answers last as long as the page. */
function read() {
  try {
    return JSON.parse(localStorage.getItem(place)) ?? {};
  } catch {
    return {};
  }
}

function write() {
  try {
    localStorage.setItem(place, JSON.stringify(record));
  } catch {
    return;
  }
}
