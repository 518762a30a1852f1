"""The products of a dense layer: their numbers against purenn's, lights, keyboard and looks."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from widgets_page import agree, arithmetic, in_float64, look_faults, number, texts
from widgets_page import opened_widget as opened_widget
from widgets_page import press as press
from widgets_page import widget as widget

import purenn as pn

TITLES = {"z": "z = x w + b", "dw": "dw = xᵀ dz", "db": "db = Σ dz", "dx": "dx = dz wᵀ"}


def drawn(rng: np.random.Generator, m: int, n: int, k: int) -> dict[str, Any]:
    shapes = {"x": (m, n), "w": (n, k), "b": (k,), "dz": (m, k)}
    return {name: rng.normal(size=shape).round(2).tolist() for name, shape in shapes.items()}


def by_purenn(x: Any, w: Any, b: Any, dz: Any) -> dict[str, np.ndarray]:
    """The four products of purenn's dense layer in float64."""
    with in_float64():
        x, w, b, dz = (jnp.array(array, jnp.float64) for array in (x, w, b, dz))
        layer, params = pn.dense(w.shape[1]), pn.DenseParams(w=w, b=b)
        z, _, cache = layer.forward(params, (), x)
        dparams, dx = layer.backward(params, cache, dz)
        products = {"z": z, "dw": dparams.w, "db": dparams.b[None], "dx": dx}
        return {name: np.asarray(product) for name, product in products.items()}


def entries(tab: Any) -> list[list[str]]:
    """The entries of the result, row by row: what is read and the number in full."""
    return tab.evaluate(
        "() => [...document.querySelectorAll('.grid-cells > button')]"
        ".map((e) => [e.textContent, e.title])"
    )


def lit(tab: Any) -> list[float]:
    """The lighted numbers, in the order of the page."""
    cells = "() => [...document.querySelectorAll('[data-lit=yes]')].map((e) => e.value)"
    return [float(value) for value in tab.evaluate(cells)]


def judge(tab: Any, of: str, right: np.ndarray) -> None:
    for (shown, full), value in zip(entries(tab), right.ravel(), strict=True):
        agree(shown, float(full), value)


def test_every_number_is_purenn_s(opened_widget: Any) -> None:
    rng = np.random.default_rng(0)
    for shape in ((2, 3, 4), (4, 2, 1), (1, 6, 3)):
        numbers = drawn(rng, *shape)
        tab = opened_widget("product", **numbers)
        for of, right in by_purenn(**numbers).items():
            press(tab, TITLES[of])
            judge(tab, of, right)


def test_the_row_and_the_column_are_lighted_and_the_sum_is_written(opened_widget: Any) -> None:
    """Each entry by keyboard: Tab to the result once, then the arrow keys."""
    numbers = drawn(np.random.default_rng(1), 3, 2, 4)
    right = by_purenn(**numbers)
    x, w, dz = (np.array(numbers[name]) for name in ("x", "w", "dz"))
    sources = {
        "z": lambda i, j: [*x[i], *w[:, j], numbers["b"][j]],
        "dw": lambda i, j: [*x[:, i], *dz[:, j]],
        "db": lambda _, j: [*dz[:, j]],
        "dx": lambda i, j: [*dz[i], *w[j]],
    }
    tab = opened_widget("product", **numbers)
    for of, source in sources.items():
        press(tab, TITLES[of])
        tab.locator(".grid-cells > button").first.focus()
        rows, cols = right[of].shape
        for i in range(rows):
            for j in range(cols):
                np.testing.assert_allclose(sorted(lit(tab)), sorted(source(i, j)))
                names, line = texts(tab, ".says > span")
                place = f"[{j}]" if of == "db" else f"[{i}, {j}]"
                assert names.startswith(f"{of}{place} = ")
                worked_out, result = arithmetic(line)
                agree(line.split("=")[-1], worked_out, right[of][i, j])
                assert result == number(line.split("=")[-1])
                if j < cols - 1:
                    tab.keyboard.press("ArrowRight")
            tab.keyboard.press("ArrowDown")
            for _ in range(cols - 1):
                tab.keyboard.press("ArrowLeft")


def test_the_issue_s_entry(opened_widget: Any) -> None:
    numbers = {"x": [[1, 2], [3, -1]], "w": [[1, 0], [-1, 2]], "b": [1, -3]}
    tab = opened_widget("product", **numbers, dz=[[1, -1], [0, 2]], product="dw", entry=[1, 0])
    assert texts(tab, ".says > span") == [
        "dw[1, 0] = x[0, 1] · dz[0, 0] + x[1, 1] · dz[1, 0]",
        "= 2 · 1 + (−1) · 0 = 2",
    ]
    tab.get_by_role("button", name="dw[0, 1] = 5", exact=True).hover()
    assert texts(tab, ".says > span")[-1] == "= 1 · (−1) + 3 · 2 = 5"
    shapes = texts(tab, ".grid-name")
    assert shapes == ["xᵀ (2, 2)", "dz (2, 2)", "dw (2, 2)"]


