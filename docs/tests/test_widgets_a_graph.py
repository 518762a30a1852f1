"""The graph that is stepped: its numbers against jax.grad, its words, controls and looks."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tabs import painted
from visits import DESKTOP
from widgets_page import (
    PLAIN,
    agree,
    arithmetic,
    in_float64,
    load,
    look_faults,
    opened_widget,  # noqa: F401
    page_with,
    press,
    texts,
    widget,  # noqa: F401
)

COURSE = {
    "steps": ["u = x * w", "v = u + b", "r = max(v, c)", "L = x * r"],
    "values": {"x": 2, "w": 3, "b": -1, "c": 4},
}
NORMALIZED = {
    "steps": [
        "mu = mean(x1, x2, x3)",
        "v = mean((x1 - mu)^2, (x2 - mu)^2, (x3 - mu)^2)",
        "s = sqrt(v + 0.00001)",
        *(f"xhat{i} = (x{i} - mu) / s" for i in (1, 2, 3)),
    ],
    "values": {"x1": 1, "x2": 3, "x3": 5},
    "seeds": {"xhat1": 2, "xhat2": 0, "xhat3": -2},
}
GRAPHS = {
    "course": COURSE,
    "neuron": {
        "steps": ["z = x1 * w1 + x2 * w2 + b", "a = sigmoid(z)", "L = (a - t)^2"],
        "values": dict.fromkeys(["x1", "x2", "w1", "w2", "b", "t"], 1),
    },
    "two units": {
        "steps": [
            "z1 = x * w1 + b1",
            "z2 = x * w2 + b2",
            "a1 = relu(z1)",
            "a2 = tanh(z2)",
            "y = a1 * v1 + a2 * v2",
            "L = (y - t)^2 / 2",
        ],
        "values": dict.fromkeys(["x", "w1", "w2", "b1", "b2", "v1", "v2", "t"], 1),
        "whole": ["z1", "z2", "y", "L"],
    },
    "batch norm, split": NORMALIZED,
    "batch norm, whole": NORMALIZED | {"whole": ["v", "s", "xhat1", "xhat2", "xhat3"]},
    "every operation": {
        "steps": [
            "p = exp(-x) + log(square(y) + 1)",
            "q = sqrt(p * p + 2) / (x - 7 * y * 0.5)",
            "r = sum(q, tanh(p), relu(y), 3)",
            "L = mean(r, max(q, x), sigmoid(-y)) - r * x",
        ],
        "values": {"x": 1, "y": 1},
    },
}
GRAPHS["every operation, whole"] = GRAPHS["every operation"] | {"whole": ["p", "q", "r", "L"]}
FUNCTIONS = {
    "max": jnp.maximum,
    "relu": jax.nn.relu,
    "sigmoid": jax.nn.sigmoid,
    "mean": lambda *xs: sum(xs) / len(xs),
    "sum": lambda *xs: sum(xs),
} | {name: getattr(jnp, name) for name in ("exp", "log", "tanh", "sqrt", "square")}


def by_jax(
    steps: list[str], values: dict[str, float], seeds: dict[str, float] | None = None, **_: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Every named number, and the slope of the loss when it alone is nudged."""
    statements = [tuple(part.strip() for part in step.split("=")) for step in steps]
    seeds = seeds or {statements[-1][0]: 1.0}

    def loss(nudges: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        known = {name: value + nudges[name] for name, value in values.items()}
        for name, expression in statements:
            result = eval(expression.replace("^", "**"), dict(FUNCTIONS), known)
            known[name] = result + nudges[name]
        return sum(seed * known[name] for name, seed in seeds.items()), known

    with in_float64():
        none = dict.fromkeys([*values, *(name for name, _ in statements)], 0.0)
        slopes, known = jax.grad(loss, has_aux=True)(none)
        return jax.device_get(known), jax.device_get(slopes)


def boxes(tab: Any) -> dict[str, dict[str, Any]]:
    """What stands in each box; names as in the statements."""
    greek = str.maketrans({"μ": "mu"} | dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True)))
    found = {}
    for box in tab.evaluate(BOXES):
        name = box.pop("title").split(" = ")[0].translate(greek).replace("\u0302", "hat")
        found[name] = box
    return found


BOXES = """() => [...document.querySelectorAll(".graph-box")].map((box) => {
    const plain = PLAIN;
    const read = (kind) => {
        const span = box.querySelector(`.${kind}`), field = span.querySelector("input");
        return field ? [field.value, field.value] : [span.textContent, span.title];
    };
    const title = plain(box.querySelector("b"));
    return {title, value: read("value"), d: read("derivative")};
})""".replace("PLAIN", PLAIN)


def lines(tab: Any) -> list[str]:
    return texts(tab, ".says > span")


