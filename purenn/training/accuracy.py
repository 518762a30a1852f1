"""`accuracy`: the fraction of correct answers."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from purenn.core import checks
from purenn.core.precision import wide
from purenn.core.types import ArrayLike
from purenn.ops.means import Mean
from purenn.ops.targets import class_targets


def accuracy(logits: ArrayLike, targets: ArrayLike, weights: ArrayLike | None = None) -> Array:
    """Compute the fraction of rows whose largest entry is at the target class.

    A row containing a NaN has no largest entry and makes the accuracy NaN.

    Args:
        logits: `(..., classes)`. Probabilities also work, since only their order matters.
        targets: integer labels `(...)`, or rows that sum to one, `(..., classes)`, whose largest
            entry is at the class.
        weights: the weight of each row, `(...)`, as for `softmax_cross_entropy`. The accuracy is
            then the weight of the correct rows divided by the weight of all rows. A row of weight 0
            is ignored.

    Returns:
        The accuracy, a float32 scalar between 0 and 1.

    Raises:
        TypeError: if `logits` is not a floating-point array, or another argument is not an array of
            real numbers.
        ValueError: if a target is not a class, a weight is negative or not finite, or all weights
            are 0 (NaN in a compiled program), or shapes do not fit.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> print(pn.accuracy(jnp.array([[0.9, 0.1], [0.8, 0.2]]), jnp.array([0, 1])))
        0.5
    """
    right, mean = _right("accuracy", logits, targets, weights)
    return mean.forward(right).astype(jnp.float32)


def _right(where: str, logits: Any, targets: Any, weights: Any = None) -> tuple[Array, Mean]:
    """Return 1 for each correct row, 0 for each wrong row, and NaN where this cannot be decided.

    They have the shape `(..., 1)`. The second result is the mean to take over them.
    """
    logits = wide(checks.float_array(where, "logits", logits))

    def in_one_dtype(name: str, value: Any) -> Array:  # a metric may mix dtypes
        value = checks.as_array(where, name, value)
        return value.astype(logits.dtype) if checks.is_float(value) else value

    targets = in_one_dtype("targets", targets)
    weights = None if weights is None else in_one_dtype("weights", weights)
    rows, labels, valid, mean = class_targets(where, "logits", logits, targets, weights)
    correct = _largest(logits) == (_largest(rows) if labels is None else labels)
    known = valid & ~jnp.any(jnp.isnan(logits), axis=-1, keepdims=True)
    return jnp.where(known, correct.astype(logits.dtype), jnp.nan), mean


def _largest(rows: Array) -> Array:
    """Return the number of each row's largest entry, `(..., 1)`, in the dtype of labels."""
    return jnp.argmax(rows, axis=-1, keepdims=True).astype(jnp.int32)


def count_right(logits: Array, targets: Any, weights: Any = None) -> tuple[Array, Array]:
    """Return the number of correct rows and of all rows, or the sums of their weights."""
    right, mean = _right("evaluate", logits, targets, weights)
    if mean.weights is None:
        return jnp.sum(right), jnp.full((), right.size, right.dtype)
    return jnp.sum(mean.keep(mean.weights * right, 0)), jnp.sum(mean.weights)
