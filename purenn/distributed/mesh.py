"""How a run lies over a mesh of devices: batches spread, parameters whole or as they were made."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from purenn.core import checks, scalars
from purenn.training.blocks import rows_of, slots

LEAST_BLOCKS = 8


@dataclass(frozen=True)
class Spread:
    """A mesh, and the axis of it that the examples are spread over.

    XLA decides what moves between the devices: the axes are Auto, whatever the caller's are.
    """

    where: str  # the function that it was given to, for messages
    mesh: Mesh
    axis: str
    given: Mesh  # the caller's

    @property
    def devices(self) -> int:
        """Over how many devices a batch is spread."""
        size: int = self.mesh.shape[self.axis]
        return size

    @property
    def whole(self) -> NamedSharding:
        """All of it on each device."""
        return NamedSharding(self.mesh, P())

    @property
    def rows(self) -> NamedSharding:
        """Each device its share of the first axis."""
        return NamedSharding(self.mesh, P(self.axis))

    def blocks(self, blocks: Any) -> int:
        """As many as asked for, or a number that does not change up to eight devices."""
        if blocks is None:
            return -(-LEAST_BLOCKS // self.devices) * self.devices
        blocks = scalars.count(self.where, "blocks", blocks)
        if blocks % self.devices:
            raise ValueError(
                f"{self.where}: blocks is {blocks}, expected a multiple of the {self.devices} "
                f"devices along the mesh's axis {self.axis!r}"
            )
        return blocks

    def examples(self, name: str, examples: Any, blocks: int) -> Array:
        """All examples in blocks, spread over the devices."""
        count, length = examples.shape[0], slots(examples.shape[0], blocks)
        if isinstance(examples, Array) and count % blocks == 0:
            return put(examples, self.rows)
        if isinstance(examples, Array) and not examples.is_fully_addressable:
            raise ValueError(
                f"{self.where}: {name} holds {count} examples, spread over processes; expected a "
                f"multiple of blocks, which is {blocks}"
            )
        host = np.asarray(examples)
        dtype = jax.dtypes.canonicalize_dtype(host.dtype)

        def share(index: Any) -> Any:
            first, last, _ = index[0].indices(blocks * length)
            return np.asarray(host[rows_of(count, blocks, first, last)], dtype)

        shape = (blocks * length, *host.shape[1:])
        return jax.make_array_from_callback(shape, self.rows, share)

    def batch(self, name: str, batch: Any) -> Array:
        """A batch, spread over the devices; each process makes its own share of it."""
        if batch.shape[0] % self.devices:
            raise ValueError(
                f"{self.where}: {name} holds {batch.shape[0]} examples, expected a multiple of the "
                f"{self.devices} devices along the mesh's axis {self.axis!r}"
            )
        return put(batch, self.rows)

    def any_batch(self, x: Any, targets: Any) -> tuple[Array, Array]:
        """A batch, spread if that comes out even, or else whole on each device."""
        lies = self.rows if x.shape[0] % self.devices == 0 else self.whole
        return put(x, lies), put(targets, lies)

    def learned(self, *trees: Any) -> tuple[Any, ...]:
        """Parameters and state on the mesh: as they lie there, or whole on each device."""

        def leaf(value: Any) -> Any:
            return put(value, self.lies(value))

        return tuple(jax.tree.map(leaf, tree) for tree in trees)

    def lies(self, leaf: Any) -> NamedSharding:
        """How an array that was made on this mesh lies; any other one will be whole."""
        sharding = getattr(leaf, "sharding", None)
        if not isinstance(sharding, NamedSharding) or sharding.is_fully_replicated:
            return self.whole
        if sharding.mesh.shape != self.mesh.shape:
            raise ValueError(
                f"{self.where}: mesh is {dict(self.mesh.shape)}, but a parameter "
                f"{checks.describe(leaf)} lies on {dict(sharding.mesh.shape)}; expected the same"
            )
        return NamedSharding(self.mesh, sharding.spec)


def spread_of(where: str, mesh: Any) -> Spread | None:
    """What a caller's `mesh` asks for."""
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
            f"{where}: mesh must have one axis, or one that is named 'data', for the batch to be "
            f"spread over; got axes {names}"
        )
    auto = Mesh(mesh.devices, names, axis_types=(AxisType.Auto,) * len(names))
    return Spread(where, auto, "data" if "data" in names else names[0], mesh)


