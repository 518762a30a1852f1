"""The leaves of a tree by name: their conversion to arrays in a file, and back."""

import functools
from typing import Any, NamedTuple

import jax
import numpy as np

from purenn.core import numpy_arrays
from purenn.core.deleted import deleted, is_deleted
from purenn.core.keys import is_key

# NumPy's name of each dtype that safetensors has, and its name there.
# fmt: off
CODES = {
    "bool": "BOOL", "int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64", "uint8": "U8",
    "uint16": "U16", "uint32": "U32", "uint64": "U64", "float16": "F16", "bfloat16": "BF16",
    "float32": "F32", "float64": "F64", "complex64": "C64", "float8_e4m3fn": "F8_E4M3",
    "float8_e4m3fnuz": "F8_E4M3FNUZ", "float8_e5m2": "F8_E5M2", "float8_e5m2fnuz": "F8_E5M2FNUZ",
    "float8_e8m0fnu": "F8_E8M0",
}
# fmt: on
_SCALARS = {bool: "bool", int: "int64", float: "float64"}


class Leaf(NamedTuple):
    """A leaf of a tree, or a node without leaves."""

    name: str  # in the file: params[1].w
    place: str  # in the caller's tree: like.params[1].w
    text: str  # kind or dtype, and shape: float32 (784, 128)
    dtype: np.dtype[Any] | None  # of the array in the file; None for a node without leaves
    shape: tuple[int, ...]
    value: Any


def leaves_of(where: str, argument: str, tree: Any) -> list[Leaf]:
    """List the leaves of a tree in order, together with nodes without leaves, such as ()."""
    paths, _ = jax.tree_util.tree_flatten_with_path(tree, is_leaf=_is_empty)
    found: dict[str, Leaf] = {}
    for path, value in paths:
        key = jax.tree_util.keystr(path)
        name, place = key.removeprefix(".") or "value", argument + key
        if name in found or name == "__metadata__":  # which safetensors reserves
            raise ValueError(f"{where}: {place} cannot be stored: the name {name} is taken")
        found[name] = Leaf(name, place, *_facts(where, place, value), value)
    return list(found.values())


def _is_empty(node: Any) -> bool:
    structure: Any = jax.tree.structure(node)
    return structure.num_leaves == 0 and structure.num_nodes == 1


def _facts(where: str, place: str, value: Any) -> tuple[str, np.dtype[Any] | None, tuple[int, ...]]:
    """Describe a leaf in words, with the dtype and shape of its array in the file."""
    if type(value) in _SCALARS:
        if type(value) is int and not -(2**63) <= value < 2**63:
            raise ValueError(f"{where}: {place} must fit 64 bits, got {value:#x}")
        return type(value).__name__, np.dtype(_SCALARS[type(value)]), ()
    if isinstance(value, jax.core.Tracer):
        raise TypeError(f"{where}: {place} is traced; call {where} outside jit, grad, and vmap")
    kinds = (jax.Array, jax.ShapeDtypeStruct, np.generic, np.ndarray)
    if not isinstance(value, kinds) or isinstance(value, np.ma.MaskedArray):
        if _is_empty(value):
            return "empty", None, ()
        raise TypeError(
            f"{where}: {place} must be an array, a PRNG key or a Python number, "
            f"got {type(value).__name__}"
        )
    shape = tuple(value.shape)
    if is_key(value):
        implementation, key_shape = _key_facts(value.dtype)
        return f"key {implementation} {shape}", np.dtype("uint32"), shape + key_shape
    name = value.dtype.name
    if name not in CODES:
        raise TypeError(f"{where}: {place} is {name}, a dtype that safetensors does not have")
    return f"{name} {shape}", np.dtype(value.dtype).newbyteorder("="), shape


@functools.cache
def _key_facts(dtype: Any) -> tuple[Any, tuple[int, ...]]:
    """Return the implementation of a key dtype, and the shape of one key's data."""
    implementations = []

    def data(key: jax.Array) -> jax.Array:
        implementations.append(jax.random.key_impl(key))
        return jax.random.key_data(key)

    shape = jax.eval_shape(data, jax.ShapeDtypeStruct((), dtype)).shape
    return implementations[0], shape


def to_host(where: str, leaf: Leaf) -> np.ndarray[Any, Any]:
    """Return a leaf as the contiguous array to write to the file."""
    value = leaf.value
    if isinstance(value, jax.ShapeDtypeStruct):
        raise TypeError(f"{where}: {leaf.place} must be an array, got a ShapeDtypeStruct")
    if isinstance(value, jax.Array):
        if is_deleted(value):
            raise deleted(f"{where}: {leaf.place}", "save")
        if not (value.is_fully_addressable or value.is_fully_replicated):
            raise ValueError(
                f"{where}: {leaf.place} is sharded over several processes; gather it first with "
                f"jax.experimental.multihost_utils.process_allgather"
            )
        if is_key(value):
            value = jax.random.key_data(value)
    return np.asarray(value, leaf.dtype, order="C")


def check_representable(where: str, leaf: Leaf) -> None:
    """Reject a 64-bit dtype that JAX would silently convert to 32 bits."""
    if isinstance(leaf.value, (jax.Array, jax.ShapeDtypeStruct)) and not is_key(leaf.value):
        held = jax.dtypes.canonicalize_dtype(leaf.dtype)
        if held != leaf.dtype:
            raise ValueError(
                f"{where}: {leaf.place} is {leaf.dtype}, which JAX makes {held} "
                f"unless jax_enable_x64 is set"
            )


def from_host(leaf: Leaf, data: bytearray) -> Any:
    """Create a leaf from the bytes in a file, of the same kind as the caller's leaf."""
    array: Any = np.ndarray(leaf.shape, leaf.dtype, data)
    value = leaf.value
    if type(value) in _SCALARS:
        return array.item()
    if isinstance(value, np.generic):
        return array[()]
    if isinstance(value, np.ndarray):
        return array.astype(value.dtype, copy=False)  # the byte order may be another
    made = numpy_arrays.to_jax(array)
    if is_key(value):
        made = jax.random.wrap_key_data(made, impl=_key_facts(value.dtype)[0])
    # To a device only if the caller chose one: a committed array would compile again.
    chosen = value.sharding if getattr(value, "committed", True) else None
    return made if chosen is None else jax.device_put(made, chosen)
