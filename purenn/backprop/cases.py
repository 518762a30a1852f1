"""What `check_gradients` is asked, in one form for layers, ops and plain functions."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from purenn.core import checks, scalars
from purenn.core.adapt import refuse_factory
from purenn.core.layer import Fn, Layer, Op


class Case(NamedTuple):
    """The question whether `by_hand(dy)` are the derivatives of `plain` by its `inputs`."""

    plain: Fn  # (*inputs) -> y
    inputs: tuple[Any, ...]
    labels: tuple[str, ...]
    by_hand: Fn  # (dy, backward=the one to judge) -> the leaves of its derivatives
    m: int
    traceable: bool = True  # no NumPy code, which JAX can't see into


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
        if isinstance(a, (bool, int, str)):
            return a  # an option, such as an axis
        a = jnp.asarray(a)
        return a.astype(jnp.float64) if checks.is_float(a) else a

    return jax.tree.map(leaf, tree)


def _all_floats(tree: Any) -> bool:
    leaves = jax.tree.leaves(tree)
    return bool(leaves) and all(hasattr(a, "dtype") and checks.is_float(a) for a in leaves)


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
        x = _float64(checks.as_array("check_gradients", "x", arguments[0]))
    elif in_shape is None:
        raise TypeError("check_gradients: in_shape is missing, the shape of one example")
    else:
        scalars.count("check_gradients", "batch", batch)
        if layer.first.takes == "integer":
            raise TypeError(f"check_gradients: {layer.name} takes integers: pass x itself after it")
        x = jnp.asarray(rng.normal(size=(batch, *checks.shape_tuple("check_gradients", in_shape))))
    key = jax.random.key(1) if key is None else checks.prng_key("check_gradients", key)
    params, state = _float64(
        jax.jit(layer.init, static_argnums=1)(jax.random.key(0), tuple(x.shape[1:]))
    )
    # Zero biases and fresh statistics would hide mistakes.
    params = jax.tree.map(lambda p: p + 0.3 * rng.normal(size=p.shape), params)
    state = jax.tree.map(
        lambda s: s + rng.uniform(size=s.shape) if checks.is_float(s) else s, state
    )
    of_x = checks.is_float(x)
    if not of_x and layer.first.takes == "any":  # rescale would make float32 of it
        x = x.astype(jnp.float64)
    inputs = (params, x) if of_x else (params,)

    def run(params: Any, x: Any = x) -> Any:
        return layer.forward(params, state, x, train=train, key=key)

    def by_hand(dy: Any, backward: Fn = layer.backward) -> list[Any]:
        dparams, dx = backward(params, run(params)[2], dy)
        return [*_like(params, dparams), *([dx] if of_x else [])]

    labels = ("", "x") if of_x else ("",)
    return Case(lambda *inputs: run(*inputs)[0], inputs, labels, by_hand, x.shape[0])


def op_case(op: Op, arguments: tuple[Any, ...], options: dict[str, Any]) -> Case:
    """An op, by its first argument."""
    if not arguments:
        raise TypeError(f"check_gradients: pass {op.name}'s arguments after it")
    x, *others = _float64(arguments)

    def by_hand(dy: Any, backward: Fn = op.backward) -> list[Any]:
        return _like(x, backward(op.forward(x, *others, **options)[1], dy))

    leaves = jax.tree.leaves(x)
    m = leaves[0].shape[0] if leaves and leaves[0].ndim else 1
    return Case(lambda x: op.forward(x, *others, **options)[0], (x,), ("x",), by_hand, m)


def function_case(forward: Any, arguments: tuple[Any, ...]) -> Case:
    """Plain functions `forward, backward`, by the floating arguments."""
    refuse_factory("check_gradients", "subject", forward)
    if not callable(forward) or not arguments or not callable(arguments[0]):
        raise TypeError(
            "check_gradients: pass a layer, an op and its arguments, or forward, backward, and "
            f"their arguments; got {checks.describe(forward)}"
            + (" without its backward" if callable(forward) else "")
        )
    backward, values = arguments[0], _float64(arguments[1:])
    floats = [i for i, value in enumerate(values) if _all_floats(value)]
    if not floats:
        raise TypeError("check_gradients: none of the arguments is floating point")

    def run(*inputs: Any) -> Any:
        given = dict(zip(floats, inputs, strict=False))
        return forward(*(given.get(i, value) for i, value in enumerate(values)))

    def as_numpy(*inputs: Any) -> Any:
        return run(*jax.tree.map(np.array, inputs))

    traceable, started = _traceable(run, [values[i] for i in floats]), [values[i] for i in floats]
    call_forward = run if traceable else as_numpy
    result = call_forward(*started)
    before = (result[1],) if isinstance(result, tuple) else values
    y = _y(result)

    def derivatives(dy: Any, backward: Fn = backward) -> Any:
        try:
            came = backward(*before, dy)
        except (TypeError, AttributeError):
            # NumPy code that writes into its arguments can't do so with JAX's arrays.
            came = backward(*jax.tree.map(_writable, before), np.array(dy))
        wanted: Any = jax.tree.structure(values[floats[0]])
        one = wanted == jax.tree.structure(came)
        return (came,) if one or not isinstance(came, (tuple, list)) else tuple(came)

    count = len(derivatives(jnp.ones(np.shape(y))))
    if count != len(values) and count > len(floats):
        raise ValueError(
            f"check_gradients: backward returned {count} derivatives for {len(values)} arguments"
        )
    asked = floats if count == len(values) else floats[:count]

    def by_hand(dy: Any, backward: Fn = backward) -> list[Any]:
        came = derivatives(dy, backward)
        pairs = zip(asked, [came[i] for i in asked] if count == len(values) else came, strict=True)
        return [leaf for i, d in pairs for leaf in _like(values[i], d)]

    inputs = tuple(values[i] for i in asked)
    labels = tuple(_argument_names(forward, len(values))[i] for i in asked)
    m = next((np.shape(leaf)[0] for leaf in jax.tree.leaves(inputs) if np.ndim(leaf)), 1)
    return Case(lambda *x: _y(call_forward(*x)), inputs, labels, by_hand, m, traceable)


def _y(result: Any) -> Any:
    return result[0] if isinstance(result, tuple) else result


def _writable(value: Any) -> Any:
    return np.array(value) if isinstance(value, jax.Array) else value


def _traceable(run: Fn, inputs: list[Any]) -> bool:
    """Whether JAX can see into a forward: NumPy code refuses a tracer, or can't write into one."""
    try:
        jax.eval_shape(lambda *x: _y(run(*x)), *inputs)
    except (TypeError, AttributeError, jax.errors.JAXTypeError):
        return False
    return True


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
