"""The networks of `models.py` in plain JAX, as a user would write them."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax


def cross_entropy(logits: Any, labels: Any) -> Any:
    """Return the mean over all examples, or over all positions."""
    log_p = jax.nn.log_softmax(logits)
    return -jnp.take_along_axis(log_p, labels[..., None].astype(jnp.int32), -1).mean()


def mlp(params: Any, state: Any, x: Any, key: Any) -> Any:
    *hidden, last = (p for p in jax.tree.leaves(params, is_leaf=_is_dense) if _is_dense(p))
    x = _pixels(x).reshape(len(x), -1)
    for p in hidden:
        x = jax.nn.relu(_dense(p, x))
    return _dense(last, x), state


def cnn(params: Any, state: Any, x: Any, key: Any) -> Any:
    _, conv_1, _, _, conv_2, _, _, _, hidden, _, last = params
    x = _pixels(x)
    for p in (conv_1, conv_2):
        layout = "NHWC", "HWIO", "NHWC"
        x = lax.conv_general_dilated(x, p.w, (1, 1), "SAME", dimension_numbers=layout) + p.b
        x = jax.nn.relu(x)
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    x = jax.nn.relu(_dense(hidden, x.reshape(len(x), -1)))
    return _dense(last, x), state


def norms(params: Any, state: Any, x: Any, key: Any) -> Any:
    _, _, dense_1, batch_norm, _, _, dense_2, layer_norm, _, _, last = params
    first, second = jax.random.split(key)
    x = _dense(dense_1, _pixels(x).reshape(len(x), -1))
    mean, var = x.mean(0), x.var(0)
    running = state[3]._replace(
        mean=0.9 * state[3].mean + 0.1 * mean, var=0.9 * state[3].var + 0.1 * var
    )
    x = batch_norm.gamma * (x - mean) * lax.rsqrt(var + 1e-5) + batch_norm.beta
    x = _dropout(first, jax.nn.gelu(x))
    x = _layer_norm(layer_norm, _dense(dense_2, x))
    x = _dropout(second, jax.nn.relu(x))
    return _dense(last, x), (*state[:3], running, *state[4:])


def gpt(params: Any, state: Any, tokens: Any, key: Any) -> Any:
    embedding, positions, (norm_1, attention), (norm_2, up, _, down), norm_3, last = params
    x = embedding.w[tokens] + positions.w
    h = _layer_norm(norm_1, x)
    q, k, v = (jnp.einsum("btf,fhd->bthd", h, w) for w in attention[:3])
    o = jax.nn.dot_product_attention(q, k, v, is_causal=True)
    x = x + jnp.einsum("bthd,hdf->btf", o, attention.wo)
    x = x + _dense(down, jax.nn.gelu(_dense(up, _layer_norm(norm_2, x))))
    return _dense(last, _layer_norm(norm_3, x)), state


def _is_dense(p: Any) -> bool:
    return hasattr(p, "w")


def _pixels(x: Any) -> Any:
    return x.astype(jnp.float32) / 255


def _dense(p: Any, x: Any) -> Any:
    return x @ p.w + p.b


def _layer_norm(p: Any, x: Any) -> Any:
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return p.gamma * (x - mean) * lax.rsqrt(var + 1e-5) + p.beta


def _dropout(key: Any, x: Any) -> Any:
    return jnp.where(jax.random.bernoulli(key, 0.7, x.shape), x / 0.7, 0)
