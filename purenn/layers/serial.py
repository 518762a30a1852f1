"""`serial`: a chain of layers."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core import checks, foreign
from purenn.core.adapt import as_layer
from purenn.core.dtypes import dtype_of
from purenn.core.functions import no_flops
from purenn.core.layer import Layer
from purenn.core.located import inside
from purenn.core.notation import PLAIN, Notation
from purenn.core.padded import array_of
from purenn.core.split_key import split_key
from purenn.core.types import ModelLike
from purenn.layers.as_dtype import as_dtype
from purenn.layers.stepwise import stepwise


def serial(*layers: ModelLike) -> Layer:
    r"""Apply layers in sequence: $y = f_n(\dots f_2(f_1(x)))$.

    The backward pass is the chain rule: it runs the backward passes of the parts in reverse order,
    and the `dx` of each part is the `dy` of the part before it.

    Args:
        *layers: the parts, in order. Each is a layer, an op such as `relu`, an op with options such
            as `partial(leaky_relu, negative_slope=0.1)`, or a plain function of an array, which
            `jax.vjp` differentiates. Without parts, `serial()` is the identity.

    Returns:
        A layer whose parameters, state, and cache are tuples with one entry per part; an op's entry
        is `()`. It maps the `x` of the first part to the `y` of the last. `init` infers the shapes
        in between. Part `i` receives the key `fold_in(key, i)`.

    Raises:
        TypeError: if a part is not one of these, or is a factory that was not called, such as
            `flatten` without parentheses.
        ValueError: if, at `init` or `forward`, a part's output does not fit the next part.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> model = pn.serial(pn.flatten(), pn.dense(16), pn.relu, pn.dense(10))
        >>> params, state = model.init(jax.random.key(0), in_shape=(28, 28))
        >>> logits, state = model.apply(params, state, jnp.zeros((5, 28, 28)))
        >>> print(params[1].w.shape, params[2], logits.shape)
        (784, 16) () (5, 10)
    """
    parts = tuple(as_layer("serial", f"part {i}", layer) for i, layer in enumerate(layers))

    def place(i: int) -> inside:
        return inside(parts[i].name, f"part {i}: ")

    def keys(key: Any) -> list[Any]:
        return split_key("serial", key, len(parts))

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        params, state = [], []
        for i, (part, part_key) in enumerate(zip(parts, keys(key), strict=True)):
            with place(i):
                part_params, part_state = part.init(part_key, in_shape)
                in_shape = out_shape(part, part_params, part_state, in_shape)
            params.append(part_params)
            state.append(part_state)
        return tuple(params), tuple(state)

    def forward(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, tuple[Any, ...]]:
        check(params, "params")
        check(state, "state")
        new_state, caches = [], []
        for i, part_key in enumerate(keys(key)):
            with place(i):
                x, part_state, cache = parts[i].forward(
                    params[i], state[i], x, train=train, key=part_key
                )
            new_state.append(part_state)
            caches.append(cache)
        return x, tuple(new_state), tuple(caches)

    def backward(
        params: Any, caches: tuple[Any, ...], dy: Array | None
    ) -> tuple[tuple[Any, ...], Array | None]:
        check(params, "params")
        dparams: list[Any] = [None] * len(parts)
        for i in reversed(range(len(parts))):
            with place(i):
                dparams[i], dy = parts[i].backward(params[i], caches[i], dy)
        return tuple(dparams), dy

    def apply(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any]:
        check(params, "params")
        check(state, "state")
        new_state = []
        for i, part_key in enumerate(keys(key)):
            with place(i):
                x, part_state = parts[i].apply(params[i], state[i], x, train=train, key=part_key)
            new_state.append(part_state)
        return x, tuple(new_state)

    def check(tree: Any, name: str) -> None:
        checks.entries("serial", name, tree, len(parts))

    def in_steps(batch: int, length: int) -> Layer:
        read = []
        for i, part in enumerate(parts):
            with place(i):
                read.append(stepwise(part, batch=batch, length=length))
        return serial(*read)

    by_jax = any(part.by_jax for part in parts)
    return Layer(
        init,
        forward,
        backward,
        apply,
        "serial",
        "any",
        parts=parts,
        notation=PLAIN if parts else Notation("A", "{x}", "{dy}"),
        by_jax=by_jax,
        flops=no_flops,
        in_dtype=lambda dtype: serial(*(as_dtype(part, dtype) for part in parts)),
        padded="uses",
        stepwise=in_steps,
    )


def out_shape(part: Layer, params: Any, state: Any, in_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of one example after a part, by tracing, without computing anything."""
    dtype = jnp.int32 if part.first.takes == "integer" else dtype_of((params, state))
    rows = part.batch or 2
    x = jax.ShapeDtypeStruct((rows, *in_shape), dtype)
    y, _ = jax.eval_shape(lambda p, s, x: part.apply(p, s, x), params, state, x)
    y = array_of(y)
    if not isinstance(y, jax.ShapeDtypeStruct):
        remedy = f"; {foreign.SEVERAL}" * isinstance(y, (tuple, list, dict))
        raise TypeError(f"{part.name}: must return one array, got {checks.describe(y)}{remedy}")
    if y.ndim == 0 or y.shape[0] != rows:
        raise ValueError(
            f"{part.name}: turned a batch of shape {x.shape} into {y.shape}; "
            f"expected the batch axis to stay first"
        )
    return tuple(y.shape[1:])
