/**
 * The button in a widget's corner that shows the widget alone on the whole screen, as large as it fits: for a
 * projector. Escape or the button leaves.
 */

import { element, mark, styled } from "./kit.js";

const LARGEST = 3; // times the size on the page
const ROOM = 720; // pixels of the page's size that a widget is laid out in at least, unless it had fewer
const ENOUGH = 1.5; // where it does not fit, it is at most this large, and scrolls
const OUT = "M2 6V2h4 M10 2h4v4 M14 10v4h-4 M6 14H2v-4"; // corners that point out, and in
const IN = "M2 6h4V2 M10 2v4h4 M14 10h-4v4 M6 14v-4H2";

export default async function fullScreen(figure) {
  await styled(new URL("full-screen.css", import.meta.url));
  const icon = mark("path", { d: OUT, fill: "none", stroke: "currentcolor", "stroke-width": 2 });
  const made = element(
    "button",
    { type: "button", class: "full-screen", "aria-label": "Full screen", "aria-pressed": "false" },
    mark("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, icon),
  );
  made.title = "Full screen";
  const body = figure.querySelector(".widget-body");
  const isFull = () => document.fullscreenElement === figure;
  let room = ROOM;

  made.addEventListener("click", () => {
    if (isFull()) return document.exitFullscreen();
    room = Math.min(ROOM, body.clientWidth);
    return figure.requestFullscreen();
  });
  figure.addEventListener("fullscreenchange", () => {
    made.setAttribute("aria-pressed", isFull());
    icon.setAttribute("d", isFull() ? IN : OUT);
    if (isFull()) fit();
    else figure.style.removeProperty("--zoom");
  });
  addEventListener("keydown", ({ key }) => {
    if (key === "Escape" && isFull()) document.exitFullscreen(); // not every browser does it by itself
  });
  addEventListener("resize", () => isFull() && fit());
  figure.append(made);

  /** Finds the largest size at which nothing needs to be scrolled to. */
  function fit() {
    const most = Math.min(LARGEST, Math.max(1, figure.clientWidth / room));
    for (let zoom = most; zoom > 1; zoom -= 0.05) {
      figure.style.setProperty("--zoom", zoom);
      const wide = [figure, ...figure.querySelectorAll(".graph-scroll, .wide")];
      if (figure.scrollHeight > figure.clientHeight) continue;
      if (wide.every(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)) return;
    }
    figure.style.setProperty("--zoom", Math.min(ENOUGH, most));
  }
}
