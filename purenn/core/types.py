"""The types of purenn's public signatures, so that an editor can show what an argument is.

Pytrees have no type in Python. `Params` and the like are names for `Any` that say which tree is
meant.
"""

from collections.abc import Callable
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
"""What `forward` saves for `backward`: a pytree of arrays."""

OptState: TypeAlias = Any
"""A pytree of arrays: what an optimizer remembers from step to step."""

Key: TypeAlias = Array
"""A JAX PRNG key, typed (`jax.random.key`) or raw (`jax.random.PRNGKey`)."""

Shape: TypeAlias = tuple[int, ...]
"""A shape; as `in_shape`, the shape of one example, without the batch axis."""

ArrayLike: TypeAlias = Array | np.ndarray[Any, Any]
"""An array of JAX or NumPy."""

Input: TypeAlias = Union[ArrayLike, "Padded"]
"""What a layer or a model takes as `x`: an array, or a `Padded`."""

Targets: TypeAlias = ArrayLike | tuple[ArrayLike, ...]
"""What a loss compares predictions with: an array, or a tuple such as `(targets, weights)`."""

Scalar: TypeAlias = float | Array
"""A Python number, or a scalar array, which may be traced."""

Schedule: TypeAlias = Callable[[Any], Array]
"""A function `step -> learning rate` of a step that counts from 0."""

ModelLike: TypeAlias = Union["Layer", "Op[...]", Callable[[Array], Array]]
"""A layer; or an op or a function of an array, which serves as a layer without parameters."""

LossLike: TypeAlias = Union["Op[...]", Callable[..., Array]]
"""An op or a function `(predictions, targets) -> scalar`, or `(predictions, *targets)`."""

PenaltyLike: TypeAlias = Union["Op[...]", Callable[[Params], Array]]
"""An op or a function `(params) -> scalar`, which is added to the loss."""


class Initializer(Protocol):
    """A function that makes an initial parameter, such as `he_normal` or JAX's `he_normal()`."""

    def __call__(self, key: Any, shape: Any, dtype: Any = ..., /) -> Array:
        """Return an array of this shape."""
        ...


class OptimizerLike(Protocol):
    """An optimizer in optax's protocol: purenn's, optax's or your own."""

    @property
    def init(self) -> Callable[[Params], OptState]:
        """Return the initial state for these parameters: `(params) -> opt_state`."""
        ...

    @property
    def update(self) -> Fn:
        """Return a step: `(grads, opt_state, params) -> (updates, opt_state)`."""
        ...
