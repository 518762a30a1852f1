"""Checks of arguments: errors name the argument, what was expected, and what was given."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.core import foreign, numpy_arrays
from purenn.core.deleted import deleted, is_deleted
from purenn.core.keys import is_key


def describe(value: Any) -> str:
    """Describe a value in a few words, for an error message."""
    if isinstance(value, (Array, jax.ShapeDtypeStruct, np.ndarray, np.generic)):
        masked = "a masked array of " * isinstance(value, np.ma.MaskedArray)
        return f"{masked}{value.dtype}{tuple(value.shape)}"
    if value is None or isinstance(value, (bool, float, str)):
        return repr(value)
    if isinstance(value, int):
        return int.__repr__(value)
    if type(value) is tuple and all(isinstance(n, int) for n in value):
        return repr(value)
    if type(value) in (tuple, list):
        return f"a {type(value).__name__} of {len(value)}"
    return foreign.described(value)


def as_array(where: str, name: str, value: Any) -> Array:
    """Return a value as a JAX array: convert NumPy arrays and reject anything else."""
    value = real_array(where, name, value)
    return value if isinstance(value, Array) else numpy_arrays.to_jax(value)


def real_array(where: str, name: str, value: Any) -> Any:
    """Return a JAX or NumPy array in native byte order, if JAX can hold its numbers."""
    if is_deleted(value):
        raise deleted(f"{where}: {name}")
    if isinstance(value, Array) and not jnp.issubdtype(value.dtype, jnp.complexfloating):
        return value
    if numpy_arrays.is_numpy(value) and value.dtype.kind != "c":
        if numpy_arrays.fits(value):
            return numpy_arrays.native(value)
        raise ValueError(
            f"{where}: {name} must fit into {jax.dtypes.canonicalize_dtype(value.dtype)}, "
            f"got {describe(value)} with values from {value.min()} to {value.max()}"
        )
    kind = "a real array" if getattr(value, "dtype", None) in _COMPLEX else "an array"
    raise TypeError(
        f"{where}: {name} must be {kind}, got {describe(value)}{foreign.remedy(name, value)}"
    )


_COMPLEX = (np.dtype(np.complex64), np.dtype(np.complex128))


def is_float(value: Array) -> bool:
    """Tell whether an array holds floating-point numbers, bfloat16 included."""
    return bool(jnp.issubdtype(value.dtype, jnp.floating))


def is_concrete(value: Any) -> bool:
    """Tell whether the numbers are known now, which they are not in a compiled program."""
    return not isinstance(value, jax.core.Tracer)


def float_array(where: str, name: str, value: Any) -> Array:
    """Return a floating-point array; for any other array, the error says how to convert it."""
    value = as_array(where, name, value)
    if not is_float(value):
        raise TypeError(
            f"{where}: {name} must be floating point, got {describe(value)}; "
            f"convert it with {foreign.it(name)}.astype(jnp.float32)"
            + (", or put rescale() first" if name == "x" else "")
        )
    return value


def float_tree(where: str, name: str, tree: Any) -> Any:
    """Return a tree of floating-point arrays as JAX arrays; errors name the place in the tree."""

    def leaf(path: Any, value: Any) -> Array:
        return float_array(where, f"{name}{jax.tree_util.keystr(path)}", value)

    return jax.tree_util.tree_map_with_path(leaf, tree)


def record(
    where: str, name: str, value: Any, kind: Any, *shapes: tuple[int | str, ...] | None
) -> None:
    """Check a NamedTuple of arrays, such as `init` creates.

    A letter in a shape stands for a length; None in place of a shape stands for a field that is
    None.
    """
    if not isinstance(value, kind):
        raise TypeError(
            f"{where}: {name} must be {kind.__name__}({', '.join(kind._fields)}), as init makes "
            f"it; got {describe(value)}"
        )
    lengths: dict[int | str, int] = {}
    for field, leaf, shape in zip(kind._fields, value, shapes, strict=True):
        if shape is None:
            if leaf is not None:
                raise TypeError(
                    f"{where}: {name}.{field} must be None, as init makes it, got {describe(leaf)}"
                )
            continue
        came = float_array(where, f"{name}.{field}", leaf).shape
        shape = tuple(lengths.get(n, n) for n in shape)
        if len(came) != len(shape) or any(
            n != m for n, m in zip(shape, came, strict=True) if not isinstance(n, str)
        ):
            wanted = f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
            raise ValueError(f"{where}: {name}.{field} has shape {came}, expected {wanted}")
        lengths.update(zip(shape, came, strict=True))


def entries(where: str, name: str, tree: Any, count: int) -> None:
    """Check that a tree is a tuple with one entry for each part of a model."""
    if not isinstance(tree, (tuple, list)) or len(tree) != count:
        raise ValueError(
            f"{where}: {name} must be a tuple of {count}, one entry per part, as init makes it; "
            f"got {describe(tree)}"
        )


def same_dtype(where: str, name: str, value: Array, other_name: str, other: Array) -> None:
    """Reject mixed floating dtypes, which JAX would promote silently."""
    if value.dtype != other.dtype:
        raise TypeError(
            f"{where}: {name} is {value.dtype} and {other_name} is {other.dtype}; "
            f"cast one of them to the other's dtype"
        )


def batched(where: str, x: Array) -> None:
    """Reject a single example without its batch axis."""
    if x.ndim < 2:
        several = f", and for {x.size} examples of one feature x[:, None]" if x.ndim == 1 else ""
        raise ValueError(
            f"{where}: x has shape {x.shape}, expected a batch axis first and features last; "
            f"for a single example pass x[None]{several}"
        )


def last_axis(where: str, x: Array, size: int, remedy: str = "") -> None:
    """Reject an `x` whose number of features does not match the parameters."""
    batched(where, x)
    if x.shape[-1] != size:
        if x.ndim == 2:  # an image without its batch axis, flattened, looks like this
            remedy += "; a single example is passed as x[None]"
        raise ValueError(f"{where}: x has shape {x.shape}, expected (..., {size}){remedy}")


def images(where: str, x: Array, channels: int | None = None, remedy: str = "") -> None:
    """Reject anything but a batch of images whose channels match the parameters."""
    if x.ndim == 4 and channels in (None, x.shape[-1]):
        return
    if x.ndim == 3:
        gray = ", for gray ones x[..., None]" if channels in (None, 1) else ""
        remedy = f"; for a single image pass x[None]{gray}"
    wanted = "channels" if channels is None else channels
    raise ValueError(
        f"{where}: x has shape {x.shape}, expected (batch, height, width, {wanted}){remedy}"
    )


def image_shape(where: str, in_shape: tuple[int, ...]) -> None:
    """Reject the shape of an example that is not an image with its channels."""
    if len(in_shape) != 3:
        remedy = "; for gray images pass x[..., None]" if len(in_shape) == 2 else ""
        raise ValueError(
            f"{where}: in_shape is {in_shape}, expected (height, width, channels){remedy}"
        )
    if 0 in in_shape:
        raise ValueError(f"{where}: in_shape is {in_shape}, expected lengths of at least 1")


def same_shape(
    where: str, name: str, value: Array, other_name: str, other: Array, remedy: str = ""
) -> None:
    """Reject shapes that differ, even if they would broadcast."""
    if value.shape != other.shape:
        raise ValueError(
            f"{where}: {name} has shape {value.shape} and {other_name} {other.shape}; "
            f"expected the same shape (nothing is broadcast){remedy}"
        )


def shape_tuple(where: str, in_shape: Any, axes: int | None = None) -> tuple[int, ...]:
    """Return the shape of one example, a tuple of whole numbers."""
    if not isinstance(in_shape, tuple) or not all(
        isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n >= 0 for n in in_shape
    ):
        raise TypeError(
            f"{where}: in_shape must be a tuple of whole numbers, the shape of one example "
            f"without its batch axis, such as (784,); "
            f"got {in_shape if isinstance(in_shape, (tuple, list)) else describe(in_shape)}"
        )
    if axes is not None and len(in_shape) < axes:
        raise ValueError(
            f"{where}: an example has shape {in_shape}, expected (..., features); for one feature "
            f"per example pass x[:, None], whose in_shape is (1,)"
        )
    return tuple(int(n) for n in in_shape)


def prng_key(where: str, key: Any) -> Array:
    """Return a JAX PRNG key, typed or raw."""
    if isinstance(key, Array) and key.ndim == 0 and is_key(key):
        return key
    raw = isinstance(key, (Array, np.ndarray)) and key.shape in ((2,), (4,))
    if raw and key.dtype == jnp.uint32:
        return jnp.asarray(key)
    raise TypeError(
        f"{where}: key must be one PRNG key, such as jax.random.key(0); got {describe(key)}"
    )


def flag(where: str, name: str, value: Any) -> None:
    """Check that a value is a Python bool, since it determines what is compiled."""
    if not isinstance(value, bool):
        raise TypeError(
            f"{where}: {name} must be True or False (static under jit), got {describe(value)}"
        )


def function(where: str, name: str, value: Any) -> Callable[..., Any]:
    """Return a value, after checking that it can be called."""
    if not callable(value):
        raise TypeError(f"{where}: {name} must be a function, got {describe(value)}")
    return value


def one_of(where: str, name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Check that a value is one of a few words."""
    if value not in choices:
        raise ValueError(f"{where}: {name} must be one of {choices}, got {describe(value)}")


