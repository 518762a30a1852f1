"""What XLA makes of a function for a device, by the text of the compiled program.

Estimates are XLA's own, and change with its version: compare programs of one version. Some
instructions have none. The body of a loop is estimated once, however often it runs.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jax.sharding import SingleDeviceSharding

CYCLES = re.compile(r'"estimated_cycles":"(\d+)"')
TIMES = re.compile(r'"reification_cost":(\[[^]]+\])')
# To a TPU, a matrix product is a convolution. On a GPU, some products are calls of a library.
PRODUCT = re.compile(r" (?:convolution|dot)\(|\"__(?:cudnn\$conv|cublas)")
WITHOUT_ESTIMATE = re.compile(r" (select-and-scatter|sort)\(|\"__cudnn\$conv")


class Program(NamedTuple):
    """A program compiled for one device.

    Attributes:
        estimate: cycles of a TPU; microseconds of a GPU.
        without_estimate: instructions that are not in it though they take time, and how many.
        temporaries: temporary memory, in bytes; jax 0.10 does not tell it and says 0.
        products: matrix products and convolutions.
        copies: how many times an array is copied, to change its layout.
    """

    estimate: float
    without_estimate: Counter[str]
    temporaries: int
    products: int
    copies: int


def compile_for(device: jax.Device, function: Callable[..., Any], *arguments: Any) -> Program:
    """Compile a function of arrays, or of their shapes, for one device."""
    lowered = jax.jit(function, in_shardings=SingleDeviceSharding(device)).lower(*arguments)
    gpu = device.platform != "tpu"
    compiled = lowered.compile({"xla_gpu_collect_cost_model_stats": True} if gpu else None)
    text = compiled.as_text()
    estimates = map(microseconds, TIMES.findall(text)) if gpu else map(int, CYCLES.findall(text))
    return Program(
        sum(estimates),
        Counter(name or "cuDNN" for name in WITHOUT_ESTIMATE.findall(text)),
        compiled.memory_analysis().temp_size_in_bytes,
        len(PRODUCT.findall(text)),
        len(re.findall(r" copy\(", text)),
    )


def microseconds(times: str) -> float:
    """Return the time of an instruction for a GPU, of which XLA has several models, as JSON.

    The one without a name divides arithmetic and memory by the GPU's speeds. It believes that what
    Triton computes once per tile is computed for every element: a norm inside, and it is seconds.
    The one by indexing knows about tiles. Of a matrix product it expects several times too much,
    since the sizes of tiles are not tuned without a GPU.
    """
    by_model = {model["name"]: model["exec_time_us"] for model in json.loads(times)}
    tiled = "indexing-cost-model" in by_model and "experimental-gemm-cost-model" not in by_model
    return by_model["indexing-cost-model" if tiled else ""]
