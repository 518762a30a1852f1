"""Standard mistakes in code: each has its words, in the letters of the exercise."""

import re
from inspect import signature

import numpy as np
import pytest
from teaching_files import TEACHING, quickly  # noqa: F401

# isort: split
from grading.known import name_of  # found by teaching_files
from grading.rubric import CARRIED, EXERCISES, SEEDED, rubric
from grading.words import for_students
from grading.worker import load, mark

TWICE = "the sigmoid is applied a second time: a is already its output"
TWICE_IN_CODE = "a = 1 / (1 + np.exp(-forward(x, w, b)))"
EVALUATION = """d = dy * gamma
    dx = (d - d.mean(0) - x_hat * (d * x_hat).mean(0)) / std
    return dx, (dy * x_hat).sum(0)"""

MISTAKES = [
    ("neuron", "np.exp(-", "np.exp(", "a", "the sign of z is lost"),
    ("neuron", "da * a * (1 - a)", "da", "dw", "the sigmoid's slope a (1 - a) is left out"),
    ("neuron", "da * a * (1 - a)", "da * a", "dx", "the factor (1 - a) is missing"),
    ("neuron", "da * a * (1 - a)", "a * (1 - a)", "db", "da is left out"),
    ("neuron", "a = forward(x, w, b)", TWICE_IN_CODE, "dx", TWICE),
    ("neuron", "a = forward(x, w, b)", TWICE_IN_CODE, "dw", TWICE),
    ("neuron", "a = forward(x, w, b)", TWICE_IN_CODE, "db", TWICE),
    ("activations", "da * a * (1 - a)", "da * a", "dz", "the factor (1 - a) is missing"),
    ("activations", "da * a * (1 - a)", "a * (1 - a)", "dz", "da is left out"),
    ("activations", "(1 - a**2)", "(1 - a) ** 2", "dz", "yours has (1 - a)² instead of 1 - a²"),
    ("activations", "(1 - a**2)", "(1 - a)", "dz", "the square in 1 - a² is missing"),
    ("activations", "(1 - a**2)", "a * (1 - a)", "dz", "yours has the sigmoid's slope a (1 - a)"),
    (
        "activations",
        "da * a * (1 - a)",
        "da * (s := 1 / (1 + 2.718281828459045**-a)) * (1 - s)",
        "dz",
        TWICE,
    ),
    ("activations", "(z > 0)", "(da > 0)", "dz", "the mask is taken from da > 0 instead of z > 0"),
    ("activations", "(z > 0)", "z * (z > 0)", "dz", "multiplied by z instead of by the slope"),
    ("activations", "da * (z > 0)", "1.0 * (z > 0)", "dz", "da is left out"),
    ("mse", "2 * (", "(", "dpredictions", "the factor 2 of the square's derivative is missing"),
    ("mse", "2 * (", "(2 * len(targets[0]) / 2) * (", "dpredictions", "divided by m instead of by"),
    ("mse", "/ (2 * len(a))", "/ a.size", "loss", "is the mean over all m·k elements"),
    ("mse", "/ (2 * len(a))", "/ 2", "loss", "the 1/m is missing"),
    ("softmax_cross_entropy", "sum(axis=1", "sum(axis=0", "a", "over the columns (axis=0)"),
    ("softmax_cross_entropy", "e / e.sum(axis=1, keepdims=True)", "e / e.sum()", "a", "all elem"),
    ("softmax_cross_entropy", "return -np.log", "return np.log", "loss", "the minus sign is miss"),
    ("softmax_cross_entropy", ".mean()", ".sum()", "loss", "a sum over the examples"),
    ("softmax_cross_entropy", "-np.log(", "-np.log10(", "loss", "a logarithm to base 10"),
    (
        *("softmax_cross_entropy", "(softmax(z) - y) / len(z)", "-y * (1 - softmax(z)) / len(z)"),
        *("dz", "taken as a (1 - a), so the other classes get nothing"),
    ),
    (
        *("softmax_cross_entropy", "(softmax(z) - y) / len(z)", "softmax(z) * (1 - softmax(z))"),
        *("dz", "yours is a (1 - a): where is y?"),
    ),
    ("softmax_cross_entropy", "softmax(z) - y", "softmax(z)", "dz", "y is not subtracted"),
    ("network", "dA1 * (Z1 > 0)", "dA1 * (dA1 > 0)", "dZ1", "taken from dA1 > 0 instead of Z1 > 0"),
    ("network", "dA1 * (Z1 > 0)", "dA1 * A1", "dZ1", "instead of by ReLU's slope"),
    ("network", "dA1 * (Z1 > 0)", "dA1", "dZ1", "the mask of ReLU is left out"),
    ("network", '"dW2": A1.T', '"dW2": Z1.T', "dW2", "layer 2 received A1, after ReLU"),
    ("network", "(A2 - Y) /", "-Y * (1 - A2) /", "dZ2", "the derivative of softmax is taken as a"),
    ("network", "np.maximum(Z1, 0)", "np.abs(Z1)", "A1", "the absolute value of Z1"),
    ("network", ' + params["b1"]', "", "Z1", "b1 is not added"),
    ("dropout", "return x * mask / (1 - rate)", "return x * mask", "y", "the division by 1 - rate"),
    ("dropout", "dy * mask / (1 - rate)", "dy * mask / rate", "dx", "divided by rate instead of"),
    ("dropout", "return x\n", "return x * (1 - rate)\n", "y", "in training, the division already"),
    ("batch_norm", " - through_mean", "", "dx", "the path through the mean is missing"),
    ("batch_norm", " - through_var", "", "dx", "the path through the variance is missing"),
    ("batch_norm", "(dx_hat - through_mean - through_var)", "dx_hat", "dx", "both depend on x"),
    (
        *("batch_norm", "return dy * gamma / std, (dy * x_hat).sum(0)", EVALUATION),
        *("dx", "the formula of training with the given mean and var"),
    ),
    ("optimizers", "m + (1 - beta) * g", "m + g", "w after 4 steps", "(1 - beta) of g is missing"),
    ("optimizers", "np.sqrt(v_hat)", "np.sqrt(v)", "w after 1 step", "the correction of v is miss"),
    ("optimizers", "np.sqrt(v_hat)", "v_hat", "w after 4 steps", "the square root of v is missing"),
    ("optimizers", "rate * m_hat", "rate * m", "w after 1 step", "the correction of m is missing"),
    ("optimizers", "* g**2", "* g", "w after 1 step", "v has g instead of g²"),
    ("optimizers", "* g**2", "* g", "w after 4 steps", "v has g instead of g²"),
    (
        *("optimizers", "v_hat = v /", "v -= (1 - beta2) * (g**2 - g); v_hat = np.abs(v) /"),
        *("w after 4 steps", "its absolute value only hides that"),
    ),
    ("optimizers", "* g**2", "* np.abs(g)", "w after 4 steps", "v has the absolute value of g"),
    ("optimizers", "epsilon), m, v", "epsilon), m_hat, v_hat", "w after 4 steps", "m and v are"),
    ("optimizers", "epsilon), m, v", "epsilon), m_hat, v", "w after 4 steps", "m is passed on"),
    ("optimizers", "epsilon), m, v", "epsilon), m, v_hat", "w after 4 steps", "v is passed on"),
]


