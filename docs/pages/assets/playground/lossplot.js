/** The loss after each step, on a log axis, as a line in SVG: its colors are those of the page's CSS. */

import { ofAxis } from "../widgets/powers.js";
import { element, show } from "./dom.js";

const [WIDTH, HEIGHT] = [270, 116];
const [LEFT, RIGHT, TOP, BOTTOM] = [40, 8, 10, 30];
const LEAST = 1e-9; // a loss of 0 has no logarithm

export function createLossPlot(host) {
  const box = element("div", { class: "pg-plot" });
  host.append(box);

  /** @param {number[]} losses before the first step, after it, and so on */
  return function paint(losses) {
    const steps = Math.max(10, losses.length - 1);
    const logs = losses.map((loss) => Math.log10(Math.max(loss, LEAST)));
    const [low, high] = decades(logs);
    const x = (i) => LEFT + ((WIDTH - LEFT - RIGHT) * i) / steps;
    const y = (log) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * (log - low)) / (high - low);
    const every = Math.ceil((high - low) / 4);
    const ticks = [];
    for (let log = high; log >= low; log -= every) ticks.push(log);
    const written = ofAxis(ticks.map((log) => 10 ** log));
    const parts = [
      ...ticks.map((log) => line(LEFT, y(log), WIDTH - RIGHT, y(log), "pg-grid")),
      ...ticks.map((log) => text(LEFT - 6, y(log) + 4, written(10 ** log), "end")),
      ...[0, Math.round(steps / 2), steps].map((i) =>
        text(x(i), HEIGHT - BOTTOM + 14, i, "middle"),
      ),
      text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 3, "steps", "middle"),
      `<polyline points="${logs.map((log, i) => `${x(i)},${y(log)}`).join(" ")}"/>`,
    ];
    if (losses.length <= 60) {
      parts.push(...logs.map((log, i) => `<circle cx="${x(i)}" cy="${y(log)}" r="3"/>`));
    }
    const label = losses.length
      ? `Loss ${show(losses[0])} before the first step, ` +
        `${show(losses.at(-1))} after step ${losses.length - 1}`
      : "No loss yet";
    // Nothing but numbers goes in here.
    const head = `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">`;
    box.innerHTML = `${head}${parts.join("")}</svg>`;
  };
}

/** Whole powers of ten around the values, at least two of them. */
function decades(logs) {
  const low = Math.floor(Math.min(...logs, 0));
  const high = Math.ceil(Math.max(...logs, low + 1));
  return [low, high];
}

function line(x1, y1, x2, y2, kind) {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" class="${kind}"/>`;
}

function text(x, y, content, anchor) {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${content}</text>`;
}
