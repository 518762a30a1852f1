"""The sharding of arrays over a mesh of devices, where JAX requires the code to specify it.

On a mesh with Auto axes, XLA decides. With Explicit axes, the sharding is part of an array's type,
and a product over a sharded axis must say how its result is sharded. Under `shard_map`, the type
says over which axes of the mesh a value varies. Without a mesh, each function here is the plain
expression.
"""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P


def sharding_of(x: Any, *axes: int | None, beside: Any = None) -> NamedSharding | None:
    """Return the sharding of `x`, or None without a mesh.

    Args:
        x: an array, or a value with the type of one.
        *axes: the axes of `x` from which to make the sharding of another array; None for a
            replicated axis. `sharding_of(x, 0, None)` is the sharding of a matrix whose rows are
            sharded like those of `x`.
        beside: another array, whose mesh is used if `x` was created outside a mesh; `x` is then
            replicated.
    """
    sharding: NamedSharding = jax.typeof(x).sharding
    mesh, spec = sharding.mesh, sharding.spec
    if mesh.empty and beside is not None:
        mesh = jax.typeof(beside).sharding.mesh
    if mesh.empty:
        return None
    return NamedSharding(mesh, P(*(None if i is None else spec[i] for i in axes)) if axes else spec)


def spec_of(x: Any) -> tuple[Any, ...]:
    """Return, for each axis of `x`, the axes of the mesh along which it is sharded, if any."""
    return tuple(jax.typeof(x).sharding.spec)


def is_sharded(x: Any) -> bool:
    """Tell whether the type of `x` says that an axis of it is sharded."""
    return any(axis is not None for axis in spec_of(x))


def product(x: Array, w: Array, *, like: Array | None = None) -> Array:
    """Return `x @ w`, sharded like `like`, or like the rows of `x` and the columns of `w`."""
    sharding = product_sharding(x, w) if like is None else sharding_of(like, beside=x)
    if sharding is None:
        return x @ w
    return jnp.matmul(x, w, out_sharding=sharding)


def product_sharding(x: Array, w: Array) -> NamedSharding | None:
    """Return the sharding of a product over the last axis of `x` and the first of `w`."""
    sharding = sharding_of(x, beside=w)
    if sharding is None:
        return None
    return NamedSharding(sharding.mesh, P(*sharding.spec[:-1], spec_of(w)[-1]))


def rows_sharding(indices: Array, table: Array) -> NamedSharding | None:
    """Return the sharding of rows of a table: that of the indices, then that of the columns.

    Columns that are sharded along the same axis of the mesh as the indices are replicated.
    """
    sharding = sharding_of(indices, beside=table)
    if sharding is None:
        return None
    columns = spec_of(table)[-1]
    taken = _axis_names(sharding.spec) & _axis_names((columns,))
    return NamedSharding(sharding.mesh, P(*sharding.spec, None if taken else columns))


def _axis_names(spec: Any) -> set[str]:
    return {
        name
        for axes in spec
        if axes is not None
        for name in ([axes] if isinstance(axes, str) else axes)
    }


def reshard_like(tree: Any, like: Any) -> Any:
    """Return a tree whose arrays are sharded like those of another: gradients like parameters."""
    if not any(map(_on_mesh, jax.tree.leaves((tree, like)))):
        return tree
    structure: Any = jax.tree.structure(tree)
    if structure != jax.tree.structure(like):
        return tree  # which a check rejects by name

    def leaf(value: Any, other: Any) -> Any:
        sharding = sharding_of(other, beside=value)
        if sharding is None or tuple(sharding.spec) == spec_of(value):
            return value
        return jax.sharding.reshard(value, sharding)

    return jax.tree.map(leaf, tree, like)


def rows_sharded_like(value: Array, other: Array) -> Array:
    """Return `value` with its first axis sharded as that of `other`, if its type says so."""
    spec = spec_of(other)
    if not spec or spec[0] is None:
        return value
    return jax.sharding.reshard(value, sharding_of(other, 0, *(None for _ in value.shape[1:])))


def divisible_rows(value: Array, *counts: int) -> Array:
    """Return `value`, replicated if its type says that its rows are sharded unevenly by a count."""
    axes = (spec_of(value) or (None,))[0]
    if axes is None:
        return value
    shape = jax.typeof(value).sharding.mesh.shape
    devices = math.prod(shape[name] for name in ([axes] if isinstance(axes, str) else axes))
    if not any(count % devices for count in counts):
        return value
    spec = P(None, *spec_of(value)[1:])
    return jax.sharding.reshard(value, NamedSharding(jax.typeof(value).sharding.mesh, spec))


def concatenated(arrays: Sequence[Array]) -> Array:
    """Concatenate arrays along the last axis, which is replicated if their shardings differ."""

    def replicated(a: Array) -> Array:
        if not is_sharded(a):
            return a
        return jax.sharding.reshard(a, sharding_of(a, *range(a.ndim - 1), None))

    if len(set(map(spec_of, arrays))) > 1:
        arrays = [*map(replicated, arrays)]
    return jnp.concatenate(arrays, axis=-1)


def varying_together(tree: Any, *others: Any) -> Any:
    """Return a tree whose leaves vary over every `shard_map` axis over which any of them varies.

    JAX's own operations do this to their operands automatically. A custom rule must do it
    explicitly, and so must a loop whose carry starts with constants. The transpose is a sum over
    the axes: the derivative of a parameter that is the same everywhere is the sum of the
    derivatives.
    """
    axes = frozenset[str]().union(*map(_varying, jax.tree.leaves((tree, others))))
    if not axes:
        return tree
    return jax.tree.map(lambda a: lax.pcast(a, tuple(axes - _varying(a)), to="varying"), tree)


def summed_like(grads: Any, params: Any) -> Any:
    """Return gradients, summed over the axes over which their parameters do not vary."""
    if not any(map(_varying, jax.tree.leaves(grads))):
        return grads

    def leaf(grad: Any, param: Any) -> Any:
        axes = _varying(grad) - _varying(param)
        return lax.psum(grad, tuple(axes)) if axes else grad

    return jax.tree.map(leaf, grads, params)


def _on_mesh(x: Any) -> bool:
    return not jax.typeof(x).sharding.mesh.empty


def _varying(x: Any) -> frozenset[str]:
    axes: frozenset[str] = jax.typeof(x).manual_axis_type.varying
    return axes
