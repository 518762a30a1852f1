"""Trained parameters of PyTorch, moved to purenn as the guide says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import purenn as pn

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(2, 6, 6, 3)).astype(np.float32)
SEQUENCES = RNG.normal(size=(2, 5, 4)).astype(np.float32)


def arrays(module):
    """The `state_dict` as NumPy arrays, none of them a constant, as if they had been trained."""
    torch = pytest.importorskip("torch")
    with torch.no_grad():
        for part in (*module.parameters(), *module.buffers()):
            if part.is_floating_point():
                part.abs_().add_(torch.rand(part.shape) * 0.2)
    return {name: part.numpy() for name, part in module.eval().state_dict().items()}


def output(module, x):
    """What the module computes."""
    torch = pytest.importorskip("torch")
    with torch.no_grad():
        return module(torch.from_numpy(np.ascontiguousarray(x)))


def assert_close(y, expected):
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_a_network_of_images_computes_the_same():
    nn = pytest.importorskip("torch.nn")
    parts = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()
    module = nn.Sequential(*parts, nn.Flatten(), nn.Linear(4 * 6 * 6, 5))
    p = arrays(module)
    dense = p["4.weight"].reshape(5, 4, 6, 6).transpose(2, 3, 1, 0).reshape(-1, 5)
    model = pn.serial(pn.conv2d(4), pn.batch_norm(), pn.relu, pn.flatten(), pn.dense(5))
    params = (
        pn.Conv2dParams(p["0.weight"].transpose(2, 3, 1, 0), p["0.bias"]),
        pn.BatchNormParams(p["1.weight"], p["1.bias"]),
        (),
        (),
        pn.DenseParams(dense, p["4.bias"]),
    )
    state = (), pn.BatchNormState(p["1.running_mean"], p["1.running_var"]), (), (), ()
    params, state = jax.tree.map(jnp.asarray, (params, state))
    y, _ = model.apply(params, state, IMAGES)
    assert_close(y, output(module, IMAGES.transpose(0, 3, 1, 2)))


def test_other_convolutions_compute_the_same():
    nn = pytest.importorskip("torch.nn")
    module = nn.ConvTranspose2d(3, 4, 3, stride=2)
    p = arrays(module)
    params = pn.Conv2dTransposeParams(jnp.asarray(p["weight"].transpose(2, 3, 0, 1)), p["bias"])
    layer = pn.conv2d_transpose(4, 3, strides=2, padding=0)
    y, _ = layer.apply(jax.tree.map(jnp.asarray, params), (), IMAGES)
    assert_close(y, output(module, IMAGES.transpose(0, 3, 1, 2)).permute(0, 2, 3, 1))

    module = nn.Conv1d(4, 6, 3, padding=1)
    p = arrays(module)
    params = pn.Conv1dParams(p["weight"].transpose(2, 1, 0), p["bias"])
    y, _ = pn.conv1d(6, 3).apply(jax.tree.map(jnp.asarray, params), (), SEQUENCES)
    assert_close(y, output(module, SEQUENCES.transpose(0, 2, 1)).permute(0, 2, 1))


@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_recurrent_layers_compute_the_same(name):
    nn = pytest.importorskip("torch.nn")
    module = getattr(nn, name)(4, 3, batch_first=True)
    p = arrays(module)
    w, u, b, c = (p[f"{n}_l0"] for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    if name == "LSTM":
        layer, params = pn.lstm(3), pn.LstmParams(w.T, u.T, b + c)
    else:
        b = np.concatenate([(b + c)[:6], b[6:]])
        layer, params = pn.gru(3), pn.GruParams(w.T, u.T, b, c[6:])
    y, _ = layer.apply(jax.tree.map(jnp.asarray, params), (), SEQUENCES)
    assert_close(y, output(module, SEQUENCES)[0])


def test_attention_computes_the_same():
    nn = pytest.importorskip("torch.nn")
    module = nn.MultiheadAttention(4, 2, bias=False, batch_first=True)
    p = arrays(module)
    into = [part.T.reshape(4, 2, -1) for part in np.split(p["in_proj_weight"], 3)]
    params = pn.AttentionParams(*into, p["out_proj.weight"].T.reshape(2, -1, 4))
    y, _ = pn.attention(2).apply(jax.tree.map(jnp.asarray, params), (), SEQUENCES)
    assert_close(y, output(lambda x: module(x, x, x)[0], SEQUENCES))


def test_norms_and_embeddings_compute_the_same():
    nn = pytest.importorskip("torch.nn")
    p = arrays(module := nn.LayerNorm(4))
    params = pn.LayerNormParams(*map(jnp.asarray, (p["weight"], p["bias"])))
    assert_close(pn.layer_norm().apply(params, (), SEQUENCES)[0], output(module, SEQUENCES))

    p = arrays(module := nn.GroupNorm(2, 4))
    x = RNG.normal(size=(2, 5, 5, 4)).astype(np.float32)
    params = pn.GroupNormParams(*map(jnp.asarray, (p["weight"], p["bias"])))
    expected = output(module, x.transpose(0, 3, 1, 2)).permute(0, 2, 3, 1)
    assert_close(pn.group_norm(2).apply(params, (), x)[0], expected)

    p = arrays(module := nn.RMSNorm(4, eps=1e-6))
    params = pn.RmsNormParams(jnp.asarray(p["weight"]))
    y, _ = pn.rms_norm(epsilon=1e-6).apply(params, (), SEQUENCES)
    assert_close(y, output(module, SEQUENCES))

    tokens = RNG.integers(0, 7, size=(2, 5))
    p = arrays(module := nn.Embedding(7, 4))
    y, _ = pn.embedding(7, 4).apply(pn.EmbeddingParams(jnp.asarray(p["weight"])), (), tokens)
    assert_close(y, output(module, tokens))
