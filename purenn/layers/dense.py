"""`dense`: an affine map, the linear part of a layer of neurons."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from purenn.core import checks, scalars
from purenn.core.layer import Layer
from purenn.core.narrow import transposed_product
from purenn.core.notation import Notation
from purenn.core.precision import per_feature
from purenn.core.sharding import product
from purenn.core.types import Initializer
from purenn.core.weights import weights
from purenn.initializers import he_normal, zeros
from purenn.layers.weights_and_biases import check_initializers, check_w_and_b, draw_w_and_b


@weights("w")
class DenseParams(NamedTuple):
    """The weights and biases of `dense`.

    Attributes:
        w: weights, `(n_in, units)`.
        b: biases, `(units,)`; None for a layer without a bias.
    """

    w: Array  # (n_in, units)
    b: Array | None = None  # (units,)


def dense(
    units: int, *, w_init: Initializer = he_normal, b_init: Initializer | None = zeros
) -> Layer:
    r"""Apply an affine map to the last axis: $z = x w + b$.

    $$dw = x^\top dz, \qquad db = \sum_i dz_i, \qquad dx = dz\, w^\top$$

    All leading axes are batch axes, and the sum over the rows $i$ runs over all of them. A single
    unit followed by an activation is a neuron, $f(\sum_j w_j x_j + b)$. Each row of `x` is an
    example. In texts that store examples as columns, $Z = W A + b$, and `w` is the transpose of
    their $W$.

    Args:
        units: the number of outputs, at least 1.
        w_init: initializer of `w: (n_in, units)`. The default, `he_normal`, preserves the scale of
            signals passing through ReLU.
        b_init: initializer of `b: (units,)`. With None, the layer has no bias, and `b` is None.

    Returns:
        A layer with parameters `DenseParams(w, b)` and no state. It maps `x: (..., n_in)` to `y:
        (..., units)`. The cache is `x`.

    Raises:
        TypeError: if `units` is not an integer, or an initializer is not callable.
        ValueError: if `units` is below 1.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> layer = pn.dense(2)
        >>> params = pn.DenseParams(w=jnp.array([[1.0, 2.0]]), b=jnp.ones(2))
        >>> y, state, cache = layer.forward(params, (), jnp.array([[3.0]]))
        >>> dparams, dx = layer.backward(params, cache, jnp.ones((1, 2)))
        >>> print(y, dparams.w, dparams.b, dx)
        [[4. 7.]] [[3. 3.]] [1. 1.] [[3.]]
    """
    units = scalars.count("dense", "units", units)
    check_initializers("dense", w_init, b_init)
    name, bias = f"dense({units})", b_init is not None

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[DenseParams, tuple[()]]:
        (*_, n_in) = checks.shape_tuple(name, in_shape, axes=1)
        return DenseParams(*draw_w_and_b(name, key, (n_in, units), w_init, b_init)), ()

    def forward(
        params: DenseParams, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, Array]:
        check(params, x)
        w, b = params
        if b is None:
            return product(x, w), state, x
        return product(x, w) + per_feature(b, x), state, x  # x @ w + b, (..., units)

    def backward(params: DenseParams, x: Array, dz: Array) -> tuple[DenseParams, Array]:
        check(params, x)
        w, b = params
        dx = product(dz, w.T, like=x)  # dz @ w.T, (..., n_in)
        x = x.reshape(-1, x.shape[-1])  # every leading axis is batch
        dz = dz.reshape(-1, dz.shape[-1])
        dw = transposed_product(x, dz, like=w)  # x.T @ dz
        return DenseParams(w=dw, b=None if b is None else jnp.sum(dz, axis=0)), dx

    def check(params: Any, x: Array) -> None:
        check_w_and_b(name, params, DenseParams, ("n_in", units), bias=bias)
        w = params.w
        checks.last_axis(name, x, w.shape[0], f", since w has shape {w.shape}")
        checks.same_dtype(name, "x", x, "params.w", w)

    dparams = ("{x}ᵀ·{dy}", "Σ rows {dy}")[: 1 + bias]
    notation = Notation("Z", "{x}·{w}" + " + {b}" * bias, "{dy}·{w}ᵀ", dparams)

    def flops(params: Any, x: Any, y: Any) -> int:
        return 2 * int(x.size) * units + int(y.size) * bias  # a product and a sum per weight

    return Layer(
        init, forward, backward, name=name, notation=notation, flops=flops, padded="ignores"
    )
