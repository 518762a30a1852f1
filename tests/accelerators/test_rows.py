"""Every row of the table of layers and ops, compiled for a TPU to the end, not only lowered."""

import jax
import jax.numpy as jnp
import pytest
from programs import compile_for
from table import ROWS, case, functions, names, shapes

# XLA computes a product with a single column as a sum: "dense-one-unit" has none.
OF_ONE_PRODUCT = ("dense", "conv1d", "conv2d", "conv2d_transpose")


def both_passes(row):
    """Forward and backward of a row, `(v, rest, dy) -> (y, dv)`."""
    f = functions(row)

    def run(v, rest, dy):
        y, cache = f.forward(v, rest)
        return y, f.backward(v, cache, dy)

    return run


def given(row, rng, dtype):
    v, rest = case(row, shapes(row)[0], rng, dtype)
    return v, rest, jax.eval_shape(functions(row).apply, v, rest)


@pytest.mark.parametrize("row", ROWS, ids=names(ROWS))
def test_every_row_compiles_in_float32_and_in_bfloat16(row, rng, tpu):
    for_dtypes = [given(row, rng, dtype) for dtype in (jnp.float32, jnp.bfloat16)]
    program = compile_for(tpu, lambda *each: [both_passes(row)(*one) for one in each], *for_dtypes)
    assert program.estimate > 0 or row.name == "dropout-evaluated", "it is the identity"
    if row.name.split("-")[0] in OF_ONE_PRODUCT and row.name != "dense-one-unit":
        assert program.products == 2 * 3, "y, dw and dx are one product each"
