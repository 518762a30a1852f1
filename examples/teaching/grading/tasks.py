"""What the printed sheets ask for, in words and formulas."""

from typing import NamedTuple


class Task(NamedTuple):
    """The words of one sheet. Its numbers and the shapes of its boxes come from the rubric."""

    title: str
    says: str
    given: dict[str, str]  # what each given value is
    parts: dict[str, str]  # the heading of each part
    formulas: dict[str, dict[str, str]]  # of each part; the student finds the others


TASKS = {
    "one_neuron_by_hand": Task(
        title="One neuron",
        says="A neuron with a sigmoid predicts `Y` from `X`. Each row is an example. The loss is "
        "the mean of the two squared errors.",
        given={
            "X": "examples",
            "W1": "weights",
            "b1": "bias",
            "Y": "targets",
        },
        parts={
            "forward": "Forward: compute the loss",
            "backward": "Backward: use the chain rule",
            "step": "One step of gradient descent, with a learning rate of 0.1",
        },
        formulas={
            "forward": {
                "Z1": "X W1 + b1",
                "A1": "1 / (1 + e<sup>−Z1</sup>)",
                "loss": "½ Σ (A1 − Y)²",
            },
            "backward": {"dA1": "A1 − Y"},
            "step": {
                "W1": "W1 − 0.1 dW1",
                "b1": "b1 − 0.1 db1",
                "loss": "½ Σ (A1 − Y)² with the new W1 and b1",
            },
        },
    ),
    "network_by_hand": Task(
        title="A network with two layers",
        says="A network with three hidden units (ReLU) and two outputs (softmax) classifies two "
        "examples, the rows of `X`. In row <i>i</i> of `Y`, the column of label <i>i</i> is 1, and "
        "the other is 0. Columns are counted from 0. The loss is the mean cross-entropy.",
        given={
            "X": "examples",
            "W1": "weights, layer 1",
            "b1": "biases, layer 1",
            "W2": "weights, layer 2",
            "b2": "biases, layer 2",
            "labels": "for each row",
        },
        parts={
            "forward": "Forward: compute the loss",
            "backward": "Backward: use the chain rule",
        },
        formulas={
            "forward": {
                "Z1": "X W1 + b1",
                "A1": "max(Z1, 0)",
                "Z2": "A1 W2 + b2",
                "A2": "softmax(Z2), row by row",
                "loss": "−½ Σ<sub><i>i</i></sub> ln A2[<i>i</i>, label<sub><i>i</i></sub>]",
            },
            "backward": {"dZ2": "(A2 − Y) / 2"},
        },
    ),
}
