"""What `check_gradients` is asked, in one form for layers, ops and plain functions."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from purenn.core import checks
from purenn.core.layer import Fn, Layer, Op


class Case(NamedTuple):
    """The question whether `by_hand(dy)` are the derivatives of `plain` by its `inputs`."""

    plain: Fn  # (*inputs) -> y
    inputs: tuple[Any, ...]
    labels: tuple[str, ...]
    by_hand: Fn  # (dy) -> a tuple like inputs
    m: int


def names_of(case: Case) -> list[str]:
    """What the report calls each derivative: dw, db, dx, d[2].w."""
    names = []
    for label, value in zip(case.labels, case.inputs, strict=True):
        for path, _ in jax.tree_util.tree_flatten_with_path(value)[0]:
            place = jax.tree_util.keystr(path)
            names.append(f"d{label}{place}" if label else f"d{place.removeprefix('.')}")
    return names


def _float64(tree: Any) -> Any:
    def leaf(a: Any) -> Any:
        a = jnp.asarray(a)
        return a.astype(jnp.float64) if checks.is_float(a) else a

    return jax.tree.map(leaf, tree)


def layer_case(
    layer: Layer,
    arguments: tuple[Any, ...],
    in_shape: tuple[int, ...] | None,
    batch: int,
    train: bool,
    key: Any,
    rng: np.random.Generator,
) -> Case:
    """A layer at random parameters, by every one of them and by `x`."""
    if len(arguments) > 1:
        raise TypeError(f"check_gradients: a layer takes one argument, x; got {len(arguments)}")
    if arguments:
        x = _float64(arguments[0])
    elif in_shape is None:
        raise TypeError("check_gradients: in_shape is missing, the shape of one example")
    else:
        x = jnp.asarray(rng.normal(size=(batch, *checks.shape_tuple("check_gradients", in_shape))))
    key = jax.random.key(1) if key is None else key
    params, state = _float64(layer.init(jax.random.key(0), tuple(x.shape[1:])))
    # Zero biases and fresh statistics would hide mistakes.
    params = jax.tree.map(lambda p: p + 0.3 * rng.normal(size=p.shape), params)
    state = jax.tree.map(lambda s: s + rng.uniform(size=s.shape), state)
    of_x = checks.is_float(x)
    inputs = (params, x) if of_x else (params,)

    def run(params: Any, x: Any = x) -> Any:
        return layer.forward(params, state, x, train=train, key=key)

    def by_hand(dy: Any) -> list[Any]:
        dparams, dx = layer.backward(params, run(params)[2], dy)
        return [*_like(params, dparams), *([dx] if of_x else [])]

    labels = ("", "x") if of_x else ("",)
    return Case(lambda *inputs: run(*inputs)[0], inputs, labels, by_hand, x.shape[0])


def op_case(op: Op, arguments: tuple[Any, ...], options: dict[str, Any]) -> Case:
    """An op, by its first argument."""
    if not arguments:
        raise TypeError(f"check_gradients: pass {op.name}'s arguments after it")
    x, *others = _float64(arguments)

    def by_hand(dy: Any) -> list[Any]:
        return _like(x, op.backward(op.forward(x, *others, **options)[1], dy))

    leaves = jax.tree.leaves(x)
    m = leaves[0].shape[0] if leaves and leaves[0].ndim else 1
    return Case(lambda x: op.forward(x, *others, **options)[0], (x,), ("x",), by_hand, m)


def function_case(forward: Any, arguments: tuple[Any, ...]) -> Case:
    """Plain functions `forward, backward`, by the floating arguments."""
    if not callable(forward) or not arguments or not callable(arguments[0]):
        raise TypeError(
            "check_gradients: pass a layer, an op and its arguments, or forward, backward, and "
            f"their arguments; got {checks.describe(forward)}"
        )
    backward, values = arguments[0], _float64(arguments[1:])
    floats = [i for i, v in enumerate(values) if all(map(checks.is_float, jax.tree.leaves(v)))]
    if not floats:
        raise TypeError("check_gradients: none of the arguments is floating point")

    def fill(inputs: tuple[Any, ...]) -> list[Any]:
        given = dict(zip(floats, inputs, strict=False))
        return [given.get(i, value) for i, value in enumerate(values)]

    def plain(*inputs: Any) -> Any:
        result = forward(*fill(inputs))
        return result[0] if isinstance(result, tuple) else result

    result = forward(*values)
    before = (result[1],) if isinstance(result, tuple) else tuple(values)

    def call(dy: Any) -> Any:
        try:
            return backward(*before, dy)
        except (TypeError, AttributeError):
            # NumPy code that writes into its arguments can't do so with JAX's arrays.
            return backward(*jax.tree.map(lambda a: np.array(a), before), np.array(dy))

    first = call(jnp.ones(np.shape(plain(*(values[i] for i in floats)))))
    count = len(first) if isinstance(first, (tuple, list)) else 1
    if count == len(values):
        asked = floats
    elif count <= len(floats):
        asked = floats[:count]
    else:
        raise ValueError(
            f"check_gradients: backward returned {count} derivatives for {len(values)} arguments"
        )

    def by_hand(dy: Any) -> list[Any]:
        derivatives = call(dy)
        if not isinstance(derivatives, (tuple, list)):
            derivatives = (derivatives,)
        if count == len(values):
            derivatives = [derivatives[i] for i in asked]
        pairs = zip(asked, derivatives, strict=True)
        return [leaf for i, d in pairs for leaf in _like(values[i], d)]

    inputs = tuple(values[i] for i in asked)
    labels = tuple(_argument_names(forward, len(values))[i] for i in asked)
    m = next((np.shape(leaf)[0] for leaf in jax.tree.leaves(inputs) if np.ndim(leaf)), 1)
    return Case(plain, inputs, labels, by_hand, m)


def _argument_names(forward: Callable[..., Any], count: int) -> list[str]:
    try:
        names = list(inspect.signature(forward).parameters)
    except (TypeError, ValueError):
        names = []
    return names[:count] if len(names) >= count else [str(i) for i in range(count)]


def _like(wanted: Any, came: Any) -> list[Any]:
    """The leaves of a derivative in the places of the wanted tree's; what is missing is None."""
    structure: Any = jax.tree.structure(wanted)
    try:
        return list(structure.flatten_up_to(came))
    except (ValueError, TypeError):
        return [None] * structure.num_leaves
