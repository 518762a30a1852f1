"""Targets of the losses: checks, and classes as rows."""

from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from purenn.core import checks
from purenn.core.precision import wide_dtype


def regression_targets(where: str, name: str, predictions: Array, targets: Any) -> Array:
    """Return targets in the shape of the predictions; whole numbers and bools become floats."""
    targets = checks.as_array(where, "targets", targets)
    remedy = "; pass targets[..., None]" * ((*targets.shape, 1) == predictions.shape)
    checks.same_shape(where, "targets", targets, name, predictions, remedy)
    if predictions.size == 0:
        raise ValueError(f"{where}: {name} is empty, shape {predictions.shape}, and has no mean")
    if not checks.is_float(targets):
        return targets.astype(predictions.dtype)
    checks.same_dtype(where, "targets", targets, name, predictions)
    return targets


def class_targets(where: str, name: str, predictions: Array, targets: Any) -> tuple[Array, Array]:
    """Return rows that sum to one, and whether each target is valid, `(batch, 1)`.

    Integers `(batch,)` become one-hot rows. A label that is not a class, or a row that is not a
    distribution, is an error where the numbers are known. In a compiled program it is marked False
    here, which makes its example NaN, and so the loss. Each example is marked by itself: on several
    devices, a mark for all of them would need communication.
    """
    if predictions.ndim != 2 or predictions.shape[0] == 0 or predictions.shape[1] < 2:
        raise ValueError(
            f"{where}: {name} must be (batch, classes) with at least one row and two classes, "
            f"got shape {predictions.shape}{one_row_per_example(predictions, name)}"
        )
    batch, classes = predictions.shape
    targets = checks.as_array(where, "targets", targets)
    if targets.shape == (batch,) and jnp.issubdtype(targets.dtype, jnp.integer):
        if targets.dtype.itemsize < 4:  # uint8 can't hold the number 256 to compare with
            targets = targets.astype(jnp.int32)
        valid = (targets >= 0) & (targets < classes)
        reject_unless(jnp.all(valid), where, f"labels must be in 0 … {classes - 1}", targets)
        columns = jnp.arange(classes, dtype=jnp.int32)
        one_hot = targets[:, None].astype(jnp.int32) == columns[None, :]
        return one_hot.astype(predictions.dtype), valid[:, None]
    if targets.shape != (batch, classes):
        raise ValueError(
            f"{where}: targets must be integers ({batch},) or rows that sum to one "
            f"({batch}, {classes}), got {checks.describe(targets)}"
            + "; pass targets[:, 0]"
            * (targets.shape == (batch, 1))
        )
    rows = targets
    if not checks.is_float(targets):
        rows = targets.astype(predictions.dtype)
    checks.same_dtype(where, "targets", rows, name, predictions)
    valid = are_distributions(rows)
    expected = "rows of targets must be at least 0 and sum to one"
    reject_rows_unless(jnp.all(valid), where, expected, rows)
    return rows, valid


def one_row_per_example(predictions: Array, name: str) -> str:
    """Say how predictions with more axes become rows; nothing if there are two axes."""
    if predictions.ndim < 3:
        return ""
    return (
        f"; put flatten() before the first dense layer for one row per example, or for one per "
        f"place reshape {name} to (-1, classes) and targets to (-1,)"
    )


def are_distributions(rows: Array) -> Array:
    """Tell whether each row is a probability distribution, as well as its dtype can tell."""
    tolerance = 1e-3 if jnp.finfo(rows.dtype).bits >= 32 else 2e-2
    sums = jnp.sum(rows, axis=-1, keepdims=True, dtype=wide_dtype(rows.dtype))
    return jnp.all(rows >= 0, axis=-1, keepdims=True) & (jnp.abs(sums - 1) <= tolerance)


def distributions(rows: Array) -> Array:
    """Tell whether all rows are probability distributions."""
    return jnp.all(are_distributions(rows))


def reject_unless(valid: Array, where: str, expected: str, value: Array) -> None:
    """Reject invalid values if the numbers are known, and not only in a compiled program."""
    if checks.is_concrete(valid) and not bool(valid):
        value = lax.stop_gradient(value)  # under jax.grad it is traced, but known
        low, high = jnp.min(value), jnp.max(value)
        raise ValueError(f"{where}: {expected}; got values from {low:.4g} to {high:.4g}")


def reject_rows_unless(
    valid: Array, where: str, expected: str, rows: Array, first: int = 0
) -> None:
    """Reject rows that are not distributions, with what they sum to; row `first` is the first."""
    if checks.is_concrete(valid) and not bool(valid):
        rows = lax.stop_gradient(rows)
        sums = jnp.sum(rows, axis=-1, dtype=wide_dtype(rows.dtype))
        worst = int(
            jnp.argmax(jnp.where(jnp.any(~(rows >= 0), axis=-1), jnp.inf, jnp.abs(sums - 1)))
        )
        raise ValueError(
            f"{where}: {expected}; row {first + worst} sums to {sums[worst]:.4g} "
            f"and has values from {jnp.min(rows[worst]):.4g} to {jnp.max(rows[worst]):.4g}"
        )


def poison(valid: Array, dtype: Any) -> Array:
    """Return 1 where all is valid, else NaN: the factor that stops a compiled run."""
    return jnp.where(valid, 1, jnp.nan).astype(dtype)
