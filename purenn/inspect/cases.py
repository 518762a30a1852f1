"""What `check_gradients` is asked, in one form for layers, ops and plain functions."""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from purenn.core import checks, scalars, signatures
from purenn.core.layer import Layer
from purenn.core.op import Op
from purenn.core.types import Fn
from purenn.inspect.arity import refuse_arity
from purenn.inspect.matching import NOT_ASKED, is_nothing, leaves_like


class Reading(NamedTuple):
    """A way to call a backward, and to take what it returns."""

    by_hand: Fn  # (dy) -> the leaves of its derivatives
    note: str = ""  # what the report says if this is the way
    fault: str = ""  # why a backward that has to be called in this way is not right
    only_if_right: bool = False  # otherwise it is not worth a word


class Case(NamedTuple):
    """The question whether `by_hand(dy)` are the derivatives with respect to `plain`'s inputs."""

    plain: Fn  # (*inputs) -> y
    inputs: tuple[Any, ...]  # trees of float64
    labels: tuple[str, ...]
    by_hand: Fn  # (dy, backward=the one to judge) -> the leaves of its derivatives
    m: int
    traceable: bool = True  # no NumPy code, which JAX can't see into
    note: str = ""
    readings: tuple[Reading, ...] = ()  # tried where `by_hand` is not right
    # Judged, but named only if wrong: `dx` of an integer `x`, which a layer gives to nobody.
    unlisted: tuple[str, ...] = ()


def names_of(case: Case) -> list[str]:
    """What the report calls each derivative: dw, db, dx, d[2].w."""
    names = []
    for label, value in zip(case.labels, case.inputs, strict=True):
        for path, _ in jax.tree_util.tree_flatten_with_path(value)[0]:
            place = jax.tree_util.keystr(path)
            names.append(f"d{label}{place}" if label else f"d{place.removeprefix('.')}")
    return names


def checked_y(y: Any) -> Any:
    """What forward returned as y, if it is numbers."""
    if isinstance(y, (jax.Array, np.ndarray, np.generic, float, int)):
        return y
    raise TypeError(
        f"check_gradients: forward must return an array, or one and a cache; "
        f"got {checks.describe(y)}"
    )


def is_whole(a: Any) -> bool:
    """Whether it is an integer, a bool or an array of them."""
    if isinstance(a, (jax.Array, np.ndarray, np.generic)):
        return jnp.issubdtype(a.dtype, jnp.integer) or a.dtype == bool
    return isinstance(a, int)


def as_float64(a: Any) -> Any:
    """A floating leaf in float64 and NumPy's integers as JAX's; anything else as it is."""
    if isinstance(a, float):
        return jnp.asarray(a, jnp.float64)
    if hasattr(a, "__array__") and not isinstance(a, (jax.Array, np.generic, type)):
        a = np.asarray(a)  # a tensor or a table of another library, too
    if not isinstance(a, (jax.Array, np.ndarray, np.generic)):
        return a  # an option, such as an axis
    if jnp.issubdtype(a.dtype, jnp.floating):
        return jnp.asarray(np.asarray(a, np.float64))
    if isinstance(a, np.ndarray) and is_whole(a):
        return jnp.asarray(checks.native(a))
    return a


def _differentiable(tree: Any) -> Any:
    return jax.tree.map(lambda a: as_float64(np.asarray(a, float) if is_whole(a) else a), tree)


