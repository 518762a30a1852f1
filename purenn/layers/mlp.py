"""`mlp`: a multi-layer perceptron of any depth."""

from collections.abc import Iterable
from typing import Any

from purenn.core import checks
from purenn.core.layer import Layer
from purenn.core.types import Initializer, ModelLike
from purenn.initializers import he_normal
from purenn.layers.dense import dense
from purenn.layers.serial import serial
from purenn.ops.activations import relu


def mlp(
    hidden: Iterable[int],
    outputs: int,
    *,
    activation: ModelLike = relu,
    w_init: Initializer = he_normal,
) -> Layer:
    """Chain dense layers, with an activation after each hidden layer.

    The result is a `serial` with a dense layer and an activation for each hidden width, followed by
    a dense layer without an activation. Its outputs are logits, so use a loss that takes logits,
    such as `softmax_cross_entropy`.

    Args:
        hidden: the widths of the hidden layers, such as `(128,)` or `(16, 16)`; `()` gives a linear
            model.
        outputs: the width of the last layer.
        activation: an op or a plain function, `relu` by default.
        w_init: initializer of all weights. The default, `he_normal`, suits `relu`; for `tanh`, pass
            `glorot_normal`.

    Returns:
        A `serial` that maps `x: (..., n_in)` to `y: (..., outputs)`. Its parameters are a tuple
        with a `DenseParams` for each dense layer and `()` for each activation.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if a width is below 1.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> model = pn.mlp((16, 16), 10)
        >>> params, state = model.init(jax.random.key(0), in_shape=(784,))
        >>> print(params[0].w.shape, sum(leaf.size for leaf in jax.tree.leaves(params)))
        (784, 16) 13002
    """
    if not isinstance(hidden, Iterable):
        raise TypeError(
            f"mlp: hidden must be a sequence of widths, ({hidden},), got {checks.describe(hidden)}"
        )
    parts: list[Any] = []
    for units in hidden:
        parts += [dense(units, w_init=w_init), activation]
    return serial(*parts, dense(outputs, w_init=w_init))
