"""`residual`: a layer with a shortcut around it."""

from typing import Any

from jax import Array

from purenn.core import checks
from purenn.core.adapt import as_layer
from purenn.core.layer import Layer
from purenn.core.located import inside
from purenn.core.notation import PASSED_ON, Notation
from purenn.core.types import ModelLike
from purenn.layers.as_dtype import as_dtype
from purenn.layers.serial import out_shape


def residual(layer: ModelLike) -> Layer:
    """Add a layer's input to its output: `y = x + layer(x)` (He et al. 2016).

    A sum passes its derivative on to both terms, so `dx = dy + layer's dx`.

    Args:
        layer: a layer, op or function whose output has the shape of its input.

    Returns:
        A layer with the parameters, the state and the cache of `layer`, which gets the same key.

    Raises:
        ValueError: `layer` changes the shape, at `init` or `forward`.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> layer = pn.residual(pn.relu)
        >>> y, state, cache = layer.forward((), (), jnp.array([[-1.0, 2.0]]))
        >>> _, dx = layer.backward((), cache, jnp.ones((1, 2)))
        >>> print(y, dx)
        [[-1.  4.]] [[1. 2.]]
    """
    inner = as_layer("residual", "layer", layer)
    name = "residual"

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[Any, Any]:
        with inside(inner.name):
            params, state = inner.init(key, in_shape)
            shape = out_shape(inner, params, state, in_shape)
        if shape != in_shape:
            raise ValueError(
                f"{name}: {inner.name} turns {in_shape} into {shape}, expected the same"
            )
        return params, state

    def forward(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, Any]:
        with inside(inner.name):
            y, state, cache = inner.forward(params, state, x, train=train, key=key)
        check(y, x)
        return x + y, state, cache

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
        check(y, x)
        return x + y, state

    def check(y: Array, x: Array) -> None:
        checks.same_shape(name, "layer(x)", y, "x", x)
        checks.same_dtype(name, "layer(x)", y, "x", x)

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
    )
