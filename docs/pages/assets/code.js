// Code that is wider than its box: a line goes on below, two characters further in than it begins. It
// breaks at spaces, after a call's opening bracket and after commas, not inside a name such as `pn.relu`; what
// is longer scrolls. What is printed in columns is not broken there: it gets smaller, and scrolls last, with a
// line below it that says so. So does code that is hardly wider than its box. A docstring with columns scrolls.
// assets/tables.js asks for this.

// Pixels: the smallest letters of a table in plain text.
const LEAST = matchMedia("(max-width: 44.98em)").matches ? 10 : 12;
const CLOSEST = -0.06; // em: between them, so that the 100 columns of a summary fit on a desktop
const NEARLY = 0.905; // of its width: code that has so much room gets smaller and is not broken
const BREAK = /(?<=,)(?=[^\s)\]}])|(?<=\w[({])(?=\S{6})|(?<=\w\[)(?=\S{12})/g; // where a line may break

/** The lines of a docstring, such as an exercise's, whose columns would be lost if they were broken. */
function isAligned(code) {
  const lines = [...code.querySelectorAll(".sd")].map((part) => part.textContent);
  return lines.join("").match(/\S {2,}\S/g)?.length > 1;
}

/** Whether a printed text is a table: two rows, at least, with two gaps inside; but not what `explain` prints. */
function hasColumns(code) {
  if (code.querySelector("span") || /^FORWARD$/m.test(code.textContent)) return false;
  return code.textContent.match(/^.*\S {2,}\S.* {2,}\S/gm)?.length > 1;
}

/** Lets lines break after a call's opening bracket and after commas. */
function breakable(made) {
  const texts = document.createTreeWalker(made, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (texts.nextNode()) nodes.push(texts.currentNode);
  nodes.forEach((node, i) => {
    const parts = node.data.split(BREAK);
    const pieces = parts.flatMap((part, k) => (k ? [document.createElement("wbr"), part] : [part]));
    const before = (nodes[i - 1]?.data ?? "") + node.data;
    const after = nodes.slice(i + 1, i + 7).map((next) => next.data);
    const found = Array.from((before + after.join("")).matchAll(BREAK), ({ index }) => index);
    if (found.includes(before.length)) pieces.push(document.createElement("wbr"));
    node.replaceWith(...pieces);
  });
}

/** Puts each line that is not empty in an element that knows how far in it begins; newlines stay outside. */
function wrap(code) {
  if ([...code.children].some((child) => child.textContent.includes("\n"))) return;
  const made = document.createDocumentFragment();
  let line = null;
  const add = (node) => (line ??= made.appendChild(document.createElement("code-line"))).append(node);
  for (const node of [...code.childNodes]) {
    if (node.nodeType !== Node.TEXT_NODE) add(node);
    else
      for (const part of node.data.split(/(\n)/)) {
        if (part === "\n") made.append(part);
        else if (part) add(part);
        if (part === "\n") line = null;
      }
  }
  for (const each of made.children) {
    each.style.setProperty("--from", /^ */.exec(each.textContent)[0].length);
  }
  if (made.querySelector("span")) breakable(made); // what is printed breaks at spaces only
  code.replaceChildren(made);
  code.classList.add("wraps");
}

/** Whether a printed line is a row of a table, or the rule above or below its rows. */
const isPrintedRow = ({ textContent }) => /\S {2,}\S|^\s*[─━═]{3,}\s*$/.test(textContent);

/** A table in plain text: its rows are not broken, other lines are. */
function keepRows(code, isRow) {
  code.classList.add("columns");
  for (const line of code.querySelectorAll("code-line")) {
    if (isRow(line)) line.style.whiteSpace = "pre";
  }
}

/** Of what its lines need, how much its box has. */
function room(code) {
  const { paddingLeft, paddingRight } = getComputedStyle(code);
  const beside = parseFloat(paddingLeft) + parseFloat(paddingRight);
  const lines = Array.from(code.querySelectorAll("code-line"), (line) => line.scrollWidth);
  const needed = lines.length ? Math.max(...lines) : code.scrollWidth - beside; // a line may go over the padding
  return (code.clientWidth - beside) / needed;
}

/** Smaller letters, then closer ones and less room beside them. */
function shrink(code) {
  code.style.fontSize = code.style.letterSpacing = "";
  code.classList.remove("tight");
  const fitting = () => parseFloat(getComputedStyle(code).fontSize) * room(code);
  code.classList.toggle("tight", fitting() < LEAST);
  const size = fitting();
  if (room(code) < 0.999) {
    code.style.fontSize = `${Math.max(LEAST, Math.floor(40 * size) / 40)}px`;
    if (size < LEAST) code.style.letterSpacing = `${Math.max(CLOSEST, 0.6 * (size / LEAST - 1) - 0.002)}em`;
  }
  code.parentElement.classList.toggle("scrolls", room(code) < 0.999);
}

const seen = new ResizeObserver((entries) => entries.forEach(({ target }) => shrink(target)));
for (const code of document.querySelectorAll("pre > code")) {
  const table = hasColumns(code);
  const aligned = isAligned(code) && room(code) < 0.999; // it stays as large as the code below it
  const small = !aligned && room(code) < 0.999 && room(code) > NEARLY;
  if (!small || table) wrap(code);
  if (table) keepRows(code, isPrintedRow);
  if (aligned) keepRows(code, (line) => line.querySelector(".sd"));
  if (aligned) code.parentElement.classList.toggle("scrolls", room(code) < 0.999);
  if (small || table) seen.observe(code);
}
