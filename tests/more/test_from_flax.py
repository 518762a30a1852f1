"""One network in Flax, Equinox, and Haiku, as the guide for their users shows it, and in purenn."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import purenn as pn

PAGE = Path(__file__).parents[2] / "docs" / "pages" / "howto" / "from-flax.md"


def in_purenn(batches):
    """Train the network, and return the losses."""
    model = pn.serial(pn.dense(64), pn.relu, pn.dense(3))
    params, state = model.init(jax.random.key(0), in_shape=(4,))
    optimizer = pn.adam(1e-2)
    opt_state = optimizer.init(params)
    gradient = pn.value_and_grad(model, pn.softmax_cross_entropy)

    @jax.jit
    def step(params, opt_state, x, labels):
        (loss, _), grads = gradient(params, state, x, labels)
        updates, opt_state = optimizer.update(grads, opt_state, params)
        return pn.apply_updates(params, updates), opt_state, loss

    losses = []
    for x, labels in batches:
        params, opt_state, loss = step(params, opt_state, x, labels)
        losses.append(loss)
    return losses


def in_purenn_with_fit(batches):
    """Train the network, and return the losses."""
    model = pn.serial(pn.dense(64), pn.relu, pn.dense(3))
    key = jax.random.key(0)
    _, history = pn.fit(
        model,
        pn.softmax_cross_entropy,
        pn.adam(1e-2),
        lambda epoch: batches,
        epochs=1,
        key=key,
    )
    return [epoch.loss for epoch in history]


def in_flax_nnx(batches):
    """Train the network, and return the losses."""
    from flax import nnx

    class Network(nnx.Module):
        def __init__(self, rngs):
            self.hidden = nnx.Linear(4, 64, rngs=rngs)
            self.out = nnx.Linear(64, 3, rngs=rngs)

        def __call__(self, x):
            return self.out(nnx.relu(self.hidden(x)))

    model = Network(nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optax.adam(1e-2), wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer, x, labels):
        def loss_of(model):
            each = optax.softmax_cross_entropy_with_integer_labels(model(x), labels)
            return each.mean()

        loss, grads = nnx.value_and_grad(loss_of)(model)
        optimizer.update(model, grads)
        return loss

    losses = []
    for x, labels in batches:
        losses.append(step(model, optimizer, x, labels))
    return losses


def in_flax_linen(batches):
    """Train the network, and return the losses."""
    from flax import linen as nn

    model = nn.Sequential([nn.Dense(64), nn.relu, nn.Dense(3)])
    params = model.init(jax.random.key(0), jnp.zeros((1, 4)))
    optimizer = optax.adam(1e-2)
    opt_state = optimizer.init(params)

    @jax.jit
    def step(params, opt_state, x, labels):
        def loss_of(params):
            y = model.apply(params, x)
            return optax.softmax_cross_entropy_with_integer_labels(y, labels).mean()

        loss, grads = jax.value_and_grad(loss_of)(params)
        updates, opt_state = optimizer.update(grads, opt_state, params)
        return optax.apply_updates(params, updates), opt_state, loss

    losses = []
    for x, labels in batches:
        params, opt_state, loss = step(params, opt_state, x, labels)
        losses.append(loss)
    return losses


def in_equinox(batches):
    """Train the network, and return the losses."""
    import equinox as eqx

    model = eqx.nn.MLP(4, 3, width_size=64, depth=1, key=jax.random.key(0))
    optimizer = optax.adam(1e-2)
    opt_state = optimizer.init(eqx.filter(model, eqx.is_inexact_array))

    @eqx.filter_jit
    def step(model, opt_state, x, labels):
        def loss_of(model):
            y = jax.vmap(model)(x)
            return optax.softmax_cross_entropy_with_integer_labels(y, labels).mean()

        loss, grads = eqx.filter_value_and_grad(loss_of)(model)
        updates, opt_state = optimizer.update(grads, opt_state)
        return eqx.apply_updates(model, updates), opt_state, loss

    losses = []
    for x, labels in batches:
        model, opt_state, loss = step(model, opt_state, x, labels)
        losses.append(loss)
    return losses


def in_haiku(batches):
    """Train the network, and return the losses."""
    import haiku as hk

    def network(x):
        return hk.Sequential([hk.Linear(64), jax.nn.relu, hk.Linear(3)])(x)

    model = hk.without_apply_rng(hk.transform(network))
    params = model.init(jax.random.key(0), jnp.zeros((1, 4)))
    optimizer = optax.adam(1e-2)
    opt_state = optimizer.init(params)

    @jax.jit
    def step(params, opt_state, x, labels):
        def loss_of(params):
            y = model.apply(params, x)
            return optax.softmax_cross_entropy_with_integer_labels(y, labels).mean()

        loss, grads = jax.value_and_grad(loss_of)(params)
        updates, opt_state = optimizer.update(grads, opt_state, params)
        return optax.apply_updates(params, updates), opt_state, loss

    losses = []
    for x, labels in batches:
        params, opt_state, loss = step(params, opt_state, x, labels)
        losses.append(loss)
    return losses


LIBRARIES = {
    "purenn": in_purenn,
    "flax.nnx": in_flax_nnx,
    "flax.linen": in_flax_linen,
    "equinox": in_equinox,
    "haiku": in_haiku,
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_network_learns_in_each_library(library):
    pytest.importorskip(library)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32, 4)).astype(np.float32)
    labels = x[:, :3].argmax(axis=1)
    with jax.numpy_dtype_promotion("standard"):  # optax mixes dtypes
        losses = LIBRARIES[library]([(x, labels)] * 60)
    assert 0.5 < losses[0] < 3 and losses[-1] < 0.3 * losses[0]


def test_fit_trains_the_same_network():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32, 4)).astype(np.float32)
    labels = x[:, :3].argmax(axis=1)
    batches = [(x, labels)] * 60
    [loss] = in_purenn_with_fit(batches)  # the mean of its steps, from other initial parameters
    assert 0.5 < loss / np.mean(in_purenn(batches)) < 2


@pytest.mark.parametrize("library", ["purenn", "flax.linen", "equinox"])
def test_the_initial_weights_are_those_of_the_table_of_defaults(library):
    module, key = pytest.importorskip(library), jax.random.key(0)
    if library == "purenn":
        (dense, _), (table, _) = (
            pn.dense(512).init(key, (128,)),
            pn.embedding(512, 64).init(key, (1,)),
        )
        heads, _ = pn.attention(4).init(key, (3, 64))
        weights, biases, vectors = dense.w, dense.b, table.w
        in_attention = heads.bq
        wanted, spread = (2 / 128) ** 0.5, 0.02
    elif library == "flax.linen":
        dense = module.Dense(512).init(key, jnp.zeros((1, 128)))["params"]
        vectors = module.Embed(512, 64).init(key, jnp.zeros(1, int))["params"]["embedding"]
        heads = module.MultiHeadDotProductAttention(4).init(key, jnp.zeros((1, 3, 64)))["params"]
        weights, biases, in_attention = dense["kernel"], dense["bias"], heads["query"]["bias"]
        wanted, spread = (1 / 128) ** 0.5, (1 / 64) ** 0.5
    else:
        dense = module.nn.Linear(128, 512, key=key)
        weights, biases = dense.weight, dense.bias
        vectors = module.nn.Embedding(512, 64, key=key).weight
        in_attention = module.nn.MultiheadAttention(4, 64, key=key).query_proj.bias
        wanted, spread = (1 / 128 / 3) ** 0.5, 1.0  # of a uniform distribution
        assert jnp.abs(weights).max() <= (1 / 128) ** 0.5
    np.testing.assert_allclose(jnp.std(weights), wanted, rtol=0.02)
    np.testing.assert_allclose(jnp.std(vectors), spread, rtol=0.02)
    assert (jnp.std(biases) > 0) == (library == "equinox")
    assert (in_attention is not None) == (library == "flax.linen")


def names() -> dict[str, list[str]]:
    """The names in each column of the tables of layers, one table per library."""
    found: dict[str, list[str]] = {}
    for table in PAGE.read_text().split("## Names")[1].split("\n## ")[0].split('=== "')[1:]:
        rows = [line.strip() for line in table.splitlines() if line.startswith("    |")]
        cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
        for head, *rest in zip(cells[0], *cells[2:], strict=True):
            found[head] = re.findall(r"`(\w[\w.]*)", " ".join(rest))
    return found


@pytest.mark.parametrize(
    ("column", "library", "short"),
    [
        ("purenn", "purenn", ""),
        ("Flax (linen)", "flax.linen", ""),
        ("Flax (nnx)", "flax.nnx", ""),
        ("Equinox", "equinox", "eqx."),
        ("Haiku", "haiku", "hk."),
    ],
)
def test_every_name_of_the_table_exists(column, library, short):
    module = pytest.importorskip(library)
    assert len(names()[column]) > 10
    for name in names()[column]:
        found = jax if name.startswith("jax.") else module
        for part in name.removeprefix("jax.").removeprefix(short).split("."):
            found = getattr(found, part, None)
        assert found is not None, name
