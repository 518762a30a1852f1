"""`residual`: a layer with a shortcut connection around it."""

from typing import Any

from jax import Array

from purenn.core import checks
from purenn.core.adapt import as_layer
from purenn.core.layer import Layer
from purenn.core.located import inside
from purenn.core.notation import PASSED_ON, Notation
from purenn.core.padded import array_of, padded_like
from purenn.core.types import ModelLike
from purenn.layers.as_dtype import as_dtype
from purenn.layers.parallel import branches
from purenn.layers.serial import out_shape
from purenn.layers.stepwise import stepwise


def residual(layer: ModelLike, *, projection: ModelLike | None = None) -> Layer:
    """Add a layer's input to its output: `y = x + layer(x)`.

    This is a residual connection ([He et al., 2016][he2016]). Both terms of the sum receive `dy`,
    so `dx` is `dy` plus the layer's `dx`.

    If the layer changes the shape, a projection maps `x` to the new shape: `y = projection(x) +
    layer(x)`. Then `dx` is the sum of the projection's `dx` and the layer's `dx`. In ResNets, the
    projection is a 1×1 convolution with the strides of the layer, followed by `batch_norm`.

    Args:
        layer: a layer, op, or function whose output has the shape of its input or, if there is a
            projection, of the projection's output.
        projection: a layer, op, or function. The default, None, adds the input unchanged.

    Returns:
        A layer with the parameters, state, and cache of `layer`, drawn from the same key; `y` has
        the shape of `layer`'s output. With a projection, each of the three is a pair, for `layer`
        and for the projection, which receive the keys `fold_in(key, 0)` and `fold_in(key, 1)`, as
        in `parallel`.

    Raises:
        TypeError: if `layer` or `projection` is not one of these, or the two terms have different
            dtypes.
        ValueError: if the two terms have different shapes, at `init` or `forward`.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> layer = pn.residual(pn.relu)
        >>> y, state, cache = layer.forward((), (), jnp.array([[-1.0, 2.0]]))
        >>> _, dx = layer.backward((), cache, jnp.ones((1, 2)))
        >>> print(y, dx)
        [[-1.  4.]] [[1. 2.]]
        >>> wider = pn.residual(pn.serial(pn.dense(8), pn.relu), projection=pn.dense(8))
    """
    inner = as_layer("residual", "layer", layer)
    if projection is not None:
        return _projected(inner, as_layer("residual", "projection", projection))
    name = "residual"

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[Any, Any]:
        with inside(inner.name):
            params, state = inner.init(key, in_shape)
            shape = out_shape(inner, params, state, in_shape)
        if shape != in_shape:
            raise ValueError(
                f"{name}: {inner.name} turns {in_shape} into {shape}, expected the same; "
                f"a projection=… gives x the shape of the output"
            )
        return params, state

    def forward(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, Any]:
        with inside(inner.name):
            y, state, cache = inner.forward(params, state, x, train=train, key=key)
        return padded_like(x, added(x, y)), state, cache

    def backward(params: Any, cache: Any, dy: Array) -> tuple[Any, Any]:
        with inside(inner.name):
            dparams, dx = inner.backward(params, cache, dy)
        assert dx is not None  # x is floating point
        return dparams, dy + dx

    def apply(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any]:
        with inside(inner.name):
            y, state = inner.apply(params, state, x, train=train, key=key)
        return padded_like(x, added(x, y)), state

    def added(x: Any, y: Any) -> Array:
        x, y = array_of(x), array_of(y)
        checks.same_shape(name, "layer(x)", y, "x", x)
        checks.same_dtype(name, "layer(x)", y, "x", x)
        return x + y

    def in_steps(batch: int, length: int) -> Layer:
        with inside(inner.name):
            return residual(stepwise(inner, batch=batch, length=length))

    return Layer(
        init,
        forward,
        backward,
        apply,
        name,
        notation=Notation("R", "{x} + {inner[0]}", "{dy} + {inner_dx[0]}", inner_dy=(PASSED_ON,)),
        by_jax=inner.by_jax,
        inner=(inner,),
        in_dtype=lambda dtype: residual(as_dtype(inner, dtype)),
        padded="uses",
        stepwise=in_steps,
    )


def _projected(layer: Layer, projection: Layer) -> Layer:
    """Return the layer `projection(x) + layer(x)`."""
    return branches(
        "residual",
        {"layer": layer, "projection": projection},
        "sum",
        notation=Notation(
            "R",
            "{inner[1]} + {inner[0]}",
            "{inner_dx[1]} + {inner_dx[0]}",
            inner_dy=(PASSED_ON, PASSED_ON),
        ),
        remade=lambda make: _projected(make(layer), make(projection)),
    )
