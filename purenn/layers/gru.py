"""`gru`: the gated recurrent unit, whose gates mix the old and a new state at each step."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from purenn.core import checks, scalars
from purenn.core.layer import Layer
from purenn.core.notation import Notation
from purenn.core.precision import per_feature, wide
from purenn.core.sharding import product, reshard_like
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
class GruParams(NamedTuple):
    """The weights and biases of `gru`, with the gates side by side: reset, update, new.

    Attributes:
        w: weights of the input, `(features, 3 * units)`.
        u: weights of the previous state, `(units, 3 * units)`.
        b: biases, `(3 * units,)`; None for a layer without biases.
        c: biases inside the reset product, `(units,)`; None for a layer without biases.
    """

    w: Array  # (features, 3 * units)
    u: Array  # (units, 3 * units)
    b: Array | None = None  # (3 * units,)
    c: Array | None = None  # (units,)


class _Saved(NamedTuple):
    x: Array  # (batch, time, features)
    y: Array  # (batch, time, units)
    gates: tuple[Array, Array, Array]  # r, z, and n, each (blocks, steps, batch, units)


def gru(
    units: int,
    *,
    w_init: Initializer = lecun_normal,
    u_init: Initializer = lecun_normal,
    b_init: Initializer | None = zeros,
) -> Layer:
    r"""Run a gated recurrent unit (GRU) over sequences and return its output at every step.

    Let $\sigma$ be the sigmoid. The state starts at $h_0 = 0$, and at each step $t$,

    $$[a^r, a^z, a^n]_t = x_t w + b, \qquad [s^r, s^z, s^n]_t = h_{t-1} u$$

    $$r = \sigma(a^r + s^r), \quad z = \sigma(a^z + s^z), \quad
      m = s^n + c, \quad n = \tanh(a^n + r \odot m)$$

    $$y_t = h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}$$

    The update gate $z$ decides how much of the old state is kept. The reset gate $r$ decides how
    much of $m$, the part of the candidate $n$ that comes from the old state, enters $n$.

    The backward pass runs through time from the last step to the first. $h_t$ affects the loss
    through $y_t$, and through the next step by way of $s_{t+1}$ and $z_{t+1} \odot h_t$:

    $$dh_t = dy_t + ds_{t+1} u^\top + dh_{t+1} \odot z_{t+1}$$

    $$da^n_t = dh_t \odot (1 - z_t) \odot (1 - n_t^2), \qquad
      dm_t = ds^n_t = da^n_t \odot r_t$$

    $$da^r_t = ds^r_t = da^n_t \odot m_t \odot r_t (1 - r_t), \qquad
      da^z_t = ds^z_t = dh_t \odot (h_{t-1} - n_t) \odot z_t (1 - z_t)$$

    with $ds_{T+1} = 0$ and $dh_{T+1} = 0$ after the last step $T$. The remaining derivatives do not
    need a loop:

    $$dx_t = da_t w^\top, \quad dw = \sum_t x_t^\top da_t, \quad
      du = \sum_t h_{t-1}^\top ds_t$$

    $$db = \sum_{t,\,\text{batch}} da_t, \quad dc = \sum_{t,\,\text{batch}} dm_t$$

    The loop over steps contains only the operations that depend on the previous step: the product
    with $u$ in the forward pass, the product with $u^\top$ in the backward pass, and the
    elementwise arithmetic. The products with $x$ and $w$, the derivative $du$, and the values $m$,
    which the backward pass recomputes, are computed for a block of steps at a time.

    This is the GRU of [Cho et al. (2014)][cho2014] in the form of cuDNN and PyTorch, where the
    reset gate is applied after the product with $u$; in the paper it is applied before, $(r \odot
    h_{t-1})\, u^n$. In PyTorch's `GRU`, `w` is `weight_ih_l0.T` and `u` is `weight_hh_l0.T`; `b` is
    `bias_ih_l0` plus the first two thirds of `bias_hh_l0`, and `c` is the last third. In Flax's
    `GRUCell`, `w` and `b` are the concatenated kernels and biases of `ir, iz, in`, `u` is the
    concatenated kernels of `hr, hz, hn`, and `c` is the bias of `hn`.

    Args:
        units: the number of units, at least 1.
        w_init: initializer of `w: (features, 3 * units)`. The default, `lecun_normal`, has variance
            `1 / features`.
        u_init: initializer of `u: (units, 3 * units)`, likewise.
        b_init: initializer of `b: (3 * units,)` and `c: (units,)`; None for a layer without biases.

    Returns:
        A layer with parameters `GruParams(w, u, b, c)` and no state. It maps `x: (batch, time,
        features)` to `y: (batch, time, units)`. Each sequence starts from a state of zeros. The
        cache is `x`, `y`, and the gates of each step. In bfloat16 and float16, $h$ is float32
        within the loops. With `stepwise`, the state is $h$. In `Padded` sequences, the state is
        carried from one valid position to the next and skips padding.

    Raises:
        TypeError: if `units` is not an integer, or an initializer is not callable.
        ValueError: if `units` is below 1, or an example does not have the shape `(time, features)`.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> layer = pn.gru(5)
        >>> params, state = layer.init(jax.random.key(0), in_shape=(100, 3))
        >>> y, state = layer.apply(params, state, jnp.ones((2, 100, 3)))
        >>> print(params.w.shape, params.u.shape, params.b.shape, params.c.shape, y.shape)
        (3, 15) (5, 15) (15,) (5,) (2, 100, 5)
    """
    units = scalars.count("gru", "units", units)
    recurrent.check_initializers("gru", w_init, u_init, b_init)
    name, bias = f"gru({units})", b_init is not None

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[GruParams, tuple[()]]:
        in_shape = checks.shape_tuple(name, in_shape)
        drawn = recurrent.draw_weights(name, key, in_shape, units, 3, (w_init, u_init, b_init))
        return GruParams(*drawn), ()

    def forward(
        params: GruParams, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, _Saved]:
        check(params, x)
        _, saved = steps(params, recurrent.zero_state(x, units, params), x)
        return saved.y, state, saved

    def steps(params: GruParams, start: Array, x: Array) -> tuple[Array, _Saved]:
        w, u, b, c = gathered(params)

        def step(h: Array, a: Array) -> Any:
            s = wide(product(h.astype(u.dtype), u, like=h))
            a = with_bias(a, b)
            rz = 0.5 * jnp.tanh(0.5 * (a + s)[:, : 2 * units]) + 0.5
            r, z = jnp.split(rz, 2, axis=-1)
            n = jnp.tanh(a[:, 2 * units :] + r * with_bias(s[:, 2 * units :], c))
            h = n + z * (h - n)
            return h, tuple(a.astype(x.dtype) for a in (h, r, z, n))

        def block(h: Array, x: Array) -> Any:
            return lax.scan(step, h, wide(product(x, w, like=x)))

        last, (h, *gates) = lax.scan(block, start, in_blocks(by_batch(x)))
        return last, _Saved(x, out_of_blocks(h), tuple(gates))

    def backward(params: GruParams, saved: _Saved, dy: Array) -> tuple[GruParams, Array]:
        check(params, saved.x)
        w, u, b, c = gathered(params)
        dtype = dy.dtype

        def step(dh: Array, given: Any) -> Any:
            dy, h_before, r, z, n, m = map(wide, given)
            dh = dh + dy
            dn = dh * (1 - z) * (1 - n * n)
            dr = dn * m * r * (1 - r)
            dz = dh * (h_before - n) * z * (1 - z)
            ds = jnp.concatenate([dr, dz, dn * r], axis=-1).astype(dtype)
            return dh * z + wide(product(ds, u.T, like=dh)), (ds, dn.astype(dtype))

        def block(carry: Any, given: Any) -> Any:
            dh, sums = carry
            x, dy, h_before, *gates = given
            m = with_bias(wide(product(h_before, u[:, 2 * units :], like=h_before)), c)
            dh, (ds, dn) = lax.scan(step, dh, (dy, h_before, *gates, m), reverse=True)
            da = jnp.concatenate([ds[..., : 2 * units], dn], axis=-1)
            dw = sums.w + over_steps(x, da, sums.w)
            du = sums.u + over_steps(h_before, ds, sums.u)
            db = None if b is None else sums.b + sum_over_steps(da, sums.b)
            dc = None if c is None else sums.c + sum_over_steps(ds[..., 2 * units :], sums.c)
            return (dh, GruParams(dw, du, db, dc)), product(da, w.T, like=x)

        zero = recurrent.zero_state(saved.x, units, params, dy)
        x, dy = in_blocks(by_batch(saved.x)), in_blocks(by_batch(dy))
        given = x, dy, states_before(saved.y), *saved.gates
        carry = zero, recurrent.zero_sums(params, zero)
        (_, sums), dx = lax.scan(block, carry, given, reverse=True)
        return in_dtype_of(sums, params), reshard_like(out_of_blocks(dx), saved.x)

    def with_bias(a: Array, c: Array | None) -> Array:
        return a if c is None else a + per_feature(wide(c), a)

    def in_steps(batch: int, length: int) -> Layer:
        def init_read(key: Any, in_shape: tuple[int, ...]) -> tuple[GruParams, Array]:
            return init(key, in_shape)[0], jnp.zeros((batch, units))

        def read(
            params: GruParams, h: Array, x: Array, *, train: bool = False, key: Any = None
        ) -> tuple[Array, Array, None]:
            check(params, x)
            last, saved = steps(params, wide(h), x)
            return saved.y, last.astype(h.dtype), None

        return Layer(init_read, read, backward, name=name)

    def check(params: Any, x: Array) -> None:
        n, biases = 3 * units, ((3 * units,), (units,)) if bias else (None, None)
        checks.record(name, "params", params, GruParams, ("features", n), (units, n), *biases)
        recurrent.check_sequences(name, params, x)

    notation = Notation("H", "gru({x}·{w}" + " + {b}" * bias + ", {u}" + ", {c}" * bias + ")")

    def flops(params: Any, x: Any, y: Any) -> int:
        products = 6 * (params.w.shape[0] + units)
        return int(y.size) * (products + 4 * bias + 8)

    return Layer(
        init,
        *with_padding(forward, backward),
        name=name,
        notation=notation,
        flops=flops,
        padded="uses",
        stepwise=in_steps,
    )
