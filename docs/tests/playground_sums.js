// For each stage of a network: the sums of many targets, and how far their terms are from the total.
async ([folder, name, image, label]) => {
  const { matrix } = await import(folder + "matrix.js");
  const { loadManifest, loadParams } = await import(folder + "assets.js");
  const { createSession, telling } = await import(folder + "session.js");
  const { stagesOf } = await import(folder + "stages.js");
  const { sumOf, writtenAs } = await import(folder + "sums.js");
  const { networks } = await loadManifest();
  const session = createSession();
  session.use(await loadParams(networks.find((network) => network.name === name)));
  const { state } = session;
  const pixels = Uint8Array.from(atob(image), (c) => c.charCodeAt(0));
  state.x = matrix(1, 784, Float64Array.from(pixels, (value) => value / 255));
  state.label = label;
  session.compute();
  const stages = stagesOf(state.params.length);
  const found = [];
  stages.forEach((stage, at) => {
    const targets = [telling(session, stage), { kind: "pixel", index: 400 }, { kind: "loss" }];
    state.params.forEach(({ w }, l) => {
      for (let index = 0; index < w.cols; index++) {
        targets.push({ kind: "unit", layer: l + 1, index });
      }
      for (let i = 0; i < 60; i++) {
        const [from, to] = [(i * 31) % w.rows, (i * 7) % w.cols];
        targets.push({ kind: "edge", layer: l + 1, from, to });
      }
    });
    for (const target of targets) {
      const sum = sumOf(stages, at, state, target);
      if (!sum) continue;
      const added = sum.terms.reduce((total, { value }) => total + value, sum.rest.value);
      const values = sum.terms.map(({ value }) => value);
      const written = [...values, ...(sum.rest.count ? [sum.rest.value] : []), sum.total].map(writtenAs(sum));
      found.push({ stage: stage.symbol, name: sum.name, total: sum.total, added, shown: sum.terms.length, written });
    }
  });
  return { stages: stages.map(({ symbol }) => symbol), found };
};
