"""Several processes on this machine: the numbers of one, and how they begin and end."""

import contextlib
import functools
import os
import re
import signal
import socket
import subprocess
import sys
import time

import mnist_advanced
import numpy as np
import pytest
from parallel.meshes import EXACT, apart, numbers, sharded_model
from parallel.worker import (
    CLASSES,
    EXAMPLES,
    FEATURES,
    OF_FOUR,
    OF_TWO,
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


def agrees(found, spread):
    """The numbers of several processes, on so many devices together, are those of one."""
    for count, dtype in spread:
        for what, value in alone(dtype).items():
            name = f"{what} {count} {dtype.__name__}"
            assert apart(found[name], value) <= (0 if what in SAME_BITS else EXACT[dtype]), name


def test_four_processes_compute_what_one_does(tmp_path, quickly):
    with started(workers(4, tmp_path), tmp_path) as all_four:
        said, statuses = ended(all_four)
    assert statuses == [0] * 4, "\n".join(said)
    found, *others = (dict(np.load(tmp_path / f"{index}.npz")) for index in range(4))
    for what, value in found.items():
        assert all(np.array_equal(value, other[what]) for other in others), what
    agrees(found, OF_FOUR)


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

    agrees(found, OF_TWO)
    assert expected[np.float32]["losses"].shape == (STEPS,)
    assert 0 < np.count_nonzero(found["masked 4 float32"]) < EXAMPLES * FEATURES

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
    place = r"is of (epoch 2, step [1-6]|the end of epoch 2)"
    stop = re.compile(f"fit: stopped; the last checkpoint in .*/stopped {place}")
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
import mnist_advanced
from robustness import dying
dying.die(at_save=2, at_call=1, place="half")
mnist_advanced.app()
"""


def run_mnist(folder, *more, first=(mnist_advanced.__file__,)):
    """Both processes, each with a folder of its own; what each printed, and its status."""
    same = [*MNIST.split(), "--coordinator", free_place(), *more]
    commands = [
        [sys.executable, *how, *same, "--process", index, "--output", folder / str(index)]
        for index, how in enumerate((first, [mnist_advanced.__file__]))
    ]
    with started(commands, folder.parent, **digits.cached(folder.parent / "cache")) as both:
        return ended(both)


def test_mnist_goes_on_after_one_of_two_processes_was_killed(tmp_path):
    """Process 0 dies inside the writing of its second checkpoint."""
    whole, lost = tmp_path / "whole", tmp_path / "lost"
    said, statuses = run_mnist(whole)
    assert statuses == [0, 0], "\n".join(said)
    said, statuses = run_mnist(lost, first=("-c", DIES))
    assert statuses[0] == -signal.SIGKILL
    assert statuses[1] not in (0, None), said[1]
    assert re.search("perhaps another process has ended|another task died", said[1], re.M)
    assert "Traceback" not in said[1]
    assert len(list((lost / "0" / "checkpoints").glob(".checkpoint-*.part"))) == 1
    said, statuses = run_mnist(lost, "--resume")
    assert statuses == [0, 0], "\n".join(said)
    one, other = ((of / "0" / "model.safetensors").read_bytes() for of in (whole, lost))
    assert one == other
    assert sorted(os.listdir(lost / "0")) == ["history.csv", "model.safetensors"]
    assert os.listdir(lost) == ["0"]  # the other process needs no folder


FAILS = """
import sys
from jax.experimental.multihost_utils import sync_global_devices
from processes import join
place, index, wrong = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with join(place, 2, index, patience=60, start=60):
    sync_global_devices("all are there")
    if index == wrong:
        sys.exit("error: mine")
    sync_global_devices("never")
"""


@pytest.mark.parametrize("wrong", [0, 1])
def test_when_one_process_fails_the_other_ends_too(wrong, tmp_path):
    """At once, though JAX at its exit waits for the other one, which waits for a sum."""
    place, began = free_place(), time.monotonic()
    commands = [[sys.executable, "-c", FAILS, place, index, wrong] for index in range(2)]
    with started(commands, tmp_path) as both:
        said, statuses = ended(both)
    assert time.monotonic() - began < 60
    assert statuses[wrong] == 1
    assert "error: mine" in said[wrong]
    assert statuses[1 - wrong] != 0
    assert (
        "perhaps another process has ended" in said[1 - wrong]
        or "another task died" in said[1 - wrong]
    )


def test_a_process_without_the_others_ends(tmp_path):
    join = f"from processes import join\nwith join({free_place()!r}, 2, 0, start=1): pass"
    with started([[sys.executable, "-c", join]], tmp_path) as alone:
        said, statuses = ended(alone)
    assert statuses[0] != 0
    assert "process 0 of 2: waiting up to 1 s for the others" in said[0]
