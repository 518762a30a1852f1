"""Checks of data sets, made on the host before anything is compiled."""

from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from purenn.core import checks
from purenn.core.inputs import as_input, with_zeros
from purenn.core.layer import Layer
from purenn.core.op import Op
from purenn.core.padded import Padded, array_of
from purenn.core.target_parts import (
    loss_arguments,
    map_parts,
    names_of,
    parts_of,
    weights_of,
    without_padding,
)
from purenn.distributed.processes import to_host
from purenn.training.labels import output_shape


def as_examples(
    where: str, x: Any, targets: Any, owner: str = "", *, on_host: bool = False
) -> tuple[Any, Any]:
    """Return `x` and `targets` as arrays of the same length, on the device unless `on_host`.

    With `on_host`, NumPy arrays are not converted. A tuple of targets remains a tuple of arrays.
    Error messages put `owner` before the names: `validation's `.
    """
    convert = checks.real_array if on_host else checks.as_array

    def examples(where: str, name: str, value: Any) -> Any:
        value = convert(where, name, value)
        if value.ndim < 1 or value.shape[0] == 0:
            raise ValueError(f"{where}: {name} holds no examples, shape {value.shape}")
        return value

    def as_many(name: str, value: Any) -> Any:
        value = examples(where, name, value)
        if count != value.shape[0]:
            raise ValueError(
                f"{where}: {owner}x holds {count} examples and {name} {value.shape[0]}; "
                f"expected as many of both"
            )
        return value

    if isinstance(targets, tuple) and not targets:
        raise ValueError(f"{where}: {owner}targets is an empty tuple, expected at least one array")
    x = as_input(where, f"{owner}x", x, examples)
    count = array_of(x).shape[0]
    return x, map_parts(as_many, targets, f"{owner}targets")


def x_and_targets(where: str, name: str, value: Any) -> tuple[Any, Any]:
    """Return `(x, targets)`, and reject anything else."""
    if isinstance(value, Padded):
        raise TypeError(f"{where}: {name} must be (x, targets), got a Padded, which may be the x")
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        several = isinstance(value, (tuple, list)) and len(value) > 2
        raise TypeError(
            f"{where}: {name} must be (x, targets)"
            + (" or a function epoch -> iterable of batches" if name == "data" else "")
            + f", got {checks.describe(value)}"
            + "; several arrays of targets are a tuple, (x, (targets, weights))" * several
        )
    return value[0], value[1]


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
    """Reject numbers that a binary loss does not accept, by their index in the data.

    With `finite`, NaN and infinity are rejected, too. A model or a loss may handle a NaN, for
    instance by ignoring that example. So a batch that contains it is tried, and the example is
    rejected only if the loss of that batch is not finite.
    """
    named = list(zip(names_of(targets, f"{name}targets"), parts_of(targets), strict=True))
    y = output_shape(model, params, state, x) if isinstance(x, Padded) else None
    weights = weights_of(loss, targets, y)
    if loss.of_fractions and (bad := bad_number(*named[0], "fraction", weights)):
        raise ValueError(f"{where}: {bad[1]}, expected numbers in 0 … 1")
    check_weights(where, loss, targets, name, y)
    array, counts = (x.x, x.valid) if isinstance(x, Padded) else (x, None)
    of_x = f"{name}x.x" if isinstance(x, Padded) else f"{name}x"
    for part, values in ((of_x, array), *named) if finite else ():
        bad = bad_number(part, values, weights=counts if values is array else weights)
        if bad is None:
            continue
        row, text = bad
        batch = _batch_to_try(row, weights, (x, targets), len(array))
        value = _loss_of(model, loss)(params, state, *batch)
        if not np.isfinite(value):
            raise ValueError(
                f"{where}: {text}, and the loss of a batch with that example is {value}; expected "
                f"finite numbers, or a model and a loss that can handle it"
            )


def _loss_of(model: Layer, loss: Op[...]) -> Any:
    def value(params: Any, state: Any, x: Any, targets: Any) -> Any:
        y, _ = model.apply(params, state, with_zeros(model.name, x))
        y, targets = without_padding(loss, y, targets)
        return loss(y, *loss_arguments(loss, targets))

    return jax.jit(value)


def check_weights(where: str, loss: Op[...], targets: Any, name: str = "", y: Any = None) -> None:
    """Reject weights that are negative or not finite, by their index in the data, or all 0.

    `y` is the model's output, as `output_shape` returns it.
    """
    given, weights = weights_of(loss, targets), weights_of(loss, targets, y)
    if given is not None and (bad := bad_number(f"{name}targets[1]", weights, "weight")):
        raise ValueError(f"{where}: {bad[1]}, expected finite weights of at least 0")
    if weights is not None and not bool(weights.astype(bool).any()):
        raise ValueError(f"{where}: {none_counts(given, y, name)}")


