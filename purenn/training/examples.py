"""Data sets as training and evaluation take them: checked on the host, before anything compiles."""

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.core import checks
from purenn.core.layer import Layer


def as_examples(where: str, x: Any, targets: Any) -> tuple[Array, Array]:
    """`x` and `targets` on the device, as many of one as of the other."""
    x, targets = checks.as_array(where, "x", x), checks.as_array(where, "targets", targets)
    for name, value in (("x", x), ("targets", targets)):
        if value.ndim < 1 or value.shape[0] == 0:
            raise ValueError(f"{where}: {name} holds no examples, shape {value.shape}")
    if x.shape[0] != targets.shape[0]:
        raise ValueError(
            f"{where}: x holds {x.shape[0]} examples and targets {targets.shape[0]}; "
            f"expected as many of both"
        )
    return x, targets


def steps_per_epoch(where: str, examples: int, batch_size: Any) -> int:
    """How many full batches there are: at least one."""
    batch_size = checks.count(where, "batch_size", batch_size)
    if examples < batch_size:
        raise ValueError(f"{where}: batch_size is {batch_size}, but x holds {examples} examples")
    return examples // batch_size


def output_shape(model: Layer, params: Any, state: Any, x: Array) -> tuple[int, ...]:
    """The shape of the model's output for two examples, found without computing it."""
    two = jax.ShapeDtypeStruct((2, *x.shape[1:]), x.dtype)
    return tuple(_output(model).eval_shape(params, state, two).shape)


@lru_cache(maxsize=8)
def _output(model: Layer) -> Any:
    """Traced once for each shape: for a small cnn that takes 20 ms."""
    return jax.jit(lambda params, state, x: model.apply(params, state, x)[0])


def check_labels(
    where: str, model: Layer, params: Any, state: Any, x: Array, y: Array, name: str = "targets"
) -> None:
    """Refuse an integer label that is no class of the model's."""
    if y.ndim != 1 or not jnp.issubdtype(y.dtype, jnp.integer):
        return
    outputs = output_shape(model, params, state, x)
    if len(outputs) != 2:
        return
    labels, classes = np.asarray(y), outputs[1]
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if classes > 1 and wrong.size:
        raise ValueError(
            f"{where}: {name}[{wrong[0]}] is {labels[wrong[0]]}, expected labels in "
            f"0 … {classes - 1} ({wrong.size} of {labels.size} are outside)"
        )
