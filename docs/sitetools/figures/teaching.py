"""Figures of the pages for teachers: wrong derivatives beside the right ones, and the grader."""

import runpy
import sys
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from sitetools import ROOT
from sitetools.figures import marks
from sitetools.svg import DIVERGING

TEACHING = ROOT / "examples" / "teaching"
COLUMNS = ("backward", "right", "difference")


def both_of(file: str, place: int) -> tuple[Any, Any]:
    """What `backward` of a file returns for the argument at a place, and what is right."""
    names = runpy.run_path(str(TEACHING / f"{file}.py"))
    forward, arguments = names["forward"], names["arguments"]()
    y = np.asarray(forward(*arguments))
    dy = np.random.default_rng(1).normal(size=y.shape)
    found = names["backward"](*arguments, dy)
    yours = found[place] if isinstance(found, tuple) else found

    right = np.zeros(arguments[place].shape)
    for entry in np.ndindex(*right.shape):  # by central differences
        ends = []
        for step in (1e-5, -1e-5):
            moved = [np.array(argument) for argument in arguments]
            moved[place][entry] += step
            ends.append(np.sum(forward(*moved) * dy))
        right[entry] = (ends[0] - ends[1]) / 2e-5
    return np.asarray(yours), right


def side_by_side(chosen: dict[str, tuple[str, int]]) -> Figure:
    """A row per file: its derivative, the right one and the difference, on one scale of colors."""
    figure, grid = plt.subplots(len(chosen), 3, figsize=(4.4, 1.35 * len(chosen)))
    for row, (label, (file, place)) in zip(grid, chosen.items(), strict=True):
        yours, right = both_of(file, place)
        most = max(np.abs(yours).max(), np.abs(right).max())
        for axes, values in zip(row, (yours, right, yours - right), strict=True):
            axes.imshow(values, cmap=DIVERGING, vmin=-most, vmax=most, aspect="auto")
            axes.set(xticks=[], yticks=[])
            axes.grid(visible=False)
        row[0].set_ylabel(label)
    for axes, title in zip(grid[0], COLUMNS, strict=True):
        axes.set_title(title)
    return figure


def broken() -> Figure:
    """Four of the broken passes."""
    return side_by_side(
        {
            "transpose": ("broken/square_layer", 1),
            "one weight": ("broken/one_weight", 1),
            "a factor": ("broken/weak_dropout", 0),
            "a term": ("broken/softmax_output", 0),
        }
    )


def wild() -> Figure:
    """Four of the mistakes in the wild, each on a place or an axis."""
    return side_by_side(
        {
            "wrong row": ("wild/rows_to_the_first", 0),
            "last column": ("wild/overhanging_window", 0),
            "some rows": ("wild/ignored_labels", 0),
            "most rows": ("wild/mask_in_forward", 1),
        }
    )


def exercises() -> str:
    """Which part of a network each exercise is about, numbered in the order of the page."""
    sys.path.insert(0, str(TEACHING))
    from grading.rubric import EXERCISES

    middle, left, wide = 180, 65, 230

    def named(*names: str) -> list[str]:
        return [f"{EXERCISES.index(name) + 1}  {name}" for name in names]

    def stage(y: float, *names: str, fill: str = marks.PAPER) -> str:
        labels = named(*names)
        box = marks.box(left, y, wide, 12 + 20 * len(names), corner=6, fill=fill)
        lines = [marks.text(middle, y + 16 + 20 * i, label) for i, label in enumerate(labels)]
        return box + "".join(lines)

    def regions(x: float, y: float, width: float, height: float, *names: str) -> str:
        frame = marks.box(x, y, width, height, corner=10, color=marks.FAINT)
        return frame + marks.text(middle, y + 16, ",   ".join(named(*names)), size=14)

    parts = [
        regions(5, 5, 350, 398, "network_by_hand", "network"),
        regions(25, 66, 310, 166, "one_neuron_by_hand", "neuron"),
        marks.text(middle, 42, "examples X, labels Y"),
        stage(98, "dense", "bias"),
        stage(184, "activations"),
        stage(250, "dropout", "batch_norm"),
        stage(336, "mse", "softmax_cross_entropy"),
        stage(438, "optimizers"),
        marks.text(
            middle + 22, 421, "every gradient", anchor="start", color=marks.BACKWARD, size=14
        ),
        marks.arrow(middle, 404, middle, 437, color=marks.BACKWARD),
    ]
    for top, bottom in ((51, 65), (151, 183), (217, 249), (303, 335)):
        parts.append(marks.arrow(middle - 12, top, middle - 12, bottom, color=marks.FORWARD))
        if top > 51:
            parts.append(marks.arrow(middle + 12, bottom, middle + 12, top, color=marks.BACKWARD))
    return marks.svg(360, 480, *parts)


def grading() -> str:
    """From a student's file to its report."""
    middle, parts = 180, []
    steps = (
        (30, "dense.py", "the student's file, with its seed"),
        (115, "a separate process", "time limit per function"),
        (200, "data drawn from the seed", "widths, batch size, values, dy"),
        (340, "report", "points and explanations"),
    )
    for y, above, below in steps:
        parts.append(marks.box(middle - 135, y - 25, 270, 50, corner=6))
        parts.append(marks.text(middle, y - 10, above, size=15))
        parts.append(marks.text(middle, y + 11, below, size=13))
    for start, end in ((55, 90), (140, 175)):
        parts.append(marks.arrow(middle, start, middle, end))
    for x, words in ((90, "student's backward"), (270, "referee")):
        parts.append(marks.arrow(x, 225, x, 255))
        parts.append(marks.text(x, 270, words, size=13))
        parts.append(marks.arrow(x, 284, x, 315))
    return marks.svg(360, 370, *parts)
