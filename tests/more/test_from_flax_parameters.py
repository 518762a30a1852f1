"""Trained parameters of Flax and Equinox, moved to purenn as the guide for their users says."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import purenn as pn

PAGE = Path(__file__).parents[2] / "docs" / "pages" / "howto" / "from-flax.md"


def converted(like, modules):
    """What the page's own code makes of Flax's dicts."""
    code = PAGE.read_text().split('session="from-flax"\n')[1].split("```")[0]
    scope: dict = {}
    exec(code, scope)
    return scope["converted"](like, modules)


X = np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype(np.float32)
TOKENS = np.random.default_rng(1).integers(0, 7, size=(2, 5))


def image_network():
    """The network of the page, with trained statistics, and its parameters."""
    layers = pn.conv2d(4), pn.batch_norm(), pn.relu, pn.flatten(), pn.dense(3)
    return pn.serial(*layers), *pn.serial(*layers).init(jax.random.key(0), in_shape=(8, 8, 1))


def text_network():
    """An embedding, a norm, and attention with biases, and its parameters."""
    attention = pn.attention(2, b_init=jax.nn.initializers.zeros)
    model = pn.serial(pn.embedding(7, 4), pn.layer_norm(epsilon=1e-6), attention)
    return model, *model.init(jax.random.key(0), in_shape=(5,))


def shaken(tree):
    """The arrays of a tree, none of them a constant, as if they had been trained."""
    rng = np.random.default_rng(2)
    return jax.tree.map(lambda a: jnp.abs(a) + rng.uniform(0.1, 1, a.shape).astype(a.dtype), tree)


def test_parameters_of_linen_compute_the_same():
    nn = pytest.importorskip("flax.linen")

    class Images(nn.Module):
        @nn.compact
        def __call__(self, x):
            x = nn.BatchNorm(use_running_average=True)(nn.Conv(4, (3, 3))(x))
            return nn.Dense(3)(nn.relu(x).reshape(len(x), -1))

    class Text(nn.Module):
        @nn.compact
        def __call__(self, tokens):
            x = nn.LayerNorm()(nn.Embed(7, 4)(tokens))
            return nn.MultiHeadDotProductAttention(2)(x, x)

    variables = shaken(Images().init(jax.random.key(0), X))
    flax, stats = variables["params"], variables["batch_stats"]
    model, params, state = image_network()
    params = converted(params, [flax["Conv_0"], flax["BatchNorm_0"], flax["Dense_0"]])
    y, _ = model.apply(params, converted(state, [stats["BatchNorm_0"]]), X)
    np.testing.assert_allclose(y, Images().apply(variables, X), rtol=1e-4)

    variables = shaken(Text().init(jax.random.key(0), TOKENS))
    names = "Embed_0", "LayerNorm_0", "MultiHeadDotProductAttention_0"
    model, params, state = text_network()
    params = converted(params, [variables["params"][name] for name in names])
    y, _ = model.apply(params, state, TOKENS)
    np.testing.assert_allclose(y, Text().apply(variables, TOKENS), rtol=1e-4)


def test_parameters_of_group_and_rms_norm_compute_the_same():
    nn = pytest.importorskip("flax.linen")

    class Norms(nn.Module):
        @nn.compact
        def __call__(self, x):
            return nn.RMSNorm()(nn.GroupNorm(num_groups=2)(x))

    x = np.random.default_rng(0).normal(size=(2, 5, 5, 4)).astype(np.float32)
    variables = shaken(Norms().init(jax.random.key(0), x))
    model = pn.serial(pn.group_norm(2, epsilon=1e-6), pn.rms_norm())
    params, state = model.init(jax.random.key(0), in_shape=(5, 5, 4))
    flax = variables["params"]
    params = converted(params, [flax["GroupNorm_0"], flax["RMSNorm_0"]])
    y, _ = model.apply(params, state, x)
    np.testing.assert_allclose(y, Norms().apply(variables, x), rtol=1e-4, atol=1e-5)


def test_parameters_of_nnx_compute_the_same():
    nnx = pytest.importorskip("flax.nnx")
    rngs = nnx.Rngs(0)
    conv, norm = nnx.Conv(1, 4, (3, 3), rngs=rngs), nnx.BatchNorm(4, rngs=rngs)
    dense, embed = nnx.Linear(256, 3, rngs=rngs), nnx.Embed(7, 4, rngs=rngs)
    layer_norm = nnx.LayerNorm(4, rngs=rngs)
    attention = nnx.MultiHeadAttention(num_heads=2, in_features=4, decode=False, rngs=rngs)

    def dict_of(module):
        nnx.update(module, shaken(nnx.state(module)))
        return nnx.to_pure_dict(nnx.state(module))

    model, params, state = image_network()
    dicts = [dict_of(module) for module in (conv, norm, dense)]
    params, state = converted(params, dicts), converted(state, dicts[1:2])
    y, _ = model.apply(params, state, X)
    z = nnx.relu(norm(conv(X), use_running_average=True))
    np.testing.assert_allclose(y, dense(z.reshape(2, -1)), rtol=1e-4)

    model, params, state = text_network()
    params = converted(params, [dict_of(module) for module in (embed, layer_norm, attention)])
    y, _ = model.apply(params, state, TOKENS)
    np.testing.assert_allclose(y, attention(layer_norm(embed(TOKENS))), rtol=1e-4)


def test_recurrent_parameters_of_nnx_compute_the_same():
    nnx = pytest.importorskip("flax.nnx")
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    gru, lstm = nnx.GRUCell(3, 4, rngs=nnx.Rngs(0)), nnx.OptimizedLSTMCell(3, 4, rngs=nnx.Rngs(0))
    for cell in (gru, lstm):
        nnx.update(cell, shaken(nnx.state(cell)))
    for layer, cell in ((pn.gru(4), gru), (pn.lstm(4), lstm)):
        params, _ = layer.init(jax.random.key(0), in_shape=(5, 3))
        params = converted(params, [nnx.to_pure_dict(nnx.state(cell))])
        np.testing.assert_allclose(layer.apply(params, (), x)[0], nnx.RNN(cell)(x), rtol=1e-4)


def test_recurrent_parameters_of_linen_compute_the_same():
    nn = pytest.importorskip("flax.linen")
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    for layer, cell in ((pn.gru(4), nn.GRUCell(4)), (pn.lstm(4), nn.OptimizedLSTMCell(4))):
        variables = shaken(nn.RNN(cell).init(jax.random.key(0), x))
        params, _ = layer.init(jax.random.key(0), in_shape=(5, 3))
        params = converted(params, [variables["params"]["cell"]])
        y, _ = layer.apply(params, (), x)
        np.testing.assert_allclose(y, nn.RNN(cell).apply(variables, x), rtol=1e-4)


def test_other_convolutions_of_linen_compute_the_same():
    nn = pytest.importorskip("flax.linen")
    rng = np.random.default_rng(0)
    sequence = rng.normal(size=(2, 6, 3)).astype(np.float32)
    image = rng.normal(size=(2, 5, 5, 3)).astype(np.float32)
    transposed = pn.conv2d_transpose(4, strides=2)
    for layer, module, x in (
        (pn.conv1d(4, 3), nn.Conv(4, (3,)), sequence),
        (transposed, nn.ConvTranspose(4, (3, 3), (2, 2)), image),
    ):
        variables = shaken(module.init(jax.random.key(0), x))
        params, _ = layer.init(jax.random.key(0), in_shape=x.shape[1:])
        y, _ = layer.apply(converted(params, [variables["params"]]), (), x)
        np.testing.assert_allclose(y, module.apply(variables, x), rtol=1e-4, atol=1e-5)


def test_attention_and_embedding_of_equinox_compute_the_same():
    eqx = pytest.importorskip("equinox")
    embed = eqx.nn.Embedding(7, 4, key=jax.random.key(0))
    attend = eqx.nn.MultiheadAttention(2, 4, key=jax.random.key(1))
    into = [attend.query_proj, attend.key_proj, attend.value_proj]
    weights = [part.weight.T.reshape(4, 2, -1) for part in into]
    out = attend.output_proj.weight.T.reshape(2, -1, 4)
    model = pn.serial(pn.embedding(7, 4), pn.attention(2))
    params = (pn.EmbeddingParams(embed.weight), pn.AttentionParams(*weights, out))
    y, _ = model.apply(params, model.init(jax.random.key(0), (5,))[1], TOKENS)
    for tokens, row in zip(TOKENS, y, strict=True):
        x = jax.vmap(embed)(tokens)
        np.testing.assert_allclose(row, attend(x, x, x), rtol=1e-4, atol=1e-5)
