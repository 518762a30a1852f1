"""`evaluate` and `predict`: the quality and the outputs of a model, for any number of examples."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh
from numpy.typing import NDArray

from purenn.backprop.unit import unit
from purenn.core import checks, scalars
from purenn.core.adapt import as_layer, as_op
from purenn.core.deleted import reject_deleted
from purenn.core.inputs import with_zeros
from purenn.core.padded import array_of
from purenn.core.precision import wide
from purenn.core.target_parts import loss_arguments, parts_of, weights_of, without_padding
from purenn.core.types import Fn, Input, LossLike, ModelLike, Params, State, Targets
from purenn.distributed.mesh import DataMesh, data_mesh
from purenn.distributed.processes import to_host
from purenn.training.accuracy import count_right
from purenn.training.examples import as_examples, check_weights
from purenn.training.labels import (
    are_classes,
    check_labels,
    class_shape,
    labels_of,
    output_of,
    output_shape,
)
from purenn.training.tokens import check_tokens


def evaluate(
    model: ModelLike,
    loss: LossLike,
    params: Params,
    state: State,
    x: Input,
    targets: Targets,
    *,
    batch_size: int = 1024,
    mesh: Mesh | None = None,
) -> tuple[float, float | None]:
    """Compute the mean loss and the accuracy of a model over all examples, in evaluation mode.

    The device holds only one batch of NumPy arrays at a time, so they may be larger than its
    memory. If the last batch is shorter, it counts in proportion to its examples.

    Args:
        model: a layer.
        loss: an op or function `(predictions, targets) -> scalar`.
        params: the model's parameters.
        state: the model's state.
        x: all examples, an array `(examples, ...)` or a `Padded`. With `Padded`, both results are
            means over the valid positions.
        targets: one per example, or a tuple of arrays to pass to the loss in order. With `(targets,
            weights)`, for a loss that takes weights, both results are weighted means over all
            examples.
        batch_size: the number of examples at a time. It affects only memory and speed.
        mesh: devices over which to shard each batch, along the mesh's axis "data" or its only axis.
            Every process of the mesh must call this function with the same arrays.

    Returns:
        `(loss, accuracy)`, as Python floats. The loss does not include a penalty. The accuracy is
        None if the targets are not classes, that is, neither one integer per row of outputs nor
        rows that sum to one. It is NaN if an output is NaN.

    Raises:
        ValueError: if a target is not one of the model's classes, a weight is negative or not
            finite, all weights are 0, or the arrays do not fit together.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> logits, labels = jnp.array([[2.0, 0.0], [2.0, 0.0]]), jnp.array([0, 1])
        >>> model, loss = pn.serial(), pn.softmax_cross_entropy
        >>> value, accuracy = pn.evaluate(model, loss, (), (), logits, labels)
        >>> print(f"{value:.4f} {accuracy}")
        1.1269 0.5
    """
    return evaluate_between(
        lambda: None, model, loss, params, state, x, targets, batch_size=batch_size, mesh=mesh
    )


def evaluate_between(
    between: Callable[[], object],
    model: ModelLike,
    loss: LossLike,
    params: Params,
    state: State,
    x: Any,
    targets: Any,
    *,
    batch_size: int = 1024,
    mesh: Mesh | None = None,
) -> tuple[float, float | None]:
    """Evaluate as `evaluate` does, and call `between` before each batch.

    At these points Ctrl-C can stop a validation safely. An exception in the middle of a call into
    jaxlib, whose C++ code does not expect it, can crash the process.
    """
    layer, op = as_layer("evaluate", "model", model), as_op("evaluate", "loss", loss)
    _check_concrete("evaluate", params, state, x, targets)
    x, targets = as_examples("evaluate", x, targets, on_host=True)
    params, state, sharded = _on_mesh("evaluate", mesh, params, state)
    check_tokens("evaluate", layer, x)
    y = output_shape(layer, params, state, x)
    classes = are_classes(labels_of(op, targets, y=y), class_shape(y))
    if op.of_classes or classes:
        check_labels("evaluate", layer, op, params, state, x, targets)
    check_weights("evaluate", op, targets, y=y)
    sums, results = _sums(model, loss, classes), []
    for batch in _batches("evaluate", batch_size, sharded, (x, targets)):
        between()
        # Waits for the result: the next batch is put on the device when this one is used.
        results.append(jax.device_get(sums(params, state, *batch)))
    between()
    totals = np.asarray(results, np.float64).sum(axis=0)
    loss_sum, count, right, rows = (float(total) for total in totals)
    if count == 0:
        raise ValueError("evaluate: targets[1], the weights, are all 0")
    return loss_sum / count, right / rows if classes else None


def predict(
    model: ModelLike,
    params: Params,
    state: State,
    x: Input,
    *,
    batch_size: int = 1024,
    mesh: Mesh | None = None,
) -> NDArray[Any]:
    """Compute the model's outputs for any number of examples, in evaluation mode.

    The device holds only one batch of NumPy arrays at a time, so they may be larger than its
    memory.

    Args:
        model: a layer.
        params: the model's parameters.
        state: the model's state.
        x: all examples, an array `(examples, ...)` or a `Padded`.
        batch_size: the number of examples at a time. It affects only memory and speed.
        mesh: devices over which to shard each batch, as for `evaluate`.

    Returns:
        The outputs of all examples, a NumPy array `(examples, ...)`. With `Padded`, the outputs at
        padded positions are meaningless; `predict(...)[x.valid]` leaves them out.

    Raises:
        TypeError: if an argument has the wrong type, or is traced; inside `jit`, call
            `model.apply`.
        ValueError: if `x` does not fit the model, or `batch_size` is below 1.

    Examples:
        >>> import numpy as np
        >>> import purenn as pn
        >>> params = pn.DenseParams(w=np.array([[2.0]], np.float32), b=np.ones(1, np.float32))
        >>> x = np.arange(5, dtype=np.float32)[:, None]
        >>> print(pn.predict(pn.dense(1), params, (), x, batch_size=2).ravel())
        [1. 3. 5. 7. 9.]
    """
    layer = as_layer("predict", "model", model)
    _check_concrete("predict", params, state, x)
    x, _ = as_examples("predict", x, x, on_host=True)
    check_tokens("predict", layer, x)
    params, state, sharded = _on_mesh("predict", mesh, params, state)
    output = output_of(layer)
    batches = _batches("predict", batch_size, sharded, x)
    return np.concatenate([to_host(array_of(output(params, state, batch))) for batch in batches])


def _check_concrete(where: str, *trees: Any) -> None:
    if not all(map(checks.is_concrete, jax.tree.leaves(trees))):
        raise TypeError(
            f"{where}: its arguments are traced, but it runs on the host; "
            f"inside jit, vmap, or grad, call model.apply"
        )


def _on_mesh(where: str, mesh: Any, params: Any, state: Any) -> tuple[Any, Any, DataMesh | None]:
    reject_deleted(where, params=params, state=state)
    sharded = data_mesh(where, mesh)
    if sharded is not None:
        params, state = sharded.put_params((params, state))
    return params, state, sharded


def _batches(where: str, batch_size: Any, sharded: DataMesh | None, arrays: Any) -> Iterator[Any]:
    batch_size = scalars.count(where, "batch_size", batch_size)
    for first in range(0, jax.tree.leaves(arrays)[0].shape[0], batch_size):
        batch = jax.tree.map(lambda a, first=first: a[first : first + batch_size], arrays)
        yield batch if sharded is None else sharded.put_any_batch(batch)


@lru_cache(maxsize=8)  # jit's own cache would keep every model that was ever evaluated
def _sums(model: Any, loss: Any, classes: bool) -> Fn:
    """Return a function `-> (losses, count, right, rows)` of a batch, all of which are sums.

    The loss is `losses / count` and the accuracy `right / rows`, with each sum taken over all
    batches. The mean over a batch is converted back to a sum. If all weights of a batch are 0, it
    has no mean and adds nothing.
    """
    layer, op = as_layer("evaluate", "model", model), as_op("evaluate", "loss", loss)

    def sums(params: Any, state: Any, x: Array, targets: Any) -> tuple[Array, ...]:
        y, _ = layer.apply(params, state, with_zeros(layer.name, x))
        y, targets = without_padding(op, y, targets)
        value = wide(op(y, *loss_arguments(op, targets)))
        unit(op.name, value)  # rejects what is not a scalar
        weights = weights_of(op, targets)
        if weights is None:
            count = jnp.full((), array_of(x).shape[0], value.dtype)
        else:
            count = jnp.sum(weights.astype(value.dtype))
        right, rows = count_right(y, *parts_of(targets)) if classes else (jnp.zeros(()),) * 2
        counts = count != 0
        return jnp.where(counts, value * count, 0), count, jnp.where(counts, right, 0), rows

    return jax.jit(sums)
