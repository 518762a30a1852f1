// Runs the widgets of a page: assets/widgets/NAME.js is asked for where a figure names it. A module's
// default export is `widget(body, settings)`: it fills the element `body`. Where it fails, the words for
// readers who cannot see it stay.

for (const figure of document.querySelectorAll("figure.widget")) run(figure);

async function run(figure) {
  const body = figure.querySelector(".widget-body");
  const settings = JSON.parse(figure.querySelector("script").textContent);
  const module = await import(`./widgets/${figure.dataset.widget}.js`);
  const words = [...body.childNodes];
  try {
    await document.fonts.ready; // words in drawings are measured
    body.replaceChildren();
    await module.default(body, settings);
  } catch (error) {
    body.replaceChildren(...words);
    throw error;
  }
  const large = document.fullscreenEnabled && settings.fullScreen !== false;
  if (large) (await import("./widgets/full-screen.js")).default(figure);
  figure.classList.add("widget-ready");
}
