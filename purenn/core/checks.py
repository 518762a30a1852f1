"""What bad input gets: one line that names the argument, what was expected and what came."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


def describe(value: Any) -> str:
    """What a value is, in as few words as an error message has room for."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.dtype}{tuple(value.shape)}"
    if value is None or isinstance(value, (bool, float, str)):
        return repr(value)
    if isinstance(value, int):
        return int.__repr__(value)
    kind = type(value).__name__
    if type(value) is tuple and all(isinstance(n, int) for n in value):
        return repr(value)
    if type(value) in (tuple, list):
        return f"a {kind} of {len(value)}"
    return f"{'an' if kind[0] in 'AEIOUaeiou' else 'a'} {kind}"


def as_array(where: str, name: str, value: Any) -> Array:
    """The value as a JAX array: NumPy arrays are converted, lists and the rest refused."""
    value = real_array(where, name, value)
    return value if isinstance(value, Array) else jnp.asarray(value)


def real_array(where: str, name: str, value: Any) -> Any:
    """The array of JAX or NumPy as it is, if JAX can hold its numbers."""
    if isinstance(value, Array) and not jnp.issubdtype(value.dtype, jnp.complexfloating):
        return value
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biufV":
        if fits(value):
            return value
        raise ValueError(
            f"{where}: {name} must fit into {jax.dtypes.canonicalize_dtype(value.dtype)}, "
            f"got {describe(value)} with values from {value.min()} to {value.max()}"
        )
    kind = "a real array" if isinstance(value, Array) else "an array"
    remedy = f"; convert it with jnp.array({_it(name)})" if isinstance(value, list) else ""
    raise TypeError(f"{where}: {name} must be {kind}, got {describe(value)}{remedy}")


def fits(value: np.ndarray[Any, Any] | np.generic) -> bool:
    """Whether JAX holds NumPy's numbers: not text, and without x64 2**32 + 1 would become 1."""
    if value.dtype.kind not in "iu":
        return value.dtype.kind in "bfcV"
    ends = np.iinfo(jax.dtypes.canonicalize_dtype(value.dtype))
    # Only what is wider than that is looked through.
    narrow = value.dtype.itemsize <= ends.dtype.itemsize or value.size == 0
    return narrow or bool(ends.min <= value.min() and value.max() <= ends.max)


def is_float(value: Array) -> bool:
    """Whether an array holds floating-point numbers, bfloat16 included."""
    return bool(jnp.issubdtype(value.dtype, jnp.floating))


def is_concrete(value: Any) -> bool:
    """Whether the numbers can be looked at now, rather than in a compiled program only."""
    return not isinstance(value, jax.core.Tracer)


def float_array(where: str, name: str, value: Any) -> Array:
    """A floating-point array, or a refusal with the remedy."""
    value = as_array(where, name, value)
    if not is_float(value):
        raise TypeError(
            f"{where}: {name} must be floating point, got {describe(value)}; "
            f"convert it with {_it(name)}.astype(jnp.float32)"
            + (", or put rescale() first" if name == "x" else "")
        )
    return value


def _it(name: str) -> str:
    return name if " " not in name else "…"


def float_leaves(where: str, name: str, tree: Any) -> list[Array]:
    """The leaves of a tree of floating-point arrays, each refused by its place."""
    return [
        float_array(where, f"{name}{jax.tree_util.keystr(path)}", leaf)
        for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]
    ]


def record(where: str, name: str, value: Any, kind: Any, *shapes: tuple[int | str, ...]) -> None:
    """A NamedTuple of arrays, as `init` made it; a letter in a shape stands for one length."""
    if not isinstance(value, kind):
        raise TypeError(
            f"{where}: {name} must be {kind.__name__}({', '.join(kind._fields)}), as init makes "
            f"it; got {describe(value)}"
        )
    lengths: dict[int | str, int] = {}
    for field, leaf, shape in zip(kind._fields, value, shapes, strict=True):
        came = float_array(where, f"{name}.{field}", leaf).shape
        shape = tuple(lengths.get(n, n) for n in shape)
        if len(came) != len(shape) or any(
            n != m for n, m in zip(shape, came, strict=True) if not isinstance(n, str)
        ):
            wanted = f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
            raise ValueError(f"{where}: {name}.{field} has shape {came}, expected {wanted}")
        lengths.update(zip(shape, came, strict=True))


def entries(where: str, name: str, tree: Any, count: int) -> None:
    """A tuple with one entry for each part of a model."""
    if not isinstance(tree, (tuple, list)) or len(tree) != count:
        raise ValueError(
            f"{where}: {name} must be a tuple of {count}, one entry a part, as init makes it; "
            f"got {describe(tree)}"
        )


def same_dtype(where: str, name: str, value: Array, other_name: str, other: Array) -> None:
    """Refuse mixed floating dtypes: JAX would promote them without a word."""
    if value.dtype != other.dtype:
        raise TypeError(
            f"{where}: {name} is {value.dtype} and {other_name} is {other.dtype}; "
            f"cast one of them to the other's dtype"
        )


def batched(where: str, x: Array) -> None:
    """Refuse a single example that came without its batch axis."""
    if x.ndim < 2:
        raise ValueError(
            f"{where}: x has shape {x.shape}, expected a batch axis first and features last; "
            f"for a single example pass x[None]"
        )


