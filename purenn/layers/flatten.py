"""`flatten`: all axes except for the batch merged into one."""

import math
from dataclasses import dataclass, field
from typing import Any

import jax
from jax import Array

from purenn.core.functions import no_flops, no_parameters
from purenn.core.layer import Layer
from purenn.core.notation import Notation


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Example:
    shape: tuple[int, ...] = field(metadata={"static": True})


def flatten() -> Layer:
    """Merge all axes except for the batch into one.

    The elements keep their row-major order, and any dtype is allowed. The backward pass restores
    the original shape.

    Returns:
        A layer with no parameters and no state. It maps `x: (batch, ...)` to `y: (batch,
        features)`, where `features` is the product of the other axes. The cache holds only the
        shape of `x`.

    Raises:
        ValueError: if `x` has no batch axis.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> y, state = pn.flatten().apply((), (), jnp.zeros((5, 28, 28)))
        >>> print(y.shape)
        (5, 784)
    """

    def forward(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, _Example]:
        if x.ndim < 1:
            raise ValueError("flatten: x is a scalar, expected a batch axis first")
        example = x.shape[1:]
        return x.reshape(x.shape[0], math.prod(example)), state, _Example(example)

    def backward(params: Any, example: _Example, dy: Array) -> tuple[tuple[()], Array]:
        return (), dy.reshape(dy.shape[0], *example.shape)

    notation = Notation("F", "flatten({x})", "{dy} in the shape of {x}")
    return Layer(
        no_parameters,
        forward,
        backward,
        name="flatten",
        takes="any",
        notation=notation,
        flops=no_flops,
    )
