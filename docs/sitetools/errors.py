"""How far each hand-derived rule is from JAX's derivative of the plain forward, by dtype.

The rows are those of the tests' table, `tests/table.py`, and so is the plain forward: the formula
as a textbook has it, written from nothing of purenn.
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import table

from sitetools import share

DTYPES = {"float64": jnp.float64, "float32": jnp.float32, "bfloat16": jnp.bfloat16}
ROWS = {row.name: row for row in table.ROWS}


@cache
def measured(name: str) -> dict[str, tuple[float, float]]:
    """For each dtype the worst error of the value and of the derivatives of one row."""
    return share.once(f"errors of {name}", lambda: measure(name))


def measure(name: str) -> dict[str, tuple[float, float]]:
    """Measure a row.

    The error is max|a - b| / max|b| over the elements of each array, and the largest of all arrays.
    b is JAX's derivative of the plain forward in float64. The cotangent is random.
    """
    row = ROWS[name]
    f = table.functions(row)
    with jax.enable_x64(True):
        rng = np.random.default_rng(0)
        drawn = table.case(row, table.shapes(row)[0], rng)
        dy = table.cotangent(f.plain, *drawn, rng)
        low = [table.as_dtype(drawn, dtype) for dtype in DTYPES.values()]
        given = [(v, rest, dy.astype(jax.eval_shape(f.apply, v, rest).dtype)) for v, rest in low]
        exact = table.as_dtype(low, jnp.float64)

        @table.jit_quickly
        def both(given, exact):
            results = []
            for (v, rest, dy), (v64, rest64) in zip(given, exact, strict=True):
                y, saved = f.forward(v, rest)
                right_y, vjp = jax.vjp(lambda v, rest=rest64: f.plain(v, rest), v64)
                (right_dv,) = vjp(dy.astype(jnp.float64))
                results.append(((y, right_y), (f.backward(v, saved, dy), right_dv)))
            return results

        return {
            dtype: (table.error(*values), table.error(*derivatives))
            for dtype, (values, derivatives) in zip(DTYPES, both(given, exact), strict=True)
        }


def markdown(names: list[str]) -> str:
    """A table of the worst errors of some rows."""
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        raise LookupError(f"errors: {unknown[0]!r} is not a row of tests/table.py")
    head = "| Rule | " + " | ".join(f"{dtype}: y | dx, dw" for dtype in DTYPES) + " |"
    lines = [head, "|---|" + "---:|" * 2 * len(DTYPES)]
    for name in names:
        cells = [f"{e:.1e}" for pair in measured(name).values() for e in pair]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)