def checks_of(exercise, text, tmp_path, seed=1):
    path = tmp_path / f"{exercise}.py"
    path.write_text(text)
    names, stopped = load(path)
    assert names is not None, stopped
    return [c for p in rubric(exercise).PARTS for c in mark(p, names, path, seed)["checks"]]


@pytest.mark.parametrize(("exercise", "old", "new", "check", "message"), MISTAKES)
def test_a_standard_mistake_has_words(exercise, old, new, check, message, tmp_path):
    text = (TEACHING / "solutions" / f"{exercise}.py").read_text()
    assert old in text
    checks = checks_of(exercise, text.replace(old, new), tmp_path)
    found = [c["message"] for c in checks if c["name"] == check and not c["passed"]]
    assert any(message in says for says in found), checks


def known(exercise):
    """The words of every mistake that this file's exercises know."""
    return [message for name, *_, message in MISTAKES if name == exercise]


@pytest.mark.parametrize("exercise", ["neuron", "activations", "mse", "softmax_cross_entropy"])
@pytest.mark.parametrize("seed", range(3))
def test_an_unrelated_error_in_code_gets_no_words(exercise, seed, tmp_path):
    text = (TEACHING / "solutions" / f"{exercise}.py").read_text()
    rng = np.random.default_rng(seed)
    noise = f"    got = np.asarray(got)\n    return got + {rng.uniform(0.1, 0.3)} * np.cos(got)\n"
    spoiled = re.sub(
        r"    return (.+)\n",
        lambda found: f"    got = {found[1]}\n{noise}",
        text.replace("return dz[:, None] * w, x.T @ dz, dz.sum()", "return None, x.T @ dz, None"),
    )
    spoiled = "import numpy as np\n" + spoiled
    if exercise == "neuron":
        spoiled = text.replace("x.T @ dz", "x.T @ dz + np.cos(x.T @ dz) / 5")
    checks = [c for c in checks_of(exercise, spoiled, tmp_path, seed) if not c["passed"]]
    assert checks
    for check in checks:
        assert not [words for words in known(exercise) if words in check["message"]], check


