"""The types of purenn's public signatures, which editors show.

Pytrees have no type in Python, so `Params` and similar names stand for `Any` and say which tree is
meant.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, Union

import numpy as np
from jax import Array

if TYPE_CHECKING:
    from purenn.core.layer import Layer
    from purenn.core.op import Op
    from purenn.core.padded import Padded

Fn: TypeAlias = Callable[..., Any]
"""A function of any signature."""

Params: TypeAlias = Any
"""A pytree of floating-point arrays, as `init` returns it; gradients have the same structure."""

State: TypeAlias = Any
"""A pytree of arrays that `forward` replaces, such as running statistics; `()` if there is none."""

Cache: TypeAlias = Any
"""A pytree of arrays that `forward` saves for `backward`."""

OptState: TypeAlias = Any
"""A pytree of arrays that an optimizer keeps from step to step."""

Key: TypeAlias = Array
"""A JAX PRNG key, typed (`jax.random.key`) or raw (`jax.random.PRNGKey`)."""

Shape: TypeAlias = tuple[int, ...]
"""A shape; as `in_shape`, the shape of one example, without the batch axis."""

ArrayLike: TypeAlias = Array | np.ndarray[Any, Any]
"""A JAX or NumPy array."""

Input: TypeAlias = Union[ArrayLike, "Padded"]
"""The input `x` of a layer or a model: an array or a `Padded`."""

Targets: TypeAlias = ArrayLike | tuple[ArrayLike, ...]
"""The targets of a loss: an array, or a tuple such as `(targets, weights)`."""

Data: TypeAlias = tuple[Any, Any] | Callable[[int], Iterable[tuple[Any, Any]]]
"""The data of a run: `(x, targets)`, or a function of the epoch that returns batches of them."""

Scalar: TypeAlias = float | Array
"""A Python number, or a scalar array, which may be traced."""

Schedule: TypeAlias = Callable[[Any], Array]
"""A function `step -> learning rate`, with steps counted from 0."""

ModelLike: TypeAlias = Union["Layer", "Op[...]", Callable[[Array], Array]]
"""A layer, or an op or function of an array, which acts as a layer without parameters."""

LossLike: TypeAlias = Union["Op[...]", Callable[..., Array]]
"""An op or a function `(predictions, targets) -> scalar`, or `(predictions, *targets)`."""

PenaltyLike: TypeAlias = Union["Op[...]", Callable[[Params], Array]]
"""An op or a function `(params) -> scalar`, which is added to the loss."""


class Initializer(Protocol):
    """A function that creates an initial parameter, such as `he_normal` or JAX's `he_normal()`."""

    def __call__(self, key: Any, shape: Any, dtype: Any = ..., /) -> Array:
        """Return an array of this shape."""
        ...


class OptimizerLike(Protocol):
    """An optimizer in optax's protocol: purenn's, optax's, or your own."""

    @property
    def init(self) -> Callable[[Params], OptState]:
        """Return the initial state for these parameters: `(params) -> opt_state`."""
        ...

    @property
    def update(self) -> Fn:
        """Return a step: `(grads, opt_state, params) -> (updates, opt_state)`."""
        ...
