"""Targets of the losses: their checks, and the conversion of labels to rows."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from purenn.core import checks
from purenn.core.precision import per_feature, wide_dtype
from purenn.core.sharding import spec_of
from purenn.ops.means import Mean, mean_of_elements, mean_of_examples, reject_unless


def regression_targets(
    where: str, name: str, predictions: Array, targets: Any, weights: Any
) -> tuple[Array, Array, Mean]:
    """Return predictions and targets of one shape and dtype, and the mean to take.

    Both are 0 where the weight is 0. Whole numbers and bools become floats.
    """
    mean = mean_of_elements(where, name, predictions, weights)
    targets = checks.as_array(where, "targets", targets)
    remedy = "; pass targets[..., None]" * ((*targets.shape, 1) == predictions.shape)
    checks.same_shape(where, "targets", targets, name, predictions, remedy)
    if predictions.size == 0:
        raise ValueError(f"{where}: {name} is empty, shape {predictions.shape}, and has no mean")
    if not checks.is_float(targets):
        targets = targets.astype(predictions.dtype)
    checks.same_dtype(where, "targets", targets, name, predictions)
    return mean.keep(predictions, 0), mean.keep(targets, 0), mean


def regression_error(
    where: str, predictions: Array, targets: Any, weights: Any
) -> tuple[Array, Mean]:
    """Return `predictions - targets`, 0 where the weight is 0, and the mean to take."""
    predictions, targets, mean = regression_targets(
        where, "predictions", predictions, targets, weights
    )
    return predictions - targets, mean


class ClassTargets(NamedTuple):
    """The targets of a loss over classes.

    Attributes:
        rows: rows that sum to one, `(..., classes)`, in the dtype of the predictions.
        labels: the class of each row, `(..., 1)`, 0 where the label is not a class. None if the
            targets were given as rows, or if the classes are sharded over devices.
        valid: whether each target is valid, `(..., 1)`.
        mean: the mean to take over the rows.
    """

    rows: Array
    labels: Array | None
    valid: Array
    mean: Mean

    def entries(self, values: Array) -> Array:
        """Return each row's entry of `values` at its label, `(..., 1)`."""
        assert self.labels is not None
        # A TPU gathers slowly, and its compiler does not write the terms of a sum to memory.
        return lax.platform_dependent(values, self.labels, cpu=_gathered, default=_summed)


def _gathered(values: Array, labels: Array) -> Array:
    return jnp.take_along_axis(values, labels, axis=-1, mode="promise_in_bounds")


def _summed(values: Array, labels: Array) -> Array:
    return jnp.sum(jnp.where(_at(labels, values), values, 0), axis=-1, keepdims=True)


def _at(labels: Array, values: Array) -> Array:
    """Return a mask of the entries at the labels."""
    return labels == per_feature(jnp.arange(values.shape[-1], dtype=jnp.int32), values)


def class_targets(
    where: str, name: str, predictions: Array, targets: Any, weights: Any
) -> ClassTargets:
    """Check targets of classes, and return them as rows.

    Integers `(...)` become one-hot rows. Where the values are known, a label that is not a class,
    or a row that is not a distribution, raises an error, unless its weight is 0. In a compiled
    program, `valid` is False for it, which makes its example NaN, and therefore the loss. Each
    example has its own flag, since a single flag for the batch would need communication between
    devices.
    """
    if predictions.ndim < 2 or predictions.shape[-1] < 2 or predictions.size == 0:
        raise ValueError(
            f"{where}: {name} must be (..., classes) with at least one row and two classes, "
            f"got shape {predictions.shape}"
        )
    *leading, classes = predictions.shape
    targets = checks.as_array(where, "targets", targets)
    mean = mean_of_examples(where, name, predictions, weights)
    if targets.shape == (*leading,) and jnp.issubdtype(targets.dtype, jnp.integer):
        if targets.dtype.itemsize < 4:  # uint8 cannot hold the number 256 to compare with
            targets = targets.astype(jnp.int32)
        targets = mean.keep(targets[..., None], 0)
        valid = (targets >= 0) & (targets < classes)
        reject_unless(jnp.all(valid), where, f"labels must be in 0 … {classes - 1}", targets)
        labels = jnp.where(valid, targets, 0).astype(jnp.int32)
        one_hot = _at(labels, predictions).astype(predictions.dtype)
        sharded = spec_of(predictions)[-1:] not in ((), (None,))
        return ClassTargets(one_hot, None if sharded else labels, valid, mean)
    if targets.shape != predictions.shape:
        raise ValueError(
            f"{where}: targets must be integers {(*leading,)} or rows that sum to one "
            f"{predictions.shape}, got {checks.describe(targets)}"
            f"{_remedy(predictions, targets)}"
        )
    rows = targets
    if not checks.is_float(targets):
        rows = targets.astype(predictions.dtype)
    checks.same_dtype(where, "targets", rows, name, predictions)
    rows = mean.keep(rows, 1 / classes)
    valid = are_distributions(rows)
    expected = "rows of targets must be at least 0 and sum to one"
    reject_rows_unless(jnp.all(valid), where, expected, rows)
    return ClassTargets(rows, None, valid, mean)


def _remedy(predictions: Array, targets: Array) -> str:
    """Say how to mend targets of the wrong shape, if a remedy is known."""
    leading = predictions.shape[:-1]
    if targets.shape == (*leading, 1):
        return f"; pass targets[{'..., ' if len(leading) > 1 else ':, '}0]"
    if len(leading) > 1 and targets.ndim in (1, 2) and targets.shape[0] == leading[0]:
        return "; for one answer per example, put flatten() before the first dense layer"
    return ""


def are_distributions(rows: Array) -> Array:
    """Tell whether each row is a probability distribution, within the precision of its dtype."""
    tolerance = 1e-3 if jnp.finfo(rows.dtype).bits >= 32 else 2e-2
    sums = jnp.sum(rows, axis=-1, keepdims=True, dtype=wide_dtype(rows.dtype))
    return jnp.all(rows >= 0, axis=-1, keepdims=True) & (jnp.abs(sums - 1) <= tolerance)


def distributions(rows: Array) -> Array:
    """Tell whether all rows are probability distributions."""
    return jnp.all(are_distributions(rows))


def reject_rows_unless(
    valid: Array, where: str, expected: str, rows: Array, first: int = 0
) -> None:
    """Reject rows that are not distributions, and name their sum; `first` numbers the first row."""
    if checks.is_concrete(valid) and not bool(valid):
        rows = lax.stop_gradient(rows)
        sums = jnp.sum(rows, axis=-1, dtype=wide_dtype(rows.dtype))
        errors = jnp.where(jnp.any(~(rows >= 0), axis=-1), jnp.inf, jnp.abs(sums - 1))
        worst = np.unravel_index(int(jnp.argmax(errors)), errors.shape)
        place = ", ".join(str(int(i) + first * (axis == 0)) for axis, i in enumerate(worst))
        raise ValueError(
            f"{where}: {expected}; row {place} sums to {sums[worst]:.4g} "
            f"and has values from {jnp.min(rows[worst]):.4g} to {jnp.max(rows[worst]):.4g}"
        )


def poison(valid: Array, dtype: Any) -> Array:
    """Return 1 where `valid` is True, else NaN: a factor that stops a compiled run."""
    return jnp.where(valid, 1, jnp.nan).astype(dtype)
