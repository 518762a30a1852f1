"""Convolution in motion: its numbers against purenn's, the window, the controls, the looks."""

import itertools
from typing import Any

import jax.numpy as jnp
import numpy as np
from widgets_page import agree, arithmetic, in_float64, look_faults, press, texts
from widgets_page import opened_widget as opened_widget
from widgets_page import widget as widget

import purenn as pn

TABS = {"z": "Forward: z", "dw": "Backward: dw", "dx": "Backward: dx"}
COURSE = {
    "x": [[1, 0, 2, 1], [3, 1, 0, 2], [0, 2, 1, 1], [1, 0, 3, 0]],
    "w": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "dz": [[1, -1], [2, 3]],
}


def by_purenn(x: Any, w: Any, dz: Any, stride: int, padding: int | str) -> dict[str, np.ndarray]:
    """z, dw and dx of purenn's layer in float64, for one image with one channel."""
    pad = padding if padding == "SAME" else ((int(padding),) * 2,) * 2
    with in_float64():
        x, w, dz = (jnp.array(array, jnp.float64) for array in (x, w, dz))
        layer = pn.conv2d(1, w.shape, strides=(stride, stride), padding=pad)
        params = pn.Conv2dParams(w=w[:, :, None, None], b=jnp.zeros(1))
        z, _, cache = layer.forward(params, (), x[None, :, :, None])
        dparams, dx = layer.backward(params, cache, dz[None, :, :, None])
        return {
            "z": np.asarray(z[0, :, :, 0]),
            "dw": np.asarray(dparams.w[:, :, 0, 0]),
            "dx": np.asarray(dx[0, :, :, 0]),
        }


def fields(tab: Any, name: str) -> np.ndarray:
    """A matrix as it stands in the fields of the page."""
    found = tab.evaluate(
        "() => [...document.querySelectorAll('.grid-cells > input')]"
        ".map((e) => [e.ariaLabel, e.value])"
    )
    found = {label: float(value) for label, value in found if label.startswith(name + "[")}
    size = round(len(found) ** 0.5)
    return np.array([[found[f"{name}[{r}, {c}]"] for c in range(size)] for r in range(size)])


def results(tab: Any) -> list[list[str]]:
    return tab.evaluate(
        "() => [...document.querySelectorAll('.grid-cells > button')]"
        ".map((e) => [e.textContent, e.title])"
    )


def judge(tab: Any, right: np.ndarray) -> None:
    for (shown, full), value in zip(results(tab), right.ravel(), strict=True):
        agree(shown, float(full), value)


def test_every_number_is_purenn_s(opened_widget: Any) -> None:
    """Sizes, kernels, strides and paddings, chosen on the page; the numbers are those it shows."""
    combinations = list(itertools.product((3, 4, 5, 6, 7), (2, 3), (1, 2), ("0", "1", "SAME")))
    rng = np.random.default_rng(0)
    chosen = [combinations[i] for i in rng.choice(len(combinations), 12, replace=False)]
    x, w = rng.normal(size=(7, 7)).round(2), rng.normal(size=(3, 3)).round(2)
    tab = opened_widget("convolution", x=x.tolist(), w=w.tolist())
    for size, kernel, stride, padding in [*chosen, (7, 3, 2, "SAME"), (6, 2, 2, "1")]:
        for label, value in zip(
            ("image", "kernel", "stride", "padding"), (size, kernel, stride, padding), strict=True
        ):
            tab.locator("label", has_text=label).locator("select").select_option(str(value))
        press(tab, TABS["dw"])
        dz = fields(tab, "dz")
        press(tab, TABS["z"])
        x, w = fields(tab, "x"), fields(tab, "w")
        assert (len(x), len(w)) == (size, kernel)
        assert len(np.unique(x)) > 2
        right = by_purenn(x, w, dz, stride, padding)
        assert dz.shape == right["z"].shape
        for mode, button in TABS.items():
            press(tab, button)
            judge(tab, right[mode])


