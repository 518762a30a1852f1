"""The grader: what it says about each exercise, right, wrong, empty, and unable to run."""

import json
import os
import sys

import pytest
from teaching_files import (
    AXIS,
    MISSING_M,
    ROOT,
    TEACHING,
    graded,
    quickly,  # noqa: F401
    run,
)

# isort: split
import grade as grade_program  # found by teaching_files
from grading.rubric import DRAWN, EXERCISES, SEEDED, rubric
from grading.sheet import student_file
from grading.worker import load, mark
from keys import solution


def changed(tmp_path, exercise, old, new):
    """A solution with one mistake."""
    text = (TEACHING / "solutions" / f"{exercise}.py").read_text()
    assert text.count(old) == 1, (exercise, old)
    path = tmp_path / f"{exercise}.py"
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize("exercise", EXERCISES)
def test_an_exercise_is_graded_not_implemented_hole_by_hole(exercise):
    path = TEACHING / "exercises" / f"{exercise}.py"
    result = graded(path, exercise)
    names = [part.name for part in rubric(exercise).PARTS]
    assert result["not_implemented"] == names and result["points"] == 0 and not result["passed"]
    lines = path.read_text().splitlines()
    for part in result["parts"]:
        assert "raise NotImplementedError" in lines[part["line"] - 1]
        assert part["message"] == f"{part['part']} is not written yet"
    assert path.read_text().count("raise NotImplementedError") == len(names)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_solution_has_every_point(exercise, seed, tmp_path):
    path = tmp_path / "solution.py"
    drawn = exercise in DRAWN  # each seed has a solution of its own
    path.write_text(
        solution(seed) if drawn else student_file(TEACHING / "solutions", exercise, seed)
    )
    result = graded(path, exercise, seed)
    assert result["passed"] and result["points"] == result["total"], result
    for part in result["parts"]:
        marked = [check["name"] for check in part["checks"]]
        assert marked == list(rubric(exercise).PARTS[result["parts"].index(part)].checks)


@pytest.mark.parametrize(
    ("exercise", "old", "new", "check", "message"),
    [
        ("neuron", "da * a * (1 - a)", "da", "dx", "slope a (1 - a) is left out"),
        ("activations", "return da * (z > 0)", "return da", "dz", "the mask z > 0 is left out"),
        ("dense", "x.T @ dz", "dz.T @ x", "dw", "yours is the transpose"),
        ("dense", "dz.sum(axis=0)", "dz.sum()", "db", AXIS),
        ("dense", ", dz.sum(axis=0)", "", "db", "is missing"),
        ("bias", "dz.sum(axis=0)", "dz.mean(axis=0)", "db", "divided by m one time too many (m = "),
        ("bias", "return 0.0", "return 1.0", "total", "is not what np.sum(dz) gives"),
        ("bias", "dZ.mean(", "dZ.sum(", "db", MISSING_M),
        ("mse", "/ predictions.size", "/ len(predictions)", "dpredictions", "instead of n = "),
        ("mse", "return (2 / m) / (2 / (m * k))", "return m", "ratio", "is not the ratio at m = "),
        ("mse", "/ (2 * len(a))", "/ len(a)", "loss", "the 1/2 is missing"),
        ("softmax_cross_entropy", "y) / len(z)", "y)", "dz", MISSING_M),
        ("softmax_cross_entropy", "softmax(z) - y", "y - softmax(z)", "dz", "the sign is wrong"),
        ("softmax_cross_entropy", "z - z.max(axis=1, keepdims=True)", "z", "a at 1000", "finite"),
        ("network", "dA1 * (Z1 > 0)", "dA1", "dZ1", "the mask of ReLU is left out"),
        ("network", "Y) / len(X)", "Y)", "dZ2", MISSING_M),
        ("network", '"dW1": X.T @ dZ1', '"dW1": dZ1.T @ X', "dW1", "yours is the transpose"),
        ("network", '"db1": dZ1.sum(axis=0)', '"db1": dZ1.sum()', "db1", AXIS),
        ("dropout", "dy * mask / (1 - rate)", "dy * mask", "dx", "1 - rate is missing"),
        ("dropout", "return x\n", "return x * (1 - rate)\n", "y", "multiplied by 1 - rate"),
        ("batch_norm", " - through_mean", "", "dx", "through the mean is missing"),
        ("optimizers", "+ (1 - beta) * g", "+ g", "w after 4 steps", "(1 - beta) of g"),
        ("optimizers", "np.sqrt(v_hat)", "np.sqrt(v)", "w after 1 step", "correction of v"),
        ("own_function", "dz = da * (", "dz = (", "dw", "yours uses the slope alone as dz"),
        ("own_function", "dz.sum(axis=0)", "dz.sum()", "db", AXIS),
        ("network_by_hand", "labels]) / 2", "labels])", "dZ2", MISSING_M),
        ("one_neuron_by_hand", "W1 - 0.1", "W1 + 0.1", "W1", "the step goes uphill"),
    ],
)
def test_a_mistake_is_named(exercise, old, new, check, message, tmp_path):
    path, seed = changed(tmp_path, exercise, old, new), 0 if exercise in SEEDED else 1
    names, _ = load(path)
    marked = [mark(p, names, path, seed) for p in rubric(exercise).PARTS if check in p.checks]
    wrong = [part for part in marked if not part["passed"]]
    assert all(part["points"] < part["total"] and part["status"] == "wrong" for part in wrong)
    checks = [c for part in wrong for c in part["checks"] if not c["passed"]]
    assert any(c["name"] == check and message in c["message"] for c in checks), marked