def same_structure(where: str, name: str, tree: Any, other_name: str, other: Any) -> None:
    """Reject two trees with different structures; the error names the first difference."""
    mine, theirs = (jax.tree_util.tree_flatten_with_path(t)[0] for t in (tree, other))
    for (path, a), (other_path, b) in zip(mine, theirs, strict=False):
        leaf = jax.tree_util.keystr(path)
        if path != other_path:
            other_leaf = jax.tree_util.keystr(other_path)
            raise ValueError(f"{where}: {name} has {leaf} where {other_name} has {other_leaf}")
        if jnp.shape(a) != jnp.shape(b):
            raise ValueError(
                f"{where}: {name}{leaf} has shape {jnp.shape(a)}, {other_name}{leaf} {jnp.shape(b)}"
            )
    sides = ((mine, name), (theirs, other_name))
    (fewer, short), (more, long) = sorted(sides, key=lambda side: len(side[0]))
    if len(more) > len(fewer):
        leaf = jax.tree_util.keystr(more[len(fewer)][0])
        raise ValueError(f"{where}: {long} has {leaf}, which {short} does not have")
    structure: Any = jax.tree.structure(tree)
    expected: Any = jax.tree.structure(other)
    if structure != expected:
        raise ValueError(f"{where}: {name} is the tree {structure}, {other_name} {expected}")


def same_dtypes(where: str, name: str, tree: Any, other_name: str, other: Any) -> None:
    """Reject two trees of the same structure with different dtypes; the error names the first."""
    others = jax.tree.leaves(other)
    for (path, a), b in zip(jax.tree_util.tree_leaves_with_path(tree), others, strict=True):
        leaf = jax.tree_util.keystr(path)
        same_dtype(where, f"{name}{leaf}", a, f"{other_name}{leaf}", b)