@dataclass(frozen=True)
class Layout:
    """How each leaf of a `TrainState` lies: hashable, since it is a part of what is compiled."""

    spread: Spread
    structure: Any
    leaves: tuple[NamedSharding, ...]

    @property
    def tree(self) -> Any:
        """The shardings, in the tree's own form."""
        return jax.tree.unflatten(self.structure, self.leaves)

    @property
    def splits(self) -> bool:
        """Whether a parameter or other leaf is cut, so that no device has all of it."""
        return any(not sharding.is_fully_replicated for sharding in self.leaves)


def layout_of(spread: Spread, train_state: Any) -> Layout:
    """Parameters as they were made, the optimizer's moments like them, all else whole.

    What has the parameters' structure in the optimizer's state is taken for moments: so it is in
    purenn's optimizers and in optax's.
    """

    def of_tree(tree: Any) -> Any:
        return jax.tree.map(lambda _: spread.whole, tree)

    params, state, opt_state, *rest = train_state
    of_params, shapes = jax.tree.map(spread.lies, params), _shapes(params)

    def is_like_params(tree: Any) -> bool:
        return _shapes(tree) == shapes

    of_opt_state = jax.tree.map(
        lambda tree: of_params if is_like_params(tree) else spread.whole,
        opt_state,
        is_leaf=is_like_params,
    )
    tree = type(train_state)(of_params, of_tree(state), of_opt_state, *map(of_tree, rest))
    leaves, structure = jax.tree.flatten(tree)
    return Layout(spread, structure, tuple(leaves))


def _shapes(tree: Any) -> Any:
    leaves, structure = jax.tree.flatten(tree)
    return structure, [np.shape(leaf) for leaf in leaves]


def put(value: Any, sharding: NamedSharding) -> Array:
    """An array that lies so. Of a host's array a process reads what its own devices hold.

    The value is the same in every process, or spread over all of them already.
    """
    if isinstance(value, Array):
        lies = value.sharding
        if isinstance(lies, NamedSharding) and lies.mesh != sharding.mesh:
            if lies.is_equivalent_to(sharding, value.ndim):
                return _on_mesh_of(value, sharding)
        elif not value.is_fully_addressable or lies.device_set == sharding.device_set:
            return jax.device_put(value, sharding)
        if jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
            data = put(jax.random.key_data(value), sharding)
            return jax.random.wrap_key_data(data, impl=jax.random.key_impl(value))
    value = np.asarray(value)
    dtype = jax.dtypes.canonicalize_dtype(value.dtype)
    return jax.make_array_from_callback(
        value.shape, sharding, lambda index: np.asarray(value[index], dtype)
    )


def _on_mesh_of(value: Array, sharding: NamedSharding) -> Array:
    """The same pieces on the same devices, whose mesh has axes of another type."""
    if jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        data = _on_mesh_of(jax.random.key_data(value), sharding)
        return jax.random.wrap_key_data(data, impl=jax.random.key_impl(value))
    pieces = [shard.data for shard in value.addressable_shards]
    return jax.make_array_from_single_device_arrays(value.shape, sharding, pieces)


def begin(create: Any, spread: Spread | None, key: Any, in_shape: tuple[int, ...]) -> Any:
    """A new state, on the mesh if there is one: what an initializer cuts is never whole."""
    if spread is None:
        return create(key, in_shape)
    with jax.set_mesh(spread.mesh):
        return create(put(key, spread.whole), in_shape)


def handed_back(tree: Any, spread: Spread | None) -> Any:
    """A tree of arrays on the mesh as its caller gave it, whose axes may be Explicit."""
    if spread is None or spread.given == spread.mesh:
        return tree
    return jax.tree.map(lambda a: put(a, NamedSharding(spread.given, a.sharding.spec)), tree)


def placed(tree: Any, layout: Layout | None) -> Any:
    """A tree that lies as a layout says."""
    return tree if layout is None else jax.tree.map(put, tree, layout.tree)
