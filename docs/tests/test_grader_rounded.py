"""Mistakes on rounded sheets and in float32: a factor has its name, other errors do not get one."""

import re

import numpy as np
import pytest
from teaching_files import AXIS, MISSING_M, TEACHING

# isort: split
from grading.paper import answers  # found by teaching_files
from grading.part import derivatives
from grading.rubric import rubric
from grading.rubric.dense import data
from grading.worker import mark

SEEDS = (0, 7, 30)
TOO_MANY = "divided by m one time too many (m = "
NAMED = re.compile(
    r"× the right value|times the right|transpose|a sum without|swapped|instead|left out"
)


def on_paper(exercise, seed, part, name, change):
    """What the grader says of one value that is changed and then rounded to three decimals."""
    right = answers(exercise, seed)[part]
    mine = {key: np.asarray(value) for key, value in right.items()}
    mine[name] = np.asarray(change(mine[name]))
    rounded = {key: np.round(value, 3).tolist() for key, value in mine.items()}
    (wanted,) = [p for p in rubric(exercise).PARTS if p.name == part]
    found = mark(wanted, {part: lambda: rounded}, TEACHING / "sheet.py", seed)
    checks = {check["name"]: check for check in found["checks"]}
    # What follows is computed from this value; the right one does not follow from a wrong one.
    assert all(check["passed"] for key, check in checks.items() if key != name), checks
    assert not checks[name]["passed"]
    return checks[name]["message"]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: 2 * d, MISSING_M),
        (lambda d: d / 2, TOO_MANY),
        (lambda d: -d, "the sign is wrong"),
        (lambda d: -2 * d, "the sign is wrong, and the 1/m is missing"),
        (lambda d: d.T, "yours is the transpose"),
    ],
)
def test_a_mistake_in_a_rounded_matrix_is_named(change, says, seed):
    for name in ("dW1", "dW2"):
        assert says in on_paper("network_by_hand", seed, "backward", name, change)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rounded_mean_or_sum_is_named(seed):
    for exercise, name in (("network_by_hand", "db1"), ("one_neuron_by_hand", "db1")):
        assert TOO_MANY in on_paper(exercise, seed, "backward", name, lambda d: d / 2)
        assert MISSING_M in on_paper(exercise, seed, "backward", name, lambda d: 2 * d)
    assert AXIS in on_paper("network_by_hand", seed, "backward", "db1", np.sum)
    for exercise in ("network_by_hand", "one_neuron_by_hand"):
        assert MISSING_M in on_paper(exercise, seed, "forward", "loss", lambda loss: 2 * loss)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_unrelated_error_on_paper_gets_no_name(seed):
    rng = np.random.default_rng(seed)
    for name in ("dW1", "dW2", "dA1"):
        for change in (
            lambda d: d + rng.uniform(0.05, 0.2, d.shape),  # a term too many
            lambda d: d * rng.uniform(1.5, 2.5, d.shape),  # a factor that is not the same
            lambda d: d + 0.3 * (np.arange(d.size) == 1).reshape(d.shape),  # one slip
        ):
            message = on_paper("network_by_hand", seed, "backward", name, change)
            assert "elements differ" in message and not NAMED.search(message), (name, message)


def by_code(change, precision):
    """What the grader says of `dense` whose results are changed, and then made less precise."""

    def backward(x, w, b, dz):
        right = {"dx": dz @ w.T, "dw": x.T @ dz, "db": dz.sum(axis=0)}
        return tuple(precision(value) for value in {**right, **change(right, x, dz)}.values())

    checks = derivatives(("dx", "dw", "db"), lambda x, w, b: x @ w + b, backward, *data(3))
    return {check.name: check.message for check in checks}


def decimals(values):
    return np.round(values, 3)


@pytest.mark.parametrize("precision", [np.float32, decimals])
def test_a_mistake_in_less_precise_code_is_named(precision):
    m = len(data(3)[0])
    says = by_code(lambda d, x, dz: {"dw": m * d["dw"], "db": dz.mean(axis=0)}, precision)
    assert f"{MISSING_M}{m})" in says["dw"] and f"{TOO_MANY}{m})" in says["db"]
    says = by_code(lambda d, x, dz: {"dx": -d["dx"], "dw": d["dw"].T, "db": dz.sum()}, precision)
    assert "the sign is wrong" in says["dx"] and "transpose" in says["dw"] and AXIS in says["db"]


@pytest.mark.parametrize("precision", [np.float32, decimals])
def test_an_unrelated_error_in_less_precise_code_gets_no_name(precision):
    rng = np.random.default_rng(1)
    says = by_code(lambda d, x, dz: {"dw": d["dw"] + rng.normal(size=d["dw"].shape)}, precision)
    assert "elements differ" in says["dw"] and not NAMED.search(says["dw"])


def test_right_but_rounded_code_is_told_so():
    says = by_code(lambda d, x, dz: {}, decimals)
    assert all("right to 3 decimals: is it rounded?" in message for message in says.values()), says
