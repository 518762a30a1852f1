"""For teachers: the exercises, their grader, the variants, the broken passes, the pages."""

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import purenn as pn

ROOT = Path(__file__).parent.parent.parent
TEACHING = ROOT / "examples" / "teaching"
PAGES = ROOT / "docs" / "pages" / "teaching"
sys.path.insert(0, str(TEACHING))

import grade as grade_program  # noqa: E402
import variant as variant_program  # noqa: E402
from grading.rubric import BY_HAND, EXERCISES, rubric  # noqa: E402
from grading.sheet import key, numbers, sheet, student_file  # noqa: E402
from grading.worker import grade_here, load, mark  # noqa: E402

WILD = sorted(path.stem for path in (TEACHING / "wild").glob("*.py"))
BROKEN = sorted(path.stem for path in (TEACHING / "broken").glob("*.py"))


@pytest.fixture(autouse=True)
def quickly():
    """As in the grader's process: the programs run once, and compiling is most of the time."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


def graded(path, exercise, seed=0):
    result = grade_here(path, exercise, seed)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["total"] == sum(len(part.checks) for part in rubric(exercise).PARTS) > 0
    return result


def changed(tmp_path, exercise, old, new):
    """A solution with one mistake."""
    text = (TEACHING / "solutions" / f"{exercise}.py").read_text()
    assert text.count(old) == 1, (exercise, old)
    path = tmp_path / f"{exercise}.py"
    path.write_text(text.replace(old, new))
    return path


def test_each_exercise_has_its_files_and_its_rubric():
    for folder in ("exercises", "solutions"):
        assert {p.stem for p in (TEACHING / folder).glob("*.py")} == set(EXERCISES)
    rubrics = {p.stem for p in (TEACHING / "grading" / "rubric").glob("*.py")} - {"__init__"}
    assert rubrics == set(EXERCISES)
    page = (PAGES / "exercises.md").read_text()
    shown = re.findall(r"^ *examples/teaching/(\w+)/(\w+)\.py$", page, re.MULTILINE)
    assert shown == [(f, name) for name in EXERCISES for f in ("exercises", "solutions")]
    assert len(EXERCISES) == 12 and page.startswith("# Exercises\n\nTwelve files")


def test_each_broken_pass_is_on_its_page():
    page = (PAGES / "broken.md").read_text()
    assert len(BROKEN) == 10 and page.startswith("# Broken passes\n\nTen short files")
    assert sorted(re.findall(r'check\("(\w+)"\)', page)) == BROKEN == sorted(MENDED)
    assert sorted(re.findall(r"^examples/teaching/broken/(\w+).py$", page, re.M)) == BROKEN


def test_each_mistake_in_the_wild_is_on_its_page():
    page = (PAGES / "wild.md").read_text()
    assert f"Here are {len(WILD)} of them." in page
    assert sorted(re.findall(r'check\("(\w+)"\)', page)) == WILD
    assert sorted(re.findall(r"^examples/teaching/wild/(\w+).py$", page, re.M)) == WILD
    assert sorted(re.findall(r"^\| \[`(\w+)`\]\(#\1\) \| \[", page, re.M)) == WILD


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
    path.write_text(student_file(TEACHING / "solutions", exercise, seed))
    result = graded(path, exercise, seed)
    assert result["passed"] and result["points"] == result["total"], result
    for part in result["parts"]:
        marked = [check["name"] for check in part["checks"]]
        assert marked == list(rubric(exercise).PARTS[result["parts"].index(part)].checks)


AXIS, MISSING_M = "a sum without axis=0?", "the 1/m is missing (m = "


@pytest.mark.parametrize(
    ("exercise", "old", "new", "check", "message"),
    [
        ("neuron", "da * a * (1 - a)", "da", "dx", "elements differ"),
        ("activations", "return da * (z > 0)", "return da", "dz", "elements differ"),
        ("dense", "x.T @ dz", "dz.T @ x", "dw", "yours is the transpose"),
        ("dense", "dz.sum(axis=0)", "dz.sum()", "db", AXIS),
        ("dense", ", dz.sum(axis=0)", "", "db", "is missing"),
        ("bias", "dz.sum(axis=0)", "dz.mean(axis=0)", "db", "divided by m once too often (m = "),
        ("bias", "return 0.0", "return 1.0", "total", "is not what np.sum(dz) gives"),
        ("bias", "dZ.mean(", "dZ.sum(", "db", MISSING_M),
        ("mse", "/ predictions.size", "/ len(predictions)", "dpredictions", "instead of n = "),
        ("mse", "return (2 / m) / (2 / (m * k))", "return m", "ratio", "is not the ratio at m = "),
        ("mse", "/ (2 * len(a))", "/ len(a)", "loss", "a factor 2 too many or too few"),
        ("softmax_cross_entropy", "y) / len(z)", "y)", "dz", MISSING_M),
        ("softmax_cross_entropy", "softmax(z) - y", "y - softmax(z)", "dz", "the sign is wrong"),
        ("softmax_cross_entropy", "z - z.max(axis=1, keepdims=True)", "z", "a at 1000", "finite"),
        ("network", "dA1 * (Z1 > 0)", "dA1", "dZ1", "yours is dA1: two values swapped?"),
        ("network", "Y) / len(X)", "Y)", "dZ2", MISSING_M),
        ("network", '"dW1": X.T @ dZ1', '"dW1": dZ1.T @ X', "dW1", "yours is the transpose"),
        ("network", '"db1": dZ1.sum(axis=0)', '"db1": dZ1.sum()', "db1", AXIS),
        ("dropout", "dy * mask / (1 - rate)", "dy * mask", "dx", "× referee everywhere"),
        ("dropout", "return x\n", "return x * (1 - rate)\n", "y", "× referee everywhere"),
        ("batch_norm", " - through_mean", "", "dx", "elements differ"),
        ("optimizers", "+ (1 - beta) * g", "+ g", "w after 1 step", "elements differ"),
        ("optimizers", "np.sqrt(v_hat)", "np.sqrt(v)", "w after 1 step", "elements differ"),
        ("network_by_hand", "labels]) / 2", "labels])", "dZ2", MISSING_M),
        ("one_neuron_by_hand", "W1 - 0.1", "W1 + 0.1", "W1", "elements differ"),
    ],
)
def test_a_mistake_is_named(exercise, old, new, check, message, tmp_path):
    path, seed = changed(tmp_path, exercise, old, new), 0 if exercise in BY_HAND else 1
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


def run(*command, **options):
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": path}
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    return subprocess.run(command, env=env, capture_output=True, text=True, **options)


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
    command = [sys.executable, str(TEACHING / "grade.py"), str(path), "--seed", "5"]
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


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_variant_differs_by_its_seed_and_is_the_same_each_time(exercise):
    for folder in (TEACHING / "exercises", TEACHING / "solutions"):
        assert student_file(folder, exercise, 0) == (folder / f"{exercise}.py").read_text()
    if exercise not in BY_HAND:
        return
    versions = [json.dumps(numbers(exercise, seed)) for seed in range(20)]
    assert len(set(versions)) == 20
    assert versions == [json.dumps(numbers(exercise, seed)) for seed in range(20)]
    statement = sheet(TEACHING / "exercises", exercise, 3)
    assert statement.startswith("Seed 3\n") and "X = [[" in statement
    assert "BACKWARD" in key(exercise, 3) and key(exercise, 3) != key(exercise, 4)


@pytest.mark.parametrize("exercise", [name for name in EXERCISES if name not in BY_HAND])
def test_the_data_differ_by_the_seed(exercise):
    def shapes_and_sums(seed):
        leaves = jax.tree.leaves(rubric(exercise).data(seed))
        leaves = [leaf for leaf in leaves if isinstance(leaf, np.ndarray)]
        return [leaf.shape for leaf in leaves], [float(leaf.sum()) for leaf in leaves]

    every = [shapes_and_sums(seed) for seed in range(8)]
    assert every == [shapes_and_sums(seed) for seed in range(8)]
    assert len({str(shapes) for shapes, _ in every}) > 2
    assert len({str(sums) for _, sums in every}) == 8


@pytest.mark.parametrize("exercise", BY_HAND)
def test_answers_by_hand_may_be_rounded(exercise, tmp_path):
    path = tmp_path / "student.py"
    path.write_text(student_file(TEACHING / "solutions", exercise, 2))
    names, text = runpy.run_path(str(path)), ""
    for part in rubric(exercise).PARTS:
        mine = {name: np.round(v, 3).tolist() for name, v in names[part.name]().items()}
        text += f"def {part.name}():\n    return {mine}\n\n"
    path.write_text(text)
    assert graded(path, exercise, 2)["passed"]
    path.write_text(text.replace("0.", "0.1"))
    assert not graded(path, exercise, 2)["passed"]


def test_variant_writes_the_files(tmp_path, capsys):
    assert variant_program.command(["dense", "--seed", "4", "--output", str(tmp_path)]) == 0
    options = ["network_by_hand", "--seed", "4", "--output", str(tmp_path)]
    assert variant_program.command(options) == 0
    written = ["dense_4.py", "network_by_hand_4.py"]
    written += ["network_by_hand_4_key.txt", "network_by_hand_4_sheet.txt"]
    assert sorted(os.listdir(tmp_path)) == sorted(written)
    assert "SEED = 4\n" in (tmp_path / "dense_4.py").read_text()
    capsys.readouterr()
    assert variant_program.command(["denser"]) == 2
    assert "EXERCISE" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert variant_program.command(["dense", "--output", str(tmp_path / "file")]) == 2
    assert "--output must be a folder" in capsys.readouterr().err


# What is broken in each file, what the report says, and the line as it should be.
MENDED = {
    "grows_with_batch": ("dz", f"{MISSING_M}8)", "softmax(z) - y)", "softmax(z) - y) / len(z)"),
    "slows_with_batch": (
        "dw",
        "divided by m once too often (m = 8)",
        "x.T @ dz / m, dz.sum(axis=0) / m",
        "x.T @ dz, dz.sum(axis=0)",
    ),
    "square_layer": ("dw", "yours is the transpose", "dz.T @ x", "x.T @ dz"),
    "stuck_bias": ("db", AXIS, "np.sum(dz)", "np.sum(dz, axis=0)"),
    "uphill": ("dz", "the sign is wrong", "(y - softmax(z))", "(softmax(z) - y)"),
    "first_layer": ("dw1", "elements differ", "da1 * (z2 > 0)", "da1 * (z1 > 0)"),
    "softmax_output": (
        "dz",
        "24 of 24 elements differ",
        "da * a * (1 - a)",
        "a * (da - (da * a).sum(axis=1, keepdims=True))",
    ),
    "drifting_norm": (
        "dx",
        "24 of 24 elements differ",
        "(dx_hat - x_hat",
        "(dx_hat - dx_hat.mean(axis=0) - x_hat",
    ),
    "weak_dropout": (
        "dx",
        "yours = 0.6 × referee everywhere",
        "dy * mask",
        "dy * mask / (1 - rate)",
    ),
    "one_weight": ("dw", "1 of 15 elements differ; worst (0, 0): yours 0,", "range(1, ", "range("),
}


def broken(name):
    return runpy.run_path(str(TEACHING / "broken" / f"{name}.py"))


def report_of(names):
    return pn.check_gradients(names["forward"], names["backward"], *names["arguments"]())


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_backward_fails_in_the_right_words_and_passes_when_mended(name, tmp_path):
    leaf, message, old, new = MENDED[name]
    wrong = {line.name: line.message for line in report_of(broken(name)).leaves if not line.ok}
    assert message in wrong[leaf]
    text = (TEACHING / "broken" / f"{name}.py").read_text()
    assert "\nSymptom: " in text and text.count(old) == 1
    mended = tmp_path / "mended.py"
    mended.write_text(text.replace(old, new))
    assert report_of(runpy.run_path(str(mended))).ok


# The symptoms, as the files state them.


def descend(names, times, rate, steps):
    """The loss before and after steps on a batch that is `times` copies of one batch."""
    z, labels = names["arguments"]()
    x = np.random.default_rng(1).normal(size=(len(z), 1))
    w = np.zeros((1, z.shape[1]))
    x, labels = np.tile(x, (times, 1)), np.tile(labels, times)
    before = names["forward"](x @ w, labels)
    for _ in range(steps):
        w = w - rate * x.T @ names["backward"](x @ w, labels, 1.0)
    return before, names["forward"](x @ w, labels)


def test_symptoms_of_a_factor_and_a_sign():
    names = broken("grows_with_batch")
    before, after = descend(names, 1, 0.05, 100)
    assert after < before
    before, after = descend(names, 64, 0.05, 100)
    assert after > before
    names, losses = broken("slows_with_batch"), []
    x, w, b, labels = names["arguments"]()
    for times in (1, 2, 8):
        batch, many = np.tile(x, (times, 1)), np.tile(labels, times)
        _, dw, db = names["backward"](batch, w, b, many, 1.0)
        losses.append(names["forward"](batch, w - 0.1 * dw, b - 0.1 * db, many))
    assert sorted(losses) == losses and losses[-1] < names["forward"](x, w, b, labels)
    rises = []
    for rate in (1.0, 0.1, 0.01):
        before, after = descend(broken("uphill"), 1, rate, 1)
        rises.append(after - before)
    assert rises[0] > rises[1] > rises[2] > 0


def test_symptoms_of_a_layer():
    names = broken("square_layer")
    x, w, b = names["arguments"]()
    dz = np.random.default_rng(1).normal(size=x.shape)
    dx, dw, db = names["backward"](x, w, b, dz)
    assert [d.shape for d in (dx, dw, db)] == [x.shape, w.shape, b.shape]
    right = x.T @ dz
    assert np.sum(dw * right) < 0.9 * np.sum(right * right)
    names, head = broken("stuck_bias"), broken("uphill")
    x, w, b = names["arguments"]()
    _, _, db = names["backward"](x, w, b, head["backward"](x @ w + b, np.arange(8) % 3, 1.0))
    assert np.ndim(db) == 0 and abs(db) < 1e-12
    assert [line.ok for line in report_of(broken("first_layer")).leaves] == [False, False, True]
    names = broken("one_weight")
    x, w, b = names["arguments"]()
    assert names["backward"](x, w, b, np.ones((8, 3)))[1][0, 0] == 0


def test_symptoms_of_sums_and_of_the_dropout_rate():
    names = broken("softmax_output")
    (z,) = names["arguments"]()
    assert np.allclose(names["forward"](z + 3), names["forward"](z))
    assert np.abs(names["backward"](z, z**2).sum(axis=1)).min() > 1e-3
    names = broken("drifting_norm")
    x, gamma, beta = names["arguments"]()
    assert np.allclose(names["forward"](x + 3, gamma, beta), names["forward"](x, gamma, beta))
    dx, _, _ = names["backward"](x, gamma, beta, x**2)
    assert np.abs(dx.sum(axis=0)).min() > 1e-3
    names = broken("weak_dropout")
    x, mask, _ = names["arguments"]()
    for rate in (0.2, 0.4, 0.8):
        ratio = names["backward"](x, mask, rate, x)[mask] / names["forward"](x, mask, rate)[mask]
        assert np.allclose(ratio, 1 - rate)


# The pages' command lines, as they stand there.

COMMANDS = {
    "index": ["python examples/teaching/grade.py examples/teaching/exercises/dense.py"],
    "lesson": ["python examples/teaching/variant.py one_neuron_by_hand --seed 7"],
    "broken": ["python examples/teaching/broken/stuck_bias.py"],
    "grading": [
        "python examples/teaching/grade.py examples/teaching/solutions/neuron.py --seed 7",
        """for file in submissions/*.py; do
  python examples/teaching/grade.py "$file" --seed 7 \\
    --output "reports/$(basename "$file" .py).json" > /dev/null
done""",
        "python examples/teaching/variant.py network_by_hand --seed 7",
    ],
    "exercises": [],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_commands_are_those_of_the_page(name):
    text = (PAGES / f"{name}.md").read_text()
    assert re.findall(r"^```sh\n(.*?)\n```", text, re.DOTALL | re.MULTILINE) == COMMANDS[name]
    assert text.count("```sh") == len(COMMANDS[name])


@pytest.mark.parametrize("command", [line for lines in COMMANDS.values() for line in lines])
def test_the_command_lines_of_the_pages_run(command, tmp_path):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    handed_in = tmp_path / "submissions"
    handed_in.mkdir()
    for name, folder in (("ada", "solutions"), ("bob", "exercises")):
        (handed_in / f"{name}.py").write_text((TEACHING / folder / "neuron.py").read_text())
    done = run("bash", "-c", command, cwd=tmp_path)
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr, done.stderr
    assert "error: " not in done.stderr
    written = [*(tmp_path / "reports").glob("*.json"), *(tmp_path / "runs").rglob("*_7*")]
    for report in (path for path in written if path.suffix == ".json"):
        assert json.loads(report.read_text())["exercise"] == "neuron"
    assert done.stdout or written
    if "submissions/*.py" in command:
        assert sorted(path.stem for path in written) == ["ada", "bob"]
