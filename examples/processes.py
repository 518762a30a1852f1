"""Several processes as one program: they start together, and when one is lost all of them end.

jax.distributed alone also ends the others, but by an abort with a stack of C++ calls, and after an
error of one process only when barriers at exit have timed out. Here each process keeps one
connection to process 0, sends a line on it every second, and says why it goes.
"""

import atexit
import contextlib
import ctypes
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

LONGEST = 4000  # characters a line: who sends more is a stranger


@contextlib.contextmanager
def join(
    coordinator: str | None = None,
    processes: int = 1,
    index: int = 0,
    *,
    patience: float = 20.0,
    start: float = 60.0,
    advice: str = "",
) -> Iterator[None]:
    """Run the body as process `index` of `processes`; process 0 is at `coordinator`, host:port.

    With no coordinator, JAX finds out all three from the cluster that it runs on. All processes
    must come within `start` seconds. When one is lost later, the others print which, and `advice`,
    and end with status 1: at once if it died, after `patience` seconds if it only stopped.
    """
    # These are for when the threads here cannot act: they should find everything first.
    timeouts: dict[str, Any] = {
        "initialization_timeout": int(start),
        "heartbeat_timeout_seconds": int(3 * patience),
        "shutdown_timeout_seconds": int(patience),
    }
    if coordinator is None:
        jax.distributed.initialize(**timeouts)
        processes, index = jax.process_count(), jax.process_index()
        mine = f"{socket.gethostname()}:{free_port()}".encode().ljust(300)
        coordinator = bytes(
            multihost_utils.broadcast_one_to_all(np.frombuffer(mine, np.uint8))
        ).decode()
    host, _, port = coordinator.strip().rpartition(":")
    if not (host and port.isdecimal() and 0 < int(port) < 2**16):
        raise ValueError(
            f"--coordinator must be HOST:PORT, with a port of 1 to 65535, got {coordinator}"
        )
    peers, service = (gather if index == 0 else reach)(
        host, int(port), processes, index, patience, start
    )
    watch = Watch(peers, processes, index, patience, advice)
    try:
        if not jax.distributed.is_initialized():
            jax.distributed.initialize(service, processes, index, **timeouts)
        yield
        watch.all_done()
        jax.distributed.shutdown()  # type: ignore[no-untyped-call]
    except BaseException as error:
        if isinstance(error, jax.errors.JaxRuntimeError):
            time.sleep(5)  # most often because of another process: then a thread knows which
        text = " ".join(str(error).split()) or type(error).__name__
        watch.end(
            f"process {index} of {processes} failed: {text}",
            130 if isinstance(error, KeyboardInterrupt) else 1,
        )
        raise


class Lines:
    """A connection that carries lines of text."""

    def __init__(self, connection: socket.socket, timeout: float) -> None:
        connection.settimeout(timeout)
        self.connection, self.file = connection, connection.makefile("r", encoding="utf-8")
        self.sending = threading.Lock()
        self.done, self.closed = threading.Event(), threading.Event()

    def send(self, text: str) -> None:
        """Send a line, if there is still someone to read it."""
        # An error is no news: whoever listens on this connection finds it too, and reports it.
        with contextlib.suppress(OSError), self.sending:
            self.connection.sendall(f"{text[:LONGEST]}\n".encode())

    def receive(self) -> str:
        """The next line; an OSError when there will be none, or none has come in time."""
        line = self.file.readline(LONGEST + 1)
        if not line.endswith("\n"):
            raise ConnectionError
        return line[:-1]

    def close(self) -> None:
        """Close it at once; otherwise it lives as long as the process."""
        self.file.close()
        self.connection.close()


