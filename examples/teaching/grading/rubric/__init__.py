"""How each exercise is graded, one file per exercise, in the order in which they are assigned."""

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
DRAWN = ("own_function",)  # the seed determines what is asked
SEEDED = (*BY_HAND, *DRAWN)  # each file has its own seed, and what belongs to it
# Graded a second time, with follow-through credit.
CARRIED = (*BY_HAND, "softmax_cross_entropy", "network")


def rubric(exercise: str) -> ModuleType:
    """The module that grades an exercise: its `PARTS`, and for one by hand its `numbers`."""
    return import_module(f"grading.rubric.{exercise}")