def test_a_hidden_entry_is_shown_once_it_is_clicked(opened_widget: Any) -> None:
    numbers = drawn(np.random.default_rng(3), 3, 2, 4)
    right = by_purenn(**numbers)
    tab = opened_widget("product", **numbers, product="dw", hidden=True)
    assert entries(tab) == [["?", ""]] * 8
    entry = tab.locator(".grid-cells > button").nth(6)
    entry.hover()  # shows where it comes from
    sources = [*np.array(numbers["x"])[:, 1], *np.array(numbers["dz"])[:, 2]]
    np.testing.assert_allclose(sorted(lit(tab)), sorted(sources))
    assert texts(tab, ".says > span")[-1].endswith("= ?")
    assert entries(tab) == [["?", ""]] * 8
    entry.click()
    agree(entries(tab)[6][0], float(entries(tab)[6][1]), right["dw"][1, 2])
    assert [shown for shown, _ in entries(tab)].count("?") == 7
    worked_out, _ = arithmetic(texts(tab, ".says > span")[-1])
    np.testing.assert_allclose(worked_out, right["dw"][1, 2], atol=0.01)
    press(tab, TITLES["dx"])
    assert entries(tab) == [["?", ""]] * 6
    tab.locator(".grid-cells > button").first.focus()
    tab.keyboard.press("Enter")
    agree(entries(tab)[0][0], float(entries(tab)[0][1]), right["dx"][0, 0])
    press(tab, TITLES["dw"])  # what was clicked stays shown
    assert [shown for shown, _ in entries(tab)].count("?") == 7


def test_numbers_are_edited_where_they_stand(opened_widget: Any) -> None:
    """A number of a transposed matrix is the same number as before it was turned."""
    numbers = drawn(np.random.default_rng(2), 3, 2, 4)
    tab = opened_widget("product", **numbers)
    for of, field, value in (
        ("dw", "x[2, 0]", 1.25),
        ("dx", "w[1, 3]", -2.5),
        ("z", "b[1]", 4),
        ("db", "dz[0, 2]", 0.75),
    ):
        press(tab, TITLES[of])
        tab.get_by_role("spinbutton", name=field, exact=True).fill(str(value))
        name, _, place = field.rstrip("]").partition("[")
        *rows, last = (int(index) for index in place.split(", "))
        row = numbers[name][rows[0]] if rows else numbers[name]
        row[last] = value
        judge(tab, of, by_purenn(**numbers)[of])
    for of, right in by_purenn(**numbers).items():
        press(tab, TITLES[of])
        judge(tab, of, right)


def test_other_letters_and_fewer_products(opened_widget: Any) -> None:
    names = {"x": "A₁", "w": "W₂", "z": "Z₂"}
    tab = opened_widget("product", x=[[1, 2]], w=[[3], [4]], products=["dw", "dx"], names=names)
    buttons = texts(tab, ".controls button")
    assert buttons == ["dW₂ = A₁ᵀ dZ₂", "dA₁ = dZ₂ W₂ᵀ"]
    assert texts(tab, ".says > span")[0] == "dW₂[0, 0] = A₁[0, 0] · dZ₂[0, 0]"


def test_fewer_decimals_are_shown_than_are_computed_with(opened_widget: Any) -> None:
    """The numbers of the page on backpropagation: 1.322, where the rounded ones give 1.321."""
    numbers = {"x": [[1], [3]], "w": [[1]], "dz": [[-0.134471], [0.485344]]}
    tab = opened_widget("product", **numbers, products=["dw"], decimals=3)
    ((shown, full),) = entries(tab)
    assert shown == "1.322" and float(full) == -0.134471 + 3 * 0.485344
    fields = tab.locator(".grid-cells > input")
    assert [fields.nth(i).input_value() for i in range(4)] == ["1", "3", "-0.134", "0.485"]
    line = tab.locator(".says > span").last
    assert line.inner_text() == "= 1 · (−0.134) + 3 · 0.485 ≈ 1.322"
    for row, value in enumerate((-0.25, 0.5)):
        name = f"dz[{row}, 0]"
        tab.get_by_role("spinbutton", name=name, exact=True).fill(str(value))
    assert line.inner_text() == "= 1 · (−0.25) + 3 · 0.5 = 1.25"


def test_it_looks_right(opened_widget: Any) -> None:
    numbers = drawn(np.random.default_rng(3), 6, 6, 6)
    for of in TITLES:
        faults = look_faults(opened_widget("product", **numbers, product=of, entry=[0, 1]))
        assert not faults, "\n".join(faults)
