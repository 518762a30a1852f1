/**
 * From a drawing to the 28×28 pixels of MNIST, as its authors made theirs: the ink's bounding box
 * is scaled, keeping its proportions, until it just fits 20×20; averaging areas gives gray edges;
 * then whole pixels of shift put the center of mass at the center of 28×28.
 */

export const SIDE = 28;
const FIT = 20;

/**
 * @param {ArrayLike<number>} ink width × height values from 0, paper, to 255, row by row
 * @returns {Uint8Array | null} 784 values from 0 to 255, row by row; null where there is no ink
 */
export function toMnist(ink, width, height) {
  const box = boundingBox(ink, width, height);
  if (box === null) return null;
  const scale = FIT / Math.max(box.width, box.height);
  const cols = Math.max(1, Math.round(box.width * scale));
  const rows = Math.max(1, Math.round(box.height * scale));
  return centered(shrink(ink, width, box, cols, rows), cols, rows);
}

/** The smallest box with all the ink, or null. */
export function boundingBox(ink, width, height) {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (ink[y * width + x] > 0) {
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = y;
      }
    }
  }
  return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** The mean of each small pixel's area: first along the rows, then along the columns. */
function shrink(ink, width, box, cols, rows) {
  const across = weights(box.width, cols);
  const down = weights(box.height, rows);
  const narrow = new Float64Array(box.height * cols);
  for (let y = 0; y < box.height; y++) {
    const start = (box.top + y) * width + box.left;
    across.forEach((part, x) => {
      for (const [source, weight] of part) narrow[y * cols + x] += weight * ink[start + source];
    });
  }
  const small = new Float64Array(rows * cols);
  down.forEach((part, y) => {
    for (const [source, weight] of part) {
      for (let x = 0; x < cols; x++) small[y * cols + x] += weight * narrow[source * cols + x];
    }
  });
  return small;
}

/** For each of `to` equal parts of a line of `from` pixels: [pixel, its share of the part]. */
function weights(from, to) {
  const length = from / to;
  return Array.from({ length: to }, (_, i) => {
    const [start, end] = [i * length, (i + 1) * length];
    const part = [];
    for (let pixel = Math.floor(start); pixel < Math.min(end, from); pixel++) {
      const overlap = Math.min(end, pixel + 1) - Math.max(start, pixel);
      if (overlap > 1e-9) part.push([pixel, overlap / length]);
    }
    return part;
  });
}

/**
 * The center of mass, pixel i reaching from i to i + 1: (x, y). A whole number of pixels puts it
 * into pixel 14, from 14 to 15, where each of the 10,000 images of MNIST's test set has its own.
 */
export function centerOfMass(values, cols) {
  let [mass, x, y] = [0, 0, 0];
  values.forEach((value, i) => {
    mass += value;
    x += value * ((i % cols) + 0.5);
    y += value * (Math.floor(i / cols) + 0.5);
  });
  return [x / mass, y / mass];
}

function centered(small, cols, rows) {
  const [x, y] = centerOfMass(small, cols);
  const left = shift(x, cols);
  const top = shift(y, rows);
  const pixels = new Uint8Array(SIDE * SIDE);
  small.forEach((value, i) => {
    pixels[(top + Math.floor(i / cols)) * SIDE + left + (i % cols)] = Math.round(value);
  });
  return pixels;
}

/** As far as the center asks for, but never beyond the edge: no ink is lost. */
function shift(center, size) {
  return Math.min(Math.max(SIDE / 2 - Math.floor(center), 0), SIDE - size);
}
