"""Strict settings for every test: mixed dtypes are errors, and so are warnings (pyproject.toml).

XLA compiles quickly, which takes a quarter off the tests' time. With PURENN_TESTS_OPTIMIZED=1 it
optimizes as for users: .ci/run does that on the newest Python. What one test has compiled, others
of the same process find in a cache, which takes off some more. It is deleted at the end, unless
PURENN_TESTS_CACHE names its folder.

With --one-in N, about one in N of the cases runs. --turn K says which, and N turns run them all.
"""

import gc
import os
import shutil
import signal
import tempfile
from importlib import import_module
from zlib import crc32

from quickly import compile_quickly

if "PYTEST_XDIST_WORKER" not in os.environ and os.environ.get("PURENN_TESTS_OPTIMIZED") != "1":
    compile_quickly()  # once: workers have the environment of the first process

import jax
import numpy as np
import pytest
from table import jit_quickly
from three_classes import X, Y

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_num_cpu_devices", 8)  # for tests of meshes; other tests see the first


def pytest_configure(config):
    """Share what is compiled between the tests of one worker.

    Each worker has a folder of its own, since JAX writes an entry in place: another process that
    reads it at that moment finds half of it, and warns.
    """
    if "PURENN_TESTS_CACHE" not in os.environ:
        os.environ["PURENN_TESTS_CACHE"] = temporary = tempfile.mkdtemp(prefix="purenn-tests-")
        config.add_cleanup(lambda: shutil.rmtree(temporary, ignore_errors=True))
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    # Not by variables of the environment, which the programs that tests start would inherit.
    jax.config.update(
        "jax_compilation_cache_dir", os.path.join(os.environ["PURENN_TESTS_CACHE"], worker)
    )
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def pytest_addoption(parser):
    parser.addoption("--one-in", type=int, default=1, metavar="N", help="a part of the cases")
    parser.addoption("--turn", type=int, default=0, metavar="K", help="which of the N")


def pytest_collection_modifyitems(config, items):
    """A case's turn depends on its name alone, so that it stays the same when others are added."""
    turns, turn = config.getoption("--one-in"), config.getoption("--turn")
    items[:] = [item for item in items if crc32(item.nodeid.encode()) % turns == turn % turns]


def pytest_collection_finish(session):
    """JAX makes many objects; the search for cycles among them took a tenth of the tests' time."""
    gc.collect()
    gc.freeze()  # modules and tests, which stay, are not searched again
    gc.set_threshold(100_000, 20, 20)


@pytest.fixture
def x64():
    """Float64 for one test, without the global switch."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def data():
    return X, Y


@pytest.fixture
def quickly(monkeypatch):
    """`jax.jit` compiles quickly, in purenn too, where a test is of values, not of programs."""
    monkeypatch.setattr(jax, "jit", jit_quickly)


@pytest.fixture
def ctrl_c():
    """SIGINT interrupts, as at a terminal.

    A process that is started with SIGINT ignored, as a shell's background job is, keeps ignoring
    it; a test that raises SIGINT needs Python's handler all the same.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


REFEREES = {}


@pytest.fixture
def one_referee(monkeypatch):
    """What is right for a forward and its arguments is found once for all that is judged by it."""
    checker = import_module("purenn.inspect.check_gradients")
    case_of, ask, asked = checker.function_case, checker.ask, []

    def function_case(forward, arguments):
        numbers = [(np.shape(a), np.asarray(a).tobytes()) for a in jax.tree.leaves(arguments[1:])]
        asked.append((forward, str(numbers)))
        return case_of(forward, arguments)

    def ask_once(case, rng):
        if not asked:  # a layer or an op
            return ask(case, rng)
        key = (*asked.pop(), case.labels, str(rng.bit_generator.state))
        if key not in REFEREES:
            REFEREES[key] = ask(case, rng)
        return REFEREES[key]._replace(case=case)

    monkeypatch.setattr(checker, "function_case", function_case)
    monkeypatch.setattr(checker, "ask", ask_once)
