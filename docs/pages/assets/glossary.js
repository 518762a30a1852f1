// Shows the definition of a glossary's term beside it: under the pointer, with the keyboard, by a tap.
// Without this, a term is a link into the glossary. A second tap, or Enter, follows that link.

const note = document.createElement("div");
note.className = "term-note";
note.id = "term-note";
note.setAttribute("role", "tooltip");
note.hidden = true;

let shown = null;
let touched = false;

/** The term that an event happened on, or null. */
const termOf = (event) => event.target.closest?.("a.term") ?? null;

/** Shows the definition of a term below it, or above where there is no room. */
function show(term) {
  if (shown === term) return;
  hide();
  shown = term;
  note.textContent = term.dataset.definition + (touched ? " Tap again for the glossary." : "");
  note.hidden = false;
  document.body.append(note);
  term.setAttribute("aria-describedby", note.id);
  const place = term.getBoundingClientRect();
  const width = Math.min(320, document.documentElement.clientWidth - 16);
  note.style.width = `${width}px`;
  const left = Math.min(Math.max(place.left, 8), document.documentElement.clientWidth - width - 8);
  const above = place.bottom + note.offsetHeight + 12 > innerHeight;
  note.style.left = `${left + scrollX}px`;
  note.style.top = `${scrollY + (above ? place.top - note.offsetHeight - 6 : place.bottom + 6)}px`;
}

/** Hides what is shown. */
function hide() {
  shown?.removeAttribute("aria-describedby");
  shown = null;
  note.hidden = true;
}

document.addEventListener("pointerdown", (event) => {
  touched = event.pointerType !== "mouse";
  if (touched && !termOf(event)) hide();
});
document.addEventListener("click", (event) => {
  const term = termOf(event);
  if (!term || !touched || term === shown?.tapped) return;
  event.preventDefault();
  show(term);
  shown.tapped = term;
});
document.addEventListener("pointerover", (event) => {
  if (event.pointerType !== "mouse") return;
  touched = false;
  const term = termOf(event);
  if (term) show(term);
  else if (shown && document.activeElement !== shown) hide();
});
document.addEventListener("focusin", (event) => {
  const term = termOf(event);
  if (term && !touched) show(term);
  else if (!term) hide();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hide();
});
