/**
 * The three sums of a convolution with one channel, each as a window that moves over a field: the kernel
 * over the padded image, dz over the padded image, and the flipped kernel over dz.
 */

/** Rows of padding before and after, and the size of the output; `padding` is 0, 1, or "SAME". */
export function geometry(size, kernel, stride, padding) {
  let [low, high] = [padding, padding];
  if (padding === "SAME") {
    const total = Math.max((Math.ceil(size / stride) - 1) * stride + kernel - size, 0);
    [low, high] = [Math.floor(total / 2), Math.ceil(total / 2)];
  }
  return { size, kernel, stride, low, high, out: Math.floor((size + low + high - kernel) / stride) + 1 };
}

/** Cells { value, at } of a square matrix; a zero that was put in is { value: 0 } without a place. */
const cellsOf = (matrix, name) =>
  matrix.map((row, r) => row.map((value, c) => ({ value, name, at: [r, c] })));

const ZERO = { value: 0 };

function padded(cells, low, high) {
  const length = low + cells.length + high;
  return square(length, (r, c) => cells[r - low]?.[c - low] ?? ZERO);
}

function dilated(cells, step) {
  return square(step * (cells.length - 1) + 1, (r, c) =>
    r % step || c % step ? ZERO : cells[r / step][c / step],
  );
}

function turned(cells) {
  return cells.toReversed().map((row) => row.toReversed());
}

const square = (length, cell) =>
  Array.from({ length }, (_, r) => Array.from({ length }, (_, c) => cell(r, c)));

/**
 * The scene of a mode ("z", "dw", or "dx"): the cells of `field` and of `window`, the `step` of the window,
 * and the size of the result. `entry(i, j)` is { value, terms }; each term is the two cells that meet.
 */
export function sceneOf(mode, { x, w, dz }, { size, kernel, stride, low, high, out }) {
  const [image, weights, back] = [cellsOf(x, "x"), cellsOf(w, "w"), cellsOf(dz, "dz")];
  const spaced = dilated(back, stride);
  const scene = {
    z: { field: padded(image, low, high), window: weights, step: stride, length: out },
    dw: { field: padded(image, low, high), window: spaced, step: 1, length: kernel },
    dx: {
      field: padded(spaced, kernel - 1 - low, size + low - spaced.length),
      window: turned(weights),
      step: 1,
      length: size,
    },
  }[mode];
  scene.entry = (i, j) => {
    const met = scene.window.flatMap((row, a) =>
      row.map((weight, c) => [scene.field[scene.step * i + a][scene.step * j + c], weight]),
    );
    const terms = met.filter((pair) => pair.every(({ at }) => at));
    return { terms, value: terms.reduce((sum, [p, q]) => sum + p.value * q.value, 0) };
  };
  return scene;
}
