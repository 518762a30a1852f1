"""Checks of labels on the host: which targets are classes, and which labels are not valid."""

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.core import checks, numpy_arrays
from purenn.core.inputs import with_zeros
from purenn.core.layer import Layer
from purenn.core.op import Op
from purenn.core.padded import Padded, array_of, padded_like
from purenn.core.target_parts import names_of, parts_of, weights_of
from purenn.distributed.processes import to_host
from purenn.ops.targets import distributions, reject_rows_unless
from purenn.training.tokens import check_tokens

PART = 1024  # rows of targets that are checked at a time


class Labels(NamedTuple):
    """Targets that may be classes, with their weights.

    Attributes:
        name: the name in messages: `targets`, or `targets[0]` of a tuple.
        values: integers, or rows that sum to one.
        weights: the weights that the loss takes, or None.
    """

    name: str
    values: Any
    weights: Any


def labels_of(loss: Op[...], targets: Any, name: str = "targets", y: Any = None) -> Labels | None:
    """Return the targets that may be classes; None for a tuple that only the loss can interpret.

    `y` is the model's output, or its shape as `output_shape` returns it.
    """
    parts, names = parts_of(targets), names_of(targets, name)
    if len(parts) == 1 or (len(parts) == 2 and loss.weighted):
        return Labels(names[0], parts[0], weights_of(loss, targets, y))
    return None


def output_shape(model: Layer, params: Any, state: Any, x: Any) -> Any:
    """Return the shape of a model's output for two examples of `x`.

    The valid positions of a `Padded` output are those of all of `x`, unchanged.
    """
    two = jax.tree.map(lambda a: jax.ShapeDtypeStruct((2, *a.shape[1:]), a.dtype), x)
    y = output_of(model).eval_shape(params, state, two)
    return padded_like(x, y.x) if isinstance(y, Padded) else y


def class_shape(y: Any) -> tuple[int, ...] | None:
    """Return the shape of a model's output for one example, `(..., classes)`.

    `y` is the result of `output_shape`. None if the last axis cannot be that of classes.
    """
    _, *shape = array_of(y).shape or (2,)
    return (*shape,) if shape and shape[-1] > 1 else None


@lru_cache(maxsize=8)
def output_of(model: Layer) -> Any:
    """Return the output as a jitted function, which is traced once per shape (20 ms for a CNN)."""

    def output(params: Any, state: Any, x: Any) -> Any:
        return model.apply(params, state, with_zeros(model.name, x))[0]

    return jax.jit(output)


def are_classes(labels: Labels | None, shape: tuple[int, ...] | None) -> bool:
    """Tell whether all targets are classes of outputs of that shape, so that accuracy is defined.

    Classes are integers, one for each row of outputs, or rows that sum to one.
    """
    if labels is None or shape is None or not _weights_fit(labels, shape):
        return False
    if _are_integers(labels.values, shape):
        return True
    if labels.values.shape[1:] != shape:
        return False
    return all(bool(distributions(part)) for _, part in _parts(labels, shape))


def check_labels(
    where: str,
    model: Layer,
    loss: Op[...],
    params: Any,
    state: Any,
    x: Any,
    targets: Any,
    name: str = "targets",
) -> None:
    """Reject targets that are not classes of the model, or rows that are not distributions.

    For a loss that is a plain function, integers may have another meaning. If they could be
    classes, the accuracy treats them as classes.
    """
    y = output_shape(model, params, state, x)
    labels = labels_of(loss, targets, name, y)
    if labels is None or not (
        labels.values.ndim > 1 or jnp.issubdtype(labels.values.dtype, jnp.integer)
    ):
        return
    shape = class_shape(y)
    if shape is not None:
        hint = "" if loss.of_classes else "; numbers that are not classes are passed as floats"
        check_targets(where, labels, shape, hint)


def check_targets(where: str, labels: Labels, shape: tuple[int, ...], hint: str = "") -> None:
    """Reject a label outside the classes, by its index, or rows that are not distributions.

    Targets of weight 0 are ignored. Other shapes and dtypes are left to the loss, which rejects
    them before anything runs.
    """
    if labels.values.shape[1:] == shape:
        expected = f"rows of {labels.name} must be at least 0 and sum to one"
        for first, part in _parts(labels, shape):
            reject_rows_unless(distributions(part), where, expected, part, first)
    if wrong := bad_label(labels, shape):
        raise ValueError(f"{where}: {wrong}{hint}")


def check_batch(
    where: str,
    model: Layer,
    loss: Op[...],
    y: Any,
    x: Any,
    targets: Any,
    place: str,
) -> None:
    """Reject tokens and labels of a batch; those on a device are left to the compiled step.

    `y` is the `output_shape` of another batch, None if targets are not classes.
    """
    if isinstance(array_of(x), np.ndarray):
        check_tokens(where, model, x, f"{place}, x")
    y = padded_like(x, y.x) if isinstance(y, Padded) else y
    shape = None if y is None else class_shape(y)
    labels = labels_of(loss, targets, f"{place}, targets", y)
    if shape is not None and labels is not None and isinstance(labels.values, np.ndarray):
        check_targets(where, labels, shape)


def bad_label(labels: Labels, shape: tuple[int, ...]) -> str:
    """Describe the first label outside the classes; return an empty string if there is none."""
    name, values, weights = labels
    classes = shape[-1]
    if values.size == 0 or not _are_integers(values, shape):
        return ""
    elsewhere = isinstance(values, Array) and not values.is_fully_addressable
    if elsewhere and int(values.min()) >= 0 and int(values.max()) < classes:
        return ""  # arrays of several processes are gathered only if there is an error
    found = to_host(values)
    if found.min() >= 0 and found.max() < classes:
        return ""
    wrong = (found < 0) | (found >= classes)
    if weights is not None and _weights_fit(labels, shape):
        wrong &= to_host(weights) != 0
    if not wrong.any():
        return ""
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    return (
        f"{name}[{', '.join(map(str, place))}] is {found[place]}, expected labels in "
        f"0 … {classes - 1} ({wrong.sum()} of {found.size} are outside)"
    )


def _are_integers(values: Any, shape: tuple[int, ...]) -> bool:
    """Tell whether targets are integers, one for each row of outputs."""
    return bool(jnp.issubdtype(values.dtype, jnp.integer)) and values.shape[1:] == shape[:-1]


def _weights_fit(labels: Labels, shape: tuple[int, ...]) -> bool:
    """Tell whether there is a weight for each row of outputs, if there are weights."""
    return labels.weights is None or labels.weights.shape == (len(labels.values), *shape[:-1])


def _parts(labels: Labels, shape: tuple[int, ...]) -> Iterator[tuple[int, Array]]:
    """Yield the rows, at most `PART` on the device at a time, with the index of the first example.

    Rows of weight 0 are replaced.
    """
    rows, classes = labels.values, shape[-1]
    masked = None
    if labels.weights is not None and _weights_fit(labels, shape):
        masked = to_host(labels.weights)[..., None] == 0
    rows = rows if checks.is_float(rows) else rows.astype(np.float32)
    examples = max(1, PART // math.prod(shape[:-1]))
    for first in range(0, len(rows), examples):
        part = rows[first : first + examples]
        if masked is not None:
            filler = np.asarray(1 / classes, part.dtype)
            part = np.where(masked[first : first + examples], filler, part)
        yield first, numpy_arrays.to_jax(part)
