"""The names of optax and of purenn that the guide for users of optax puts side by side."""

import re
from pathlib import Path

import jax
import numpy as np
import optax
import pytest

import purenn as pn

PAGE = Path(__file__).parents[2] / "docs" / "pages" / "howto" / "optax.md"


def rows() -> list[tuple[str, str]]:
    """The cells of the table, without its head."""
    table = PAGE.read_text().split("{ #names }")[1].split("\n## ")[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    return [(one, other) for one, other in cells]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:30])
def test_the_names_of_a_row_exist(row):
    for library, cell in zip((optax, pn), row, strict=True):
        found = re.findall(r"`(\w+)", cell)
        assert found and all(hasattr(library, name) for name in found), cell


def test_losses_and_schedules_are_the_same():
    assert len(rows()) > 10
    rng = np.random.default_rng(0)
    z, t = rng.normal(size=(2, 6, 3)).astype(np.float32)
    labels, yes = z.argmax(axis=1), (t > 0).astype(np.float32)
    soft = jax.nn.softmax(t)
    for one, other in [
        (
            optax.softmax_cross_entropy_with_integer_labels(z, labels),
            pn.softmax_cross_entropy(z, labels),
        ),
        (optax.softmax_cross_entropy(z, soft), pn.softmax_cross_entropy(z, soft)),
        (optax.sigmoid_binary_cross_entropy(z, yes), pn.sigmoid_binary_cross_entropy(z, yes)),
        (optax.squared_error(z, t), pn.mse(z, t)),
        (optax.l2_loss(z, t), pn.mse(z, t) / 2),
        (optax.huber_loss(z, t), pn.huber(z, t)),
    ]:
        np.testing.assert_allclose(one.mean(), other, rtol=1e-5)
    for one, other in [
        (optax.cosine_decay_schedule(0.1, 10), pn.cosine_decay(0.1, 10)),
        (optax.exponential_decay(0.1, 10, 0.5), pn.exponential_decay(0.1, 0.5, 10)),
        (optax.linear_schedule(0.1, 0.0, 10), pn.polynomial_decay(0.1, 10)),
        (
            optax.piecewise_constant_schedule(0.1, {3: 0.5, 6: 0.1}),
            pn.piecewise_constant((3, 6), (0.1, 0.05, 0.005)),
        ),
    ]:
        rates = [[float(rate(step)) for step in range(14)] for rate in (one, other)]
        np.testing.assert_allclose(*rates, rtol=1e-5, atol=1e-8)
    # optax reaches the peak at step `warmup_steps`, purenn one step before it.
    one = optax.warmup_cosine_decay_schedule(0.1 / 4, 0.1, 3, 13)
    other = pn.linear_warmup(pn.cosine_decay(0.1, 10), 4)
    np.testing.assert_allclose([one(s) for s in range(4)], [other(s) for s in range(4)], rtol=1e-5)
