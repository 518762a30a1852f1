// On a phone, a table that is too wide for it, or whose cells become columns of single words, is shown
// as cards: a row is a card, and each of its cells has the name of its column, unless there is only one besides
// the title's. Code that is too wide wraps.

const LINES = 4; // of a row, at most, in a table that stays one

const narrow = window.matchMedia("(max-width: 44.98em)");

const styled = () => {
  if (!narrow.matches) return;
  const href = new URL("cards.css", import.meta.url);
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
  narrow.removeEventListener("change", styled);
};
narrow.addEventListener("change", styled);
if (document.querySelector(".md-typeset table")) styled();

/** The name of a column with a formula, which no attribute can have, stands in the cells of the cards. */
function name(table, cards) {
  for (const label of table.querySelectorAll("td > .label")) label.remove();
  if (!cards) return;
  [...table.tHead.rows[0].cells].forEach((head, i) => {
    if (i === 0 || !head.querySelector(".arithmatex")) return;
    for (const { cells } of table.tBodies[0].rows) {
      if (!cells[i]?.hasChildNodes()) continue;
      const label = document.createElement("span");
      label.className = "label";
      label.append(...head.cloneNode(true).childNodes);
      cells[i].prepend(label);
    }
  });
}

/** A table as cards, or as it is; the browser's own roles are those of the display, so they are set. */
function show(table, cards) {
  name(table, cards);
  table.classList.toggle("cards", cards);
  table.classList.toggle("brief", cards && isIndex(table));
  table.classList.toggle("pairs", cards && table.rows[0].cells.length === 2);
  table.classList.remove("names"); // cards.js knows those
  if (!table.classList.length) table.removeAttribute("class"); // the styles are those of tables without one
  const roles = { table: "table", tr: "row", th: "columnheader", td: "cell" };
  for (const [tag, role] of Object.entries(roles)) {
    const all = tag === "table" ? [table] : table.querySelectorAll(tag);
    for (const element of all) cards ? element.setAttribute("role", role) : element.removeAttribute("role");
  }
}

/** Whether its rows lead to entries of the reference, which it stands in: these have the formulas. */
function isIndex(table) {
  if (!location.pathname.includes("/reference/")) return false;
  return [...table.tBodies[0].rows].every(({ cells }) => cells[0].querySelector("a[href*='#purenn.']"));
}

function judge(table, names) {
  if (table.querySelector(".arithmatex:not(:has(.katex))")) return; // its formulas are not drawn yet
  show(table, false);
  const place = table.closest(".md-typeset__scrollwrap") ?? table.parentElement;
  if (!narrow.matches || !place.clientWidth) return;
  const line = parseFloat(getComputedStyle(table).fontSize) * 1.6;
  const high = [...table.rows].some((row) => row.offsetHeight > (LINES + 1) * line);
  const cards = high || place.scrollWidth > place.clientWidth + 1;
  show(table, cards);
  if (cards) import("./cards.js").then(({ arrange }) => arrange(table, names));
}

for (const table of document.querySelectorAll(".md-typeset table:not([class])")) {
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])];
  const names = heads.map((cell) => (cell.querySelector(".arithmatex") ? "" : cell.textContent.trim()));
  if (names.length < 2) continue;
  for (const row of table.tBodies[0].rows) {
    [...row.cells].forEach((cell, i) => {
      cell.dataset.label = names[i] ?? "";
      const letters = cell.innerText.trim().length;
      if (!cell.querySelector(".arithmatex")) cell.style.setProperty("--letters", letters);
    });
  }
  const again = () => judge(table, names);
  narrow.addEventListener("change", again);
  document.addEventListener("formulas", again); // are drawn
  new ResizeObserver(() => !table.classList.contains("cards") && again()).observe(table);
}

const codes = new ResizeObserver((entries) => {
  if (!entries.some(({ target }) => target.scrollWidth > target.clientWidth + 1)) return;
  codes.disconnect();
  import("./code.js");
});
for (const code of document.querySelectorAll("pre > code")) codes.observe(code);
