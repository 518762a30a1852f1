"""What the race ran on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("purenn", "jax", "jaxlib", "numpy", "flax", "dm-haiku", "equinox", "optax", "torch")
STEERS = ("XLA_", "JAX_", "OMP_", "MKL_", "OPENBLAS_", "TORCH_")  # variables that change speed


def describe() -> dict[str, str]:
    """The processor, its cores, the load at the start, and every version."""
    settings = {k: v for k, v in sorted(os.environ.items()) if k.startswith(STEERS)}
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "load average at the start": f"{os.getloadavg()[0]:.2f}",
        "system": platform.system(),
        "Python": platform.python_version(),
        **{package: _version(package) for package in PACKAGES},
        "environment": " ".join(f"{k}={v}" for k, v in settings.items()) or "nothing set",
    }


def _processor() -> str:
    with Path("/proc/cpuinfo").open() as file:
        names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
