/**
 * Matrices and their three products, in float64.
 *
 * Rows are examples, as in purenn: a batch of m vectors of n numbers is an (m, n) matrix.
 *
 * @typedef {{rows: number, cols: number, values: Float64Array}} Matrix  values row by row
 */

/** @returns {Matrix} (rows, cols), zeros unless values are given */
export function matrix(rows, cols, values = new Float64Array(rows * cols)) {
  if (values.length !== rows * cols) {
    throw new Error(
      `matrix: expected ${rows * cols} values for (${rows}, ${cols}), got ${values.length}`,
    );
  }
  return { rows, cols, values: Float64Array.from(values) };
}

/** a · b: (m, n) · (n, k) -> (m, k), c[i, j] = Σ_p a[i, p] b[p, j] */
export function product(a, b) {
  agree("product", a.cols, b.rows);
  const c = matrix(a.rows, b.cols);
  for (let i = 0; i < a.rows; i++) {
    for (let p = 0; p < a.cols; p++) {
      addRow(c, i, a.values[i * a.cols + p], b, p);
    }
  }
  return c;
}

/** aᵀ · b: (m, n), (m, k) -> (n, k), c[p, j] = Σ_i a[i, p] b[i, j] */
export function transposedProduct(a, b) {
  agree("transposedProduct", a.rows, b.rows);
  const c = matrix(a.cols, b.cols);
  for (let i = 0; i < a.rows; i++) {
    for (let p = 0; p < a.cols; p++) {
      addRow(c, p, a.values[i * a.cols + p], b, i);
    }
  }
  return c;
}

/** a · bᵀ: (m, k), (n, k) -> (m, n), c[i, p] = Σ_j a[i, j] b[p, j] */
export function productTransposed(a, b) {
  agree("productTransposed", a.cols, b.cols);
  const c = matrix(a.rows, b.rows);
  for (let i = 0; i < a.rows; i++) {
    for (let p = 0; p < b.rows; p++) {
      let sum = 0;
      for (let j = 0; j < a.cols; j++) {
        sum += a.values[i * a.cols + j] * b.values[p * b.cols + j];
      }
      c.values[i * c.cols + p] = sum;
    }
  }
  return c;
}

/** The sum over the rows: (m, k) -> (k,) */
export function sumRows(a) {
  const sums = new Float64Array(a.cols);
  a.values.forEach((value, i) => (sums[i % a.cols] += value));
  return sums;
}

/** Column j of a: (m, k) -> (m,) */
export function column(a, j) {
  return Float64Array.from({ length: a.rows }, (_, i) => a.values[i * a.cols + j]);
}

/** c[i, :] += factor * b[row, :]; most pixels are 0, and then there is nothing to add. */
function addRow(c, i, factor, b, row) {
  if (factor === 0) return;
  for (let j = 0; j < b.cols; j++) {
    c.values[i * c.cols + j] += factor * b.values[row * b.cols + j];
  }
}

function agree(name, left, right) {
  if (left !== right) throw new Error(`${name}: ${left} numbers meet ${right}`);
}
