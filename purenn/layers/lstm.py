"""`lstm`: long short-term memory, a recurrent layer with a gated memory cell."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from purenn.core import checks, scalars
from purenn.core.layer import Layer
from purenn.core.notation import Notation
from purenn.core.precision import wide, wide_dtype
from purenn.core.sharding import product, reshard_like, varying_together
from purenn.core.types import Initializer
from purenn.core.weights import weights
from purenn.initializers import lecun_normal, zeros
from purenn.layers import recurrent
from purenn.layers.recurrent import (
    by_batch,
    gathered,
    in_blocks,
    in_dtype_of,
    out_of_blocks,
    over_steps,
    states_before,
    sum_over_steps,
)
from purenn.layers.recurrent_padding import with_padding


@weights("w", "u")
class LstmParams(NamedTuple):
    """The weights and biases of `lstm`, with the gates side by side: input, forget, cell, output.

    Attributes:
        w: weights of the input, `(features, 4 * units)`.
        u: weights of the previous state, `(units, 4 * units)`.
        b: biases, `(4 * units,)`; None for a layer without biases.
    """

    w: Array  # (features, 4 * units)
    u: Array  # (units, 4 * units)
    b: Array | None = None  # (4 * units,)


class _Memory(NamedTuple):
    h: Array  # (batch, units)
    c: Array


class _Saved(NamedTuple):
    x: Array  # (batch, time, features)
    y: Array  # (batch, time, units)
    gates: tuple[Array, Array, Array, Array]  # i, f, g, o, each (blocks, steps, batch, units)
    c_before: Array  # c before each step, like them
    c: Array  # after the last step, (batch, units)


def lstm(
    units: int,
    *,
    w_init: Initializer = lecun_normal,
    u_init: Initializer = lecun_normal,
    b_init: Initializer | None = zeros,
) -> Layer:
    r"""Run a long short-term memory (LSTM) over sequences and return its output at every step.

    Let $\sigma$ be the sigmoid. The state starts at $h_0 = c_0 = 0$, and at each step $t$,

    $$[z^i, z^f, z^g, z^o]_t = x_t w + h_{t-1} u + b$$

    $$i = \sigma(z^i), \quad f = \sigma(z^f), \quad g = \tanh z^g, \quad o = \sigma(z^o)$$

    $$c_t = f_t \odot c_{t-1} + i_t \odot g_t, \qquad y_t = h_t = o_t \odot \tanh c_t$$

    The input gate $i$ decides how much of the new value $g$ enters the cell $c$. The forget gate
    $f$ decides how much of the old cell is kept, and the output gate $o$ how much of the cell is
    output.

    The backward pass runs through time from the last step to the first. $h_t$ affects the loss
    through $y_t$ and through the next step; $c_t$ affects it through $h_t$ and $c_{t+1}$:

    $$dh_t = dy_t + dz_{t+1} u^\top, \qquad
      dc_t = dh_t \odot o_t \odot (1 - \tanh^2 c_t) + dc_{t+1} \odot f_{t+1}$$

    $$dz^i_t = dc_t \odot g_t \odot i_t (1 - i_t), \qquad
      dz^f_t = dc_t \odot c_{t-1} \odot f_t (1 - f_t)$$

    $$dz^g_t = dc_t \odot i_t \odot (1 - g_t^2), \qquad
      dz^o_t = dh_t \odot \tanh c_t \odot o_t (1 - o_t)$$

    with $dz_{T+1} = 0$ and $dc_{T+1} = 0$ after the last step $T$. The remaining derivatives do not
    need a loop:

    $$dx_t = dz_t w^\top, \quad dw = \sum_t x_t^\top dz_t, \quad
      du = \sum_t h_{t-1}^\top dz_t, \quad db = \sum_{t,\,\text{batch}} dz_t$$

    The loop over steps contains only the operations that depend on the previous step: the product
    with $u$ in the forward pass, the product with $u^\top$ in the backward pass, and the
    elementwise arithmetic. The products with $x$ and $w$, and $du$, are computed for a block of
    steps at a time, so $z$ and $dz$ are in memory one block at a time.

    This is the LSTM of [Hochreiter and Schmidhuber (1997)][hochreiter1997] with the forget gate of
    [Gers, Schmidhuber, and Cummins (2000)][gers2000], without peepholes. In PyTorch's `LSTM`, `w`
    is `weight_ih_l0.T`, `u` is `weight_hh_l0.T`, and `b` is `bias_ih_l0 + bias_hh_l0`. In Flax's
    `OptimizedLSTMCell`, `w` is the concatenated kernels of `ii, if, ig, io`, and `u` and `b` are
    the concatenated kernels and biases of `hi, hf, hg, ho`.

    Args:
        units: the number of cells, at least 1.
        w_init: initializer of `w: (features, 4 * units)`. The default, `lecun_normal`, has variance
            `1 / features`.
        u_init: initializer of `u: (units, 4 * units)`, likewise.
        b_init: initializer of `b: (4 * units,)`; None for a layer without biases. If the biases of
            the forget gates, `b[units : 2 * units]`, start at 1, the cells initially remember
            longer.

    Returns:
        A layer with parameters `LstmParams(w, u, b)` and no state. It maps `x: (batch, time,
        features)` to `y: (batch, time, units)`. Each sequence starts from a state of zeros. The
        cache is `x`, `y`, and the gates and $c$ of each step. In bfloat16 and float16, $h$ and $c$
        are float32 within the loops. With `stepwise`, the state is $h$ and $c$. In `Padded`
        sequences, the state is carried from one valid position to the next and skips padding.

    Raises:
        TypeError: if `units` is not an integer, or an initializer is not callable.
        ValueError: if `units` is below 1, or an example does not have the shape `(time, features)`.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> layer = pn.lstm(5)
        >>> params, state = layer.init(jax.random.key(0), in_shape=(100, 3))
        >>> y, state = layer.apply(params, state, jnp.ones((2, 100, 3)))
        >>> print(params.w.shape, params.u.shape, params.b.shape, y.shape)
        (3, 20) (5, 20) (20,) (2, 100, 5)
    """
    units = scalars.count("lstm", "units", units)
    recurrent.check_initializers("lstm", w_init, u_init, b_init)
    name, bias = f"lstm({units})", b_init is not None

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[LstmParams, tuple[()]]:
        in_shape = checks.shape_tuple(name, in_shape)
        drawn = recurrent.draw_weights(name, key, in_shape, units, 4, (w_init, u_init, b_init))
        return LstmParams(drawn.w, drawn.u, drawn.b), ()

    def forward(
        params: LstmParams, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, _Saved]:
        check(params, x)
        zero = recurrent.zero_state(x, units, params)
        _, saved = steps(params, _Memory(zero, zero), x)
        return saved.y, state, saved

    def steps(params: LstmParams, start: _Memory, x: Array) -> tuple[_Memory, _Saved]:
        w, u, b = gathered(params)
        scale = jnp.array([0.5, 0.5, 1.0, 0.5], wide_dtype(x.dtype)).repeat(units)[None]
        row = 0 if b is None else jnp.expand_dims(wide(b), 0)

        def step(memory: _Memory, z: Array) -> Any:
            h, c_before = memory
            z = z + wide(product(h.astype(u.dtype), u, like=h)) + row
            # sigma(z) = tanh(z / 2) / 2 + 1 / 2: one tanh for all gates, and a forward of 10 ms
            # instead of 19 with `jax.nn.sigmoid` (in the case of `in_blocks`).
            gates = scale * jnp.tanh(scale * z) + (1 - scale)
            i, f, g, o = jnp.split(gates, 4, axis=-1)
            c = f * c_before + i * g
            h = o * jnp.tanh(c)
            return _Memory(h, c), tuple(a.astype(x.dtype) for a in (h, c_before, i, f, g, o))

        def block(memory: _Memory, x: Array) -> Any:
            return lax.scan(step, memory, wide(product(x, w, like=x)))

        memory, (h, c_before, *gates) = lax.scan(block, start, in_blocks(by_batch(x)))
        c = memory.c.astype(x.dtype)
        return memory, _Saved(x, out_of_blocks(h), tuple(gates), c_before, c)

    def backward(params: LstmParams, saved: _Saved, dy: Array) -> tuple[LstmParams, Array]:
        check(params, saved.x)
        w, u, b = gathered(params)
        dtype = dy.dtype

        # The gates are separate arrays: 14 ms for all steps, where slices of one array take 20.
        def step(carry: tuple[Array, Array, Array], given: Any) -> Any:
            dh, dc, c = carry
            dy, c_before, i, f, g, o = map(wide, given)
            tanh_c = jnp.tanh(c)
            dh = dh + dy
            dc = dc + dh * o * (1 - tanh_c * tanh_c)
            parts = (
                dc * g * i * (1 - i),
                dc * c_before * f * (1 - f),
                dc * i * (1 - g * g),
                dh * tanh_c * o * (1 - o),
            )
            dz = jnp.hstack(parts).astype(dtype)
            return (wide(product(dz, u.T, like=dh)), dc * f, c_before), dz

        def block(carry: Any, given: Any) -> Any:
            later, sums = carry
            x, h_before, *given = given
            later, dz = lax.scan(step, later, given, reverse=True)
            dw = sums.w + over_steps(x, dz, sums.w)
            du = sums.u + over_steps(h_before, dz, sums.u)
            db = None if b is None else sums.b + sum_over_steps(dz, sums.b)
            return (later, LstmParams(dw, du, db)), product(dz, w.T, like=x)

        zero = recurrent.zero_state(saved.x, units, params, dy)
        c = varying_together(wide(saved.c), zero)
        carry = (zero, zero, c), recurrent.zero_sums(params, zero)
        x, dy = in_blocks(by_batch(saved.x)), in_blocks(by_batch(dy))
        given = x, states_before(saved.y), dy, saved.c_before, *saved.gates
        (_, sums), dx = lax.scan(block, carry, given, reverse=True)
        return in_dtype_of(sums, params), reshard_like(out_of_blocks(dx), saved.x)

    def in_steps(batch: int, length: int) -> Layer:
        def init_read(key: Any, in_shape: tuple[int, ...]) -> tuple[LstmParams, _Memory]:
            zero = jnp.zeros((batch, units))
            return init(key, in_shape)[0], _Memory(zero, zero)

        def read(
            params: LstmParams, memory: _Memory, x: Array, *, train: bool = False, key: Any = None
        ) -> tuple[Array, _Memory, None]:
            check(params, x)
            after, saved = steps(params, _Memory(*map(wide, memory)), x)
            return saved.y, _Memory(*(a.astype(memory.h.dtype) for a in after)), None

        return Layer(init_read, read, backward, name=name)

    def check(params: Any, x: Array) -> None:
        n = 4 * units
        checks.record(
            name, "params", params, LstmParams, ("features", n), (units, n), (n,) if bias else None
        )
        recurrent.check_sequences(name, params, x)

    notation = Notation("H", "lstm({x}·{w}" + " + {b}" * bias + ", {u})")

    def flops(params: Any, x: Any, y: Any) -> int:
        products = 8 * (params.w.shape[0] + units)
        return int(y.size) * (products + 4 * bias + 9)

    return Layer(
        init,
        *with_padding(forward, backward),
        name=name,
        notation=notation,
        flops=flops,
        padded="uses",
        stepwise=in_steps,
    )
