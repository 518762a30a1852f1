/** What the views share: the symbols of a layer, and pictures of a layer's units and matrices. */

import { pixelName } from "./dom.js";

/** The column count that gives a unit the same place in every picture of its layer. */
export const columnsFor = (units) => (units > 64 ? 16 : 8);

/** One tile a unit. */
export function unitTiles(values, more = {}) {
  return {
    count: values.length,
    columns: columnsFor(values.length),
    shape: `(1, ${values.length})`,
    value: (unit) => values[unit],
    name: (unit) => `unit ${unit}`,
    ...more,
  };
}

/** One 28×28 image a unit: the columns of a (784, units) matrix. */
export function imageTiles({ rows, cols, values }, more = {}) {
  return {
    count: cols,
    columns: columnsFor(cols),
    side: 28,
    least: 30,
    most: 84,
    shape: `(${rows}, ${cols})`,
    value: (unit, pixel) => values[pixel * cols + unit],
    name: (unit, pixel) => `unit ${unit}, ${pixelName(pixel)}`,
    ...more,
  };
}

/** One 28×28 image of 784 numbers. */
export function oneImage(values, shape, more = {}) {
  return {
    count: 1,
    columns: 1,
    side: 28,
    least: 84,
    most: 196,
    shape,
    value: (_, pixel) => values[pixel],
    name: (_, pixel) => pixelName(pixel),
    ...more,
  };
}

/** A (n_in, units) matrix on its side: a column for each input, a row for each unit. */
export function matrixTiles({ rows, cols, values }, more = {}) {
  return {
    count: rows * cols,
    columns: rows,
    gap: 0,
    least: 8,
    most: 18,
    shape: `(${rows}, ${cols})`,
    value: (tile) => values[(tile % rows) * cols + Math.floor(tile / rows)],
    name: (tile) => `from unit ${tile % rows} to unit ${Math.floor(tile / rows)}`,
    ...more,
  };
}

/** "Layer 1: 784 → 128, relu" */
export function titleOf({ w, activation }, l) {
  return `Layer ${l + 1}: ${w[0]} → ${w[1]}, ${activation}`;
}
