/**
 * Trains beside the page, so that the page never waits. It answers each message with one report.
 *
 * `{id, spec}` starts a run; `{id, steps, milliseconds}` takes up to so many steps, for about that
 * long; `{id, rate}` changes the learning rate. The id comes back with the report, since a report may
 * be of a run that the reader has already left.
 */

import { loadDigits } from "./digits.js";
import { report } from "./report.js";
import { createRun, pointsOf } from "./run.js";

let run = null;
let spec = null;

addEventListener("message", async ({ data }) => {
  try {
    if (data.spec) await start(data.spec);
    if (data.rate !== undefined) run.rate = data.rate;
    if (data.steps) train(data);
    const found = report(run, spec);
    postMessage({ id: data.id, ...found }, { transfer: found.arrays.map((array) => array.buffer) });
  } catch (error) {
    postMessage({ id: data.id, error: error.message });
  }
});

async function start(wanted) {
  spec = wanted;
  const examples = wanted.data === "digits" ? await loadDigits() : pointsOf(wanted);
  if (spec === wanted) run = createRun(wanted, examples); // or another was wanted meanwhile
}

function train({ steps, milliseconds }) {
  const end = performance.now() + milliseconds;
  for (let i = 0; i < steps && performance.now() < end; i++) run.step();
}
