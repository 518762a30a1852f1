"""The images and texts, read by no framework's own loader, so that all get the same."""

import gzip
from pathlib import Path

import numpy as np
from gpts import GPTS
from tasks import Task

DATA = Path(__file__).parents[2] / "examples" / "data"
MNIST = DATA / "mnist"


def forms(task: Task) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The examples in each dtype in which a step takes them, the smallest first, and the targets.

    Floats are bytes that were scaled before.
    """
    if task.gpt:
        x, y = pieces(task)
        return {"int32": x}, y
    if task.lstm:
        x, y = sequences(task)
        return {"float32": x}, y
    x, y = images(task)
    return {"uint8": x, "float32": x.astype(np.float32) / 255}, y


def pieces(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """As many pieces of text as there are examples, int32, and the same text a token later.

    They start at equal distances, and overlap where there are many. Characters that the vocabulary
    does not hold, the rarest ones, are its last token. Names come in a random order, each on a line
    of its own.
    """
    gpt = GPTS[task.gpt]
    text = (DATA / "text" / gpt.text).read_text()
    if gpt.micro:
        names = np.random.default_rng(0).permutation(text.split())
        text = "\n".join(names)
    found, tokens, counts = np.unique(list(text), return_inverse=True, return_counts=True)
    ranks = np.empty(len(found), np.int32)
    ranks[np.argsort(-counts, kind="stable")] = np.arange(len(found))
    tokens = np.minimum(ranks, gpt.vocabulary - 1)[tokens]
    starts = np.linspace(0, len(tokens) - gpt.length - 1, task.examples).astype(int)
    x = starts[:, None] + np.arange(gpt.length)
    return tokens[x], tokens[x + 1]


def sequences(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Made-up sequences, and a class at each step: which of the first ten features is largest."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(task.examples, task.length, task.inputs)).astype(np.float32)
    return x, x[..., :10].argmax(-1).astype(np.int32)


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
