/** Says on a page of the playground what could not be loaded, and what a reader can do about it. */

const box = document.querySelector(".failed");

/** The page cannot work: the message takes the place of what would not answer. */
export function failed(why) {
  box.querySelector(".failed-why").textContent = why;
  box.hidden = false;
  document.querySelector("#playground, #writer, #train").classList.add("is-failed");
}

/** The scripts that this page asked for and that do not come even when asked for again. */
export async function missingScripts() {
  const asked = performance.getEntriesByType("resource").map(({ name }) => new URL(name));
  const scripts = asked.filter(({ pathname }) => /\/assets\/.*\.js$/.test(pathname));
  const lost = await Promise.all(
    [...new Set(scripts.map(({ href }) => href))].map(async (href) => {
      const response = await fetch(href).catch(() => null);
      return response?.ok ? "" : href.split("/").pop();
    }),
  );
  return lost.filter(Boolean).sort();
}

const listed = (names) => (names.length > 1 ? `The files ${names.join(", ")}` : `The file ${names[0]}`);

/** For a script whose module, or one that it imports, has not come. */
export async function scriptsFailed() {
  const names = await missingScripts();
  failed(names.length ? `${listed(names)} could not be downloaded.` : "One of its scripts could not be downloaded.");
}
