"""The cases of `check_gradients`, in one form for layers, ops, and plain functions."""

import itertools
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from purenn.core import checks, numpy_arrays, scalars, signatures
from purenn.core.inputs import as_input
from purenn.core.layer import Layer
from purenn.core.op import Op
from purenn.core.padded import array_of, padded_like
from purenn.core.types import Fn
from purenn.inspect.matching import NOT_ASKED, is_nothing, leaves_like


class Reading(NamedTuple):
    """One way to call a backward pass and to interpret its result."""

    by_hand: Fn  # (dy, inputs=those of the case and the more) -> the leaves of its derivatives
    note: str = ""  # what the report says if this is the way
    fault: str = ""  # why a backward that has to be called in this way is wrong
    only_if_right: bool = False  # whether the report mentions it only where everything is right


class Case(NamedTuple):
    """The question whether `by_hand(dy)` is the derivative with respect to `plain`'s inputs."""

    plain: Fn  # (*inputs) or (*inputs, *more) -> y
    inputs: tuple[Any, ...]  # trees of float64
    labels: tuple[str, ...]
    by_hand: Fn  # (dy, inputs=those above and the more) -> the leaves of its derivatives
    m: int  # the batch size
    traceable: bool = True  # whether JAX can see into `plain`, which is then no NumPy code
    note: str = ""
    readings: tuple[Reading, ...] = ()  # tried if `by_hand` is not right
    more: tuple[Any, ...] = ()  # arrays without a derivative to judge, such as a mask
    more_labels: tuple[str, ...] = ()
    # Judged, but named only if wrong: the `dx` of an integer `x`, which a layer returns to nobody.
    unlisted: tuple[str, ...] = ()


def names_of(case: Case) -> list[str]:
    """Return the name of each derivative in the report: dw, db, dx, d[2].w."""
    names = []
    for label, value in zip(case.labels, case.inputs, strict=True):
        for path, _ in jax.tree_util.tree_flatten_with_path(value)[0]:
            place = jax.tree_util.keystr(path)
            names.append(f"d{label}{place}" if label else f"d{place.removeprefix('.')}")
    return names


def checked_y(y: Any) -> Any:
    """Return y, after checking that it consists of numbers or is their shape."""
    if isinstance(y, (jax.Array, jax.ShapeDtypeStruct, np.ndarray, np.generic, float, int)):
        return y
    raise TypeError(
        f"check_gradients: forward must return an array, or one and a cache; "
        f"got {checks.describe(y)}"
    )


def is_integer(a: Any) -> bool:
    """Tell whether a value is an integer, a bool, or an array of them."""
    if isinstance(a, (jax.Array, np.ndarray, np.generic)):
        return jnp.issubdtype(a.dtype, jnp.integer) or a.dtype == bool
    return isinstance(a, int)


def as_float64(a: Any) -> Any:
    """Convert a floating leaf to float64 and NumPy integers to JAX's; keep anything else."""
    if isinstance(a, float):
        return jnp.asarray(a, jnp.float64)
    if hasattr(a, "__array__") and not isinstance(a, (jax.Array, np.generic, type)):
        a = np.asarray(a)  # a tensor or a table of another library, too
    if not isinstance(a, (jax.Array, np.ndarray, np.generic)):
        return a  # an option, such as an axis
    if jnp.issubdtype(a.dtype, jnp.floating):
        return numpy_arrays.to_jax(np.asarray(a, np.float64))
    if isinstance(a, np.ndarray) and is_integer(a):
        return numpy_arrays.to_jax(a)
    return a


