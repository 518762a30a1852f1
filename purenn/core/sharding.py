"""How arrays lie over a mesh of devices, where JAX asks the code to say it.

On a mesh with Auto axes XLA decides. With Explicit axes a sharding is a part of an array's type,
and a product whose contracted axis is sharded must say how its result lies. Under `shard_map` the
type says over which axes of the mesh a value varies. Away from any mesh all of this does nothing.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P


def sharding_of(x: Any, *axes: int | None, beside: Any = None) -> NamedSharding:
    """How `x` lies; with axes given, how an array of these axes of it does, `None` for a whole one.

    So `sharding_of(x, 0, None)` is of a matrix whose rows lie as those of `x`. An array that was
    made beside the mesh knows of none: it lies whole on that of `beside`.
    """
    sharding: NamedSharding = jax.typeof(x).sharding
    mesh, spec = sharding.mesh, sharding.spec
    if beside is not None and mesh.empty:
        mesh = jax.typeof(beside).sharding.mesh
    return NamedSharding(mesh, P(*(None if i is None else spec[i] for i in axes)) if axes else spec)


def product(x: Array, w: Array, *, like: Array | None = None) -> Array:
    """`x @ w`, which lies as `like`; or its rows as those of `x`, its columns as those of `w`."""
    sharding = product_sharding(x, w) if like is None else sharding_of(like, beside=x)
    return jnp.matmul(x, w, out_sharding=sharding)


def product_sharding(x: Array, w: Array) -> NamedSharding:
    """How a product over the last axis of `x` lies, whose last axis is that of `w`."""
    of_x, of_w = sharding_of(x, beside=w), sharding_of(w)
    return NamedSharding(of_x.mesh, P(*of_x.spec[:-1], of_w.spec[-1]))


def is_spread(x: Any) -> bool:
    """Whether the type of `x` says that an axis of it is sharded."""
    return any(axis is not None for axis in sharding_of(x).spec)


def lying_like(tree: Any, like: Any) -> Any:
    """A tree whose arrays lie as those of another: gradients and new states as what they are of."""
    structure: Any = jax.tree.structure(tree)
    if structure != jax.tree.structure(like):
        return tree  # for a check to refuse by name

    def leaf(value: Any, other: Any) -> Any:
        sharding = sharding_of(other, beside=value)
        if sharding.mesh.empty or sharding.spec == sharding_of(value).spec:
            return value
        return jax.sharding.reshard(value, sharding)

    return jax.tree.map(leaf, tree, like)


def cut_like(value: Array, other: Array) -> Array:
    """`value`, whose first axis is cut as that of `other`, if its type says so."""
    spec = sharding_of(other).spec
    if not spec or spec[0] is None:
        return value
    return jax.sharding.reshard(value, sharding_of(other, 0, *(None for _ in value.shape[1:])))


def varying_together(tree: Any, *others: Any) -> Any:
    """A tree whose leaves vary over each axis of a `shard_map` that one, or an `other`, does.

    JAX's own operations do this by themselves to their operands; a rule of our own, or a loop whose
    carry begins with constants, must. Its transpose adds up over the axes, so that a parameter
    which is the same everywhere gets the sum of the derivatives.
    """
    axes = frozenset[str]().union(*map(_varying, jax.tree.leaves((tree, others))))
    if not axes:
        return tree
    return jax.tree.map(lambda a: lax.pcast(a, tuple(axes - _varying(a)), to="varying"), tree)


def summed_like(grads: Any, params: Any) -> Any:
    """Gradients that vary over no more axes of a `shard_map` than their parameters: added up."""

    def leaf(grad: Any, param: Any) -> Any:
        axes = _varying(grad) - _varying(param)
        return lax.psum(grad, tuple(axes)) if axes else grad

    return jax.tree.map(leaf, grads, params)


def _varying(x: Any) -> frozenset[str]:
    axes: frozenset[str] = jax.typeof(x).manual_axis_type.varying
    return axes
