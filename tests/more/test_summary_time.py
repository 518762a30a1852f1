"""`summary(time=True)` of every kind of layer in the table, and of every activation."""

from itertools import chain, repeat

import jax
import numpy as np
import pytest
from table import ACTIVATIONS, LAYERS, LayerRow, names

import purenn as pn
from purenn.inspect import stopwatch

# The first row of each layer: how a convolution is padded changes nothing here.
KINDS = {row.name.split("-(")[0]: row for row in reversed((*LAYERS, *ACTIVATIONS))}
ROWS = [*reversed(KINDS.values())]


def number(cell):
    return 0.0 if cell == "-" else float(cell.replace(",", ""))


@pytest.mark.parametrize("row", ROWS, ids=names(ROWS))
def test_every_kind_of_layer_is_measured(row, monkeypatch, quickly):
    taken = chain([0.0], repeat(1e-3))  # an empty loop, and everything else

    def seconds(program):
        jax.block_until_ready(program(2))
        return next(taken)

    monkeypatch.setattr(stopwatch, "seconds", seconds)
    layer, in_shape = (row.layer, row.in_shape) if isinstance(row, LayerRow) else (row.op, (5,))
    lines = pn.summary(layer, in_shape, time=True, batch_size=4).splitlines()
    plain = pn.summary(layer, in_shape).splitlines()
    end = len(plain) - sum(line.startswith("*") for line in plain)
    times = []
    for line, sizes in zip(lines[2:end], plain[2:end], strict=True):
        if not line.startswith("─"):
            assert line[:5] == sizes[:5]
            *_, flops, forward, backward, share, _ = line.rsplit(maxsplit=5)
            assert flops == sizes.split()[-1]
            times.append([number(cell) for cell in (forward, backward, share)])
    *layers, total = np.array(times)
    assert (np.array(layers) >= 0).all() and total[0] > 0
    np.testing.assert_allclose(np.sum(layers, axis=0), total, atol=0.5)
    assert lines[end].startswith("A batch of 4 on cpu. Forward and backward as one program: 1")
