// Runs in the page. Arrays leave it as base64 of float32: JSON is slow for a hundred thousand
// numbers, and this rounds by 6e-8 of a number, a thousandth of the tolerance.
async ([folder, name, images, targets, rate]) => {
  const { matrix } = await import(folder + "matrix.js");
  const { loadManifest, loadParams } = await import(folder + "assets.js");
  const { forward, backward, loss, step } = await import(folder + "network.js");
  const { networks } = await loadManifest();
  const params = await loadParams(networks.find((network) => network.name === name));
  const pixels = Uint8Array.from(atob(images), (c) => c.charCodeAt(0));
  const x = matrix(
    targets.length,
    784,
    Float64Array.from(pixels, (value) => value / 255),
  );
  const pack = (values) => {
    const bytes = new Uint8Array(Float32Array.from(values).buffer);
    let text = "";
    for (let i = 0; i < bytes.length; i += 32768) {
      text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    }
    return btoa(text);
  };
  const caches = forward(params, x);
  const grads = backward(params, caches, targets);
  const next = step(params, grads, rate);
  const found = { loss: pack(Float64Array.of(loss(caches, targets))) };
  found.next_loss = pack(Float64Array.of(loss(forward(next, x), targets)));
  params.forEach((_, l) => {
    found[`Z${l + 1}`] = pack(caches[l].z.values);
    found[`A${l + 1}`] = pack(caches[l].a.values);
    found[`dZ${l + 1}`] = pack(grads[l].dz.values);
    found[`dW${l + 1}`] = pack(grads[l].dw.values);
    found[`db${l + 1}`] = pack(grads[l].db);
    if (l > 0) found[`dA${l}`] = pack(grads[l].dx.values);
    found[`W${l + 1} after`] = pack(next[l].w.values);
    found[`b${l + 1} after`] = pack(next[l].b);
  });
  return found;
};
