"""Follow-through credit: a slip costs its own point, and what follows from it does not."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from teaching_files import TEACHING, graded, quickly  # noqa: F401

# isort: split
from grading.pencil import fitted  # found by teaching_files
from grading.readable import readable
from grading.rubric import BY_HAND, rubric
from grading.sheet import numbers, student_file

TOTAL = {"network_by_hand": 12, "one_neuron_by_hand": 10}


def key(part, name):
    return f"new_{name}" if part == "step" else name


def own_values(exercise, seed, changes):
    """Every value, with some changed, and the others computed from those."""
    given = {name: np.array(value) for name, value in numbers(exercise, seed).items()}
    own = {}
    for name, link in rubric(exercise).LINKS.items():
        value = np.asarray(link.formula({**given, **own}, **{s: own[s] for s in link.sources}))
        own[name] = changes.get(name, lambda value: value)(value)
    return own


def sheet_with(tmp_path, exercise, seed, own, shaped=lambda value: value, leave_out=()):
    """A student's file with these results to three decimals."""
    text = student_file(TEACHING / "exercises", exercise, seed).partition("\ndef ")[0]
    for part in rubric(exercise).PARTS:
        found = {
            name: shaped(np.round(own[key(part.name, name)], 3)).tolist()
            for name in part.checks
            if name not in leave_out
        }
        text += f"\n\ndef {part.name}():\n    return {found}\n"
    path = Path(tmp_path, "student.py")
    path.write_text(text)
    return graded(path, exercise, seed)


def checks_of(result):
    return {key(p["part"], c["name"]): c for p in result["parts"] for c in p["checks"]}


def slip(value):
    return value + 0.7 * (np.arange(value.size) == 0).reshape(value.shape)


@pytest.mark.parametrize("seed", [0, 7, 30])
@pytest.mark.parametrize("exercise", BY_HAND)
def test_one_slip_at_the_start_costs_one_point(exercise, seed, tmp_path):
    result = sheet_with(tmp_path, exercise, seed, own_values(exercise, seed, {"Z1": slip}))
    assert result["points"] <= 2 and result["points_carried"] == TOTAL[exercise] - 1
    checks = checks_of(result)
    assert not checks["Z1"]["carried"] and not checks["A1"]["passed"]
    assert checks["A1"]["message"] == "right from your Z1"
    assert sum(part["points_carried"] for part in result["parts"]) == result["points_carried"]
    lines = readable(result).splitlines()
    assert lines[-1] == (
        f"Points with follow-through credit: {TOTAL[exercise] - 1} of {TOTAL[exercise]}"
    )
    assert "  A1   (✓) right from your Z1" in lines


@pytest.mark.parametrize("exercise", BY_HAND)
def test_each_slip_costs_its_point(exercise, tmp_path):
    changes = {"Z1": slip, "dZ1": lambda value: value + 0.4}
    own = own_values(exercise, 7, changes)
    result = sheet_with(tmp_path, exercise, 7, own)
    assert result["points_carried"] == TOTAL[exercise] - 2
    assert checks_of(result)["dW1"]["message"] == "right from your dZ1"


@pytest.mark.parametrize("exercise", BY_HAND)
@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("db1", lambda value: value / 2, "what follows from your dZ1"),
        ("dW1", lambda value: -value, "what follows from your dZ1 everywhere: the sign is wrong"),
        ("dW1", slip, "1 of"),
        ("db1", lambda value: 0 * value, "is zero everywhere (compared with what follows from"),
    ],
)
def test_a_second_mistake_is_compared_with_what_follows_from_the_first(
    exercise, name, change, says, tmp_path
):
    own = own_values(exercise, 7, {"Z1": slip, name: change})
    check = checks_of(sheet_with(tmp_path, exercise, 7, own))[name]
    assert not check["carried"] and says in check["message"]
    assert "what follows from your dZ1" in check["message"]
    assert "right value" not in check["message"]
    if says == "what follows from your dZ1":
        assert "divided by m one time too many" in check["message"]
    alone = own_values(exercise, 7, {name: change})
    check = checks_of(sheet_with(tmp_path, exercise, 7, alone))[name]
    assert "follows" not in check["message"]


@pytest.mark.parametrize("exercise", BY_HAND)
def test_a_value_that_is_left_out_is_computed_from_those_before_it(exercise, tmp_path):
    own = own_values(exercise, 7, {"Z1": slip})
    result = sheet_with(tmp_path, exercise, 7, own, leave_out=["A1"])
    checks = checks_of(result)
    assert checks["A1"]["message"] == "is missing" and not checks["A1"]["carried"]
    assert result["points_carried"] == TOTAL[exercise] - 2
    after = "Z2" if exercise == "network_by_hand" else "loss"
    assert checks[after]["message"] == "right from your Z1"


@pytest.mark.parametrize("exercise", BY_HAND)
def test_zeros_and_noise_carry_nothing_forward(exercise, tmp_path):
    right = own_values(exercise, 7, {})
    zeros = {name: 0 * value for name, value in right.items()}
    assert sheet_with(tmp_path, exercise, 7, zeros)["points_carried"] <= 1
    rng = np.random.default_rng(1)
    noise = {name: value + rng.uniform(0.3, 0.6, value.shape) for name, value in right.items()}
    assert sheet_with(tmp_path, exercise, 7, noise)["points_carried"] == 0


@pytest.mark.parametrize("exercise", BY_HAND)
def test_right_numbers_with_other_brackets_count(exercise, tmp_path):
    own = own_values(exercise, 7, {})
    result = sheet_with(tmp_path, exercise, 7, own, lambda v: v.ravel() if v.ndim else v)
    assert result["points"] == TOTAL[exercise], result["parts"]
    assert "read as 2 × " in readable(result)
    result = sheet_with(tmp_path, exercise, 7, own, lambda v: np.asarray([v]))
    assert result["points"] == TOTAL[exercise], result["parts"]
    result = sheet_with(tmp_path, exercise, 7, own)
    assert "read as" not in readable(result)