def test_the_window_moves_and_the_sum_is_written(opened_widget: Any) -> None:
    """Step by step by keyboard, in each mode, with gaps and padding: the sum of each place."""
    for change in ({}, {"stride": 2, "padding": 1}, {"stride": 2, "padding": "SAME"}):
        settings = COURSE | {"stride": 1, "padding": 0} | change
        x, w = settings["x"], settings["w"]
        tab = opened_widget("convolution", **settings)
        dz = np.array(settings["dz"])
        right = by_purenn(x, w, dz, settings["stride"], settings["padding"])
        for mode, button in TABS.items():
            press(tab, button)
            for count, value in enumerate(right[mode].ravel()):
                if count:
                    press(tab, "Step")
                place = tuple(int(i) for i in np.unravel_index(count, right[mode].shape))
                name, line = texts(tab, ".says > span")
                assert name.startswith(f"{mode}[{place[0]}, {place[1]}] = Σ")
                if "no numbers" not in line:
                    agree(line.split("=")[-1], arithmetic(line)[0], value)
                else:
                    assert value == 0
                meet = tab.locator("[data-lit=yes]").count()
                assert meet == 2 * (line.count("·")), line
                chosen = tab.locator(".grid-cells > button[data-chosen]").get_attribute(
                    "aria-label"
                )
                assert chosen.startswith(f"{mode}[{place[0]}, {place[1]}]")
            assert not tab.get_by_role("button", name="Step", exact=True).is_enabled()
            press(tab, "Step back")


def test_the_formula_that_is_written_names_the_right_pixels(opened_widget: Any) -> None:
    """The indices in the sentence, worked out, give the same sum: the course's formulas."""
    settings = COURSE | {"stride": 2, "padding": 1}
    matrices = {name: np.array(settings[name]) for name in ("x", "w", "dz")}
    tab = opened_widget("convolution", **settings)
    for button in TABS.values():
        press(tab, button)
        for entry in tab.locator(".grid-cells > button").all():
            entry.focus()
            total = value_of(texts(tab, ".says > span")[0], matrices)
            assert total == float(entry.get_attribute("title"))


def value_of(formula: str, matrices: dict[str, np.ndarray]) -> float:
    """The value of "dx[0, 1] = Σ dz[(1 − k) / 2, (2 − l) / 2] · w[k, l]", zero outside."""
    first, second = formula.replace("−", "-").split("Σ")[1].split("·")
    letters = ("i", "j") if second.strip().startswith("dz") else ("k", "l")
    total = 0.0
    over = matrices[second.strip().split("[")[0]]
    for place in np.ndindex(over.shape):
        known = dict(zip(letters, place, strict=True))
        name, indices = first.strip().rstrip("]").split("[")
        indices = indices.replace("2i", "2*i").replace("2j", "2*j")
        at = [eval(index, {}, known) for index in indices.split(",")]
        matrix = matrices[name]
        if all(k == int(k) and 0 <= k < n for k, n in zip(at, matrix.shape, strict=True)):
            total += matrix[int(at[0]), int(at[1])] * over[place]
    return total


def test_numbers_are_edited_and_shuffled(opened_widget: Any) -> None:
    tab = opened_widget("convolution", **COURSE, mode="dx")
    tab.get_by_role("spinbutton", name="w[0, 1]", exact=True).fill("2.5")
    tab.get_by_role("spinbutton", name="dz[1, 0]", exact=True).fill("-0.5")
    w, dz = np.array(COURSE["w"], float), np.array(COURSE["dz"], float)
    w[0, 1], dz[1, 0] = 2.5, -0.5
    judge(tab, by_purenn(COURSE["x"], w, dz, 1, 0)["dx"])
    press(tab, "New numbers")
    assert not np.array_equal(fields(tab, "w"), w)
    other, dz = fields(tab, "w"), fields(tab, "dz")
    judge(tab, by_purenn(COURSE["x"], other, dz, 1, 0)["dx"])


def test_it_plays_to_the_end_and_stops(opened_widget: Any) -> None:
    tab = opened_widget("convolution", timers=False, **COURSE)
    chosen = lambda: tab.locator("[data-chosen]").get_attribute("aria-label")  # noqa: E731
    press(tab, "Play")
    tab.clock.run_for(1000)
    assert chosen().startswith("z[0, 1]")
    press(tab, "Pause")
    tab.clock.run_for(5000)
    assert chosen().startswith("z[0, 1]")
    press(tab, "Play")
    tab.clock.run_for(5000)
    assert chosen().startswith("z[1, 1]")
    assert tab.get_by_role("button", name="Play", exact=True).is_visible()


def test_it_looks_right(opened_widget: Any) -> None:
    for mode in TABS:
        settings = {"size": 7, "kernel": 3, "stride": 2, "padding": "SAME", "mode": mode}
        faults = look_faults(opened_widget("convolution", **settings))
        assert not faults, "\n".join(faults)