def test_what_is_right_too_has_no_name():
    mine = np.array([1.0, 2.0])
    mistakes = {"twice": lambda: 2 * mine, "the same": lambda: mine, "fails": lambda: 1 / "x"}
    assert name_of(mistakes, mine, mine + 1, 1e-9) == "the same"
    assert name_of(mistakes, mine, mine, 1e-9) == ""
    assert name_of(mistakes, mine + 0.5, mine, 1e-9) == ""


def test_one_number_is_not_everywhere(tmp_path):
    text = (TEACHING / "solutions/softmax_cross_entropy.py").read_text()
    spoiled = text.replace(".mean()\n", ".mean() * 0.93\n")
    (check,) = [c for c in checks_of("softmax_cross_entropy", spoiled, tmp_path) if not c["passed"]]
    says = re.fullmatch(r"yours is (\S+), the right value (\S+)", check["message"])
    assert says and np.isclose(float(says[1]) / float(says[2]), 0.93, atol=1e-4)
    text = (TEACHING / "solutions/neuron.py").read_text()
    checks = checks_of("neuron", text.replace("dz.sum()", "0.93 * dz.sum()"), tmp_path)
    says = re.fullmatch(r"yours is (\S+), the right value (\S+)", checks[-1]["message"])
    assert says and np.isclose(float(says[1]) / float(says[2]), 0.93, atol=1e-4)


@pytest.mark.parametrize(
    ("factor", "says"),
    [
        ("2", "yours is 2 times the right value: an extra factor of 2, or a missing one"),
        ("3", "yours is 3 times the right value"),
        ("1 / 9", "yours is 0.1111 times the right value"),
        ("-1", "yours is -1 times the right value: the sign is wrong"),
        (
            "-1 / 9",
            "yours is -0.1111 times the right value: the sign is wrong, and the size is 1/9",
        ),
        ("len(x)", "the 1/m is missing (m = "),
    ],
)
def test_a_usual_factor_of_one_number_has_words(factor, says, tmp_path):
    text = (TEACHING / "solutions/neuron.py").read_text()
    checks = checks_of("neuron", text.replace("dz.sum()", f"{factor} * dz.sum()"), tmp_path)
    assert says in checks[-1]["message"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("(softmax(z) - y) / len(z)", "(y - softmax(z)) / z.size", "divided by n = "),
        ("(softmax(z) - y) / len(z)", "(softmax(z) - y) / z.size", "divided by n = "),
        ("(softmax(z) - y) /", "(y - softmax(z)) / 9 /", "and the size is 1/9 of the right one"),
        ("(softmax(z) - y) /", "-0.37 * (softmax(z) - y) /", "wrong, and so is the size"),
    ],
)
def test_a_wrong_sign_does_not_hide_a_wrong_size(old, new, says, tmp_path):
    text = (TEACHING / "solutions/softmax_cross_entropy.py").read_text()
    checks = checks_of("softmax_cross_entropy", text.replace(old, new), tmp_path)
    assert says in checks[-1]["message"]
    assert ("the sign is wrong" in checks[-1]["message"]) == ("y - " in new or "-0.37" in new)


