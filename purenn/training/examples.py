"""Checks of data sets, made on the host before anything is compiled."""

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.core import checks, numpy_arrays
from purenn.core.layer import Layer
from purenn.core.op import Op
from purenn.distributed.processes import to_host
from purenn.ops.targets import distributions, reject_rows_unless

PART = 1024  # rows of targets that are checked at a time


def as_examples(where: str, x: Any, targets: Any, *, on_host: bool = False) -> tuple[Any, Any]:
    """Return `x` and `targets` as arrays of the same length, on the device unless `on_host`.

    With `on_host`, NumPy's arrays stay NumPy's.
    """
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
    """Return the shape of the model's output for two examples, without computing it."""
    two = jax.ShapeDtypeStruct((2, *x.shape[1:]), x.dtype)
    return tuple(_output(model).eval_shape(params, state, two).shape)


@lru_cache(maxsize=8)
def _output(model: Layer) -> Any:
    """Return the output as a jitted function, which is traced once per shape: 20 ms for a cnn."""
    return jax.jit(lambda params, state, x: model.apply(params, state, x)[0])


def classes_of(model: Layer, params: Any, state: Any, x: Array) -> int | None:
    """Return how many classes a model has, or None if its output is not `(batch, classes)`."""
    outputs = output_shape(model, params, state, x)
    return outputs[1] if len(outputs) == 2 and outputs[1] > 1 else None


def check_labels(
    where: str,
    model: Layer,
    loss: Op[...],
    params: Any,
    state: Any,
    x: Array,
    targets: Array,
    name: str = "targets",
) -> None:
    """Reject targets that are not classes of the model, or rows that are not distributions.

    To a loss that is a plain function, integers may mean something else; but where they could be
    classes, the accuracy takes them for classes.
    """
    integers = targets.ndim == 1 and jnp.issubdtype(targets.dtype, jnp.integer)
    if targets.ndim == 2 or integers:
        classes = classes_of(model, params, state, x)
        if classes is not None:
            hint = "" if loss.of_classes else "; numbers that are not classes are passed as floats"
            check_targets(where, name, targets, classes, hint)


def check_targets(where: str, name: str, targets: Any, classes: int, hint: str = "") -> None:
    """Reject a label outside the classes, by its index, or rows that are not distributions.

    Other shapes and dtypes are left to the loss, which rejects them before anything runs.
    """
    if targets.ndim == 2 and targets.shape[1] == classes:
        expected = f"rows of {name} must be at least 0 and sum to one"
        rows = targets if checks.is_float(targets) else targets.astype(np.float32)
        for first in range(0, len(rows), PART):  # no more on the device
            part = numpy_arrays.to_jax(rows[first : first + PART])
            reject_rows_unless(distributions(part), where, expected, part, first)
    if wrong := bad_label(name, targets, classes):
        raise ValueError(f"{where}: {wrong}{hint}")


def bad_label(name: str, targets: Any, classes: int) -> str:
    """Return words about the first label outside the classes; no words if there is none."""
    if targets.ndim != 1 or targets.size == 0 or not jnp.issubdtype(targets.dtype, jnp.integer):
        return ""
    elsewhere = isinstance(targets, Array) and not targets.is_fully_addressable
    if elsewhere and int(targets.min()) >= 0 and int(targets.max()) < classes:
        return ""  # what several processes hold is gathered only if there is something to say
    labels = to_host(targets)
    if labels.min() >= 0 and labels.max() < classes:
        return ""
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    return (
        f"{name}[{wrong[0]}] is {labels[wrong[0]]}, expected labels in 0 … {classes - 1} "
        f"({wrong.size} of {labels.size} are outside)"
    )


def check_numbers(
    where: str,
    model: Layer,
    loss: Op[...],
    params: Any,
    state: Any,
    x: Any,
    targets: Any,
    name: str = "",
    *,
    finite: bool,
) -> None:
    """Reject numbers that a binary loss does not take, by their index in the data.

    With `finite`, NaN and infinity are rejected too. But a model or a loss may know what to do with
    a NaN, such as leaving that example out. So a batch with the example is tried, and the example
    is rejected only if the loss of that batch is not finite.
    """
    if loss.of_fractions and (bad := bad_number(f"{name}targets", targets, fractions=True)):
        raise ValueError(f"{where}: {bad[1]}, expected numbers in 0 … 1")
    for part, values in ((f"{name}x", x), (f"{name}targets", targets)) if finite else ():
        bad = bad_number(part, values)
        if bad is None:
            continue
        row, text = bad
        first = max(0, min(row, len(x) - BATCH))
        batch = x[first : first + BATCH], targets[first : first + BATCH]
        value = jax.jit(lambda p, s, x, t: loss(model.apply(p, s, x)[0], t))(params, state, *batch)
        if not np.isfinite(value):
            raise ValueError(
                f"{where}: {text}, and the loss of a batch with that example is {value}; expected "
                f"finite numbers, or a model and a loss that can handle it"
            )


BATCH = 64  # examples among which a suspicious one is tried


def bad_number(name: str, values: Any, *, fractions: bool = False) -> tuple[int, str] | None:
    """Find the first example with a number that is not finite, or with `fractions` not in 0 … 1.

    Returns:
        Its row, and words about the number: `x[17] is nan at [3, 0]`. None if there is none.
    """
    kind = jnp.number if fractions else jnp.floating
    if values.size == 0 or not jnp.issubdtype(values.dtype, kind):
        return None
    find = _first_bad_row if isinstance(values, np.ndarray) else _first_bad_row_on_device
    row = int(find(values, fractions))
    if row < 0:
        return None
    example = to_host(values[row])
    place = tuple(int(i) for i in np.argwhere(_bad(example, fractions))[0])
    at = f" at [{', '.join(map(str, place))}]" if place else ""
    return row, f"{name}[{row}] is {example[place]}{at}"


def _bad(values: Any, fractions: bool) -> Any:
    """Tell for each number whether it is bad; for NumPy's and JAX's arrays."""
    if fractions:
        return ~((values >= 0) & (values <= 1))
    return ~(abs(values) < np.inf)


def _first_bad_row(values: Any, fractions: bool) -> Any:
    rows = _bad(values, fractions).reshape(values.shape[0], -1).any(axis=1)
    return jnp.where(rows.any(), rows.argmax(), -1)


_first_bad_row_on_device = jax.jit(_first_bad_row, static_argnums=1)


TRACED = (
    "looks at the run's numbers as it goes. Call it outside jit, grad and vmap, or use "
    "training_run, which is a pure function"
)


def check_not_traced(where: str, **trees: Any) -> None:
    """Reject arguments that hold traced arrays, and any call while JAX traces a function."""
    for name, tree in trees.items():
        for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
            if not checks.is_concrete(leaf):
                place = f"{name}{jax.tree_util.keystr(path)}"
                raise TypeError(f"{where}: {place} is traced, but {where} {TRACED}")
    if not checks.is_concrete(jnp.zeros(())):
        raise TypeError(f"{where}: called in a function that is traced, but {where} {TRACED}")


def check_concrete(where: str, result: Any) -> Any:
    """Return what a step computed, unless a number that the run closes over is traced."""
    if not all(map(checks.is_concrete, jax.tree.leaves(result))):
        raise TypeError(
            f"{where}: the run is traced, by a traced learning rate perhaps, or another number "
            f"that the optimizer, the loss or the model was made with, but {where} {TRACED}"
        )
    return result
