/**
 * Matrices and their three products, in float64. Rows are positions of the text.
 *
 * @typedef {{rows: number, cols: number, values: Float64Array}} Matrix  values row by row
 */

/** @returns {Matrix} (rows, cols), zeros unless values are given */
export function matrix(rows, cols, values = new Float64Array(rows * cols)) {
  if (values.length !== rows * cols) {
    throw new Error(`matrix: expected ${rows * cols} values for (${rows}, ${cols}), got ${values.length}`);
  }
  return { rows, cols, values };
}

/** One entry: entry(a, i, j) */
export const entry = (a, i, j) => a.values[i * a.cols + j];

/** Row i, as a view: what is written to it is written to the matrix. */
export const row = (a, i) => a.values.subarray(i * a.cols, (i + 1) * a.cols);

/** f of each entry, and of the same entry of `b` where there is a `b`. */
export function map(f, a, b) {
  return matrix(
    a.rows,
    a.cols,
    a.values.map((value, i) => f(value, b?.values[i])),
  );
}

/** a + b, entry by entry. */
export function sum(a, b) {
  return map((left, right) => left + right, a, b);
}

/** a · b: (m, n) · (n, k) -> (m, k), c[i, j] = Σ_p a[i, p] b[p, j] */
export function product(a, b) {
  agree("product", a.cols, b.rows);
  const c = matrix(a.rows, b.cols);
  for (let i = 0; i < a.rows; i++) {
    for (let p = 0; p < a.cols; p++) addRow(c, i, a.values[i * a.cols + p], b, p);
  }
  return c;
}

/** aᵀ · b: (m, n), (m, k) -> (n, k), c[p, j] = Σ_i a[i, p] b[i, j] */
export function transposedProduct(a, b) {
  agree("transposedProduct", a.rows, b.rows);
  const c = matrix(a.cols, b.cols);
  for (let i = 0; i < a.rows; i++) {
    for (let p = 0; p < a.cols; p++) addRow(c, p, a.values[i * a.cols + p], b, i);
  }
  return c;
}

/** a · bᵀ: (m, k), (n, k) -> (m, n), c[i, p] = Σ_j a[i, j] b[p, j] */
export function productTransposed(a, b) {
  agree("productTransposed", a.cols, b.cols);
  const c = matrix(a.rows, b.rows);
  for (let i = 0; i < a.rows; i++) {
    for (let p = 0; p < b.rows; p++) {
      let total = 0;
      for (let j = 0; j < a.cols; j++) total += a.values[i * a.cols + j] * b.values[p * b.cols + j];
      c.values[i * c.cols + p] = total;
    }
  }
  return c;
}

/** Columns from `start` to `start + count`: (m, n) -> (m, count) */
export function columns(a, start, count) {
  const c = matrix(a.rows, count);
  for (let i = 0; i < a.rows; i++) row(c, i).set(row(a, i).subarray(start, start + count));
  return c;
}

/** Matrices with the same rows, side by side: (m, n) each -> (m, n · parts) */
export function sideBySide(parts) {
  const [{ rows, cols }] = parts;
  const c = matrix(rows, cols * parts.length);
  parts.forEach((part, n) => {
    for (let i = 0; i < rows; i++) row(c, i).set(row(part, i), n * cols);
  });
  return c;
}

/** c[i, :] += factor * b[from, :] */
function addRow(c, i, factor, b, from) {
  if (factor === 0) return;
  const { values } = c;
  const to = i * c.cols;
  const start = from * b.cols;
  for (let j = 0; j < b.cols; j++) values[to + j] += factor * b.values[start + j];
}

function agree(name, left, right) {
  if (left !== right) throw new Error(`${name}: ${left} numbers meet ${right}`);
}
