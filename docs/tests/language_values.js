// Runs in the page: every number of a forward and backward pass and of a step, by the names of
// language_reference.py, as base64 of float32. With targets of null, only what is computed forward.
async ([folder, name, tokens, targets, rate]) => {
  const { loadManifest, loadNetwork } = await import(folder + "assets.js");
  const { gradients, sgd } = await import(folder + "gpt.js");
  const described = (await loadManifest()).find((network) => network.name === name);
  const { model, params } = await loadNetwork(described);
  const found = {};
  const pack = (key, { values }) => {
    const bytes = new Uint8Array(Float32Array.from(values).buffer);
    let text = "";
    for (let i = 0; i < bytes.length; i += 32768) {
      text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    }
    found[key] = btoa(text);
  };
  const forward = model.forward(params, tokens);
  const { loss, dz, grads, inner } = gradients(model, params, forward, targets);
  pack("loss", { values: [loss] });
  pack("z", forward.y);
  pack("dz", dz);
  parts("", forward.cache, inner);
  leaves("grad", grads);
  const after = sgd(params, grads, rate);
  leaves("after", after);
  const again = gradients(model, after, model.forward(after, tokens), targets);
  pack("next loss", { values: [again.loss] });
  return found;

  /** The values of layers, forward from their caches, backward from what `serial` kept. */
  function parts(path, caches, backward) {
    caches.forEach((kept, i) => {
      const [at, back] = [`${path}${i}`, backward[i]];
      pack(`${at} y`, kept.y);
      pack(`${at} dy`, back.dy);
      if (back.dx) pack(`${at} dx`, back.dx);
      if (kept.inner) parts(`${at}.`, kept.inner, back.inner);
      if (kept.steps) kept.steps.forEach((step, h) => steps(`${at} head ${h} `, step, back.steps[h]));
      else if (back.steps) steps(`${at} `, { a: kept.a, h: kept.h }, back.steps);
    });
  }

  function steps(path, ...records) {
    for (const record of records) {
      for (const [symbol, value] of Object.entries(record)) pack(path + symbol, value);
    }
  }

  function leaves(path, part) {
    if (!Array.isArray(part) && part.values) pack(path, part);
    else for (const [key, inside] of Object.entries(part)) leaves(`${path} ${key}`, inside);
  }
};
