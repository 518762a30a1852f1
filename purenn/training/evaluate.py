"""`evaluate` and `accuracy`."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh

from purenn.backprop.value_and_grad import unit
from purenn.core import checks, scalars
from purenn.core.adapt import as_layer, as_op
from purenn.core.deleted import refuse_deleted
from purenn.core.precision import wide
from purenn.distributed.mesh import spread_of
from purenn.ops.targets import class_targets, distributions
from purenn.training.examples import as_examples, check_labels, classes_of


def accuracy(logits: Any, targets: Any) -> Array:
    """Compute the fraction of rows whose largest entry is the target class, a float32 scalar.

    A row that holds a NaN has no largest entry, and makes the accuracy NaN.

    Args:
        logits: `(batch, classes)`; probabilities do as well.
        targets: integers `(batch,)`, or rows that sum to one, `(batch, classes)`, whose largest
            entry is the class.

    Raises:
        ValueError: a target is not a class (NaN in a compiled program), or shapes do not fit.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> print(pn.accuracy(jnp.array([[0.9, 0.1], [0.8, 0.2]]), jnp.array([0, 1])))
        0.5
    """
    return jnp.mean(_right("accuracy", logits, targets))


def _right(where: str, logits: Any, targets: Any) -> Array:
    """Return for each example 1 if it is right, 0 if it is wrong, NaN where that can't be told."""
    logits = checks.float_array(where, "logits", logits)
    targets = checks.as_array(where, "targets", targets)
    if checks.is_float(targets):  # a metric may mix dtypes
        targets = targets.astype(logits.dtype)
    rows, valid = class_targets(where, "logits", logits, targets)
    right = jnp.argmax(logits, axis=-1) == jnp.argmax(rows, axis=-1)
    known = valid[:, 0] & ~jnp.any(jnp.isnan(logits), axis=-1)
    return jnp.where(known, right.astype(jnp.float32), jnp.nan)


def evaluate(
    model: Any,
    loss: Any,
    params: Any,
    state: Any,
    x: Any,
    targets: Any,
    *,
    batch_size: int = 1024,
    mesh: Mesh | None = None,
) -> tuple[float, float | None]:
    """Compute the mean loss and the accuracy over all examples, in evaluation mode.

    The last short batch counts with the examples that it has.

    Args:
        model: a layer.
        loss: an op or function `(predictions, targets) -> scalar`.
        params: the model's parameters.
        state: the model's state.
        x: all examples, arrays of JAX or NumPy.
        targets: one an example.
        batch_size: examples at a time; it decides on memory and speed alone.
        mesh: devices to spread each batch over, along the mesh's axis named "data" or its only one.
            Every process of the mesh must call, with the same arrays.

    Returns:
        `(loss, accuracy)`, Python floats; `accuracy` is `None` where the targets are not classes:
        neither integers `(n,)` nor rows that sum to one. It is NaN where an output is.

    Raises:
        ValueError: a target is not one of the model's classes, or arrays do not fit.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> logits, labels = jnp.array([[2.0, 0.0], [2.0, 0.0]]), jnp.array([0, 1])
        >>> model, loss = pn.serial(), pn.softmax_cross_entropy
        >>> value, accuracy = pn.evaluate(model, loss, (), (), logits, labels)
        >>> print(f"{value:.4f} {accuracy}")
        1.1269 0.5
    """
    return scores(model, loss, params, state, x, targets, batch_size=batch_size, mesh=mesh)


def scores(
    model: Any,
    loss: Any,
    params: Any,
    state: Any,
    x: Any,
    targets: Any,
    *,
    batch_size: int = 1024,
    mesh: Mesh | None = None,
    between: Callable[[], object] = lambda: None,
) -> tuple[float, float | None]:
    """Compute what `evaluate` does, and call `between` before each batch.

    That is where Ctrl-C stops a validation: an exception in the midst of a call into jaxlib, whose
    C++ code does not expect it, can crash the process.
    """
    layer, op = as_layer("evaluate", "model", model), as_op("evaluate", "loss", loss)
    if not all(map(checks.is_concrete, jax.tree.leaves((params, state, x, targets)))):
        raise TypeError(
            "evaluate: its arguments are traced, but it runs on the host; inside jit, vmap or grad "
            "call model.apply, the loss and accuracy"
        )
    batch_size = scalars.count("evaluate", "batch_size", batch_size)
    refuse_deleted("evaluate", params=params, state=state)
    spread = spread_of("evaluate", mesh)
    x, targets = as_examples("evaluate", x, targets, on_host=spread is not None)
    if spread is not None:
        params, state = spread.learned(params, state)
    classes = classes_of(layer, params, state, x) is not None and are_classes(targets)
    if op.of_classes or classes:
        check_labels("evaluate", layer, op, params, state, x, targets)
    results = []
    for first in range(0, x.shape[0], batch_size):
        between()
        batch = x[first : first + batch_size], targets[first : first + batch_size]
        if spread is not None:
            batch = spread.any_batch(*batch)
        results.append(_program(model, loss, classes)(params, state, *batch))
    between()
    totals = np.asarray(jax.device_get(results), np.float64).sum(axis=0)
    loss_sum, right = (float(total) for total in totals)
    return loss_sum / x.shape[0], right / x.shape[0] if classes else None


def are_classes(targets: Array) -> bool:
    """Whether targets name classes: integers, one an example, or rows that sum to one."""
    if targets.ndim == 1:
        return bool(jnp.issubdtype(targets.dtype, jnp.integer))
    if targets.ndim != 2 or targets.shape[1] < 2:
        return False
    rows = targets if checks.is_float(targets) else targets.astype(jnp.float32)
    return bool(distributions(rows))


@lru_cache(maxsize=8)  # jit's own cache would keep every model that was ever evaluated
def _program(model: Any, loss: Any, classes: bool) -> Any:
    layer, op = as_layer("evaluate", "model", model), as_op("evaluate", "loss", loss)

    def sums(params: Any, state: Any, x: Array, targets: Array) -> tuple[Array, Array]:
        """Return the loss, summed over the examples, and how many were right."""
        y, _ = layer.apply(params, state, x)
        value = op(y, targets)
        unit(op.name, value)  # refuses what is not a scalar
        right = jnp.sum(_right("evaluate", y, targets)) if classes else jnp.zeros(())
        return wide(value) * x.shape[0], right

    return jax.jit(sums)
