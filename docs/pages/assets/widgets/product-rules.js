/** The four products of a dense layer, entry by entry. */

/**
 * What the product `of` is made from, given { x, w, b, dz }. `left` and `right` are { name, turned },
 * `entry(i, j)` is { value, terms, more }: each term has two factors { of, at, value }, and `more` is what
 * is added to the sum.
 */
export function productOf(of, { x, w, b, dz }) {
  const [m, n, k] = [x.length, w.length, b.length];
  const factor = (name, matrix, r, c) => ({ of: name, at: [r, c], value: matrix[r][c] });
  const summed = (count, term, more) => {
    const terms = Array.from({ length: count }, (_, t) => term(t));
    const sum = terms.reduce((total, factors) => total + factors.reduce((p, { value }) => p * value, 1), 0);
    return { terms, more, value: sum + (more?.value ?? 0) };
  };
  switch (of) {
    case "z":
      return {
        rows: m,
        cols: k,
        left: { name: "x" },
        right: { name: "w" },
        entry: (i, j) =>
          summed(n, (t) => [factor("x", x, i, t), factor("w", w, t, j)], { of: "b", at: [j], value: b[j] }),
      };
    case "dw":
      return {
        rows: n,
        cols: k,
        left: { name: "x", turned: true },
        right: { name: "dz" },
        entry: (i, j) => summed(m, (t) => [factor("x", x, t, i), factor("dz", dz, t, j)]),
      };
    case "db":
      return {
        rows: 1,
        cols: k,
        right: { name: "dz" },
        entry: (_, j) => summed(m, (t) => [factor("dz", dz, t, j)]),
      };
    default:
      return {
        rows: m,
        cols: n,
        left: { name: "dz" },
        right: { name: "w", turned: true },
        entry: (i, j) => summed(k, (t) => [factor("dz", dz, i, t), factor("w", w, j, t)]),
      };
  }
}
