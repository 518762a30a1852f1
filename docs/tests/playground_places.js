// Where the units of the drawing are, in parts of the page: a list for each layer.
async ([folder, units]) => {
  const { layoutOf, pixelAt } = await import(folder + "layout.js");
  const host = document.querySelector("#pg-net");
  const layout = layoutOf(host.clientWidth, host.clientHeight, units);
  return {
    layers: layout.columns.map(({ nodes }) => nodes.map(({ x, y }) => [x, y])),
    pixels: layout.images.map((image) =>
      Array.from({ length: 784 }, (_, index) => Object.values(pixelAt(image, index))),
    ),
  };
};