def test_a_part_that_is_wrong_leaves_the_points_of_the_others(tmp_path):
    result = graded(changed(tmp_path, "dense", "x.T @ dz", "dz.T @ x"), "dense")
    assert (result["points"], result["total"]) == (2, 3)
    result = graded(changed(tmp_path, "dense", "x.T @ dz", "x.T @ dz, x"), "dense")
    (part,) = result["parts"]
    assert part["message"] == "ValueError: 4 values came back, expected 3: dx, dw, db"


@pytest.mark.parametrize(
    ("text", "status", "message", "line"),
    [
        ("def forward(:\n    pass", "syntax error", "invalid syntax", 1),
        ("x = 1\n", "missing", "the file has no function forward", None),
        ("forward = backward = 3\n", "missing", "the file has no function forward", None),
        ("import sys\nsys.exit(0)\n", "error", "sys.exit was called", 2),
        ("\n\n1 / 0\n", "error", "ZeroDivisionError: division by zero", 3),
        ("raise KeyboardInterrupt", "error", "KeyboardInterrupt", 1),
        (
            "def forward(x, w, b):\n    import sys\n    sys.exit(0)",
            "error",
            "sys.exit was called",
            3,
        ),
        ("def forward(x, w, b):\n    return forward(x, w, b)", "error", "RecursionError: ", 2),
        ("def forward(x, w):\n    return x", "error", "TypeError: forward() takes 2 ", None),
        ("def forward(x, w, b):\n    x[:] = 0\n    return None", "wrong", "", None),
        ("def forward(x, w, b):\n    return object()", "wrong", "", None),
        ("a = '\0'", "syntax error", "null bytes", None),
    ],
)
def test_a_file_that_does_not_run_is_a_clear_result(text, status, message, line, tmp_path):
    path = tmp_path / "student.py"
    path.write_text(text)
    part = graded(path, "neuron")["parts"][0]
    assert part["status"] == status and message in part["message"] and part["points"] == 0, part
    assert line is None or part["line"] == line


NASTY = """
import os
print("{ noise")
os.write(1, b"[ more noise")
EXERCISE = "activations"

def sigmoid_backward(a, da):
    while True:
        try:
            a = a + 1
        except BaseException:
            pass

def tanh_backward(a, da):
    os._exit(0)

def relu_backward(z, da):
    print("from relu")
    return da * (z > 0)
"""


def test_loops_crashes_and_prints_do_not_reach_the_grader(tmp_path):
    path, report = tmp_path / "nasty.py", tmp_path / "reports" / "nasty.json"
    path.write_text(NASTY)
    command = [sys.executable, str(TEACHING / "grade.py"), str(path), "--json", "--seed", "5"]
    done = run(*command, "--seconds", "3", "--output", str(report), cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    result = json.loads(done.stdout)
    assert json.loads(report.read_text()) == result
    loop, crash, right = result["parts"]
    assert loop["status"] == "too long" and "3 s" in loop["message"] and 8 <= loop["line"] <= 12
    assert crash["status"] == "error" and "the process ended" in crash["message"]
    assert right["passed"] and result["points"] == 1 and result["seed"] == 5
    assert "{ noise" in done.stderr and "[ more noise" in done.stderr
    assert "from relu" in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["nasty.py", "reports"]  # nothing else is left


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "FILE requires an argument"),
        (["nowhere.py"], "FILE must be a student's Python file"),
        ([str(TEACHING)], "FILE must be a student's Python file"),
        ([str(ROOT / "README.md")], "names no exercise"),
        (["dense.py", "--seed", "-1"], "--seed"),
        (["dense.py", "--seed", "1.5"], "--seed"),
        (["dense.py", "--seconds", "0"], "--seconds"),
        (["dense.py", "--exercise", "denser"], "--exercise must be one of"),
        (["dense.py", "--output", str(TEACHING)], "--output must be a file"),
        (["dense.py", "--sed", "1"], "--sed"),
    ],
)
def test_a_bad_call_names_the_argument(options, says, capsys, monkeypatch):
    monkeypatch.chdir(TEACHING / "exercises")
    assert grade_program.command(options) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.startswith("error: ") and says in shown.err


def test_the_text_has_a_line_for_each_value(tmp_path):
    path = changed(tmp_path, "dense", "x.T @ dz", "x.T @ dz / len(x)")
    done = run(sys.executable, TEACHING / "grade.py", path, "--seed", "7")
    assert done.returncode == 1, done.stderr
    result = graded(path, "dense", 7)
    (message,) = [c["message"] for c in result["parts"][0]["checks"] if not c["passed"]]
    lines = done.stdout.splitlines()
    assert lines[0] == f"dense, seed 7: {path}" and lines[-1] == "Points: 2 of 3"
    assert lines[2:6] == ["backward: 2 of 3", "  dx ✓", f"  dw ✗ {message}", "  db ✓"]
    assert "divided by m one time too many (m = " in message


def test_the_text_says_why_a_part_could_not_be_marked(tmp_path):
    path, report = TEACHING / "exercises" / "dense.py", tmp_path / "report.json"
    done = run(sys.executable, TEACHING / "grade.py", path, "--output", report)
    assert done.returncode == 1, done.stderr
    line = json.loads(report.read_text())["parts"][0]["line"]
    assert f"backward: 0 of 3\n  line {line}: backward is not written yet\n" in done.stdout
