"""A run on a mesh of devices, with sharded batches and sharded or replicated parameters."""

from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from purenn.core import checks, scalars
from purenn.core.blocks import block_length, rows_of_blocks
from purenn.core.keys import is_key

LEAST_BLOCKS = 8


@dataclass(frozen=True)
class DataMesh:
    """A mesh, and the axis over which batches are sharded.

    Attributes:
        mesh: the mesh with Auto axes, whatever the caller's are: XLA decides what moves between
            devices.
        axis: the name of the axis.
        given: the caller's mesh.
        where: the function to which it was passed, for messages.
    """

    mesh: Mesh
    axis: str
    given: Mesh
    where: str = field(compare=False)

    @property
    def devices(self) -> int:
        """The number of devices over which a batch is sharded."""
        size: int = self.mesh.shape[self.axis]
        return size

    @property
    def replicated(self) -> NamedSharding:
        """The sharding of an array that is replicated on every device."""
        return NamedSharding(self.mesh, P())

    @property
    def batch_sharding(self) -> NamedSharding:
        """The sharding that gives each device its share of the first axis."""
        return NamedSharding(self.mesh, P(self.axis))

    def blocks(self, blocks: Any) -> int:
        """Return the number of blocks: as requested, or a default for up to eight devices."""
        if blocks is None:
            return -(-LEAST_BLOCKS // self.devices) * self.devices
        blocks = scalars.count(self.where, "blocks", blocks)
        if blocks % self.devices:
            raise ValueError(
                f"{self.where}: blocks is {blocks}, expected a multiple of the {self.devices} "
                f"devices along the mesh's axis {self.axis!r}"
            )
        return blocks

    def put_examples(self, name: str, examples: Any, blocks: int) -> Array:
        """Return all examples in blocks, sharded over the devices."""
        count, length = examples.shape[0], block_length(examples.shape[0], blocks)
        if isinstance(examples, Array) and count % blocks == 0:
            return put(examples, self.batch_sharding)
        if isinstance(examples, Array) and not examples.is_fully_addressable:
            raise ValueError(
                f"{self.where}: {name} holds {count} examples, sharded over processes; expected a "
                f"multiple of blocks, which is {blocks}"
            )
        host = np.asarray(examples)
        dtype = jax.dtypes.canonicalize_dtype(host.dtype)

        def share(index: Any) -> Any:
            first, last, _ = index[0].indices(blocks * length)
            return np.asarray(host[rows_of_blocks(count, blocks, first, last)], dtype)

        shape = (blocks * length, *host.shape[1:])
        return jax.make_array_from_callback(shape, self.batch_sharding, share)

    def put_batch(self, name: str, batch: Any) -> Array:
        """Return a batch sharded over the devices; each process provides its own share."""
        if batch.shape[0] % self.devices:
            raise ValueError(
                f"{self.where}: {name} holds {batch.shape[0]} examples, expected a multiple of the "
                f"{self.devices} devices along the mesh's axis {self.axis!r}"
            )
        return put(batch, self.batch_sharding)

    def put_any_batch(self, batch: Any) -> Any:
        """Return a tree of arrays, sharded if they divide evenly, and otherwise replicated."""
        even = jax.tree.leaves(batch)[0].shape[0] % self.devices == 0
        sharding = self.batch_sharding if even else self.replicated
        return jax.tree.map(lambda array: put(array, sharding), batch)

    def put_params(self, tree: Any) -> Any:
        """Return parameters or state on the mesh, with their own sharding or else replicated."""
        return jax.tree.map(lambda leaf: put(leaf, self.sharding_of(leaf)), tree)

    def sharding_of(self, leaf: Any) -> NamedSharding:
        """Return the sharding of an array created on this mesh; any other is replicated."""
        sharding = getattr(leaf, "sharding", None)
        if not isinstance(sharding, NamedSharding) or sharding.is_fully_replicated:
            return self.replicated
        if sharding.mesh.shape != self.mesh.shape:
            raise ValueError(
                f"{self.where}: mesh is {dict(self.mesh.shape)}, but a parameter "
                f"{checks.describe(leaf)} is on {dict(sharding.mesh.shape)}; expected the same"
            )
        return NamedSharding(self.mesh, sharding.spec)

    def on_given_mesh(self, tree: Any) -> Any:
        """Return a tree on the caller's mesh, whose axes may be Explicit."""
        if self.given == self.mesh:
            return tree
        return jax.tree.map(lambda a: put(a, NamedSharding(self.given, a.sharding.spec)), tree)


def data_mesh(where: str, mesh: Any) -> DataMesh | None:
    """Check a caller's `mesh`, and return it with the axis of the data; None for no mesh."""
    if mesh is None:
        return None
    if not isinstance(mesh, Mesh):
        raise TypeError(
            f"{where}: mesh must be a jax.sharding.Mesh, as jax.make_mesh makes it, "
            f"got {checks.describe(mesh)}"
        )
    names = mesh.axis_names
    if "data" not in names and len(names) != 1:
        raise ValueError(
            f"{where}: mesh must have one axis, or one named 'data', for the batch to be sharded "
            f"over; got axes {names}"
        )
    auto = Mesh(mesh.devices, names, axis_types=(AxisType.Auto,) * len(names))
    return DataMesh(auto, "data" if "data" in names else names[0], mesh, where)


@dataclass(frozen=True)
class StateSharding:
    """The sharding of each leaf of a `TrainState`, hashable since programs depend on it."""

    mesh: DataMesh
    structure: Any
    leaves: tuple[NamedSharding, ...]

    @property
    def tree(self) -> Any:
        """The shardings, as a tree of the state's structure."""
        return jax.tree.unflatten(self.structure, self.leaves)

    @property
    def is_sharded(self) -> bool:
        """Whether a leaf is sharded, so that no device holds all of it."""
        return any(not sharding.is_fully_replicated for sharding in self.leaves)

    def put(self, train_state: Any) -> Any:
        """Return a state with this sharding."""
        return jax.tree.map(put, train_state, self.tree)


def state_sharding(mesh: DataMesh, train_state: Any) -> StateSharding:
    """Shard parameters as initialized, and the optimizer's statistics likewise; replicate the rest.

    Any part of the optimizer's state with the structure and shapes of the parameters counts as
    statistics, as in the optimizers of purenn and optax.
    """

    def replicated(tree: Any) -> Any:
        return jax.tree.map(lambda _: mesh.replicated, tree)

    params, state, opt_state, *rest = train_state
    of_params, shapes = jax.tree.map(mesh.sharding_of, params), _shapes(params)

    def is_like_params(tree: Any) -> bool:
        return _shapes(tree) == shapes

    of_opt_state = jax.tree.map(
        lambda tree: of_params if is_like_params(tree) else mesh.replicated,
        opt_state,
        is_leaf=is_like_params,
    )
    tree = type(train_state)(of_params, replicated(state), of_opt_state, *map(replicated, rest))
    leaves, structure = jax.tree.flatten(tree)
    return StateSharding(mesh, structure, tuple(leaves))


def _shapes(tree: Any) -> Any:
    leaves, structure = jax.tree.flatten(tree)
    return structure, [np.shape(leaf) for leaf in leaves]


def create_on(mesh: DataMesh, create: Any, key: Any, in_shape: tuple[int, ...]) -> Any:
    """Create a state on a mesh; an array that an initializer shards is never on one device."""
    with jax.set_mesh(mesh.mesh):
        return create(put(key, mesh.replicated), in_shape)


def put(value: Any, sharding: NamedSharding) -> Array:
    """Return an array with a sharding; a process reads only its own devices' part of a host array.

    The value is the same in every process, or already sharded over all of them.
    """
    if isinstance(value, Array):
        old = value.sharding
        if isinstance(old, NamedSharding) and old.mesh != sharding.mesh:
            if old.is_equivalent_to(sharding, value.ndim):
                return _on_mesh_of(value, sharding)
        elif not value.is_fully_addressable or old.device_set == sharding.device_set:
            return jax.device_put(value, sharding)
        if is_key(value):
            data = put(jax.random.key_data(value), sharding)
            return jax.random.wrap_key_data(data, impl=jax.random.key_impl(value))
    value = np.asarray(value)
    dtype = jax.dtypes.canonicalize_dtype(value.dtype)
    return jax.make_array_from_callback(
        value.shape, sharding, lambda index: np.asarray(value[index], dtype)
    )


def _on_mesh_of(value: Array, sharding: NamedSharding) -> Array:
    """Return the same pieces on the same devices, in a mesh with axes of a different type."""
    if is_key(value):
        data = _on_mesh_of(jax.random.key_data(value), sharding)
        return jax.random.wrap_key_data(data, impl=jax.random.key_impl(value))
    pieces = [shard.data for shard in value.addressable_shards]
    return jax.make_array_from_single_device_arrays(value.shape, sharding, pieces)
