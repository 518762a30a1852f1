// Runs in the page: trains as the page's worker does, and returns all that it takes to do it again.
// Arrays leave as base64 of float64.
async ([folder, spec, steps]) => {
  const { createRun, pointsOf } = await import(folder + "run.js");
  const { loadDigits } = await import(folder + "digits.js");
  const pack = (values) => {
    const bytes = new Uint8Array(Float64Array.from(values).buffer);
    let text = "";
    for (let i = 0; i < bytes.length; i += 32768) {
      text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    }
    return btoa(text);
  };
  const run = createRun(spec, spec.data === "digits" ? await loadDigits() : pointsOf(spec));
  const weights = () => run.params.map(({ w, b }) => ({ w: pack(w.values), b: pack(b) }));
  const found = { shapes: run.params.map(({ w }) => [w.rows, w.cols]), before: weights(), steps: [] };
  for (let i = 0; i < steps; i++) {
    const batch = run.batch();
    const loss = run.step(batch);
    const grads = run.grads.map(({ dw, db }) => ({ w: pack(dw.values), b: pack(db) }));
    found.steps.push({ x: pack(batch.x.values), targets: batch.targets, loss, grads });
  }
  const held = run.evaluate(run.held);
  return { ...found, after: weights(), heldLoss: held.loss, heldAccuracy: held.accuracy,
    heldX: pack(run.held.x.values), heldTargets: run.held.targets };
};
