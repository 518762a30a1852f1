"""What a contestant is given to do, and what it answers."""

from itertools import pairwise
from typing import Any, NamedTuple

from gpts import GPTS

LEARNING_RATE = 1e-3  # Adam's, wherever images are learned
WARM_UP = 4  # pieces of work that are not counted
MOST_EPOCHS = 30  # after which who has not reached the accuracy has failed


class Task(NamedTuple):
    """A network, its batches, and how many steps make one piece of work.

    Attributes:
        hidden: units of the dense layers before the last.
        cnn: two convolutions of 3×3, 32 and 64 filters, come first, each with relu and a max pool.
        inputs: of a dense network; 784 means the images of MNIST.
        batch: examples a step.
        examples: how many of the 60,000 training images take part, the first ones.
        steps: optimizer steps of one piece of work.
        networks: how many are trained.
        accuracy: of the test set, where training stops at one.
        convolution: the one layer of a row that is about a convolution: "depthwise", "grouped" or
            "transposed".
        gpt: the network of a row that is about text, "nanogpt" or "microgpt".
        length: of the sequences, in rows that are about one operation or one layer.
        lstm: the layers before the last are LSTMs, and `inputs` the features of their sequences.
    """

    hidden: tuple[int, ...] = (128,)
    cnn: bool = False
    inputs: int = 784
    batch: int = 128
    examples: int = 60_000
    steps: int = 468
    networks: int = 1
    accuracy: float = 0.99
    convolution: str = ""
    gpt: str = ""
    length: int = 0
    lstm: bool = False

    @property
    def in_shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return (28, 28, 1) if self.cnn else (self.inputs,)

    @property
    def products(self) -> list[tuple[int, int, int]]:
        """Each layer as a matrix product: rows, what is summed over, columns."""
        if self.gpt:
            return GPTS[self.gpt].products(self.batch)
        if self.lstm:
            rows, (units,) = self.batch * self.length, self.hidden
            of_gates = [(rows, n, 4 * units) for n in (self.inputs, units)]
            return [*of_gates, (rows, units, 10)]
        b, inputs = self.batch, self.inputs
        convolutions = [(b * 28 * 28, 9, 32), (b * 14 * 14, 9 * 32, 64)] if self.cnn else []
        widths = (7 * 7 * 64 if self.cnn else inputs, *self.hidden, 10)
        return convolutions + [(b, n, m) for n, m in pairwise(widths)]

    @property
    def flops(self) -> int:
        """Of one piece of work: the products of y, dw and, but for dx of images, dx."""
        y = [2 * m * k * n for m, k, n in self.products]
        return (3 * sum(y) - (0 if self.gpt else y[0])) * self.steps * self.networks


class Done(NamedTuple):
    """One piece of work, done and waited for.

    Attributes:
        losses: of its steps, or their mean.
        start: steps that this network had behind it.
        steps: how many were done.
        seconds: where not the whole call is what is asked for.
        temporaries: bytes, from XLA's memory analysis.
        epochs: how many it took, where that is not given.
        note: what the contestant found best for itself.
    """

    losses: Any = ()
    start: int = 0
    steps: int = 1
    seconds: float | None = None
    temporaries: int | None = None
    epochs: int | None = None
    note: str = ""