def none_counts(given: Any, y: Any, name: str = "") -> str:
    """Describe the error that all weights are 0, as given or because of padding."""
    if given is None:
        return f"no position of {name}x is valid"
    where_valid = f" where {name}x is valid" * isinstance(y, Padded)
    return f"{name}targets[1], the weights, are all 0{where_valid}"


BATCH = 64  # examples among which a suspicious one is tried


def _batch_to_try(row: int, weights: Any, arrays: Any, examples: int) -> Any:
    """Return a batch with a suspicious example and the following ones, or some with weights.

    If all weights of a batch are 0, its loss is NaN for any examples.
    """
    first = max(0, min(row, examples - BATCH))
    near = slice(first, first + BATCH)
    if weights is None or np.any(to_host(weights[near])):
        return jax.tree.map(lambda a: a[near], arrays)
    counting = np.flatnonzero(to_host(weights).reshape(examples, -1).any(axis=1))
    rows = np.append(counting[: BATCH - 1], row)
    return jax.tree.map(lambda a: to_host(a)[rows], arrays)


Kind = Literal["finite", "fraction", "weight"]  # a fraction is a number in 0 … 1


def bad_number(
    name: str, values: Any, kind: Kind = "finite", weights: Any = None
) -> tuple[int, str] | None:
    """Find the first example of nonzero weight with a number that is not of the given kind.

    Returns:
        Its row and a description of the number: `x[17] is nan at [3, 0]`. None if there is no such
        example.
    """
    numbers = jnp.floating if kind == "finite" else jnp.number
    if values.size == 0 or not jnp.issubdtype(values.dtype, numbers):
        return None
    if weights is not None and weights.shape != values.shape[: weights.ndim]:
        weights = None  # which the loss will reject
    find = _first_bad_row if isinstance(values, np.ndarray) else _first_bad_row_on_device
    row = int(find(values, weights, kind))
    if row < 0:
        return None
    example = to_host(values[row])
    counts = None if weights is None else to_host(weights[row])
    place = tuple(int(i) for i in np.argwhere(_bad(example, counts, kind))[0])
    at = f" at [{', '.join(map(str, place))}]" if place else ""
    return row, f"{name}[{row}] is {example[place]}{at}"


def _bad(values: Any, weights: Any, kind: Kind) -> Any:
    """Tell for each number of a NumPy or JAX array whether it is bad and has a weight."""
    if kind == "fraction":
        bad = ~((values >= 0) & (values <= 1))
    elif kind == "weight" and not checks.is_float(values):
        bad = ~(values >= 0)
    elif kind == "weight":
        bad = ~((values >= 0) & (values < np.inf))
    else:
        bad = ~(abs(values) < np.inf)
    if weights is None:
        return bad
    return bad & weights.astype(bool).reshape(weights.shape + (1,) * (bad.ndim - weights.ndim))


def _first_bad_row(values: Any, weights: Any, kind: Kind) -> Any:
    rows = _bad(values, weights, kind).reshape(values.shape[0], -1).any(axis=1)
    return jnp.where(rows.any(), rows.argmax(), -1)


_first_bad_row_on_device = jax.jit(_first_bad_row, static_argnums=2)


TRACED = (
    "looks at the run's numbers as it goes. Call it outside jit, grad, and vmap, or use "
    "training_run, which is a pure function"
)


def check_not_traced(where: str, **trees: Any) -> None:
    """Reject arguments that contain traced arrays, and any call while JAX traces a function."""
    for name, tree in trees.items():
        for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
            if not checks.is_concrete(leaf):
                place = f"{name}{jax.tree_util.keystr(path)}"
                raise TypeError(f"{where}: {place} is traced, but {where} {TRACED}")
    if not checks.is_concrete(jnp.zeros(())):
        raise TypeError(f"{where}: called in a function that is traced, but {where} {TRACED}")


def check_concrete(where: str, result: Any) -> Any:
    """Return the result of a step, unless a number that the run closes over is traced."""
    if not all(map(checks.is_concrete, jax.tree.leaves(result))):
        raise TypeError(
            f"{where}: the run is traced, by a traced learning rate perhaps, or another number "
            f"that the optimizer, the loss or the model was made with, but {where} {TRACED}"
        )
    return result
