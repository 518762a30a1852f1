/** The result of a page with questions on paper: the student's name, the date, and what was answered. */

import { element } from "./kit.js";

/**
 * A field for a name with a button that prints. `result()` gives { answers, score }: each question's caption
 * with what was kept for it, and the count in words. `outdated()` takes a result away that no longer holds.
 */
export function printing(result) {
  const name = element("input", { type: "text", name: "name", autocomplete: "name", maxlength: 80 });
  const label = element("label", {}, "Your name", name);
  const form = element("form", { class: "predict-name" }, label);
  form.append(element("button", { type: "submit" }, "Print your result"));
  let sheet = null;
  const outdated = () => sheet?.remove();
  name.addEventListener("input", outdated);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    outdated();
    sheet = sheetOf(name.value.trim(), result());
    form.after(sheet);
    print();
  });
  return { form, outdated };
}

/** What is printed in place of the page; it is not shown on the screen. */
function sheetOf(name, { answers, score }) {
  const title = document.querySelector("h1").firstChild.textContent.trim();
  const today = new Date().toLocaleDateString("en-US", { dateStyle: "long" });
  const head = element("tr");
  for (const heading of ["", "Question", "First answer", "Result"])
    head.append(element("th", { scope: "col" }, heading));
  const rows = inOrder(answers).map(([question, answer], i) => {
    const asks = element("td", {}, ...[...question.childNodes].map((node) => node.cloneNode(true)));
    const first = answer?.began ?? "–";
    const cells = [String(i + 1), asks, String(first).replace("-", "−"), outcome(answer)];
    return element("tr", {}, ...cells.map((cell) => (cell === asks ? cell : element("td", {}, cell))));
  });
  const table = element("table", { class: "predict-answers" }, element("thead", {}, head));
  table.append(element("tbody", {}, ...rows));
  return element(
    "section",
    { class: "predict-result" },
    element("h2", {}, title),
    element("p", { class: "predict-who" }, "Name: ", element("span", {}, name), `Date: ${today}`),
    element("p", {}, element("strong", {}, score)),
    table,
  );
}

/** The questions are ready in any order; here they are in the order of the page. */
function inOrder(answers) {
  const after = (a, b) => a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_PRECEDING;
  return [...answers].sort(([a], [b]) => (after(a, b) ? 1 : -1));
}

function outcome(answer) {
  if (!answer) return "not answered";
  if (answer.shown) return "answer shown";
  if (!answer.right) return "not right yet";
  return answer.first ? "right on the first try" : "right later";
}
