/** The loss after each step, as a line in SVG, which takes its colours from the page's CSS. */

import { element, show } from "./dom.js";

const [WIDTH, HEIGHT] = [480, 220];
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 12, 30, 38];

export function createLossPlot(host) {
  const box = element("div", { class: "pg-plot" });
  host.append(box);

  /** @param {number[]} losses before the first step, after it, and so on */
  return function paint(losses) {
    const steps = Math.max(10, losses.length - 1);
    const top = nice(Math.max(...losses, 1e-6));
    const x = (i) => LEFT + ((WIDTH - LEFT - RIGHT) * i) / steps;
    const y = (loss) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * loss) / top;
    const heights = [0, 0.5, 1].map((share) => share * top);
    const parts = [
      ...heights.map((loss) => line(LEFT, y(loss), WIDTH - RIGHT, y(loss), "pg-grid")),
      ...heights.map((loss) => text(LEFT - 7, y(loss) + 4, Number(loss.toPrecision(2)), "end")),
      ...[0, Math.round(steps / 2), steps].map((i) =>
        text(x(i), HEIGHT - BOTTOM + 17, i, "middle"),
      ),
      text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, "steps", "middle"),
      text(LEFT, TOP - 14, "loss", "middle"),
      `<polyline points="${losses.map((loss, i) => `${x(i)},${y(loss)}`).join(" ")}"/>`,
    ];
    if (losses.length <= 60) {
      parts.push(...losses.map((loss, i) => `<circle cx="${x(i)}" cy="${y(loss)}" r="3.5"/>`));
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

/** The next of 1, 2, 5, 10, ... at or above a number. */
function nice(number) {
  const power = 10 ** Math.floor(Math.log10(number));
  return [1, 2, 5, 10].find((factor) => factor * power >= number) * power;
}

function line(x1, y1, x2, y2, kind) {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" class="${kind}"/>`;
}

function text(x, y, content, anchor) {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${content}</text>`;
}
