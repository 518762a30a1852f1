"""What the race ran on."""

import datetime
import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("purenn", "jax", "jaxlib", "numpy", "flax", "dm-haiku", "equinox", "optax", "torch")
STEERS = ("XLA_", "JAX_", "OMP_", "MKL_", "OPENBLAS_", "TORCH_")  # variables that change speed
# By the flag in /proc/cpuinfo, the widest first. AMX is left out: its tiles hold no float32.
VECTORS = {
    "avx512f": "AVX-512",
    "avx2": "AVX2",
    "avx": "AVX",
    "sse2": "SSE2",
    "sve": "SVE",
    "asimd": "Neon",
}
# What differs between machines with the same processor, or says nothing.
NOISE = re.compile(r"\((?:R|TM)\)|@.*|\b(?:CPU|Processor|\d+-Core)\b", re.IGNORECASE)


def describe() -> dict[str, str]:
    """Describe the processor, its cores, the day, the load at the start, and every version."""
    settings = {k: v for k, v in sorted(os.environ.items()) if k.startswith(STEERS)}
    return {
        **processor(Path("/proc/cpuinfo").read_text()),
        "cores": str(len(os.sched_getaffinity(0))),
        "date": datetime.date.today().isoformat(),
        "load average at the start": f"{os.getloadavg()[0]:.2f}",
        "system": platform.system(),
        "Python": platform.python_version(),
        **{package: _version(package) for package in PACKAGES},
        "environment": " ".join(f"{k}={v}" for k, v in settings.items()) or "nothing set",
    }


def processor(cpuinfo: str) -> dict[str, str]:
    """Read the processor's own name and its widest vectors."""
    lines = [line.partition(":") for line in cpuinfo.splitlines()]
    first = {key.strip(): value.strip() for key, _, value in reversed(lines)}
    flags = first.get("flags", first.get("Features", "")).split()
    return {
        "processor": first.get("model name", platform.machine()),
        "vectors": next((VECTORS[flag] for flag in VECTORS if flag in flags), "unknown vectors"),
    }


def kind(described: dict[str, str]) -> str:
    """Name the kind of processor: `AMD EPYC, AVX-512`."""
    name = " ".join(NOISE.sub(" ", described["processor"]).split())
    return f"{name}, {described['vectors']}"


def folder(kind: str) -> str:
    """Name the folder of its results: `amd-epyc-avx512`."""
    return re.sub(r"[^a-z0-9]+", "-", kind.lower().replace("avx-512", "avx512")).strip("-")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
