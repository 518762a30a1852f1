// Tables as cards, on a phone: assets/tables.js asks for this when there is one.

const SHORT = 6; // letters of a number that leaves room for another beside it
const COUNT = /^\d+([–-]\d+)?$/; // such as 3 or 0–8, which alone is no title

/** The cells of each column, from the first. */
function columnsOf(table) {
  const rows = [...table.tBodies[0].rows];
  return [...table.tHead.rows[0].cells].map((_, i) => rows.map((row) => row.cells[i]).filter(Boolean));
}

/** Whether both columns have names in code, such as those of two libraries: nothing else says which is which. */
function areNames([first, second, third]) {
  const mostly = (cells) => cells.filter((cell) => cell.firstChild?.nodeName === "CODE").length > cells.length / 2;
  return !third && mostly(first) && mostly(second);
}

/** In a table of names, both have the name of their column. A card's title that is a mere count begins with the name of its column; two or three numbers share a line. */
export function arrange(table, names) {
  const columns = columnsOf(table);
  const words = (cell) => cell.textContent.trim();
  if (areNames(columns)) table.classList.replace("pairs", "names");
  if (names[0] && columns[0].every((cell) => COUNT.test(words(cell)))) {
    const title = names[0][0].toUpperCase() + names[0].slice(1);
    for (const cell of columns[0]) cell.dataset.title = title;
  }
  const isShort = (cells) => cells.every((cell) => words(cell).length <= SHORT && !cell.querySelector(".arithmatex"));
  const short = columns.map((cells, i) => i > 0 && isShort(cells));
  for (let i = 1; i < short.length; i++) {
    let end = i;
    while (short[end]) end++;
    const several = end - i === 2 || end - i === 3;
    if (several && end - i < columns.length - 1)
      columns.slice(i, end).forEach((cells, k) => cells.forEach((cell) => cell.classList.add(k ? "beside" : "begins")));
    i = Math.max(i, end);
  }
}
