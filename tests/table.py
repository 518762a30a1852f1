"""The one table of layers and ops that drives the tests: a new layer, or a new op, is one row.

Every row has a *plain* forward, written here as the textbook has it, from nothing of purenn: it is
what JAX differentiates to judge the hand-derived rule.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import purenn as pn
from purenn.core import numpy_arrays
from purenn.core.keys import is_key


class LayerRow(NamedTuple):
    name: str
    layer: pn.Layer
    in_shape: tuple[int, ...]
    plain: Callable[..., Any]  # (params, state, x, key) -> y
    train: bool = False
    leading: tuple[tuple[int, ...], ...] = ((4,), (1,), (2, 3))  # axes before in_shape
    vocabulary: int | None = None  # given, x is tokens: integers below it


class OpRow(NamedTuple):
    name: str
    op: pn.Op
    plain: Callable[..., Any]  # (x, *others, **options) -> y
    shapes: tuple[tuple[int, ...], ...] = ((4, 5), (1, 3), (7,), (2, 3, 5))
    x: Callable[..., Any] = lambda rng, shape: rng.normal(size=shape)
    others: Callable[..., tuple[Any, ...]] = lambda rng, shape: ()
    options: dict[str, Any] = {}  # noqa: RUF012 - never written to


# The plain layers. Dropout's is the texts' own: mask, then divide by keep_prob.


def plain_dense(params, state, x, key):
    return x @ params.w + params.b


def plain_identity(params, state, x, key):
    return x


def plain_dropout(rate, params, state, x, key):
    a, b = jax.random.bits(key, (2,), jnp.uint32)
    place = jnp.arange(x.size, dtype=jnp.uint32).reshape(x.shape)
    uniform = lowbias32(lowbias32(place ^ a) + b).astype(jnp.float32) / 2.0**32
    return x * (uniform < 1 - rate).astype(x.dtype) / (1 - rate)


def lowbias32(n):
    """Wellons' hash, as he prints it."""
    n = n ^ (n >> 16)
    n = n * jnp.uint32(0x7FEB352D)
    n = n ^ (n >> 15)
    n = n * jnp.uint32(0x846CA68B)
    return n ^ (n >> 16)


def plain_batch_norm(params, state, x, key):
    axes = tuple(range(x.ndim - 1))
    mean = x.mean(axes)
    var = ((x - mean) ** 2).mean(axes)
    return params.gamma * (x - mean) / jnp.sqrt(var + 1e-5) + params.beta


def plain_batch_norm_evaluated(params, state, x, key):
    return params.gamma * (x - state.mean) / jnp.sqrt(state.var + 1e-5) + params.beta


def plain_layer_norm(params, state, x, key):
    mean = x.mean(-1, keepdims=True)
    var = ((x - mean) ** 2).mean(-1, keepdims=True)
    return params.gamma * (x - mean) / jnp.sqrt(var + 1e-5) + params.beta


def plain_rms_norm(epsilon, params, state, x, key):
    return params.gamma * x / jnp.sqrt((x**2).mean(-1, keepdims=True) + epsilon)


def plain_embedding(params, state, x, key):
    return jnp.eye(len(params.w), dtype=params.w.dtype)[x] @ params.w


def plain_tied_embedding(params, state, x, key):
    (table,), (w, b), _ = params
    return jnp.tanh(plain_embedding(params[0], state, x, key) @ w + b) @ table.T


def plain_position_embedding(params, state, x, key):
    return x + params.w[: x.shape[-2]]


def plain_gated_dense(activation, params, state, x, key):
    w, v, b, c = params
    return activation(x @ w + (0 if b is None else b)) * (x @ v + (0 if c is None else c))


def plain_flatten(params, state, x, key):
    return x.reshape(x.shape[0], -1)


def plain_max_pool(window, strides, zeros, params, state, x, key):
    def first_maximum(cells):
        return jnp.take_along_axis(cells, jnp.argmax(cells, axis=1, keepdims=True), axis=1)[:, 0]

    x = jnp.pad(x, ((0, 0), *zeros, (0, 0)), constant_values=-jnp.inf)
    return pooled(first_maximum, window, strides, x)


def plain_avg_pool(window, strides, zeros, params, state, x, key):
    around = (0, 0), *zeros, (0, 0)
    total, cells = (
        pooled(lambda cells: cells.sum(1), window, strides, jnp.pad(a, around))
        for a in (x, jnp.ones_like(x))
    )
    return total / cells


def plain_global_avg_pool(params, state, x, key):
    return x.mean((1, 2))


