"""The broken passes: each is reported in the right words, has its symptom, and can be fixed."""

import runpy

import numpy as np
import pytest
from teaching_files import AXIS, BROKEN, MISSING_M, TEACHING, quickly  # noqa: F401

import purenn as pn

# What is broken in each file, what the report says, and the line as it should be.
FIXED = {
    "grows_with_batch": ("dz", f"{MISSING_M}8)", "softmax(z) - y)", "softmax(z) - y) / len(z)"),
    "slows_with_batch": (
        "dw",
        "divided by m one time too many (m = 8)",
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
def test_a_broken_backward_fails_in_the_right_words_and_passes_when_fixed(name, tmp_path):
    leaf, message, old, new = FIXED[name]
    wrong = {line.name: line.message for line in report_of(broken(name)).leaves if not line.ok}
    assert message in wrong[leaf]
    text = (TEACHING / "broken" / f"{name}.py").read_text()
    assert "\nSymptom: " in text and text.count(old) == 1
    fixed = tmp_path / "fixed.py"
    fixed.write_text(text.replace(old, new))
    assert report_of(runpy.run_path(str(fixed))).ok


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
