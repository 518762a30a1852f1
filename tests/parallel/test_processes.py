"""Several processes on this machine: the numbers of one, and how they begin and end."""

import contextlib
import functools
import os
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import mnist
import numpy as np
import processes
import pytest
from parallel.meshes import EXACT, apart, numbers, sharded_model
from parallel.worker import (
    CLASSES,
    EXAMPLES,
    FEATURES,
    SPREAD,
    STEPS,
    batches,
    fit,
    losses_of,
    measured,
)  # fmt: skip
from robustness import digits

WORKER = """
import sys, jax
from pathlib import Path
from processes import join
place, of, index, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_num_cpu_devices", 4 // of)
with join(place, of, index, start=200):
    from parallel import worker
    (worker.work_of_two if of == 2 else worker.work_of_four)(index, folder)
"""
SAME_BITS = ("masked", "order")


@functools.cache
def alone(dtype):
    """The numbers of one process with one device, without a mesh."""
    return measured(None, dtype)


def free_place():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


@contextlib.contextmanager
def started(commands, folder, **environment):
    """Processes that find purenn where this one does, and none of them is left."""
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    with contextlib.ExitStack() as stack:
        begun = []
        for command in commands:
            process = subprocess.Popen(
                list(map(str, command)),
                cwd=folder,  # not where another purenn may lie
                env=os.environ | environment | path,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            begun.append(stack.enter_context(process))
            stack.callback(process.kill)
        yield begun


def ended(begun):
    """What each process printed, and its status."""
    said = [process.communicate(timeout=300)[0] for process in begun]
    return said, [process.returncode for process in begun]


def workers(count, folder):
    """The commands of so many processes, which have four devices together."""
    command = [sys.executable, "-c", WORKER, free_place(), count]
    return [[*command, index, folder] for index in range(count)]


def agrees(found, counts):
    """The numbers of several processes, on so many devices together, are those of one."""
    for count, dtype in SPREAD:
        for what, value in alone(dtype).items() if count in counts else ():
            name = f"{what} {count} {dtype.__name__}"
            assert apart(found[name], value) <= (0 if what in SAME_BITS else EXACT[dtype]), name


def test_four_processes_compute_what_one_does(tmp_path, quickly):
    with started(workers(4, tmp_path), tmp_path) as all_four:
        said, statuses = ended(all_four)
    assert statuses == [0] * 4, "\n".join(said)
    found, *others = (dict(np.load(tmp_path / f"{index}.npz")) for index in range(4))
    for what, value in found.items():
        assert all(np.array_equal(value, other[what]) for other in others), what
    agrees(found, counts=[4])


def test_two_processes_compute_what_one_does(tmp_path, quickly):
    """And go on with one another's checkpoints, and stop together."""
    fit(None, 3, checkpoints=tmp_path / "of one")
    with started(workers(2, tmp_path), tmp_path) as both:
        expected = {dtype: alone(dtype) for dtype in EXACT}
        _, of_batches = fit(None, 3, batches)
        uncut, of_uncut = fit(None, 4, model=sharded_model(20, CLASSES, cut=False))
        said, statuses = ended(both)
    assert statuses == [0, 0], "\n".join(said)
    found, other = (dict(np.load(tmp_path / f"{index}.npz")) for index in range(2))
    warned, stops = ([str(of.pop(what)) for of in (found, other)] for what in ("warned", "stopped"))
    for what, value in found.items():
        assert np.array_equal(value, other[what]), what

    agrees(found, counts=[2, 4])
    assert expected[np.float32]["losses"].shape == (STEPS,)
    assert 0 < np.count_nonzero(found["masked 2 float32"]) < EXAMPLES * FEATURES

    assert apart(found["gone on"], expected[np.float32]["losses"]) <= 1e-6
    with pytest.warns(RuntimeWarning, match="^fit: resume: the device was {'data': 2} of cpu"):
        _, history = fit(None, STEPS, checkpoints=tmp_path / "of two", resume=True)
    assert apart(losses_of(history), expected[np.float32]["losses"]) <= 1e-6
    assert re.match("fit: resume: the device was cpu, .* and is {'data': 2} of cpu", warned[0])
    assert warned[1] == ""  # the first one reads, and warns, for both
    assert not (tmp_path / "of another machine").exists()

    moments = np.concatenate([a.ravel() for a in numbers(uncut.opt_state.m)])
    assert apart(found["cut losses"], losses_of(of_uncut)) <= 1e-6
    assert apart(found["cut moments"], moments) <= 1e-5
    assert apart(found["batches"], losses_of(of_batches)) <= 1e-6
    stop = re.compile("fit: stopped; the last checkpoint in .*/stopped (is of epoch 2, step [1-7])")
    one, two = (stop.fullmatch(text) for text in stops)
    assert one[1] == two[1]
    assert found["bad labels"] == (
        "fit: targets[55] is 4, expected labels in 0 … 3 (1 of 56 are outside)"
    )


MNIST = (
    "--hidden 4 --batch-norm --dropout 0.2 --epochs 1 --batch-size 1000 --holdout 50000 "
    "--no-progress --no-pictures --checkpoint-every 0 --processes 2"
)
DIES = """
import mnist
from robustness import dying
dying.die(at_save=2, at_call=1, place="half")
mnist.app()
"""


def run_mnist(folder, *more, first=(mnist.__file__,)):
    """Both processes, each with a folder of its own; what each printed, and its status."""
    same = [*MNIST.split(), "--coordinator", free_place(), *more]
    commands = [
        [sys.executable, *how, *same, "--process", index, "--output", folder / str(index)]
        for index, how in enumerate((first, [mnist.__file__]))
    ]
    with started(commands, folder.parent, **digits.cached(folder.parent / "cache")) as both:
        return ended(both)


def test_mnist_goes_on_after_one_of_two_processes_was_killed(tmp_path):
    """Process 0 dies inside the writing of its second checkpoint."""
    whole, lost = tmp_path / "whole", tmp_path / "lost"
    said, statuses = run_mnist(whole)
    assert statuses == [0, 0], "\n".join(said)
    said, statuses = run_mnist(lost, first=("-c", DIES))
    assert statuses == [-signal.SIGKILL, 1], "\n".join(said)
    assert re.findall("(?m)^error: .*", said[1]) == ["error: process 0 of 2 ended"]
    assert "Traceback" not in said[1]
    assert len(list((lost / "0" / "checkpoints").glob(".checkpoint-*.part"))) == 1
    said, statuses = run_mnist(lost, "--resume")
    assert statuses == [0, 0], "\n".join(said)
    one, other = ((of / "0" / "model.safetensors").read_bytes() for of in (whole, lost))
    assert one == other
    assert sorted(os.listdir(lost / "0")) == ["history.csv", "model.safetensors"]
    assert os.listdir(lost) == ["0"]  # the other process needs no folder


# Before the run: who comes to process 0.


@pytest.fixture
def opened(monkeypatch):
    """Closes all connections that were opened."""
    made = []

    class Lines(processes.Lines):
        def __init__(self, *given):
            super().__init__(*given)
            made.append(self)

    monkeypatch.setattr(processes, "Lines", Lines)
    yield
    for connection in made:
        connection.close()


def connected(place, text):
    host, port = place.split(":")
    peer = processes.Lines(socket.create_connection((host, int(port)), timeout=60), 60)
    peer.send(text)
    return peer


@pytest.mark.usefixtures("opened")
def test_process_0_waits_for_those_it_needs_and_for_no_others():
    place = free_place()
    host, port = place.split(":")
    with ThreadPoolExecutor() as pool:
        gathering = pool.submit(processes.gather, host, int(port), 3, 0, 60, 60)
        second = pool.submit(processes.reach, host, int(port), 3, 2, 60, 60)
        stranger = None
        while stranger is None and not gathering.done():
            with contextlib.suppress(ConnectionRefusedError):  # not there yet
                stranger = connected(place, "GET / HTTP/1.1")
        for text in ("1 2", "3 3", "0 3"):  # index, and of how many
            assert connected(place, f"purenn {text}").receive() == (
                f"process {text.replace(' ', ' of ')} is one too many: process 0 waits for 2 "
                f"others, numbered from 1"
            )
        first = connected(place, "purenn 1 3")
        peers, service = gathering.result()
        assert sorted(peers) == [1, 2]
        assert first.receive() == f"service {service}"
        assert second.result()[1] == service
        with pytest.raises(ConnectionError):
            stranger.receive()


@pytest.mark.usefixtures("opened")
def test_processes_that_do_not_come_are_named():
    place = free_place()
    host, port = place.split(":")
    missing = "^of 3 processes these did not come: 1$"
    with ThreadPoolExecutor() as pool:
        gathering = pool.submit(processes.gather, host, int(port), 3, 0, 60, 3)
        second = pool.submit(processes.reach, host, int(port), 3, 2, 60, 60)
        with pytest.raises(TimeoutError, match=missing):
            gathering.result()
        with pytest.raises(ConnectionError, match=missing):
            second.result()
    with pytest.raises(TimeoutError, match=f"^--coordinator: .* cannot be reached at {place}: "):
        processes.reach(host, int(port), 3, 2, 60, 0)


def joined(place):
    with processes.join(place, 2, 0):
        raise AssertionError("joined")


@pytest.mark.parametrize("place", ["10.0.0.1", ":123", "host:", "host:0", "host:65536", "host:x"])
def test_a_coordinator_is_a_host_and_a_port(place):
    with pytest.raises(ValueError, match=f"^--coordinator must be HOST:PORT, .*, got {place}$"):
        joined(place)


def test_a_port_that_is_in_use_is_named():
    with socket.create_server(("", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(OSError, match=f"^--coordinator: .* cannot listen on port {port}: "):
            joined(f"127.0.0.1:{port}")