def plain_group_norm(groups, params, state, x, key):
    grouped = x.reshape(x.shape[0], -1, groups, x.shape[-1] // groups)
    mean = grouped.mean((1, 3), keepdims=True)
    var = ((grouped - mean) ** 2).mean((1, 3), keepdims=True)
    return params.gamma * ((grouped - mean) / jnp.sqrt(var + 1e-5)).reshape(x.shape) + params.beta


def pooled(function, window, strides, x):
    """A function of each window's cells, (batch, cells, channels) in order of rows."""
    batch, height, width, channels = x.shape
    rows = range(0, height - window[0] + 1, strides[0])
    columns = range(0, width - window[1] + 1, strides[1])

    def at(i, j):
        return function(x[:, i : i + window[0], j : j + window[1]].reshape(batch, -1, channels))

    return jnp.stack([jnp.stack([at(i, j) for j in columns], axis=1) for i in rows], axis=1)


def plain_rescale(params, state, x, key):
    return x / 255


def plain_mlp(params, state, x, key):
    for layer in params[:-1:2]:
        x = jnp.tanh(x @ layer.w + layer.b)
    return x @ params[-1].w + params[-1].b


def plain_residual(params, state, x, key):
    return x + jnp.tanh(x @ params[0].w + params[0].b)


def plain_projected(params, state, x, key):
    (inside, _), projection = params
    return x @ projection.w + projection.b + jnp.tanh(x @ inside.w + inside.b)


def plain_parallel(params, state, x, key):
    """The sum of x itself and of a dense layer with dropout."""
    w, b = params[1][0]
    own_key = jax.random.fold_in(jax.random.fold_in(key, 1), 1)
    return x + plain_dropout(0.4, (), (), x @ w + b, own_key)


def plain_product(params, state, x, key):
    return x * (x @ params[1].w + params[1].b) * (x @ params[2].w + params[2].b)


def plain_concat(params, state, x, key):
    return jnp.concatenate([x @ params[0].w + params[0].b, x, jnp.tanh(x)], axis=-1)


def plain_repeat(params, state, x, key):
    for w, b in zip(*params[0], strict=True):
        x = jnp.tanh(x @ w + b)
    return x


def plain_serial(params, state, x, key):
    x = x @ params[0].w + params[0].b
    x = plain_batch_norm(params[1], state[1], x, None)
    x = plain_leaky_relu(x)
    x = plain_dropout(0.5, (), (), x, jax.random.fold_in(key, 3))
    return x @ params[4].w + params[4].b


def plain_recompute(params, state, x, key):
    x = plain_batch_norm(params[0], state[0], x, None)
    x = plain_dropout(0.4, (), (), plain_gelu(x), jax.random.fold_in(key, 2))
    return x @ params[3].w + params[3].b


def plain_attention(causal, rotary, params, state, x, key):
    """Every score at once."""
    wq, wk, wv, wo, bq, bk, bv, bo = params
    zero = jnp.zeros((), x.dtype)
    bq, bk, bv, bo = (zero if b is None else b for b in (bq, bk, bv, bo))
    q, k, v = (jnp.einsum("btf,fhd->bthd", x, w) + b for w, b in ((wq, bq), (wk, bk), (wv, bv)))
    if rotary:
        q, k = plain_rotary(q), plain_rotary(k)
    k, v = (jnp.repeat(a, q.shape[2] // a.shape[2], axis=2) for a in (k, v))
    s = jnp.einsum("bthd,bshd->bhts", q, k) / np.sqrt(q.shape[-1])
    if causal:
        s = jnp.where(np.tri(x.shape[1], dtype=bool), s, -jnp.inf)
    o = jnp.einsum("bhts,bshd->bthd", plain_softmax(s), v)
    return jnp.einsum("bthd,hdf->btf", o, wo) + bo


def plain_rotary(x):
    """Feature i and feature i + half, turned by an angle that grows with the position."""
    half = x.shape[-1] // 2
    angles = np.arange(x.shape[1])[:, None] * 10_000.0 ** (-np.arange(half) / half)
    a, b = x[..., :half], x[..., half:]
    cos, sin = (jnp.asarray(f(angles), x.dtype)[:, None] for f in (np.cos, np.sin))
    return jnp.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)


def plain_function(params, state, x, key):
    return jnp.sin(x @ params[0].w + params[0].b)


def plain_gru(params, state, x, key):
    w, u, b, c = params
    units = u.shape[0]
    h, hs = jnp.zeros((x.shape[0], units), x.dtype), []
    for t in range(x.shape[1]):
        a, s = jnp.split(x[:, t] @ w + b, 3, -1), jnp.split(h @ u, 3, -1)
        r, z = plain_sigmoid(a[0] + s[0]), plain_sigmoid(a[1] + s[1])
        n = jnp.tanh(a[2] + r * (s[2] + c))
        h = (1 - z) * n + z * h
        hs.append(h)
    return jnp.stack(hs, axis=1)


def plain_lstm(params, state, x, key):
    w, u, b = params
    units = u.shape[0]
    h = c = jnp.zeros((x.shape[0], units), x.dtype)
    hs = []
    for t in range(x.shape[1]):
        i, f, g, o = jnp.split(x[:, t] @ w + h @ u + b, 4, -1)
        c = plain_sigmoid(f) * c + plain_sigmoid(i) * jnp.tanh(g)
        h = plain_sigmoid(o) * jnp.tanh(c)
        hs.append(h)
    return jnp.stack(hs, axis=1)


MORE_THAN_ONE = ((4,), (2, 3))


def plain_conv2d(strides, padding, dilation, groups, params, state, x, key):
    """The sum over the kernel of what each cell sees, `x` moved by its place, times its weight."""
    w, b = params
    rows, columns = padding
    x = jnp.pad(x, ((0, 0), rows, columns, (0, 0)))
    height = (x.shape[1] - (w.shape[0] - 1) * dilation[0] - 1) // strides[0] + 1
    width = (x.shape[2] - (w.shape[1] - 1) * dilation[1] - 1) // strides[1] + 1
    z = b
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            top, left = i * dilation[0], j * dilation[1]
            seen = x[:, top:, left:][:, :: strides[0], :: strides[1]][:, :height, :width]
            pairs = zip(jnp.split(seen, groups, -1), jnp.split(w[i, j], groups, -1), strict=True)
            z = z + jnp.concatenate([part @ weights for part, weights in pairs], -1)
    return z


def plain_conv1d(strides, padding, dilation, groups, params, state, x, key):
    """One row of an image."""
    image = (1, strides), ((0, 0), padding), (1, dilation), groups
    return plain_conv2d(*image, params._replace(w=params.w[None]), (), x[:, None], None)[:, 0]


def plain_conv2d_transpose(strides, padding, params, state, x, key):
    """A kernel laid on the output for each cell; `padding` is what is cut off, or added below 0."""
    w, b = params
    (n, height, width, _), (kh, kw, _, features) = x.shape, w.shape
    y = jnp.zeros((n, (height - 1) * strides[0] + kh, (width - 1) * strides[1] + kw, features))
    y = y.astype(x.dtype)
    for i in range(height):
        for j in range(width):
            laid = jnp.einsum("nc,abcf->nabf", x[:, i, j], w)
            top, left = i * strides[0], j * strides[1]
            y = y.at[:, top : top + kh, left : left + kw].add(laid)
    (top, bottom), (left, right) = padding
    y = jnp.pad(y, ((0, 0), (0, max(-bottom, 0)), (0, max(-right, 0)), (0, 0)))
    rows, columns = y.shape[1] - max(bottom, 0), y.shape[2] - max(right, 0)
    return y[:, top:rows, left:columns] + b


# (kernel, strides, padding, the same in numbers, in_shape)
CONVOLVED = (
    ((3, 3), (1, 1), "SAME", ((1, 1), (1, 1)), (3, 4, 5)),
    ((3, 2), (2, 1), "SAME", ((0, 1), (0, 1)), (4, 3, 1)),  # few channels: dw by patches
    ((2, 3), (3, 2), "VALID", ((0, 0), (0, 0)), (6, 6, 5)),  # a row and a column left over
    ((1, 1), (2, 2), "VALID", ((0, 0), (0, 0)), (3, 4, 3)),  # strides wider than the kernel
    ((2, 2), (1, 2), ((2, 0), (1, 3)), ((2, 0), (1, 3)), (2, 3, 5)),  # more padding than kernel
)
# With padding "SAME": (kernel, strides, the padding in numbers, dilation, groups, channels)
DIVIDED = (
    ((2, 3), (2, 1), ((1, 1), (1, 1)), (2, 1), 1, 5),
    ((3, 2), (1, 1), ((1, 1), (0, 1)), (1, 1), 3, 3),  # depthwise
    ((2, 2), (2, 1), ((0, 1), (1, 1)), (1, 2), 3, 15),
)


def conv2d_rows():
    for kernel, strides, padding, zeros, in_shape in CONVOLVED:
        words = padding if isinstance(padding, str) else "explicit"
        yield LayerRow(
            f"conv2d-{kernel}-{strides}-{words}",
            pn.conv2d(3, kernel, strides=strides, padding=padding),
            in_shape,
            partial(plain_conv2d, strides, zeros, (1, 1), 1),
            leading=((3,), (1,)),
        )
    for kernel, strides, zeros, dilation, groups, channels in DIVIDED:
        yield LayerRow(
            f"conv2d-{kernel}-{strides}-dilation-{dilation}-groups-{groups}",
            pn.conv2d(6, kernel, strides=strides, dilation=dilation, groups=groups),
            (3, 4, channels),
            partial(plain_conv2d, strides, zeros, dilation, groups),
            leading=((2,), (1,)),
        )

    for padding, zeros, in_shape, n in (
        ("SAME", ((1, 1), (1, 1)), (4, 5, 32), 3),
        (((0, 2), (3, 0)), ((0, 2), (3, 0)), (4, 3, 33), 1),
    ):  # enough channels for Winograd's transforms, on a CPU
        yield LayerRow(
            f"conv2d-(3, 3)-32-channels-{'SAME' if padding == 'SAME' else 'explicit'}",
            pn.conv2d(32, padding=padding),
            in_shape,
            partial(plain_conv2d, (1, 1), zeros, (1, 1), 1),
            leading=((n,),),
        )


# (window, strides, padding, the same in numbers, in_shape)
NONE = ((0, 0), (0, 0))
POOLED = (
    ((2, 2), (2, 2), "VALID", NONE, (5, 4, 3)),  # side by side, a row left over
    ((3, 3), (2, 1), "VALID", NONE, (6, 4, 2)),  # overlapping
    ((1, 2), (2, 3), "VALID", NONE, (4, 6, 2)),  # with gaps between
    ((3, 2), (2, 2), "SAME", ((0, 1), (0, 1)), (4, 3, 2)),
)


def pool_rows(name, make, plain):
    for window, strides, padding, zeros, in_shape in POOLED:
        words = "" if padding == "VALID" else f"-{padding}"
        yield LayerRow(
            f"{name}-{window}-{strides}{words}",
            make(window, strides=None if strides == window else strides, padding=padding),
            in_shape,
            partial(plain, window, strides, zeros),
            leading=((3,), (1,)),
        )


LAYERS = (
    LayerRow("dense", pn.dense(3), (5,), plain_dense),
    LayerRow("dense-one-unit", pn.dense(1), (2,), plain_dense),
    LayerRow("dropout", pn.dropout(0.4), (5,), partial(plain_dropout, 0.4), True),
    LayerRow("dropout-evaluated", pn.dropout(0.4), (5,), plain_identity),
    LayerRow("batch_norm", pn.batch_norm(), (3,), plain_batch_norm, True, MORE_THAN_ONE),
    LayerRow("batch_norm-evaluated", pn.batch_norm(), (3,), plain_batch_norm_evaluated),
    LayerRow("layer_norm", pn.layer_norm(), (3,), plain_layer_norm),
    LayerRow("group_norm", pn.group_norm(2), (6,), partial(plain_group_norm, 2)),
    LayerRow("rms_norm", pn.rms_norm(), (3,), partial(plain_rms_norm, 1e-6)),
    LayerRow(  # without a large epsilon, y is the sign of x
        "rms_norm-one-feature", pn.rms_norm(epsilon=0.1), (1,), partial(plain_rms_norm, 0.1)
    ),
    LayerRow(
        "embedding",
        pn.embedding(5, 3),
        (4,),  # so that tokens occur more than once
        plain_embedding,
        leading=((4,), (1,), (2, 3)),
        vocabulary=5,
    ),
    LayerRow(
        "tied_embedding",
        pn.tied_embedding(5, 3, pn.dense(3), pn.tanh),
        (4,),
        plain_tied_embedding,
        leading=((4,), (2, 3)),
        vocabulary=5,
    ),
    LayerRow(
        "position_embedding",
        pn.position_embedding(4),
        (3, 2),
        plain_position_embedding,
    ),
    LayerRow(
        "gated_dense", pn.gated_dense(3), (5,), partial(plain_gated_dense, lambda a: plain_silu(a))
    ),
    LayerRow(
        "gated_dense-biases",
        pn.gated_dense(2, activation=pn.gelu, b_init=pn.initializers.zeros),
        (3,),
        partial(plain_gated_dense, lambda a: plain_gelu(a)),
        leading=((4,), (2, 3)),
    ),
    LayerRow("gru", pn.gru(3), (4, 2), plain_gru, leading=((3,), (1,))),
    LayerRow("lstm", pn.lstm(3), (4, 2), plain_lstm, leading=((3,), (1,))),
    LayerRow("flatten", pn.flatten(), (3, 2), plain_flatten, leading=((4,), (1,))),
    LayerRow("rescale", pn.rescale(), (3, 2), plain_rescale),
    *conv2d_rows(),
    LayerRow(
        "conv1d",
        pn.conv1d(4, 3, strides=3, padding=(1, 2), dilation=2, groups=2),
        (5, 2),
        partial(plain_conv1d, 3, (1, 2), 2, 2),
        leading=((3,), (1,)),
    ),
    LayerRow(
        "conv2d_transpose-(3, 2)-(2, 1)-SAME",
        pn.conv2d_transpose(5, (3, 2), strides=(2, 1)),
        (2, 3, 1),
        partial(plain_conv2d_transpose, (2, 1), ((0, 1), (0, 1))),
        leading=((2,), (1,)),
    ),
    LayerRow(
        "conv2d_transpose-(2, 3)-(3, 2)-VALID",
        pn.conv2d_transpose(2, (2, 3), strides=(3, 2), padding="VALID"),
        (2, 2, 3),
        partial(plain_conv2d_transpose, (3, 2), ((0, -1), (0, 0))),
        leading=((2,), (1,)),
    ),
    *pool_rows("max_pool", pn.max_pool, plain_max_pool),
    *pool_rows("avg_pool", pn.avg_pool, plain_avg_pool),
    LayerRow(
        "global_avg_pool",
        pn.global_avg_pool(),
        (2, 3, 2),
        plain_global_avg_pool,
        False,
        ((4,), (1,)),
    ),
    LayerRow("mlp", pn.mlp((4, 3), 2, activation=pn.tanh), (5,), plain_mlp),
    LayerRow("residual", pn.residual(pn.serial(pn.dense(3), pn.tanh)), (3,), plain_residual),
    LayerRow(
        "residual-projection",
        pn.residual(pn.serial(pn.dense(2), pn.tanh), projection=pn.dense(2)),
        (3,),
        plain_projected,
        leading=((4,),),
    ),
    LayerRow(
        "parallel",
        pn.parallel(pn.serial(), pn.serial(pn.dense(3), pn.dropout(0.4))),
        (3,),
        plain_parallel,
        True,
        ((4,), (2, 3)),
    ),
    LayerRow(
        "parallel-product",
        pn.parallel(pn.serial(), pn.dense(3), pn.dense(3), combine="product"),
        (3,),
        plain_product,
        leading=((4,),),
    ),
    LayerRow(
        "parallel-concat",
        pn.parallel(pn.dense(2), pn.serial(), pn.tanh, combine="concat"),
        (3,),
        plain_concat,
        leading=((4,), (2, 3)),
    ),
    LayerRow(
        "repeat",
        pn.repeat(pn.serial(pn.dense(3), pn.tanh), 2),
        (3,),
        plain_repeat,
        leading=((4,), (2, 3)),
    ),
    LayerRow(
        "serial",
        pn.serial(pn.dense(4), pn.batch_norm(), pn.leaky_relu, pn.dropout(0.5), pn.dense(2)),
        (3,),
        plain_serial,
        True,
        MORE_THAN_ONE,
    ),
    LayerRow(
        "recompute",
        pn.recompute(pn.serial(pn.batch_norm(), pn.gelu, pn.dropout(0.4), pn.dense(2))),
        (3,),
        plain_recompute,
        True,
        MORE_THAN_ONE,
    ),
    LayerRow(  # in the test's own dtype, or more; test_mixed_precision.py has the half ones
        "mixed_precision",
        pn.mixed_precision(pn.residual(pn.serial(pn.dense(3), pn.tanh)), jnp.float64),
        (3,),
        plain_residual,
    ),
    LayerRow(
        "attention",
        pn.attention(2, head_features=4, b_init=pn.initializers.zeros),
        (4, 3),
        partial(plain_attention, False, False),
        leading=((2,), (1,)),
    ),
    LayerRow(
        "attention-causal-rotary",
        pn.attention(4, kv_heads=2, head_features=6, causal=True, rotary=True),
        (5, 3),
        partial(plain_attention, True, True),
        leading=((3,),),
    ),
    LayerRow("serial-with-a-function", pn.serial(pn.dense(3), jnp.sin), (4,), plain_function),
)


# The plain ops: the formulas as texts print them, overflow and all.


def plain_relu(x):
    return jnp.where(x > 0, x, 0)


def plain_leaky_relu(x, *, negative_slope=0.01):
    return jnp.where(x > 0, x, negative_slope * x)


def plain_sigmoid(x):
    return 1 / (1 + jnp.exp(-x))


def plain_tanh(x):
    return (jnp.exp(x) - jnp.exp(-x)) / (jnp.exp(x) + jnp.exp(-x))


def plain_softmax(x):
    return jnp.exp(x) / jnp.exp(x).sum(-1, keepdims=True)


def plain_gelu(x, *, approximate=True):
    if approximate:
        return 0.5 * x * (1 + jnp.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return x * 0.5 * (1 + jax.lax.erf(x / np.sqrt(2)))


def plain_silu(x):
    return x / (1 + jnp.exp(-x))


def plain_softplus(x):
    return jnp.log(1 + jnp.exp(x))


def plain_log_softmax(x):
    return jnp.log(plain_softmax(x))


def plain_elu(x, *, alpha=1.0):
    return jnp.where(x > 0, x, alpha * (jnp.exp(x) - 1))


def plain_selu(x):
    return 1.0507009873554805 * plain_elu(x, alpha=1.6732632423543772)


def plain_mean(terms, weights=None):
    """Of one term per example or element; weights of examples count for each of their elements."""
    if weights is None:
        return terms.sum() / terms.size
    axes = tuple(range(weights.ndim, terms.ndim))
    weights = jnp.broadcast_to(jnp.expand_dims(weights, axes), terms.shape)
    return (weights * terms).sum() / weights.sum()


def plain_mse(predictions, targets, weights=None):
    return plain_mean((predictions - targets) ** 2, weights)


def plain_mae(predictions, targets, weights=None):
    return plain_mean(jnp.abs(predictions - targets), weights)


def plain_huber(predictions, targets, weights=None, *, delta=1.0):
    e = jnp.abs(predictions - targets)
    return plain_mean(jnp.where(e <= delta, e**2 / 2, delta * e - delta**2 / 2), weights)


def plain_binary_cross_entropy(p, t, weights=None):
    return plain_mean(-(t * jnp.log(p) + (1 - t) * jnp.log(1 - p)), weights)


def plain_sigmoid_binary_cross_entropy(z, t, weights=None):
    return plain_binary_cross_entropy(plain_sigmoid(z), t, weights)


def plain_categorical_cross_entropy(p, targets, weights=None, *, label_smoothing=0.0):
    classes = p.shape[-1]
    if targets.ndim < p.ndim:
        targets = jnp.eye(classes, dtype=p.dtype)[targets]
    targets = (1 - label_smoothing) * targets + label_smoothing / classes
    return plain_mean(-(targets * jnp.log(p)).sum(-1), weights)


def plain_softmax_cross_entropy(z, *others, **options):
    return plain_categorical_cross_entropy(plain_softmax(z), *others, **options)


def plain_l2_penalty(params):
    return 0.3 / 2 * sum((w**2).sum() for w in jax.tree.leaves(params) if w.ndim > 1)


def bad_examples(loss, predictions, targets):
    """Which examples a compiled loss makes NaN: with a target that is none, or no probabilities.

    A binary loss, whose examples are its elements, is NaN in all of them.
    """
    if loss not in (pn.softmax_cross_entropy, pn.categorical_cross_entropy):
        return np.ones(len(predictions), bool)

    def no_distributions(rows):
        return (rows < 0).any(-1) | ~(np.abs(rows.sum(-1) - 1) <= 1e-3)

    targets, predictions = np.asarray(targets), np.asarray(predictions)
    if targets.ndim == 1:
        bad = (targets.astype(int) < 0) | (targets.astype(int) >= predictions.shape[1])
    else:
        bad = no_distributions(targets)
    if loss is pn.categorical_cross_entropy:
        bad |= no_distributions(predictions)
    assert bad.any()
    return bad


# What goes in.


def like(rng, shape):
    return (rng.normal(size=shape),)


def between_0_and_1(rng, shape):
    return rng.uniform(0.05, 0.95, size=shape)


def fractions(rng, shape):
    return (rng.uniform(size=shape),)


def distributions(rng, shape):
    return rng.dirichlet(np.ones(shape[-1]), size=shape[:-1])


def rows(rng, shape):
    return (distributions(rng, shape),)


def labels(rng, shape):
    return (rng.integers(shape[-1], size=shape[:-1], dtype=np.int32),)


def weighed(others):
    """Weights of the examples behind the targets; the first counts nothing, if there are more."""

    def drawn(rng, shape):
        (targets,) = others(rng, shape)
        leading = shape[:-1] if others in (labels, rows) else shape[:1]
        weights = rng.uniform(0.5, 2, size=leading)
        weights[(0,) * len(leading)] = weights.size == 1
        return targets, weights

    return drawn


def parameters(rng, shape):
    return {"b": rng.normal(size=shape[-1:]), "w": [rng.normal(size=shape)] * 2}


BATCHES = ((4, 5), (1, 3), (7, 2))
POSITIONS = ((4, 5), (2, 3, 4))

ACTIVATIONS = (
    OpRow("relu", pn.relu, plain_relu),
    OpRow("leaky_relu", pn.leaky_relu, plain_leaky_relu),
    OpRow("leaky_relu-0.3", pn.leaky_relu, plain_leaky_relu, options={"negative_slope": 0.3}),
    OpRow("elu", pn.elu, plain_elu),
    OpRow("elu-0.7", pn.elu, plain_elu, options={"alpha": 0.7}),
    OpRow("selu", pn.selu, plain_selu),
    OpRow("sigmoid", pn.sigmoid, plain_sigmoid),
    OpRow("tanh", pn.tanh, plain_tanh),
    OpRow("softmax", pn.softmax, plain_softmax),
    OpRow("log_softmax", pn.log_softmax, plain_log_softmax),
    OpRow("gelu", pn.gelu, plain_gelu),
    OpRow("gelu-exact", pn.gelu, plain_gelu, options={"approximate": False}),
    OpRow("silu", pn.silu, plain_silu),
    OpRow("softplus", pn.softplus, plain_softplus),
)

LOSSES = (
    OpRow("mse", pn.mse, plain_mse, others=like),
    OpRow("mse-weights", pn.mse, plain_mse, BATCHES, others=weighed(like)),
    OpRow("mae", pn.mae, plain_mae, BATCHES, others=like),
    OpRow("huber", pn.huber, plain_huber, BATCHES, others=like, options={"delta": 0.7}),
    OpRow(
        "binary_cross_entropy",
        pn.binary_cross_entropy,
        plain_binary_cross_entropy,
        x=between_0_and_1,
        others=fractions,
    ),
    OpRow(
        "sigmoid_binary_cross_entropy",
        pn.sigmoid_binary_cross_entropy,
        plain_sigmoid_binary_cross_entropy,
        others=fractions,
    ),
    OpRow(
        "sigmoid_binary_cross_entropy-weights",
        pn.sigmoid_binary_cross_entropy,
        plain_sigmoid_binary_cross_entropy,
        BATCHES,
        others=weighed(fractions),
    ),
    OpRow(
        "categorical_cross_entropy",
        pn.categorical_cross_entropy,
        plain_categorical_cross_entropy,
        BATCHES,
        distributions,
        labels,
    ),
    OpRow(
        "categorical_cross_entropy-rows",
        pn.categorical_cross_entropy,
        plain_categorical_cross_entropy,
        BATCHES,
        distributions,
        rows,
    ),
    OpRow(
        "categorical_cross_entropy-weights",
        pn.categorical_cross_entropy,
        plain_categorical_cross_entropy,
        POSITIONS,
        distributions,
        weighed(rows),
    ),
    OpRow(
        "softmax_cross_entropy",
        pn.softmax_cross_entropy,
        plain_softmax_cross_entropy,
        BATCHES,
        others=labels,
    ),
    OpRow(
        "softmax_cross_entropy-rows",
        pn.softmax_cross_entropy,
        plain_softmax_cross_entropy,
        POSITIONS,
        others=rows,
    ),
    OpRow(
        "softmax_cross_entropy-weights",
        pn.softmax_cross_entropy,
        plain_softmax_cross_entropy,
        POSITIONS,
        others=weighed(labels),
        options={"label_smoothing": 0.3},
    ),
)

PENALTIES = (OpRow("l2_penalty", pn.l2_penalty(0.3), plain_l2_penalty, BATCHES, parameters),)

OPS = ACTIVATIONS + LOSSES + PENALTIES


ROWS = LAYERS + OPS

# Rows that run the same lines of purenn as another row, at other numbers: test_rules.py checks it.
# Their values and derivatives are judged like any row's; modes of JAX need not be tried twice.
ALIKE = {
    "dense-one-unit": "dense",
    "conv2d-(2, 3)-(3, 2)-VALID": "conv2d-(3, 3)-(1, 1)-SAME",
    "conv2d-(1, 1)-(2, 2)-VALID": "conv2d-(3, 2)-(2, 1)-SAME",
    "max_pool-(1, 2)-(2, 3)": "max_pool-(2, 2)-(2, 2)",
    "avg_pool-(1, 2)-(2, 3)": "avg_pool-(2, 2)-(2, 2)",
    "rms_norm-one-feature": "rms_norm",
    "leaky_relu-0.3": "leaky_relu",
    "elu-0.7": "elu",
}
# Rows made of the layers of other rows, with no arithmetic of their own.
MADE_OF_OTHERS = (
    "mlp",
    "residual",
    "residual-projection",
    "parallel",
    "parallel-product",
    "parallel-concat",
    "repeat",
    "serial",
    "recompute",
    "serial-with-a-function",
)
# Those of them that other rows stand for where a layer is called as a whole: "serial" and
# "parallel", whose lines they run. Their values and derivatives are judged like any row's.
VARIANTS = ("mlp", "residual-projection", "serial-with-a-function")
DISTINCT = tuple(row for row in ROWS if row.name not in ALIKE)
# One row of each layer and op.
FIRST = tuple({row.name.split("-")[0]: row for row in reversed(ROWS)}.values())


def names(table):
    """Ids for pytest."""
    return [row.name for row in table]


def to_jax(a, dtype=None):
    """A JAX array of NumPy's numbers. `jnp.asarray(a)` would compile a program for each shape."""
    return numpy_arrays.to_jax(np.asarray(a, dtype))


def as_dtype(tree, dtype):
    """Floating leaves in a dtype; the rest as they are."""

    def leaf(a):
        if isinstance(a, jax.Array) and is_key(a):
            return a
        return to_jax(a, dtype if jnp.issubdtype(a.dtype, jnp.floating) else None)

    return jax.tree.map(leaf, tree)


class LayerCase(NamedTuple):
    """A layer at random parameters, statistics and input."""

    params: Any
    state: Any
    x: Any
    key: Any


def layer_case(row, leading, rng, dtype=jnp.float64):
    """Random parameters: zero biases and fresh statistics would hide mistakes."""
    params, state = jax.eval_shape(lambda: row.layer.init(jax.random.key(0), row.in_shape))
    params = jax.tree.map(lambda p: 0.3 + 0.5 * rng.normal(size=p.shape), params)
    state = jax.tree.map(lambda s: 0.5 + rng.uniform(size=s.shape), state)
    x = layer_input(row, leading, rng)
    return LayerCase(*as_dtype((params, state, x), dtype), jax.random.key(7))


def layer_input(row, leading, rng):
    """A layer's random input, in NumPy."""
    shape = (*leading, *row.in_shape)
    if row.vocabulary is None:
        return rng.normal(size=shape)
    return rng.integers(row.vocabulary, size=shape, dtype=np.int32)


def op_case(row, shape, rng, dtype=jnp.float64):
    """An op's arguments."""
    return as_dtype((row.x(rng, shape), *row.others(rng, shape)), dtype)


def is_float(a):
    return jnp.issubdtype(jnp.result_type(a), jnp.floating)


def error(got, expected):
    """max|a-b| / max|b|, or max|a-b| where b is truly zero: the largest over the leaves.

    A bias before batch norm has derivative zero: what comes is the rounding of the other leaves.
    """
    worst = 0.0
    got, expected = jax.tree.leaves(got), jax.tree.leaves(expected)
    assert len(got) == len(expected)
    floor = 32 * max(
        (float(jnp.finfo(jnp.result_type(b)).eps) for b in expected if is_float(b)), default=0.0
    )
    expected = [np.asarray(b, np.float64) for b in expected]
    largest = max((float(np.abs(b).max(initial=0)) for b in expected), default=0.0)
    for a, b in zip(got, expected, strict=True):
        assert a.shape == b.shape, (a.shape, b.shape)
        a = np.asarray(a, np.float64)
        assert np.isfinite(a).all()
        if a.size:
            scale = float(np.abs(b).max())
            scale = scale if scale > floor * largest else 1.0
            worst = max(worst, float(np.abs(a - b).max() / scale))
    return worst


class Functions(NamedTuple):
    """Any row as functions of `v`, what is differentiated, and `rest`, what is not.

    `v` is `(params, x)` of a layer and an op's first argument; `rest` is `(state, key)` of a layer
    and an op's further arguments. Tokens have no derivative: then they are `(params,)` and
    `(state, key, x)`. `case` makes both.
    """

    plain: Callable[..., Any]  # (v, rest) -> y
    apply: Callable[..., Any]  # (v, rest) -> y
    forward: Callable[..., Any]  # (v, rest) -> (y, cache)
    backward: Callable[..., Any]  # (v, cache, dy) -> dv


def layer_arguments(v, rest):
    """The `params, state, x, key` of a layer that are in `v` and `rest`."""
    (params, *x), (state, key, *tokens) = v, rest
    return params, state, *x, *tokens, key


def functions(row):
    """The row's functions, all of one signature."""
    if isinstance(row, LayerRow):
        layer = row.layer

        def layer_plain(v, rest):
            return row.plain(*layer_arguments(v, rest))

        def layer_apply(v, rest):
            *given, key = layer_arguments(v, rest)
            return layer.apply(*given, train=row.train, key=key)[0]

        def layer_forward(v, rest):
            *given, key = layer_arguments(v, rest)
            y, _, cache = layer.forward(*given, train=row.train, key=key)
            return y, cache

        def layer_backward(v, cache, dy):
            dparams, dx = layer.backward(v[0], cache, dy)
            assert (dx is None) == (row.vocabulary is not None)
            return (dparams,) if dx is None else (dparams, dx)

        return Functions(layer_plain, layer_apply, layer_forward, layer_backward)
    op, options = row.op, row.options
    return Functions(
        lambda x, rest: row.plain(x, *rest, **options),
        lambda x, rest: op(x, *rest, **options),
        lambda x, rest: op.forward(x, *rest, **options),
        lambda x, cache, dy: op.backward(cache, dy),
    )


def shapes(row):
    """A layer's leading axes, or an op's shapes: what `case` takes."""
    return row.leading if isinstance(row, LayerRow) else row.shapes


def shape_of_each_rank(row):
    """The first shape of each rank: those in which a rule can differ by more than a size."""
    return list({len(shape): shape for shape in reversed(shapes(row))}.values())[::-1]


def case(row, shape, rng, dtype=jnp.float64):
    """`v` and `rest` at random."""
    if isinstance(row, LayerRow):
        params, state, x, key = layer_case(row, shape, rng, dtype)
        if row.vocabulary is not None:
            return (params,), (state, key, x)
        return (params, x), (state, key)
    x, *others = op_case(row, shape, rng, dtype)
    return x, tuple(others)


def cotangent(function, v, rest, rng):
    """A random `dy` of `function(v, rest)`: ones would hide a mistake in batch norm."""
    y = jax.eval_shape(function, v, rest)
    return to_jax(rng.normal(size=y.shape), y.dtype)


# Most of these tests' time is XLA's: what runs once on a few numbers needs no optimizing. The older
# way of writing loops, which jax 0.12 no longer has, compiles in half the time. conftest.py asks
# for the same in all programs; this holds where PURENN_TESTS_OPTIMIZED=1 takes that back.
jit_quickly = partial(
    jax.jit,
    compiler_options={
        "xla_backend_optimization_level": 0,
        "xla_llvm_disable_expensive_passes": True,
        **({"xla_cpu_use_fusion_emitters": False} if jax.__version_info__ < (0, 11) else {}),
    },
)


# For tests of what XLA makes of a program: how it adds up long sums, for example.
jit_optimized = partial(
    jax.jit,
    compiler_options={
        "xla_backend_optimization_level": 3,
        "xla_llvm_disable_expensive_passes": False,
        **({"xla_cpu_use_fusion_emitters": True} if jax.__version_info__ < (0, 11) else {}),
    },
)


def dtypes(tree):
    """The tree with each array's dtype in its place."""
    return jax.tree.map(lambda a: a.dtype, tree)
