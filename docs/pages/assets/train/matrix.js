/**
 * The three products of matrices that a dense layer takes, in float64, in plain loops: training calls
 * them hundreds of times per second. Rows are examples, as in purenn.
 *
 * @typedef {{rows: number, cols: number, values: Float64Array}} Matrix  values row by row
 */

/** @returns {Matrix} (rows, cols), zeros unless values are given; they are not copied */
export function matrix(rows, cols, values = new Float64Array(rows * cols)) {
  return { rows, cols, values };
}

/** a · b: (m, n) · (n, k) -> (m, k), c[i, j] = Σ_p a[i, p] b[p, j] */
export function product(a, b) {
  const c = matrix(a.rows, b.cols);
  for (let i = 0; i < a.rows; i++) {
    for (let p = 0; p < a.cols; p++) {
      addRow(c.values, i * c.cols, a.values[i * a.cols + p], b.values, p * b.cols, b.cols);
    }
  }
  return c;
}

/** aᵀ · b: (m, n), (m, k) -> (n, k), c[p, j] = Σ_i a[i, p] b[i, j] */
export function transposedProduct(a, b) {
  const c = matrix(a.cols, b.cols);
  for (let i = 0; i < a.rows; i++) {
    for (let p = 0; p < a.cols; p++) {
      addRow(c.values, p * c.cols, a.values[i * a.cols + p], b.values, i * b.cols, b.cols);
    }
  }
  return c;
}

/** a · bᵀ: (m, k), (n, k) -> (m, n), c[i, p] = Σ_j a[i, j] b[p, j] */
export function productTransposed(a, b) {
  const c = matrix(a.rows, b.rows);
  const k = a.cols;
  for (let i = 0; i < a.rows; i++) {
    for (let p = 0; p < b.rows; p++) {
      let sum = 0;
      for (let j = 0; j < k; j++) sum += a.values[i * k + j] * b.values[p * k + j];
      c.values[i * c.cols + p] = sum;
    }
  }
  return c;
}

/** c[to …] += factor * b[from …]; most pixels of a digit are 0, and then there is nothing to add. */
function addRow(c, to, factor, b, from, length) {
  if (factor === 0) return;
  for (let j = 0; j < length; j++) c[to + j] += factor * b[from + j];
}
