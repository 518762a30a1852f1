"""Several processes as one program. JAX connects them, and ends all when one is lost."""

import atexit
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import jax


@contextmanager
def join(
    coordinator: str | None, processes: int, index: int, *, patience: int = 20, start: int = 60
) -> Iterator[None]:
    """Run the body as process `index` of `processes`, which meet at `coordinator`, HOST:PORT.

    Without a coordinator, JAX asks the cluster for all three. Every process must have started
    within `start` seconds. If one is lost later, the others end with a nonzero status: at once if
    they were waiting for its numbers when it died, and otherwise within twice `patience` seconds.
    """
    given = () if coordinator is None else (coordinator, processes, index)
    if coordinator is not None:
        check(coordinator, listens=index == 0)
        print(f"process {index} of {processes}: waiting up to {start} s for the others", flush=True)
    jax.distributed.initialize(
        *given, initialization_timeout=start, heartbeat_timeout_seconds=patience
    )
    try:
        yield
        jax.distributed.shutdown()  # waits for the others
    except BaseException as error:
        # At exit, JAX would wait for the others, which may be waiting for this process.
        status = 130 if isinstance(error, KeyboardInterrupt) else 1
        atexit.register(leave, status)
        text = str(error)
        if isinstance(error, jax.errors.JaxRuntimeError) or "Gloo" in text:
            hint = "" if "another process" in text else "perhaps another process has ended: "
            raise ConnectionError(hint + text) from error
        raise


def check(coordinator: str, *, listens: bool) -> None:
    """Check the address. JAX does not, and crashes if the port is in use."""
    host, _, port = coordinator.rpartition(":")
    if not (host and port.isdecimal() and 0 < int(port) < 2**16):
        raise ValueError(f"--coordinator must be HOST:PORT, got {coordinator}")
    if listens:
        socket.create_server(("", int(port))).close()


def leave(status: int) -> None:
    """End without JAX's wait, but not at once: when process 0 ends, JAX aborts the others."""
    time.sleep(1)  # for what they have to say
    sys.stdout.flush()
    os._exit(status)