def drawn_values(settings: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """The same graph at random numbers."""
    draw = lambda names: {name: round(float(rng.normal()), 3) for name in names}  # noqa: E731
    return settings | {
        kind: draw(settings[kind]) for kind in ("values", "seeds") if kind in settings
    }


def judge(tab: Any, settings: dict[str, Any]) -> None:
    """Every value and derivative on the page is JAX's."""
    values, slopes = by_jax(**settings)
    found = boxes(tab)
    assert set(values) <= set(found)
    for name, right in values.items():
        shown, full = found[name]["value"]
        agree(shown, float(full), right)
        shown, full = found[name]["d"]
        agree(shown, float(full), slopes[name])


@pytest.mark.parametrize("name", GRAPHS)
def test_every_number_is_jax_s(name: str, opened_widget: Any) -> None:  # noqa: F811
    rng = np.random.default_rng(0)
    for _ in range(3):
        settings = drawn_values(GRAPHS[name], rng)
        judge(opened_widget("graph", **settings, at="end"), settings)


@pytest.mark.parametrize("name", GRAPHS)
def test_each_rule_that_is_shown_works_out(name: str, opened_widget: Any) -> None:  # noqa: F811
    """Step by step by keyboard: the arithmetic of each line gives the number at its end."""
    tab = opened_widget("graph", **GRAPHS[name])
    step, count = tab.get_by_role("button", name="Step", exact=True), 0
    while step.is_enabled():
        press(tab, "Step")
        for line in lines(tab):
            if sides := arithmetic(line):
                assert sides[0] == pytest.approx(sides[1], rel=5e-3, abs=5e-3), line
                assert (sides[0] == pytest.approx(sides[1], abs=1e-9)) == ("≈" not in line), line
                count += 1
    assert count > len(GRAPHS[name]["steps"])
    judge(tab, GRAPHS[name])


def test_the_course_s_example_is_told_as_the_page_tells_it(opened_widget: Any) -> None:  # noqa: F811
    tab = opened_widget("graph", **COURSE)
    told, numbers = [], []
    assert all(box["d"][0] == "" for box in boxes(tab).values())
    for _ in range(10):
        press(tab, "Step")
        numbers += texts(tab, ".says > small")
        told += [*texts(tab, ".says > strong"), *lines(tab)]
    last = len(numbers)
    assert last == 6 and numbers == [f"Backward, step {i} of {last}" for i in range(1, last + 1)]
    story = "\n".join(told)
    for expected in (
        "u = x · w = 2 · 3 = 6",
        "r = max(v, c) = max(5, 4) = 5",
        "L: Multiplication: each factor's derivative is dL times the other factor\n"
        "dx via L = dL · r = 1 · 5 = 5\ndr = dL · x = 1 · 2 = 2",
        "r: A maximum routes dr to the larger input: v > c\ndv = dr = 2\ndc = 0",
        "v: An add copies dv to every term\ndu = dv = 2\ndb = dv = 2",
        "dx via u = du · w = 2 · 3 = 6\ndw = du · x = 2 · 2 = 4",
        "x is used twice, and a copy adds the derivatives\ndx = dx via u + dx via L = 6 + 5 = 11",
    ):
        assert expected in story, story
    press(tab, "Step back")
    assert boxes(tab)["x"]["d"][0] == "6 + 5"
    assert tab.locator(".graph-board text").all_text_contents() == ["6", "5"]
    press(tab, "Step back")
    assert boxes(tab)["x"]["d"][0] == "5 + …"


def test_numbers_are_edited_and_reset(opened_widget: Any) -> None:  # noqa: F811
    tab = opened_widget("graph", **NORMALIZED, at="end")
    changed = {"values": {"x1": -0.5, "x2": 3, "x3": 5}}
    changed["seeds"] = NORMALIZED["seeds"] | {"xhat2": 1.5}
    tab.get_by_role("spinbutton", name="x₁", exact=True).fill("-0.5")
    tab.get_by_role("spinbutton", name="dx̂₂", exact=True).fill("1.5")
    judge(tab, NORMALIZED | changed)
    press(tab, "Reset")
    assert all(box["d"][1] == "" for name, box in boxes(tab).items() if "hat" not in name)
    for _ in range(40):
        if tab.get_by_role("button", name="Step", exact=True).is_enabled():
            press(tab, "Step")
    judge(tab, NORMALIZED)


def test_a_step_of_descent_moves_the_leaves(opened_widget: Any) -> None:  # noqa: F811
    leaves, rate = ["w1", "w2", "b"], 0.5
    values = {"x1": 1, "x2": 2, "w1": 0.5, "w2": -1, "b": 1.5, "t": 1}
    settings = {"steps": GRAPHS["neuron"]["steps"], "values": values}
    descend = {"leaves": leaves, "rate": rate}
    tab = opened_widget("graph", **settings, descend=descend, at="end")
    _, slopes = by_jax(**settings)
    press(tab, "Gradient step")
    after = values | {name: values[name] - rate * float(slopes[name]) for name in leaves}
    found = boxes(tab)
    for name in leaves:
        agree(found[name]["value"][0], float(found[name]["value"][0]), after[name])
    assert found["w1"]["d"][0] == "", "the derivatives are those of the old numbers"
    while tab.get_by_role("button", name="Step", exact=True).is_enabled():
        press(tab, "Step")
    judge(tab, settings | {"values": after})


def test_a_fixed_leaf_has_no_derivative(opened_widget: Any) -> None:  # noqa: F811
    tab = opened_widget("graph", **COURSE, fixed=["x", "c"], at="end")
    derivatives = {name: box["d"][0] for name, box in boxes(tab).items()}
    assert derivatives == {
        "x": "",
        "c": "",
        "w": "4",
        "b": "2",
        "u": "2",
        "v": "2",
        "r": "2",
        "L": "1",
    }
    labels = opened_widget("graph", **COURSE, labels={"u": "the product"})
    assert "u = the product" in labels.locator(".graph-board").inner_text()


def test_both_passes_play_and_pause(opened_widget: Any) -> None:  # noqa: F811
    tab = opened_widget("graph", timers=False, **COURSE)
    press(tab, "Forward")
    assert boxes(tab)["u"]["value"][0] == "6"
    assert boxes(tab)["v"]["value"][0] == ""
    tab.clock.run_for(1200)
    assert boxes(tab)["v"]["value"][0] == "5"
    press(tab, "Pause")
    tab.clock.run_for(10_000)
    assert boxes(tab)["r"]["value"][0] == ""
    press(tab, "Backward")
    assert boxes(tab)["L"]["value"][0] == "10", "what is missing of the forward pass is computed"
    tab.clock.run_for(10_000)
    judge(tab, COURSE)
    assert tab.get_by_role("button", name="Pause").count() == 0


def overlapping(tab: Any) -> bool:
    """Whether a box covers a part of another, once the letters are there."""
    tab.evaluate("document.fonts.ready.then(() => null)")
    painted(tab)
    rectangles = tab.evaluate(
        "() => [...document.querySelectorAll('.graph-box')].map((e) => {"
        " const b = e.getBoundingClientRect(); return [b.x, b.y, b.right, b.bottom]; })"
    )
    return any(
        left < other_right and x < right and top < other_bottom and y < bottom
        for i, (left, top, right, bottom) in enumerate(rectangles)
        for x, y, other_right, other_bottom in rectangles[:i]
    )


def test_boxes_do_not_overlap(opened_widget: Any) -> None:  # noqa: F811
    for settings in GRAPHS.values():
        tab = opened_widget("graph", **settings)
        for width in (1280, 390):
            tab.set_viewport_size({"width": width, "height": 844})
            painted(tab)
            assert not overlapping(tab), (settings["steps"], width)


def test_boxes_do_not_overlap_at_a_first_visit(browser: Any, server: str, site: Any) -> None:
    """The letters come after the boxes, which are as wide as they are."""
    context = browser.new_context(viewport=DESKTOP)
    tab = context.new_page()
    load(tab, server, page_with(site, "graph", GRAPHS["two units"]))
    tab.wait_for_selector(".widget-ready")
    assert not overlapping(tab)
    context.close()


SLOTS = """() => [...document.querySelectorAll(".graph-box")].filter((box) => {
    const [value, below] = [".value", ".derivative"].map((part) =>
        box.querySelector(part).getBoundingClientRect());
    const title = box.querySelector("b span");
    return value.bottom > below.top + 1 || title.scrollWidth > box.clientWidth
        || title.getBoundingClientRect().right > box.getBoundingClientRect().right;
}).map((box) => box.textContent)"""


def test_the_value_is_above_the_derivative_in_every_box(opened_widget: Any) -> None:  # noqa: F811
    for settings in GRAPHS.values():
        tab = opened_widget("graph", **settings, at="end")
        for width in (1280, 390):
            tab.set_viewport_size({"width": width, "height": 844})
            painted(tab)
            assert not tab.evaluate(SLOTS), (settings["steps"], width)


def test_it_looks_right(opened_widget: Any) -> None:  # noqa: F811
    for name in ("course", "two units", "batch norm, whole"):
        faults = look_faults(opened_widget("graph", **GRAPHS[name], at="end"))
        assert not faults, "\n".join(faults)


HEADS = """() => [...document.querySelectorAll(".graph-board svg > g")].map((line) => {
    const heads = [...line.querySelectorAll("path:last-child")]
        .filter((head) => getComputedStyle(head.parentElement).display !== "none");
    const middle = ({ left, width }) => left + width / 2;
    return {
        heads: heads.length,
        backward: line.classList.contains("backward"),
        right: middle(heads[0].getBoundingClientRect()) > middle(line.getBoundingClientRect()),
    };
})"""


def test_arrows_point_where_the_numbers_go(opened_widget: Any) -> None:  # noqa: F811
    """From left to right, with one head per line, until a derivative has gone back along it."""
    tab = opened_widget("graph", **COURSE)
    seen = []
    for _ in range(10):
        lines = tab.evaluate(HEADS)
        assert all(line["heads"] == 1 for line in lines)
        assert [line["right"] for line in lines] == [not line["backward"] for line in lines]
        seen.append(sum(line["backward"] for line in lines))
        press(tab, "Step")
    assert seen[0] == seen[4] == 0 and seen[-1] == len(lines) and sorted(seen) == seen
