"""Strict settings for every test: mixed dtypes are errors, and so are warnings (pyproject.toml).

XLA compiles quickly, which takes a quarter off the tests' time. With PURENN_TESTS_OPTIMIZED=1 it
optimizes as for users: .ci/run does that on the newest Python.
"""

import gc
import os
import signal
from importlib.metadata import version

if os.environ.get("PURENN_TESTS_OPTIMIZED") != "1":  # before XLA reads its flags
    flags = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    if tuple(map(int, version("jaxlib").split(".")[:2])) < (0, 11):  # later ones lack this flag
        flags += " --xla_cpu_use_fusion_emitters=false"
    os.environ["XLA_FLAGS"] = f"{flags} {os.environ.get('XLA_FLAGS', '')}"

import jax
import numpy as np
import pytest
from table import jit_quickly

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_num_cpu_devices", 8)  # for tests of meshes; other tests see the first


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
