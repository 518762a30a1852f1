"""The processes that run one program together: what one of them decides, all do."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.experimental import multihost_utils as hosts
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from numpy.typing import NDArray

T = TypeVar("T")


class Team:
    """The processes of a mesh. Alone, each of these does nothing and costs nothing."""

    def __init__(self, where: str, mesh: Mesh | None) -> None:
        members = {device.process_index for device in mesh.devices.flat} if mesh else set()
        self.alone = len(members) <= 1
        if not self.alone and len(members) != jax.process_count():
            raise ValueError(
                f"{where}: mesh spans processes {sorted(members)}, expected one of them, or all "
                f"{jax.process_count()}"
            )
        self.first = self.alone or jax.process_index() == 0  # writes and shows for all

    def agreed(self, *numbers: int) -> tuple[int, ...]:
        """What the first process says, for all."""
        if self.alone:
            return numbers
        told = hosts.broadcast_one_to_all(np.array(numbers, np.int32))
        return tuple(int(number) for number in told)

    def look(self, asked: int, *numbers: int) -> tuple[int, ...]:
        """How often anyone was asked to stop, and what the first process says of the rest.

        One exchange of a few milliseconds for all that a run decides by the clock.
        """
        if self.alone:
            return asked, *numbers
        said = np.asarray(hosts.process_allgather(np.array([asked, *numbers], np.int32)))
        return int(said[:, 0].max()), *said[0, 1:].tolist()

    def merged(self, table: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A table of which each process has some rows, and zeros."""
        if self.alone:
            return table
        tables: NDArray[np.uint8] = np.asarray(hosts.process_allgather(table))
        return tables.reshape(-1, *table.shape).max(axis=0)

    def by_first(self, action: Callable[[], str]) -> str:
        """A text that the first process makes, for all; an error there is an error everywhere."""
        if self.alone:
            return action()
        text, error = "", None
        if self.first:
            try:
                text = json.dumps(["", action()])
            except Exception as caught:  # whatever it is, the others wait to hear of it
                error = caught
                text = json.dumps([type(caught).__name__, str(caught)])
        data = text.encode()
        (length,) = self.agreed(len(data))
        told = np.zeros(length, np.uint8)
        if self.first:
            told[:] = np.frombuffer(data, np.uint8)
        name, text = json.loads(bytes(np.asarray(hosts.broadcast_one_to_all(told))))
        if error is not None:
            raise error
        if name:
            kinds = {kind.__name__: kind for kind in (TypeError, OSError, ImportError)}
            raise kinds.get(name, ValueError)(text)
        return str(text)

    def from_first(self, tree: Any) -> Any:
        """The first process's tree, to the last bit; the others give one of the same form."""

        def shared(leaf: Any) -> Any:
            key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
            form = jax.eval_shape(jax.random.key_data, leaf) if key else leaf
            host = np.zeros(form.shape, form.dtype)
            if self.first:
                host = np.asarray(jax.random.key_data(leaf) if key else leaf)
            # Bytes: it is a sum with zeros, and -0.0 + 0.0 would lose its sign.
            data = np.frombuffer(host.tobytes(), np.uint8)
            told = np.asarray(hosts.broadcast_one_to_all(data)).tobytes()
            made = jnp.asarray(np.frombuffer(told, host.dtype).reshape(host.shape))
            return jax.random.wrap_key_data(made, impl=jax.random.key_impl(leaf)) if key else made

        return jax.tree.map(shared, tree)

    def local(self, tree: Any) -> Any:
        """A tree that this process has all of. If leaves are cut, all must ask at the same time."""

        def leaf(value: Any) -> Any:
            if self.alone or value.is_fully_addressable:
                return value
            return _whole(value).addressable_data(0)

        return jax.tree.map(leaf, tree)


def on_host(value: Any) -> NDArray[Any]:
    """An array's numbers, wherever they are; every process that holds some must ask."""
    if isinstance(value, Array) and not value.is_fully_addressable:
        value = _whole(value)
    return np.asarray(value)


def _whole(value: Array) -> Array:
    """All of it in every process."""
    if value.is_fully_replicated:
        return value
    assert isinstance(value.sharding, NamedSharding)
    return jax.device_put(value, NamedSharding(value.sharding.mesh, P()))