def last_axis(where: str, x: Array, size: int, remedy: str = "") -> None:
    """Refuse an x whose features are not those that the parameters were made for."""
    batched(where, x)
    if x.shape[-1] != size:
        if x.ndim == 2:  # an image without its batch axis, flattened, looks like this
            remedy += "; a single example is passed as x[None]"
        raise ValueError(f"{where}: x has shape {x.shape}, expected (..., {size}){remedy}")


def images(where: str, x: Array, channels: int | None = None, remedy: str = "") -> None:
    """Refuse what is no batch of images, or has not the channels the parameters were made for."""
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
    """Refuse an example that is no image with its channels."""
    if len(in_shape) != 3:
        remedy = "; for gray images pass x[..., None]" if len(in_shape) == 2 else ""
        raise ValueError(
            f"{where}: in_shape is {in_shape}, expected (height, width, channels){remedy}"
        )
    if 0 in in_shape:
        raise ValueError(f"{where}: in_shape is {in_shape}, expected lengths of at least 1")


def same_shape(where: str, name: str, value: Array, other_name: str, other: Array) -> None:
    """Refuse what would broadcast."""
    if value.shape != other.shape:
        raise ValueError(
            f"{where}: {name} has shape {value.shape} and {other_name} {other.shape}; "
            f"expected the same shape (nothing is broadcast)"
        )


def shape_tuple(where: str, in_shape: Any, axes: int | None = None) -> tuple[int, ...]:
    """The shape of one example, as a tuple of whole numbers."""
    if not isinstance(in_shape, tuple) or not all(
        isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n >= 0 for n in in_shape
    ):
        raise TypeError(
            f"{where}: in_shape must be a tuple of whole numbers, the shape of one example "
            f"without its batch axis, such as (784,); "
            f"got {in_shape if isinstance(in_shape, (tuple, list)) else describe(in_shape)}"
        )
    if axes is not None and len(in_shape) < axes:
        raise ValueError(f"{where}: in_shape is {in_shape}, expected (..., features)")
    return tuple(int(n) for n in in_shape)


def prng_key(where: str, key: Any) -> Array:
    """A JAX PRNG key, typed or raw."""
    if isinstance(key, Array) and key.ndim == 0 and jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        return key
    raw = isinstance(key, (Array, np.ndarray)) and key.shape in ((2,), (4,))
    if raw and key.dtype == jnp.uint32:
        return jnp.asarray(key)
    raise TypeError(
        f"{where}: key must be one PRNG key, such as jax.random.key(0); got {describe(key)}"
    )


def flag(where: str, name: str, value: Any) -> None:
    """A static Python bool: it decides what is compiled."""
    if not isinstance(value, bool):
        raise TypeError(
            f"{where}: {name} must be True or False (static under jit), got {describe(value)}"
        )


def count(where: str, name: str, value: Any, least: int = 1) -> int:
    """A whole number, at least `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{where}: {name} must be a whole number, got {describe(value)}")
    if value < least:
        raise ValueError(f"{where}: {name} must be at least {least}, got {value}")
    return int(value)


def pair(where: str, name: str, value: Any) -> tuple[int, int]:
    """Two whole numbers of at least 1, for height and width."""
    if not isinstance(value, tuple) or len(value) != 2:
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        n = value if whole else 2
        raise TypeError(
            f"{where}: {name} must be a pair of whole numbers, (height, width), such as "
            f"({n}, {n}); got {describe(value)}"
        )
    return count(where, f"{name}[0]", value[0]), count(where, f"{name}[1]", value[1])


def number(
    where: str, name: str, value: Any, least: float = -math.inf, below: float = math.inf
) -> float:
    """A finite Python number with `least <= value < below`."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
        raise TypeError(f"{where}: {name} must be a number, got {describe(value)}")
    if not (math.isfinite(value) and least <= value < below):
        bounds = f"{least:g} <= {name}" + (f" < {below:g}" if below < math.inf else "")
        raise ValueError(
            f"{where}: expected {bounds if least > -math.inf else f'{name} finite'}, got {value}"
        )
    return float(value)


def function(where: str, name: str, value: Any) -> Callable[..., Any]:
    """Something that can be called."""
    if not callable(value):
        raise TypeError(f"{where}: {name} must be a function, got {describe(value)}")
    return value


def one_of(where: str, name: str, value: Any, choices: tuple[str, ...]) -> None:
    """One of a few words."""
    if value not in choices:
        raise ValueError(f"{where}: {name} must be one of {choices}, got {describe(value)}")


def same_structure(where: str, name: str, tree: Any, other_name: str, other: Any) -> None:
    """Refuse two trees that differ, naming the first place where they do."""
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
    for more, fewer, short, long in (
        (mine, theirs, other_name, name),
        (theirs, mine, name, other_name),
    ):
        if len(more) > len(fewer):
            leaf = jax.tree_util.keystr(more[len(fewer)][0])
            raise ValueError(f"{where}: {long} has {leaf}, which {short} has not")
    structure: Any = jax.tree.structure(tree)
    expected: Any = jax.tree.structure(other)
    if structure != expected:
        raise ValueError(f"{where}: {name} is the tree {structure}, {other_name} {expected}")


@contextmanager
def inside(place: str) -> Iterator[None]:
    """Add to an error where in a model it was raised."""
    try:
        yield
    except (TypeError, ValueError) as error:
        error.add_note(f"in {place}")
        raise
