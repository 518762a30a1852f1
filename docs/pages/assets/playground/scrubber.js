/** The control that runs through the stages: a slider, a play button, and a symbol for each stage. */

import { element } from "./dom.js";

const PAUSE = 2400; // milliseconds that a stage stays while it plays

/**
 * @param {HTMLElement} host
 * @param {(at: number) => void} onMove
 */
export function createScrubber(host, onMove) {
  const play = element("button", { type: "button", class: "pg-play" });
  const back = element("button", { type: "button", class: "pg-by-one", "aria-label": "Previous stage" }, "‹");
  const on = element("button", { type: "button", class: "pg-by-one", "aria-label": "Next stage" }, "›");
  const named = element("span", { class: "pg-named", "aria-hidden": "true" });
  const range = element("input", {
    type: "range",
    min: 0,
    step: 1,
    "aria-label": "Stage of the pass",
  });
  const track = element("div", { class: "pg-stages", "aria-hidden": "true" });
  host.append(play, back, named, on, element("div", { class: "pg-track-box" }, range, track));
  let [stages, at, last, timer] = [[], 0, 0, 0];
  let kept = null; // the stage to come back to, while there is no drawing

  function tell() {
    play.textContent = timer ? "❚❚" : "▶";
    play.setAttribute("aria-label", timer ? "Pause" : "Play the pass, stage by stage");
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    tell();
  }

  function go(next) {
    kept = null;
    at = next;
    mark();
    onMove(at);
  }

  function start() {
    stop();
    timer = setInterval(() => (at < last ? go(at + 1) : stop()), PAUSE);
    tell();
    go(at < last ? at : 0);
  }

  function mark() {
    range.value = at;
    const { symbol, direction } = stages[at];
    host.dataset.direction = direction;
    named.textContent = symbol;
    named.className = `pg-named ${direction && `pg-to-${direction}`}`;
    back.disabled = at === 0;
    on.disabled = at >= last;
    range.setAttribute("aria-valuetext", `${symbol}${direction ? `, ${direction}` : ""}`);
    [...track.children].forEach((cell, i) => {
      cell.classList.toggle("pg-now", i === at);
      cell.classList.toggle("pg-done", i <= at);
      cell.classList.toggle("pg-closed", i > last);
    });
  }

  range.addEventListener("input", () => {
    stop();
    go(Math.min(range.valueAsNumber, last));
  });
  back.addEventListener("click", () => (stop(), go(at - 1)));
  on.addEventListener("click", () => (stop(), go(at + 1)));
  play.addEventListener("click", () => (timer ? stop() : start()));
  tell();

  return {
    stop,
    start,
    go,

    /** The stages of another network. */
    use(those, first) {
      stages = those;
      range.max = stages.length - 1;
      host.classList.toggle("pg-many", stages.length > 12);
      host.style.setProperty("--pg-count", stages.length);
      const cells = stages.map(({ symbol, direction }, i) => {
        const cell = element(
          "span",
          { class: `pg-stage ${direction && `pg-to-${direction}`}` },
          symbol,
        );
        cell.addEventListener("click", () => {
          stop();
          if (i <= last) go(i);
        });
        return cell;
      });
      track.replaceChildren(...cells);
      last = stages.length - 1;
      kept = null;
      at = first;
      mark();
    },

    /** The last stage that can be shown: none has a loss without a label, or numbers without a drawing. */
    limit(most) {
      last = most;
      if (last === 0) kept ??= at;
      else [at, kept] = [kept ?? at, null];
      at = Math.min(at, last);
      if (at === last && timer) stop();
      mark();
      return at;
    },
  };
}