def test_a_matrix_with_rows_and_columns_keeps_them():
    right = np.arange(6.0).reshape(2, 3)
    assert fitted(right.T, right)[1] == "" and fitted([1, 2], right) == ([1, 2], "")
    assert np.shape(fitted([1, 2, 3, 4, 5, 6], right)[0]) == (2, 3)
    assert fitted(None, right) == (None, "")


SLOPES = {
    "yours is dA1: the sigmoid's slope A1 (1 - A1) is left out": lambda g: g["dA1"],
    "yours is dA1 · A1: the factor (1 - A1) is missing": lambda g: g["dA1"] * g["A1"],
}


@pytest.mark.parametrize("seed", [0, 7, 30])
@pytest.mark.parametrize("says", SLOPES)
def test_a_standard_mistake_on_paper_has_words(says, seed, tmp_path):
    right = own_values("one_neuron_by_hand", seed, {})
    own = own_values("one_neuron_by_hand", seed, {"dZ1": lambda _: SLOPES[says](right)})
    checks = checks_of(sheet_with(tmp_path, "one_neuron_by_hand", seed, own))
    assert checks["dZ1"]["message"] == says and checks["dW1"]["carried"]


@pytest.mark.parametrize("seed", [0, 7, 30])
def test_a_mask_from_da_on_paper_has_words(seed, tmp_path):
    right = own_values("network_by_hand", seed, {})
    masked = right["dA1"] * (right["dA1"] > 0)
    if np.allclose(masked, right["dZ1"], atol=0.01):
        pytest.skip("both masks are the same on this sheet")
    own = own_values("network_by_hand", seed, {"dZ1": lambda _: masked})
    checks = checks_of(sheet_with(tmp_path, "network_by_hand", seed, own))
    assert checks["dZ1"]["message"] == "the mask is taken from dA1 > 0 instead of Z1 > 0"


def test_in_code_one_mistake_costs_one_point_of_the_second_count(tmp_path):
    text = (TEACHING / "solutions/network.py").read_text()
    path = tmp_path / "network.py"
    path.write_text(text.replace("- Y) / len(X)", "- Y)"))
    result = graded(path, "network", 3)
    assert (result["points"], result["points_carried"], result["total"]) == (4, 10, 11)
    assert checks_of(result)["dW1"]["message"] == "right from your dZ1"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("=1, keepdims", "=0, keepdims", "softmax is taken over the columns (axis=0)"),
        ("sum(axis=1, keepdims=True)", "sum(axis=0)", "the sum is over the columns (axis=0)"),
        ("sum(axis=1, keepdims=True)", "sum()", "the sum is over all elements"),
    ],
)
@pytest.mark.parametrize("seed", [0, 1, 7])
def test_a_mistake_in_softmax_costs_one_point_of_the_second_count(old, new, says, seed, tmp_path):
    text = (TEACHING / "solutions/softmax_cross_entropy.py").read_text()
    path = tmp_path / "softmax.py"
    path.write_text(text.replace(old, new))
    result = graded(path, "softmax_cross_entropy", seed)
    assert (result["points"], result["points_carried"], result["total"]) == (0, 3, 4), result
    checks = checks_of(result)
    assert says in checks["a"]["message"]
    assert checks["a at 1000"]["message"] == "right apart from the mistake in a"
    assert checks["loss"]["message"] == checks["dz"]["message"] == "right from your softmax"


def test_an_overflow_in_softmax_is_a_mistake_of_its_own(tmp_path):
    text = (TEACHING / "solutions/softmax_cross_entropy.py").read_text()
    path = tmp_path / "softmax.py"
    spoiled = text.replace("z - z.max(axis=1, keepdims=True)", "z")
    path.write_text(spoiled.replace("e / e.sum(axis=1, keepdims=True)", "e"))
    checks = checks_of(graded(path, "softmax_cross_entropy", 1))
    assert checks["a"]["message"] == "e^z is not divided by the sum over its row"
    assert "not finite" in checks["a at 1000"]["message"] and not checks["a at 1000"]["carried"]


@pytest.mark.parametrize("inline", [False, True])
def test_a_second_mistake_after_softmax_is_named(inline, tmp_path):
    """Also if the loss does not use the wrong softmax."""
    text = (TEACHING / "solutions/softmax_cross_entropy.py").read_text()
    if inline:
        text = text.replace("(softmax(z)", "(right(z)").replace("log(softmax", "log(right")
        text += "\n\ndef right(z):\n    e = np.exp(z)\n    return e / e.sum(1, keepdims=True)\n"
    spoiled = text.replace("e.sum(axis=1, keepdims=True", "e.sum(axis=0").replace(
        ".mean()", ".sum()"
    )
    path = tmp_path / "softmax.py"
    path.write_text(spoiled.replace("- y)", "+ 0 * y)"))
    checks = checks_of(graded(path, "softmax_cross_entropy", 1))
    assert checks["loss"]["message"] == "yours is a sum over the examples: the 1/m is missing"
    assert checks["dz"]["message"] == "y is not subtracted"
    assert not checks["loss"]["carried"] and not checks["dz"]["carried"]


def test_the_program_has_both_counts(tmp_path):
    own = own_values("one_neuron_by_hand", 7, {"Z1": slip})
    sheet_with(tmp_path, "one_neuron_by_hand", 7, own)
    command = [sys.executable, TEACHING / "grade.py", tmp_path / "student.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stdout.rstrip().endswith("Points with follow-through credit: 9 of 10")