def layer_case(
    layer: Layer,
    arguments: tuple[Any, ...],
    in_shape: tuple[int, ...] | None,
    batch: int,
    train: bool,
    key: Any,
    rng: np.random.Generator,
) -> Case:
    """Ask about a layer with random parameters, with respect to each of them and to `x`."""
    batch_of_x = _layer_input(layer, arguments, in_shape, batch, rng)
    x = array_of(batch_of_x)
    key = jax.random.key(1) if key is None else checks.prng_key("check_gradients", key)
    params, state = jax.tree.map(
        as_float64, jax.jit(layer.init, static_argnums=1)(jax.random.key(0), tuple(x.shape[1:]))
    )
    # Zero biases and fresh statistics would hide mistakes.
    params = jax.tree.map(
        lambda p: as_float64(np.asarray(p) + 0.3 * rng.normal(size=p.shape)), params
    )
    state = jax.tree.map(
        lambda s: s + rng.uniform(size=s.shape) if checks.is_float(s) else s, state
    )
    integer = is_integer(x)
    if integer and layer.first.takes == "any":  # rescale would convert it to float32
        x = x.astype(jnp.float64)
    of_x = checks.is_float(x)

    def run(params: Any, x: Any = x) -> Any:
        given = padded_like(batch_of_x, x)
        y, new_state, cache = layer.forward(params, state, given, train=train, key=key)
        return array_of(y), new_state, cache

    def by_hand(dy: Any, inputs: Any = None, backward: Fn = layer.backward) -> list[Any]:
        of = (params,) if inputs is None else inputs
        dparams, dx = backward(of[0], run(*of)[2], dy)
        parts, own = leaves_like(params, dparams, "dparams", strict=True), len(leaves)
        of_the_input = [NOT_ASKED if integer and is_nothing(dx) else dx] if of_x else []
        return [*parts[:own], *of_the_input, *parts[own:]]

    def swapped(*given: Any) -> Any:
        dx, dparams = layer.backward(*given)
        return dparams, dx

    leaves = jax.tree.leaves(params)
    fault = "the pair is swapped: backward returned (dx, dparams), expected (dparams, dx)"
    orders = _other_orders(by_hand, layer.functions.backward, signatures.BACKWARD)
    return Case(
        lambda *inputs: run(*inputs)[0],
        (params, x) if of_x else (params,),
        ("", "x") if of_x else ("",),
        by_hand,
        x.shape[0],
        readings=(Reading(partial(by_hand, backward=swapped), fault=fault), *orders),
        unlisted=("dx",) if integer else (),
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
        x = jax.tree.map(as_float64, as_input("check_gradients", "x", arguments[0]))
        shape = tuple(array_of(x).shape[1:])
        if in_shape is not None and shape != in_shape:
            raise ValueError(
                f"check_gradients: in_shape is {in_shape}, but an example of x is {shape}; "
                f"leave in_shape out"
            )
        return x
    if in_shape is None:
        raise TypeError("check_gradients: in_shape is missing, the shape of one example")
    scalars.count("check_gradients", "batch", batch)
    if layer.first.takes == "integer":
        raise TypeError(f"check_gradients: {layer.name} takes integers: pass x itself after it")
    return numpy_arrays.to_jax(rng.normal(size=(batch, *in_shape)))


def op_case(op: Op[...], arguments: tuple[Any, ...], options: dict[str, Any]) -> Case:
    """Ask about an op, with respect to its first argument."""
    if not arguments:
        raise TypeError(f"check_gradients: pass {op.name}'s arguments after it")
    check_call(op.name, op, arguments, "those after the op", options)
    x, *others = jax.tree.map(as_float64, arguments)
    if op.takes == "tree" or isinstance(x, int):
        x = jax.tree.map(lambda a: as_float64(np.asarray(a, float) if is_integer(a) else a), x)

    def by_hand(dy: Any, inputs: Any = None, backward: Fn = op.backward) -> list[Any]:
        (of,) = (x,) if inputs is None else inputs
        dx = backward(op.forward(of, *others, **options)[1], dy)
        return leaves_like(x, dx, "dx", strict=True)

    leaves = jax.tree.leaves(x)
    return Case(
        lambda x: op.forward(x, *others, **options)[0],
        (x,),
        ("x",),
        by_hand,
        leaves[0].shape[0] if leaves and np.ndim(leaves[0]) else 1,
        readings=_other_orders(by_hand, op.functions.backward, signatures.OP_BACKWARD),
    )


def _other_orders(by_hand: Fn, plain: Fn, names: Sequence[str]) -> tuple[Reading, ...]:
    """List the readings of a backward pass that takes its arguments in a different order."""

    def reading(order: tuple[int, ...]) -> Reading:
        def backward(*given: Any) -> Any:
            values = [
                g.saved if name == "cache" else g for g, name in zip(given, names, strict=True)
            ]
            return plain(*(values[i] for i in order))

        taken, expected = ", ".join(names[i] for i in order), ", ".join(names)
        fault = f"backward takes ({taken}), but is called as backward({expected})"
        return Reading(partial(by_hand, backward=backward), fault=fault, only_if_right=True)

    return tuple(map(reading, list(itertools.permutations(range(len(names))))[1:]))


def check_call(
    name: str, function: Any, arguments: Sequence[Any], called: str, options: Iterable[str] = ()
) -> None:
    """Check that a function can be called with these arguments, which `called` describes."""
    why, signature = (
        signatures.misfit(function, arguments, options),
        signatures.signature_of(function),
    )
    if why and signature is not None:
        count = f"{len(arguments)} argument{'s' * (len(arguments) != 1)}"
        raise TypeError(
            f"check_gradients: {name}({', '.join(signature.parameters)}) can't be called with "
            f"{count} ({why}): {called}"
        )