def test_a_zero_derivative_says_nothing_of_kinks(tmp_path):
    text = (TEACHING / "solutions/activations.py").read_text()
    checks = checks_of("activations", text.replace("da * (z > 0)", "0 * da"), tmp_path)
    assert checks[-1]["message"] == "is zero everywhere"
    checks = checks_of("activations", text.replace("da * (z > 0)", "da * (z > 1)"), tmp_path)
    assert "at a kink, such as (0, 0)" in checks[-1]["message"]


@pytest.mark.parametrize("exercise", ["dense", "bias"])
def test_a_sum_over_the_neurons_is_named(exercise, tmp_path):
    text = (TEACHING / "solutions" / f"{exercise}.py").read_text()
    checks = checks_of(exercise, text.replace("dz.sum(axis=0)", "dz.sum(axis=1)"), tmp_path)
    (says,) = [check["message"] for check in checks if not check["passed"]]
    assert re.fullmatch(r"shape \(\d,\), expected \(\d,\): summed over the neurons, axis=1\?", says)


def test_the_letters_are_those_of_the_exercise(tmp_path):
    text = (TEACHING / "solutions/activations.py").read_text()
    spoiled = text.replace("(1 - a**2)", "(1 - np.tanh(da) ** 2)").replace('"""\n', '"""\n', 1)
    for check in checks_of("activations", "import numpy as np\n" + spoiled, tmp_path):
        assert not re.search(r"\b(x|y|dy|dx|referee)\b", check["message"]), check
    says = for_students(
        "yours is the derivative at y instead of at x; with dy = 0: yours -0, referee 1e-05",
        letters={"x": "z", "y": "a", "dy": "da"},
    )
    assert says == (
        "yours is the derivative at a instead of at z; with da = 0: yours 0, right value 1e-05"
    )


@pytest.mark.parametrize("exercise", EXERCISES)
def test_no_report_speaks_of_a_referee_or_of_minus_zero(exercise, tmp_path):
    text = (TEACHING / "solutions" / f"{exercise}.py").read_text()
    spoiled = re.sub(r"    return (.+)\n", r"    return bent(\1)\n", text)
    bent = (
        "def bent(got):\n"
        "    if isinstance(got, dict):\n"
        "        return {name: bent(value) for name, value in got.items()}\n"
        "    if isinstance(got, tuple):\n"
        "        return tuple(bent(value) for value in got)\n"
        "    return got if got is None else -0.0 * np.asarray(got, float) - 1.5 * (got > 0.3)\n"
    )
    spoiled = re.sub(r"return bent\(\{\n(.*?)\n    \}", r"return bent({\n\1\n    })", spoiled)
    try:
        compile(spoiled, exercise, "exec")
    except SyntaxError:
        spoiled = text  # its dict has several lines
    seed = 0 if exercise in SEEDED else 1
    for check in checks_of(exercise, f"import numpy as np\n{spoiled}\n\n{bent}", tmp_path, seed):
        assert "referee" not in check["message"]
        assert not re.search(r"(?<![\w.])-0(?![\w.])", check["message"]), check


@pytest.mark.parametrize("exercise", CARRIED)
def test_each_mistake_of_a_value_is_computed_from_the_same_values(exercise):
    module = rubric(exercise)
    links = getattr(module, "LINKS", None) or {**module.FORWARD_LINKS, **module.BACKWARD_LINKS}
    for name, link in links.items():
        for words, wrong in link.mistakes.items():
            assert list(signature(wrong).parameters) == ["g", *link.sources], (name, words)
