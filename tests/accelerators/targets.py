"""Accelerators that are not there, as devices that JAX compiles for.

XLA's compilers for TPUs and for NVIDIA's GPUs come as packages. They need Linux on x86-64, and no
accelerator, driver or network:

    pip install 'jax[tpu]'
    pip install jax-cuda12-plugin jax-cuda12-pjrt          # for Python 3.12 or newer

Import this before any array is made: JAX then computes on the CPU, and does not look for a TPU.
"""

import atexit
import mmap
import os
import re
import shutil
import tempfile
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import jax
from jax.experimental import topologies

jax.config.update("jax_platforms", "cpu")


def devices_of(target: str) -> list[jax.Device]:
    """Return the devices of a TPU's topology, such as `v5e:2x2`, or four GPUs, such as `h100`."""
    if ":" in target:
        return tpus(target)
    described = {"target_config": gpu_description(target), "topology": "1x1x4"}
    return topologies.get_topology_desc(platform="cuda", **described).devices


def tpus(topology: str) -> list[jax.Device]:
    """Return the devices of a TPU's topology."""
    if find_spec("libtpu") is None:
        raise ModuleNotFoundError("compiling for a TPU needs libtpu: pip install 'jax[tpu]'")
    logs = tempfile.mkdtemp(prefix="libtpu-")
    atexit.register(shutil.rmtree, logs, ignore_errors=True)
    settings = {
        "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",  # otherwise one process at a time may load it
        "TPU_LOG_DIR": logs,  # otherwise logs stay in /tmp
        # Otherwise it asks Google Cloud which TPU this machine has. Any answer will do: it compiles
        # for the topology that it is asked for.
        "TPU_SKIP_MDS_QUERY": "1",
        "TPU_ACCELERATOR_TYPE": "v5litepod-4",
        "TPU_WORKER_HOSTNAMES": "localhost",
    }
    os.environ.update(settings)
    return topologies.get_topology_desc(platform="tpu", topology_name=topology).devices


def gpu_description(name: str) -> str:
    """Return XLA's own description of the first GPU with this in its name.

    JAX has no function for it; the texts lie inside XLA's library.
    """
    plugins = [point for point in entry_points(group="jax_plugins") if "cuda" in point.name]
    if not plugins:
        raise ModuleNotFoundError(
            "compiling for a GPU needs its plugin: pip install jax-cuda12-plugin jax-cuda12-pjrt"
        )
    library = Path(plugins[0].load().__file__).parent / "xla_cuda_plugin.so"
    with (
        library.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        texts = [text.decode() for text in re.findall(rb"gpu_device_info \{[^\0]+", content)]
    texts = [text for text in texts if "cuda_compute_capability" in text]  # not AMD's or Intel's
    by_name = {re.search(r'device_description_str: "(.*)"', text)[1]: text for text in texts}
    for each, text in by_name.items():
        if name.lower() in each.lower() and "MIG" not in each:  # which is a part of a GPU
            return text
    raise ValueError(f"target is {name!r}, expected a part of one of these names: {[*by_name]}")
