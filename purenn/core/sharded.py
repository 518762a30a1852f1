"""`sharded`: an initializer that shards a layer's weights over several devices."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.sharding import AxisType, PartitionSpec

from purenn.core import checks
from purenn.core.types import Initializer


def sharded(initializer: Initializer, spec: PartitionSpec) -> Initializer:
    """Make an initializer shard its array, to distribute a layer's weights over several devices.

    The mesh is the one passed to `fit` or set with `jax.set_mesh`. Without a mesh, nothing changes.
    The numbers are those of `initializer`, regardless of the number of devices.

    Args:
        initializer: an initializer of purenn or JAX.
        spec: a `jax.sharding.PartitionSpec`: for each axis of the array, the name of the mesh axis
            along which to shard it, or `None`.

    Returns:
        An initializer, `(key, shape, dtype) -> array`.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if, when the initializer is called, `spec` does not fit the array or the mesh.

    Examples:
        >>> import jax
        >>> from jax.sharding import PartitionSpec as P
        >>> import purenn as pn
        >>> w_init = pn.initializers.sharded(pn.initializers.he_normal, P(None, "model"))
        >>> layer = pn.dense(4, w_init=w_init)  # each device computes some of the units
        >>> with jax.set_mesh(jax.make_mesh((1,), ("model",))):
        ...     params, state = layer.init(jax.random.key(0), in_shape=(3,))
        >>> print(params.w.sharding.spec)
        P(None, 'model')
    """
    checks.function("sharded", "initializer", initializer)
    if not isinstance(spec, PartitionSpec):
        raise TypeError(
            f"sharded: spec must be a jax.sharding.PartitionSpec, got {checks.describe(spec)}"
        )

    def init(key: Any, shape: Any, dtype: Any = jnp.float32) -> Array:
        value = initializer(key, shape, dtype)
        mesh = jax.sharding.get_abstract_mesh()
        if mesh.empty:
            return value
        if len(spec) > len(shape):
            raise ValueError(f"sharded: spec is {spec}, for an array of shape {shape}")
        for length, names in zip(shape, map(_names, spec), strict=False):
            if not set(names) <= set(mesh.axis_names):
                raise ValueError(
                    f"sharded: spec is {spec}, expected axes of the mesh, {mesh.axis_names}"
                )
            devices = math.prod(mesh.shape[name] for name in names)
            if length % devices:
                raise ValueError(
                    f"sharded: spec is {spec} and the array's shape {shape}; expected {length} to "
                    f"be a multiple of the {devices} devices along {', '.join(names)}"
                )
        if AxisType.Explicit in mesh.axis_types:  # a part of the array's type
            return jax.sharding.reshard(value, spec)
        return jax.lax.with_sharding_constraint(value, spec)

    return init


def _names(part: Any) -> tuple[str, ...]:
    """Return the mesh axes that one axis of an array is sharded along."""
    return () if part is None else (part,) if isinstance(part, str) else tuple(part)
