"""The processes that run one program together, in which the first one decides."""

import json
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.experimental import multihost_utils as hosts
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P
from numpy.typing import NDArray

from purenn.core import numpy_arrays
from purenn.core.keys import is_key
from purenn.distributed.mesh import DataMesh


class Processes:
    """The processes of a mesh. With a single process, each method returns its argument.

    Attributes:
        single: whether this is the only process.
        is_first: whether this process writes files and shows progress for all.
    """

    def __init__(self, where: str, mesh: DataMesh | None) -> None:
        members = {device.process_index for device in mesh.mesh.devices.flat} if mesh else set()
        self.single = len(members) <= 1
        if not self.single and len(members) != jax.process_count():
            raise ValueError(
                f"{where}: mesh spans processes {sorted(members)}, expected one of them, or all "
                f"{jax.process_count()}"
            )
        self.is_first = self.single or jax.process_index() == 0

    def broadcast(self, number: int) -> int:
        """Return the first process's number."""
        if self.single:
            return number
        return int(hosts.broadcast_one_to_all(np.array(number, np.int32)))

    def largest(self, *numbers: int) -> tuple[int, ...]:
        """Return the largest of each number over all processes."""
        if self.single:
            return numbers
        gathered = np.asarray(hosts.process_allgather(np.array(numbers, np.int32)))
        return tuple(gathered.max(axis=0).tolist())

    def merged(self, table: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the sum of the processes' tables, each with some rows and zeros elsewhere."""
        if self.single:
            return table
        tables: NDArray[np.uint8] = np.asarray(hosts.process_allgather(table))
        return tables.reshape(-1, *table.shape).max(axis=0)

    def run_on_first(self, action: Callable[[], str]) -> str:
        """Run a function on the first process, and return its text everywhere.

        An error there is raised in every process.
        """
        if self.single:
            return action()
        text, error = "", None
        if self.is_first:
            try:
                text = json.dumps(["", action()])
            except Exception as caught:  # any error, since the others are waiting for the result
                error = caught
                text = json.dumps([type(caught).__name__, str(caught)])
        data = text.encode()
        received = np.zeros(self.broadcast(len(data)), np.uint8)
        if self.is_first:
            received[:] = np.frombuffer(data, np.uint8)
        name, text = json.loads(bytes(np.asarray(hosts.broadcast_one_to_all(received))))
        if error is not None:
            raise error
        if name:
            kinds = {kind.__name__: kind for kind in (TypeError, OSError, ImportError)}
            raise kinds.get(name, ValueError)(text)
        return str(text)

    def broadcast_tree(self, tree: Any) -> Any:
        """Return the first process's tree, bit for bit; the others pass a tree of the same form."""

        def leaf(value: Any) -> Any:
            typed = is_key(value)
            form = jax.eval_shape(jax.random.key_data, value) if typed else value
            host = np.zeros(form.shape, form.dtype)
            if self.is_first:
                host = np.asarray(jax.random.key_data(value) if typed else value)
            # Bytes: JAX broadcasts by adding zeros, and -0.0 + 0.0 would lose its sign.
            data = np.frombuffer(host.tobytes(), np.uint8)
            received = np.asarray(hosts.broadcast_one_to_all(data)).tobytes()
            made = numpy_arrays.to_jax(np.frombuffer(received, host.dtype).reshape(host.shape))
            if typed:
                return jax.random.wrap_key_data(made, impl=jax.random.key_impl(value))
            return made

        return tree if self.single else jax.tree.map(leaf, tree)

    def gather(self, tree: Any) -> Any:
        """Return a tree that is complete in this process. If leaves are sharded, all must call."""

        def leaf(value: Any) -> Any:
            if value.is_fully_addressable:
                return value
            return _replicated(value).addressable_data(0)

        return tree if self.single else jax.tree.map(leaf, tree)


def to_host(value: Any) -> NDArray[Any]:
    """Return an array's numbers from all devices; every process that holds some must call."""
    if isinstance(value, Array) and not value.is_fully_addressable:
        value = _replicated(value)
    return np.asarray(value)


def _replicated(value: Array) -> Array:
    """Return an array that is complete in every process."""
    if value.is_fully_replicated:
        return value
    assert isinstance(value.sharding, NamedSharding)
    return jax.device_put(value, NamedSharding(value.sharding.mesh, P()))
