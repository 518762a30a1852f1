// Renders the page's maths, if it has any, with the KaTeX that lies beside this file.

const LITTLE = 0.88; // of the size: better than to wrap
const LEAST = 0.66; // of the size: the smallest that is read without effort

const WORD = 20; // letters of a formula that stays on one line

const formulas = document.querySelectorAll(".arithmatex");

if (formulas.length > 0) {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = new URL("katex/katex.min.css", import.meta.url).href;
  const styled = new Promise((done) => style.addEventListener("load", done));
  document.head.append(style);

  const script = document.createElement("script");
  script.src = new URL("katex/katex.min.js", import.meta.url).href;
  script.addEventListener("load", () => {
    formulas.forEach(render);
    document.dispatchEvent(new Event("formulas"));
    styled.then(() => document.fonts.ready).then(fitAll);
  });
  document.head.append(script);
}

function render(element) {
  // Arithmatex leaves \(…\) and \[…\].
  const source = element.textContent.trim();
  const displayMode = source.startsWith("\\[");
  katex.render(source.slice(2, -2), element, {
    displayMode,
    throwOnError: false,
    strict: (code) => (code === "unicodeTextInMathMode" ? "error" : "ignore"),
    macros: { "\\T": "^{\\top}", "\\d": "\\mathrm{d}" },
  });
  if (displayMode) markBreaks(element);
  else keepTogether(element);
}

/** Where a formula may go on in a new line: at wide spaces such as `\qquad`, and before a relation. */
function markBreaks(element) {
  for (const sign of element.querySelectorAll(".katex-html > .katex-base > .mrel:nth-last-child(2)")) {
    const next = sign.parentElement.nextElementSibling;
    next?.firstChild.after(sign.previousSibling, sign, sign.nextSibling);
  }
  for (const space of element.querySelectorAll(".katex-html > .katex-base > .mspace")) {
    space.classList.toggle("break", parseFloat(space.style.marginRight) >= 1);
  }
}

/**
 * The comma behind an inline formula does not begin a line, nor does the bracket before it end one; and
 * a formula that is no longer than a long word is not broken.
 */
function keepTogether(element) {
  const short = element.querySelector(".katex-html")?.textContent.length <= WORD;
  element.classList.toggle("short", short);
  const before = /[([“‘"—–-]+$/.exec(textOf(element.previousSibling))?.[0] ?? "";
  const behind = /^[.,;:!?)\]”’"…\p{L}\d-]+/u.exec(textOf(element.nextSibling))?.[0] ?? "";
  if (!before && !behind && !short) return;
  const { previousSibling, nextSibling } = element;
  if (before) previousSibling.data = previousSibling.data.slice(0, -before.length);
  if (behind) nextSibling.data = nextSibling.data.slice(behind.length);
  const kept = document.createElement("span");
  kept.className = "keeps";
  element.replaceWith(kept);
  kept.append(before, element, behind);
}

function textOf(node) {
  return node?.nodeType === Node.TEXT_NODE ? node.data : "";
}

function fitAll() {
  const displayed = [...document.querySelectorAll("div.arithmatex")];
  const watch = new ResizeObserver((entries) => entries.forEach(({ target }) => fitThoseIn(target)));
  const places = new Map(); // the boxes whose width is the formulas': one observer for each
  for (const element of displayed) {
    let place = element.closest(".equation")?.parentElement ?? element.parentElement;
    while (getComputedStyle(place).display === "contents") place = place.parentElement;
    if (!places.has(place)) places.set(place, { width: -1, elements: [] });
    places.get(place).elements.push(element);
  }
  const fitThoseIn = (place) => {
    const known = places.get(place);
    if (known.width === place.clientWidth || place.clientWidth === 0) return;
    known.width = place.clientWidth;
    known.elements.forEach(fit);
  };
  for (const place of places.keys()) watch.observe(place);
}

/** Shrink, break, wrap, shrink more, scroll: the first that is enough. */
function fit(element) {
  element.classList.remove("breaks", "wraps", "shrinks", "scrolls");
  element.removeAttribute("tabindex");
  if (element.clientWidth === 0 || excess(element) <= 1) return;
  if (shrunk(element, LITTLE)) return;
  element.classList.add("breaks");
  if (excess(element) <= 1 || shrunk(element, LITTLE)) return;
  element.classList.add("wraps");
  if (excess(element) <= 1 || shrunk(element, LEAST)) return;
  element.classList.remove("breaks", "wraps");
  if (shrunk(element, LEAST)) return;
  element.classList.add("shrinks", "scrolls");
  element.style.setProperty("--shrink", LEAST);
  element.tabIndex = 0;
}

/** Whether the formula fits in at least `least` of its size, which it then has. */
function shrunk(element, least) {
  const needed = element.clientWidth / element.scrollWidth;
  element.classList.add("shrinks");
  element.style.setProperty("--shrink", Math.max(least, Math.floor(98 * needed) / 100));
  if (needed >= least && excess(element) <= 1) return true;
  element.classList.remove("shrinks");
  return false;
}

const excess = (element) => element.scrollWidth - element.clientWidth;
