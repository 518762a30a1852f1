"""Data sets as training and evaluation take them: checked on the host, before anything compiles."""

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.core import checks
from purenn.core.layer import Layer
from purenn.ops.targets import distributions, refuse_rows_unless
from purenn.training.team import on_host


def as_examples(where: str, x: Any, targets: Any, *, on_host: bool = False) -> tuple[Any, Any]:
    """`x` and `targets`, as many of one as of the other; on the device, or left where they are."""
    convert = checks.real_array if on_host else checks.as_array
    x, targets = convert(where, "x", x), convert(where, "targets", targets)
    for name, value in (("x", x), ("targets", targets)):
        if value.ndim < 1 or value.shape[0] == 0:
            raise ValueError(f"{where}: {name} holds no examples, shape {value.shape}")
    if x.shape[0] != targets.shape[0]:
        raise ValueError(
            f"{where}: x holds {x.shape[0]} examples and targets {targets.shape[0]}; "
            f"expected as many of both"
        )
    return x, targets


def output_shape(model: Layer, params: Any, state: Any, x: Array) -> tuple[int, ...]:
    """The shape of the model's output for two examples, found without computing it."""
    two = jax.ShapeDtypeStruct((2, *x.shape[1:]), x.dtype)
    return tuple(_output(model).eval_shape(params, state, two).shape)


@lru_cache(maxsize=8)
def _output(model: Layer) -> Any:
    """Traced once for each shape: for a small cnn that takes 20 ms."""
    return jax.jit(lambda params, state, x: model.apply(params, state, x)[0])


def classes_of(model: Layer, params: Any, state: Any, x: Array) -> int | None:
    """How many classes a model tells apart, if its outputs are `(batch, classes)`."""
    outputs = output_shape(model, params, state, x)
    return outputs[1] if len(outputs) == 2 and outputs[1] > 1 else None


def check_labels(
    where: str, model: Layer, params: Any, state: Any, x: Array, y: Array, name: str = "targets"
) -> None:
    """Refuse targets that are no classes of the model's, or rows that are no distributions."""
    if y.ndim == 2 or (y.ndim == 1 and jnp.issubdtype(y.dtype, jnp.integer)):
        classes = classes_of(model, params, state, x)
        if classes is not None:
            refuse_targets(where, name, y, classes)


def refuse_targets(where: str, name: str, targets: Any, classes: int) -> None:
    """Refuse a label outside the classes by its place, or rows that are no distributions.

    Other shapes and dtypes are left to the loss, which refuses them before anything runs.
    """
    if targets.ndim == 2 and targets.shape[1] == classes:
        rows = jnp.asarray(targets)
        rows = rows if checks.is_float(rows) else rows.astype(jnp.float32)
        expected = f"rows of {name} must be at least 0 and sum to one"
        refuse_rows_unless(distributions(rows), where, expected, rows)
    if targets.ndim != 1 or targets.size == 0 or not jnp.issubdtype(targets.dtype, jnp.integer):
        return
    spread = isinstance(targets, Array) and not targets.is_fully_addressable
    if spread and int(targets.min()) >= 0 and int(targets.max()) < classes:
        return  # what several processes hold is put together only if there is something to say
    labels = on_host(targets)
    if labels.min() < 0 or labels.max() >= classes:
        wrong = np.flatnonzero((labels < 0) | (labels >= classes))
        raise ValueError(
            f"{where}: {name}[{wrong[0]}] is {labels[wrong[0]]}, expected labels in "
            f"0 … {classes - 1} ({wrong.size} of {labels.size} are outside)"
        )