class Watch:
    """Threads that end this process when a peer is lost: process 0's peers are all the others."""

    def __init__(
        self, peers: dict[int, Lines], processes: int, index: int, patience: float, advice: str
    ) -> None:
        self.peers, self.processes, self.index = peers, processes, index
        self.patience, self.advice = patience, advice
        self.ending = threading.Lock()  # never released: the first to take it says why
        self.finished = False
        # When a peer goes, jax or gloo may abort this process before it has said why. As handler
        # of SIGABRT, C's sleep() holds the aborting thread alone for 6 seconds, its argument being
        # the signal's number; then the abort goes on.
        libc = ctypes.CDLL(None)
        libc.signal(signal.SIGABRT, libc.sleep)
        for number in peers:
            threading.Thread(target=self.listen, args=[number], daemon=True).start()
        threading.Thread(target=self.beat, daemon=True).start()

    def beat(self) -> None:
        """An empty line to each peer, every second."""
        while True:
            for peer in self.peers.values():
                peer.send("")
            time.sleep(1)

    def listen(self, number: int) -> None:
        """Read what a peer sends, and end this process when it is lost or says that another is."""
        peer = self.peers[number]
        try:
            while True:
                line = peer.receive()
                if line == "done":
                    peer.done.set()
                elif line and not self.ending.locked():
                    # in another thread: this one must see the connection close
                    threading.Thread(target=self.end, args=[line], daemon=True).start()
        except TimeoutError:
            reason = f"stopped answering: nothing came from it for {self.patience:g} seconds"
        except (OSError, ValueError):
            reason = "ended"
        peer.closed.set()
        if not self.finished and not self.ending.locked():
            self.end(f"process {number} of {self.processes} {reason}")

    def end(self, reason: str, status: int | None = None) -> None:
        """Tell the peers, then leave without the barriers that wait for those who are gone.

        A status means that the error is this process's own, and shown by who catches it.
        """
        if not self.ending.acquire(blocking=False):
            threading.Event().wait()  # another thread is about to end this process
        limit = threading.Timer(10, os._exit, [status or 1])  # whatever blocks
        limit.daemon = True
        limit.start()
        for peer in self.peers.values():
            peer.send(reason)
        if self.index == 0:  # if jax's service, which lives here, went first, jax would abort them
            deadline = time.monotonic() + 2
            for peer in self.peers.values():
                peer.closed.wait(max(0, deadline - time.monotonic()))
        if status is not None:
            atexit.register(leave, status)  # after the error was shown, before jax's own barrier
            return
        try:
            print("; ".join(filter(None, [f"error: {reason}", self.advice])), file=sys.stderr)
        finally:
            leave(1)

    def all_done(self) -> None:
        """Wait until every process has come to its end: the threads still watch."""
        if self.index != 0:
            self.peers[0].send("done")
        for peer in self.peers.values():
            peer.done.wait()
        self.finished = True
        if self.index == 0:
            for peer in self.peers.values():
                peer.send("done")


def leave(status: int) -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


def free_port() -> int:
    with socket.create_server(("", 0)) as server:
        return int(server.getsockname()[1])


def gather(
    host: str, port: int, processes: int, index: int, patience: float, start: float
) -> tuple[dict[int, Lines], str]:
    """As process 0: wait for the others, and tell them where jax's own service will be."""
    peers: dict[int, Lines] = {}
    deadline = time.monotonic() + start
    try:
        listening = socket.create_server(("", port))
    except OSError as error:
        raise OSError(f"--coordinator: process 0 cannot listen on port {port}: {error}") from None
    with listening as server:
        while len(peers) < processes - 1:
            server.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                connection, _ = server.accept()
            except TimeoutError:
                missing = [str(i) for i in range(1, processes) if i not in peers]
                reason = f"of {processes} processes these did not come: {', '.join(missing)}"
                for peer in peers.values():
                    peer.send(reason)
                raise TimeoutError(reason) from None
            peer = Lines(connection, 5)
            try:
                name, number, of = peer.receive().split()
                if name != "purenn":
                    raise ValueError
                new = int(number)
            except (OSError, ValueError):
                peer.close()  # a stranger
                continue
            if int(of) != processes or not 0 < new < processes or new in peers:
                peer.send(
                    f"process {new} of {of} is one too many: process 0 waits for "
                    f"{processes - 1} others, numbered from 1"
                )
                peer.close()
                continue
            connection.settimeout(patience)
            peers[new] = peer
    service = f"{host}:{free_port()}"
    for peer in peers.values():
        peer.send(f"service {service}")
    return peers, service


def reach(
    host: str, port: int, processes: int, index: int, patience: float, start: float
) -> tuple[dict[int, Lines], str]:
    """As another: find process 0, and wait with it until all are there."""
    deadline = time.monotonic() + start
    while True:
        try:
            connection = socket.create_connection((host, port), timeout=5)
            break
        except OSError as error:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"--coordinator: process 0 cannot be reached at {host}:{port}: {error}"
                ) from None
            time.sleep(0.5)
    peer = Lines(connection, start + 5)
    peer.send(f"purenn {index} {processes}")
    try:
        line = peer.receive()
    except OSError:
        raise ConnectionError(f"process 0 at {host}:{port} ended, or did not answer") from None
    if not line.startswith("service "):
        raise ConnectionError(line)
    connection.settimeout(patience)
    return {0: peer}, line.removeprefix("service ")
