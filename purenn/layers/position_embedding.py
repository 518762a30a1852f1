"""`position_embedding`: a learned vector for each position, added to the sequence."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from purenn.core import checks, scalars
from purenn.core.layer import Layer
from purenn.core.located import inside
from purenn.core.notation import Notation
from purenn.core.precision import per_feature
from purenn.core.types import Initializer
from purenn.core.weights import weights
from purenn.initializers import small_normal
from purenn.layers.draw import draw


@weights("w")
class PositionEmbeddingParams(NamedTuple):
    """The table of `position_embedding`.

    Attributes:
        w: one row per position, `(length, features)`. Weight decay applies to it, as in PyTorch.
    """

    w: Array  # (length, features)


def position_embedding(length: int, *, w_init: Initializer = small_normal) -> Layer:
    r"""Add a learned vector to each position of a sequence: $y_p = x_p + w_p$.

    $$dx = dy, \qquad dw_p = \sum_i dy_{ip}$$

    All sequences of the batch share $w$, so $dw$ is a sum over the examples $i$. The rows of $dw$
    beyond the end of the sequences are 0. Use the layer after an `embedding`, as in GPT-2. [Vaswani
    et al. (2017)][vaswani2017] found that learned vectors work as well as fixed sines.

    Args:
        length: the length of the longest sequence, at least 1.
        w_init: initializer of `w: (length, features)`. The default draws normal numbers with a
            standard deviation of 0.02, as in GPT-2.

    Returns:
        A layer with parameters `PositionEmbeddingParams(w)` and no state;
        `x, y: (batch, ..., time, features)` with `time` at most `length`. The cache is empty.

    Raises:
        TypeError: if `length` is not an integer, or `w_init` is not callable.
        ValueError: if `length` is below 1; at `init` or `forward`, a sequence is longer than
            `length`.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> layer = pn.position_embedding(3)
        >>> params = pn.PositionEmbeddingParams(w=jnp.array([[1.0], [2.0], [3.0]]))
        >>> y, state, cache = layer.forward(params, (), jnp.array([[[10.0], [20.0]]]))
        >>> dparams, dx = layer.backward(params, cache, jnp.ones((1, 2, 1)))
        >>> print(y.tolist(), dparams.w.tolist())
        [[[11.0], [22.0]]] [[1.0], [1.0], [0.0]]
    """
    length = scalars.count("position_embedding", "length", length)
    checks.function("position_embedding", "w_init", w_init)
    name = f"position_embedding({length})"

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[PositionEmbeddingParams, tuple[()]]:
        key = checks.prng_key(name, key)
        if len(in_shape) < 2:
            raise ValueError(f"{name}: in_shape is {in_shape}, expected (time, features)")
        fits("in_shape", in_shape)
        with inside("w_init"):
            w = draw(name, "w_init", w_init, key, (length, in_shape[-1]))
        return PositionEmbeddingParams(w), ()

    def forward(
        params: PositionEmbeddingParams,
        state: Any,
        x: Array,
        *,
        train: bool = False,
        key: Any = None,
    ) -> tuple[Array, Any, None]:
        check(params, x)
        return x + per_feature(params.w[: x.shape[-2]], x), state, None

    def backward(
        params: PositionEmbeddingParams, saved: None, dy: Array
    ) -> tuple[PositionEmbeddingParams, Array]:
        check(params, dy)
        dw = jnp.sum(dy, axis=range(dy.ndim - 2))
        return PositionEmbeddingParams(jnp.pad(dw, ((0, length - len(dw)), (0, 0)))), dy

    def in_steps(batch: int, room: int) -> Layer:
        if room > length:
            raise ValueError(f"{name}: stepwise's length is {room}, expected at most {length}")

        def init_read(key: Any, in_shape: tuple[int, ...]) -> tuple[Any, Array]:
            return init(key, in_shape)[0], jnp.zeros((), jnp.int32)

        def read(
            params: Any, position: Array, x: Array, *, train: bool = False, key: Any = None
        ) -> tuple[Array, Array, None]:
            check(params, x)
            time = x.shape[-2]
            w = lax.dynamic_slice_in_dim(params.w, position, time)
            w = jnp.where(position + time <= room, w, jnp.nan)
            return x + per_feature(w, x), position + time, None

        return Layer(init_read, read, backward, name=name)

    def check(params: Any, x: Array) -> None:
        checks.record(name, "params", params, PositionEmbeddingParams, (length, "features"))
        if x.ndim < 3:
            raise ValueError(
                f"{name}: x has shape {x.shape}, expected (batch, time, features); "
                f"for a single sequence pass x[None]"
            )
        checks.last_axis(name, x, params.w.shape[1])
        fits("x", x.shape)
        checks.same_dtype(name, "x", x, "params.w", params.w)

    def fits(what: str, shape: tuple[int, ...]) -> None:
        if shape[-2] > length:
            raise ValueError(
                f"{name}: {what} {'is' if what == 'in_shape' else 'has shape'} {shape}, "
                f"{shape[-2]} positions; expected at most {length}"
            )

    notation = Notation("E", "{x} + {w}[:time]", "{dy}", ("Σ examples {dy}, then 0",))
    return Layer(
        init,
        forward,
        backward,
        name=name,
        notation=notation,
        padded="ignores",
        stepwise=in_steps,
    )
