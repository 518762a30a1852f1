"""`dropout` and `overfit`: their numbers are purenn's and NumPy's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.polynomial import legendre
from tabs import PATIENCE
from widgets_page import widget as widget

import purenn as pn

UNITS = [1.5, 0.5, 2.0, 1.0]


def test_dropout_s_outputs_are_purenn_s(widget):
    tab = widget("dropout", x=UNITS, rate=0.4)
    x, total = np.array(UNITS), np.zeros(4)
    ones, _ = pn.dropout(0.4).apply((), (), jnp.ones((1, 99)), train=True, key=jax.random.key(0))
    factor = float(ones.max())  # what purenn multiplies the units by that are left
    seen = set()
    for draws in range(1, 31):
        y = np.array(tab.row("y"))
        mask = y != 0
        seen.add(tuple(mask.tolist()))
        np.testing.assert_allclose(y, np.where(mask, factor * x, 0), rtol=1e-5)
        total += y
        assert tab.number("draws") == draws
        assert tab.number("units left") == mask.sum()
        np.testing.assert_allclose(tab.row("mean"), total / draws, rtol=1e-4)
        apart = np.sqrt(np.mean((total / draws - x) ** 2))
        assert tab.number("mean is off by") == pytest.approx(apart, rel=1e-4)
        expected = np.sqrt(0.4 / 0.6 / draws * np.mean(x**2))
        assert tab.number("expected: about") == pytest.approx(expected, rel=1e-4)
        tab.button("Draw a mask").click()
    assert len(seen) > 8
    assert tab.number("factor 1/(1 − rate) =") == pytest.approx(1 / 0.6)


def test_the_mean_over_the_masks_is_the_input(widget):
    tab = widget("dropout")
    tab.button("Keep drawing").click()
    tab.button("Keep drawing").wait_for(timeout=PATIENCE)
    assert tab.number("draws") == 200
    expected = tab.number("expected: about")
    assert tab.number("mean is off by") < 2 * expected < 0.25
    masks = np.array(
        tab.tab.evaluate(
            """async (address) => {
                const next = (await import(address)).masksFrom(3);
                return Array.from({ length: 2000 }, () => next(8, 0.3));
            }""",
            f"{tab.server}assets/widgets/dropout-model.js",
        )
    )
    assert abs(masks.mean() - 0.7) < 0.015
    assert np.abs(np.corrcoef(masks.T) - np.eye(8)).max() < 0.1
    tab.slide("Rate", "Home")
    assert tab.row("y") == tab.row("x")


def points_of(tab, seed):
    return np.array(
        tab.call("overfit-model", "pointsOf", {"count": 12, "noise": 0.25, "seed": seed})
    )


def fitted(points, degree, penalty):
    """The coefficients by NumPy: rows below the points' own are the penalty's."""
    basis = legendre.legvander(points[:, 0], degree)
    rows = np.concatenate([basis, np.sqrt(penalty) * np.eye(degree + 1)])
    targets = np.concatenate([points[:, 1], np.zeros(degree + 1)])
    return np.linalg.lstsq(rows, targets, rcond=None)[0]


def errors(coefficients, *samples):
    return [np.mean((legendre.legval(p[:, 0], coefficients) - p[:, 1]) ** 2) for p in samples]


def read_errors(tab):
    return [tab.number("error on the training points"), tab.number("error on the held-out points")]


def test_the_fit_s_errors_are_numpy_s(widget):
    tab = widget("overfit")
    train, held = points_of(tab, 3), points_of(tab, 4)
    for degree, penalty, presses in ((3, 0.0, 0), (9, 0.0, 0), (10, 1e-4, 1), (10, 0.05, 87)):
        tab.slide("Degree", "Home")
        tab.slide("Degree", "ArrowRight", degree)
        tab.slide("Penalty λ", "Home")
        tab.slide("Penalty λ", "ArrowRight", presses)
        assert tab.number_of_slider("Penalty λ") == penalty
        wanted = errors(fitted(train, degree, penalty), train, held)
        assert read_errors(tab) == pytest.approx(wanted, rel=1e-4)
        found = tab.call("overfit-model", "fit", train.tolist(), degree, penalty)
        np.testing.assert_allclose(found, fitted(train, degree, penalty), rtol=1e-6, atol=1e-9)


def test_a_high_degree_overfits(widget):
    tab = widget("overfit")
    low = read_errors(tab)
    tab.slide("Degree", "End")
    high = read_errors(tab)
    assert high[0] < 1e-10 < low[0] and high[1] > 10 * low[1]
    assert "Overfitting" in tab.says()
    tab.slide("Degree", "Home")
    assert "Underfitting" in tab.says()
    before = read_errors(tab)
    tab.drag("Point 4", 0, -40)
    assert read_errors(tab)[0] != before[0]
    tab.slide("Point 5", "ArrowDown", 2)
    tab.button("Start again").click()
    assert read_errors(tab) == pytest.approx(low)


@pytest.mark.parametrize("name", ["dropout", "overfit"])
def test_it_looks_well(widget, name):
    assert not widget(name).looks()
