"""How each exercise is marked, one file an exercise, in the order in which they are set."""

from importlib import import_module
from types import ModuleType

EXERCISES = (
    "one_neuron_by_hand",
    "neuron",
    "activations",
    "dense",
    "bias",
    "mse",
    "softmax_cross_entropy",
    "network_by_hand",
    "network",
    "dropout",
    "batch_norm",
    "optimizers",
    "own_function",
)

BY_HAND = ("one_neuron_by_hand", "network_by_hand")  # with pencil and paper
DRAWN = ("own_function",)  # the seed decides what is asked
SEEDED = (*BY_HAND, *DRAWN)  # each file has a seed of its own, and what belongs to it
CARRIED = (*BY_HAND, "network")  # marked a second time, with errors carried forward


def rubric(exercise: str) -> ModuleType:
    """The module that marks an exercise: its `PARTS`, and for one by hand its `numbers`."""
    return import_module(f"grading.rubric.{exercise}")