def layer_case(
    layer: Layer,
    arguments: tuple[Any, ...],
    in_shape: tuple[int, ...] | None,
    batch: int,
    train: bool,
    key: Any,
    rng: np.random.Generator,
) -> Case:
    """A layer at random parameters, with respect to every one of them and to `x`."""
    x = _layer_input(layer, arguments, in_shape, batch, rng)
    key = jax.random.key(1) if key is None else checks.prng_key("check_gradients", key)
    params, state = jax.tree.map(
        as_float64, jax.jit(layer.init, static_argnums=1)(jax.random.key(0), tuple(x.shape[1:]))
    )
    # Zero biases and fresh statistics would hide mistakes.
    params = jax.tree.map(lambda p: p + 0.3 * rng.normal(size=p.shape), params)
    state = jax.tree.map(
        lambda s: s + rng.uniform(size=s.shape) if checks.is_float(s) else s, state
    )
    whole = is_whole(x)
    if whole and layer.first.takes == "any":  # rescale would make float32 of it
        x = x.astype(jnp.float64)
    of_x = checks.is_float(x)

    def run(params: Any, x: Any = x) -> Any:
        return layer.forward(params, state, x, train=train, key=key)

    def leaves(dparams: Any, dx: Any) -> list[Any]:
        parts = leaves_like(params, dparams, "dparams", strict=True)
        own = len(jax.tree.leaves(params))
        of_the_input = [NOT_ASKED if whole and is_nothing(dx) else dx] if of_x else []
        return [*parts[:own], *of_the_input, *parts[own:]]

    def by_hand(dy: Any, backward: Fn = layer.backward) -> list[Any]:
        return leaves(*backward(params, run(params)[2], dy))

    def swapped(dy: Any) -> list[Any]:
        dx, dparams = layer.backward(params, run(params)[2], dy)
        return leaves(dparams, dx)

    plain = layer.functions.backward

    def in_order(order: tuple[int, ...]) -> Fn:
        def by_hand(dy: Any) -> list[Any]:
            given = (params, run(params)[2].saved, dy)
            return leaves(*plain(*(given[i] for i in order)))

        return by_hand

    fault = "the pair is swapped: backward returned (dx, dparams), expected (dparams, dx)"
    names = signatures.BACKWARD
    readings = [Reading(swapped, fault=fault)]
    for order in list(itertools.permutations(range(3)))[1:]:
        readings.append(_wrong_order(in_order(order), names, [names[i] for i in order]))
    return Case(
        lambda *inputs: run(*inputs)[0],
        (params, x) if of_x else (params,),
        ("", "x") if of_x else ("",),
        by_hand,
        x.shape[0],
        readings=tuple(readings),
        unlisted=("dx",) if whole else (),
    )


def _layer_input(
    layer: Layer,
    arguments: tuple[Any, ...],
    in_shape: tuple[int, ...] | None,
    batch: int,
    rng: np.random.Generator,
) -> Any:
    if len(arguments) > 1:
        raise TypeError(f"check_gradients: a layer takes one argument, x; got {len(arguments)}")
    if in_shape is not None:
        in_shape = checks.shape_tuple("check_gradients", in_shape)
    if arguments:
        x = as_float64(checks.as_array("check_gradients", "x", arguments[0]))
        if in_shape is not None and tuple(x.shape[1:]) != in_shape:
            raise ValueError(
                f"check_gradients: in_shape is {in_shape}, but an example of x is {x.shape[1:]}; "
                f"leave in_shape out"
            )
        return x
    if in_shape is None:
        raise TypeError("check_gradients: in_shape is missing, the shape of one example")
    scalars.count("check_gradients", "batch", batch)
    if layer.first.takes == "integer":
        raise TypeError(f"check_gradients: {layer.name} takes integers: pass x itself after it")
    return jnp.asarray(rng.normal(size=(batch, *in_shape)))


def op_case(op: Op[...], arguments: tuple[Any, ...], options: dict[str, Any]) -> Case:
    """An op, with respect to its first argument."""
    if not arguments:
        raise TypeError(f"check_gradients: pass {op.name}'s arguments after it")
    plain = op.functions.backward
    given = ["x", *(f"argument {i}" for i in range(2, len(arguments) + 1))]
    refuse_arity(op.name, op, given, options, "those after the op")
    x, *others = jax.tree.map(as_float64, arguments)
    if op.takes == "tree" or isinstance(x, int):
        x = _differentiable(x)

    def by_hand(dy: Any, backward: Fn = op.backward) -> list[Any]:
        dx = backward(op.forward(x, *others, **options)[1], dy)
        return leaves_like(x, dx, "dx", strict=True)

    def dy_first(dy: Any) -> list[Any]:
        dx = plain(dy, op.forward(x, *others, **options)[1].saved)
        return leaves_like(x, dx, "dx", strict=True)

    leaves = jax.tree.leaves(x)
    m = leaves[0].shape[0] if leaves and np.ndim(leaves[0]) else 1
    readings = (_wrong_order(dy_first, ("cache", "dy"), ("dy", "cache")),)
    return Case(
        lambda x: op.forward(x, *others, **options)[0],
        (x,),
        ("x",),
        by_hand,
        m,
        readings=readings,
    )


def _wrong_order(by_hand: Fn, right: Sequence[str], order: Sequence[str]) -> Reading:
    fault = f"backward takes ({', '.join(order)}), but is called as backward({', '.join(right)})"
    return Reading(by_hand, fault=fault, only_if_right=True)
