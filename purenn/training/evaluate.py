"""`evaluate` and `accuracy`."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from purenn.backprop.value_and_grad import unit
from purenn.core import checks
from purenn.core.adapt import as_layer, as_op
from purenn.ops.targets import distributions
from purenn.training.examples import as_examples, check_labels


def accuracy(logits: Any, targets: Any) -> Array:
    """The fraction of rows whose largest entry is the target class, a float32 scalar.

    Args:
        logits: `(batch, classes)`; probabilities do as well.
        targets: integers `(batch,)`, or rows `(batch, classes)` whose largest entry is the class.
    """
    logits = checks.float_array("accuracy", "logits", logits)
    targets = checks.as_array("accuracy", "targets", targets)
    if logits.ndim != 2 or logits.shape[0] == 0 or logits.shape[1] < 2:
        raise ValueError(
            f"accuracy: logits must be (batch, classes) with at least one row and two classes, "
            f"got shape {logits.shape}"
        )
    if targets.shape == logits.shape:
        targets = jnp.argmax(targets, axis=-1)
    elif targets.shape != logits.shape[:1] or not jnp.issubdtype(targets.dtype, jnp.integer):
        raise ValueError(
            f"accuracy: targets must be integers ({logits.shape[0]},) or rows {logits.shape}, "
            f"got {checks.describe(targets)}"
        )
    guesses = jnp.argmax(logits, axis=-1).astype(jnp.int32)
    return jnp.mean(guesses == targets.astype(jnp.int32), dtype=jnp.float32)


def evaluate(
    model: Any,
    loss: Any,
    params: Any,
    state: Any,
    x: Any,
    targets: Any,
    *,
    batch_size: int = 1024,
) -> tuple[float, float | None]:
    """Mean loss and accuracy over all examples, in evaluation mode.

    The last short batch counts with the examples that it has.

    Returns:
        `(loss, accuracy)`, Python floats; `accuracy` is `None` where the targets are no classes:
        neither integers `(n,)` nor rows that sum to one.
    """
    layer = as_layer("evaluate", "model", model)
    as_op("evaluate", "loss", loss)
    batch_size = checks.count("evaluate", "batch_size", batch_size)
    x, targets = as_examples("evaluate", x, targets)
    check_labels("evaluate", layer, params, state, x, targets)
    total_loss = total_correct = 0.0
    classes = are_classes(targets)
    for first in range(0, x.shape[0], batch_size):
        batch = slice(first, first + batch_size)
        size = x[batch].shape[0]
        value, correct = _batch(params, state, x[batch], targets[batch], model, loss, classes)
        total_loss += size * float(value)
        total_correct += size * float(correct)
    return total_loss / x.shape[0], total_correct / x.shape[0] if classes else None


def are_classes(targets: Array) -> bool:
    """Whether targets name classes: integers, one an example, or rows that sum to one."""
    if targets.ndim == 1:
        return bool(jnp.issubdtype(targets.dtype, jnp.integer))
    if targets.ndim != 2 or targets.shape[1] < 2:
        return False
    rows = targets if checks.is_float(targets) else targets.astype(jnp.float32)
    return bool(distributions(rows))


@partial(jax.jit, static_argnames=("model", "loss", "classes"))
def _batch(
    params: Any, state: Any, x: Array, targets: Array, model: Any, loss: Any, classes: bool
) -> tuple[Array, Array]:
    y, _ = as_layer("evaluate", "model", model).apply(params, state, x)
    value = loss(y, targets)
    unit(as_op("evaluate", "loss", loss).name, value)  # refuses what is no scalar
    return value, accuracy(y, targets) if classes else jnp.zeros(())
