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


def sharding_of(x: Any, *axes: int | None) -> NamedSharding:
    """How `x` lies; with axes given, how an array of these axes of it does, `None` for a whole one.

    So `sharding_of(x, 0, None)` is of a matrix whose rows lie as those of `x`.
    """
    sharding: NamedSharding = jax.typeof(x).sharding
    if not axes:
        return sharding
    spec = sharding.spec
    return NamedSharding(sharding.mesh, P(*(None if i is None else spec[i] for i in axes)))


def product(x: Array, w: Array, *, like: Array | None = None) -> Array:
    """`x @ w`, which lies as `like`; or its rows as those of `x`, its columns as those of `w`."""
    sharding = product_sharding(x, w) if like is None else sharding_of(like)
    return jnp.matmul(x, w, out_sharding=sharding)


def product_sharding(x: Array, w: Array) -> NamedSharding:
    """How a product over the last axis of `x` lies, whose last axis is that of `w`."""
    of_x, of_w = sharding_of(x), sharding_of(w)
    # An array made beside the mesh knows of none: the mesh is that of the other.
    mesh = of_w.mesh if of_x.mesh.empty else of_x.mesh
    return NamedSharding(mesh, P(*of_x.spec[:-1], of_w.spec[-1]))


def is_spread(x: Any) -> bool:
    """Whether the type of `x` says that an axis of it is sharded."""
    return any(axis is not None for axis in sharding_of(x).spec)


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
