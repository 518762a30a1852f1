"""Mistakes of public projects, rebuilt in `examples/teaching/wild`: each is caught, and named."""

import runpy
from pathlib import Path

import pytest

import purenn as pn

pytestmark = pytest.mark.usefixtures("quickly", "one_referee")

WILD = Path(__file__).parents[2] / "examples" / "teaching" / "wild"
IS_RIGHT_AT_THE_END = "yours is right for dy[3] alone"
SAYS = {
    "broadcast": {"db": "shape (3, 4), expected (1, 4): not summed over axis=0?"},
    "copies_dy": {"dz": "yours is dy itself, without the derivative of y"},
    "cut": {"dscores": "is zero everywhere"},
    "diagonal": {
        "dz": "yours is y·(1 - y) times dy, as if softmax were elementwise; each y depends on "
        "every x of its row"
    },
    "first_dy_only": {
        "dz": "yours is the derivative of y.sum() times dy[0], one number for all of dy"
    },
    "ignored_labels": {"dz": "exactly those where the right derivative is 0. Is a mask left out?"},
    "log_softmax": {
        "dz": "with dy = 0 yours is not 0: something is added that dy does not multiply"
    },
    "mask_in_backward": dict.fromkeys(
        ["dq", "dk", "dv"],
        "backward has a mask that forward lacks: y[0] depends on k[1], but dy[0] does not count in "
        "dk[1]; " + IS_RIGHT_AT_THE_END,
    ),
    "mask_in_forward": dict.fromkeys(
        ["dq", "dk", "dv"],
        "backward lacks a mask that forward has: y[0] does not depend on k[1], but dy[0] counts in "
        "dk[1]; " + IS_RIGHT_AT_THE_END,
    ),
    "mean_for_sum": {
        "dz": "yours = 0.25 × referee everywhere: divided by m one time too many (m = 4)"
    },
    "mean_twice": {
        "dx": "yours is right where sum(dy·gamma, axis=-1) is 0: the term with it is missing, "
        "wrong, or counted twice"
    },
    "no_weight_derivative": {"dw": "is missing: got None"},
    "overhanging_window": {"dx": "dy[:, 2] counts 0.5 times as much as it should"},
    "repeated_token": {"dw": "dy[0] is ignored"},
    "residual_before_norm": dict.fromkeys(
        ["dx", "dresidual"], "dy[0] is treated as if it were dy[1]"
    ),
    "rotated_too_early": {
        "dx": "yours is right only where all elements of sin are equal: is something moved or "
        "summed before it is multiplied by sin, instead of after, or the other way around?"
    },
    "rows_to_the_first": dict.fromkeys(
        ["da", "db"], "yours at [0] is what belongs at [2]; yours is 0 at [1] and [2]"
    ),
    "scale_lost": dict.fromkeys(
        ["dq", "dk"], "yours = 1.732 × referee everywhere: is the scale 1/sqrt(d) missing (d = 3)?"
    ),
    "slope_at_dy": {"dx": "yours is the derivative at dy instead of at x"},
    "slope_at_y": {"dx": "yours is the derivative at y instead of at x"},
    "three_axes": {
        "dx": "yours is right where axis 1 of y has length 1: is there a sum or a mean over that "
        "axis that should not be there, or is one missing?"
    },
    "twice": {"dx": "yours = 2 × referee everywhere: an extra factor of 2, or a missing one"},
    "weight_twice": {
        "dx": "yours is right where w is 1: somewhere it is multiplied in one time too many"
    },
}


@pytest.mark.parametrize("path", sorted(WILD.glob("*.py")), ids=lambda path: path.stem)
def test_a_mistake_in_the_wild_is_caught_and_named(path):
    file = runpy.run_path(str(path))
    arguments = file["arguments"]()
    report = pn.check_gradients(file["forward"], file["backward"], *arguments)
    wrong = [leaf for leaf in report.leaves if not leaf.ok]
    says = {leaf.name: leaf.message.split(" elements differ: ")[-1] for leaf in wrong}
    assert says == SAYS[path.stem]
    report = pn.check_gradients(file["forward"], file["fixed"], *arguments)
    assert report.ok and report.leaves, report
