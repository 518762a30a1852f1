"""The images, read by no framework's own loader, so that all get the same."""

import gzip
from pathlib import Path

import numpy as np
from tasks import Task

MNIST = Path(__file__).parents[2] / "examples" / "data" / "mnist"


def images(task: Task, part: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """Images of "train" or "t10k" as they are, uint8 in the task's shape, and int32 labels."""
    x = _bytes(f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, *task.in_shape)
    y = _bytes(f"{part}-labels-idx1-ubyte.gz", 8).astype(np.int32)
    return x[: task.examples].copy(), y[: task.examples]


def _bytes(name: str, header: int) -> np.ndarray:
    with gzip.open(MNIST / name, "rb") as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def batches_of(order: np.ndarray, task: Task) -> np.ndarray:
    """The rows of each step's batch, from a permutation of the examples."""
    return order[: task.steps * task.batch].reshape(task.steps, task.batch)
