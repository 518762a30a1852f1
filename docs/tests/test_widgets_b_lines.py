"""`line` and `xor`: their numbers are JAX's, and mouse and keyboard move their lines."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tabs import PATIENCE
from visits import PHONE
from widgets_page import opener, texts
from widgets_page import widget as widget

import purenn as pn

POINTS = [[1.0, 0.5, 1], [-0.5, 1.5, 0], [0.3, -1.2, 1], [-1.0, -0.7, 0], [0.2, 0.9, 0]]
START = {"w1": 0.7, "w2": -0.4, "b": 0.2}
NAMES = ["w11", "w21", "b1", "w12", "w22", "b2", "v1", "v2", "c"]
XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
ANSWERS = np.array([[0], [1], [1], [0]], np.float32)


def neuron(params, points):
    """Loss, gradients and number of right answers, by purenn."""
    x, t = jnp.array(points)[:, :2], jnp.array(points)[:, 2:]
    dense = pn.DenseParams(jnp.array([[params["w1"]], [params["w2"]]]), jnp.array([params["b"]]))
    model = pn.dense(1)
    run = pn.value_and_grad(model, pn.sigmoid_binary_cross_entropy)
    (loss, _), grads = run(dense, (), x, t)
    z, _ = model.apply(dense, (), x)
    grads = {"w1": grads.w[0, 0], "w2": grads.w[1, 0], "b": grads.b[0]}
    return float(loss), grads, int(((z > 0) == (t > 0.5)).sum())


def read_line(tab):
    return {"w1": tab.number("z ="), "w2": tab.number("x₁"), "b": tab.number("x₂")}


def test_the_line_counts_and_learns_as_purenn_does(widget):
    tab = widget("line", points=POINTS, start=START, rate=0.5)
    params = START
    for _ in range(4):
        loss, grads, right = neuron(params, POINTS)
        assert read_line(tab) == pytest.approx(params, abs=1e-4)
        assert tab.number("loss") == pytest.approx(loss, abs=1e-4)
        assert tab.number("right") == right
        params = {name: params[name] - 0.5 * float(grads[name]) for name in params}
        tab.button("One step").click()
    assert "4 steps" in tab.says()
    tab.button("Start again").click()
    assert read_line(tab) == pytest.approx(START)


@pytest.mark.parametrize("name", ["line", "xor"])
def test_a_negative_term_is_subtracted(widget, name):
    tab = widget(name)
    tab.slide("Shift the line", "ArrowUp", 30)  # b falls, where w2 is above 0
    assert read_line(tab)["b"] < 0
    formula = texts(tab.tab, ".widget .readout")[0]
    assert re.fullmatch(r"z = −?[\d.]+ x₁ [+−] [\d.]+ x₂ − [\d.]+", " ".join(formula.split()))


def test_the_line_is_dragged_and_turned(widget):
    tab = widget("line")
    before = read_line(tab)
    tab.drag("Shift the line", 0, 60)
    shifted = read_line(tab)
    assert shifted["w1"] == pytest.approx(before["w1"])
    assert shifted["b"] > before["b"] + 0.3  # downward, with w2 positive
    tab.slide("Turn the line", "ArrowRight", 5)
    turned = read_line(tab)
    assert turned["w1"] > shifted["w1"]
    tab.slide("Shift the line", "ArrowUp", 5)
    assert read_line(tab)["b"] < turned["b"]
    loss, _, right = neuron(read_line(tab), default_points(tab))
    assert tab.number("loss") == pytest.approx(loss, abs=1e-4)
    assert tab.number("right") == right


def default_points(tab):
    """The twenty points, from their places in the drawing: disks are of target 1."""
    return tab.tab.evaluate(
        """() => {
            const middle = (e, target) => {
                const box = e.getBBox(), frame = document.querySelector(".widget svg > rect");
                const [x, y, width, height] =
                    ["x", "y", "width", "height"].map((n) => +frame.getAttribute(n));
                return [((box.x + box.width / 2 - x) / width) * 6 - 3,
                        2.7 - ((box.y + box.height / 2 - y) / height) * 5.4, target];
            };
            const all = [...document.querySelectorAll(".widget g > g > :first-child")];
            return all.filter((e) => e.tagName === "circle").map((e) => middle(e, 1))
                .concat(all.filter((e) => e.tagName === "rect").map((e) => middle(e, 0)));
        }"""
    )


def test_the_line_learns_until_all_are_right(widget):
    tab = widget("line")
    assert len(default_points(tab)) == 20
    first = tab.number("loss")
    tab.button("Let it learn").click()
    tab.button("Let it learn").wait_for(timeout=PATIENCE)  # it says "Stop" while it runs
    assert tab.number("right") == 20
    assert tab.number("loss") < first / 4
    loss, _, _ = neuron(read_line(tab), default_points(tab))
    assert tab.number("loss") == pytest.approx(loss, abs=1e-4)


def test_no_line_has_all_of_xor_and_the_hidden_layer_is_offered(widget):
    tab = widget("xor")
    points = np.concatenate([XOR, ANSWERS], axis=1).tolist()
    for tries in range(1, 4):
        assert "No line" not in tab.says()
        tab.slide("Shift the line", "ArrowUp")
        assert tab.number("tries") == tries
        assert tab.number("right") == neuron(read_line(tab), points)[2]
    assert 2 <= tab.number("best so far") <= 3
    tab.drag("Turn the line", 80, 30)
    assert tab.number("tries") == 4
    assert "No line" in tab.says()
    tab.button("Start again").click()
    assert tab.number("tries") == 0 and "Can one line" in tab.says()
    tab.button("Add a hidden layer").click()
    assert tab.handle("Shift unit 1").is_visible()
    tab.button("Back to one line").click()
    assert tab.handle("Shift the line").is_visible()


def network(p, x):
    """The network's values, in JAX: a1, a2, z."""
    a = jax.nn.relu(
        x @ jnp.array([[p["w11"], p["w12"]], [p["w21"], p["w22"]]]) + jnp.array([p["b1"], p["b2"]])
    )
    return a, a @ jnp.array([[p["v1"]], [p["v2"]]]) + p["c"]


def loss_of(p):
    return pn.sigmoid_binary_cross_entropy(network(p, XOR)[1], ANSWERS)


def read_rows(tab):
    return np.array([tab.row(name) for name in ("0 0", "0 1", "1 0", "1 1")])


def test_the_pencil_solution_is_the_page_s(widget):
    tab = widget("xor", hidden=True)
    tab.button("Show a solution").click()
    tab.button("Show a solution").wait_for(timeout=PATIENCE)
    assert "All four are right" in tab.says()
    s = XOR.sum(axis=1)
    a1, a2 = np.maximum(s, 0), np.maximum(s - 1, 0)
    np.testing.assert_allclose(
        read_rows(tab), np.stack([a1, a2, a1 - 2 * a2 - 0.5], axis=1), atol=1e-4
    )
    pencil = dict(zip(NAMES, [1.0, 1.0, 0.0, 1.0, 1.0, -1.0, 1.0, -2.0, -0.5], strict=True))
    assert tab.number("loss") == pytest.approx(float(loss_of(pencil)), abs=1e-4)
    tab.slide("Shift unit 2", "ArrowRight", 3)
    moved = read_rows(tab)[:, 1]
    assert np.all(moved <= a2) and moved[3] < 1


def test_the_hidden_layer_s_values_and_derivatives_are_jax_s(widget):
    tab = widget("xor", hidden=True)
    rng = np.random.default_rng(0)
    points = np.concatenate([XOR, ANSWERS], axis=1).tolist()
    for _ in range(5):
        p = dict(zip(NAMES, rng.normal(size=9).tolist(), strict=True))
        found = tab.call("xor-model", "gradientOf", p, points)
        assert found == pytest.approx(
            {k: float(v) for k, v in jax.grad(loss_of)(p).items()}, abs=1e-5
        )
        assert tab.call("xor-model", "lossOf", p, points) == pytest.approx(
            float(loss_of(p)), abs=1e-5
        )
        # In each piece of the plane the network is the linear map that is drawn there.
        x = rng.normal(size=2)
        a, z = network(p, jnp.array(x)[None])
        on = [int(value > 0) for value in a[0]]
        (piece,) = [q["z"] for q in tab.call("xor-model", "piecesOf", p) if q["on"] == on]
        linear = piece["w1"] * x[0] + piece["w2"] * x[1] + piece["b"]
        assert linear == pytest.approx(float(z[0, 0]), abs=1e-5)


def test_the_hidden_layer_learns(widget):
    tab = widget("xor", hidden=True)
    first = tab.number("loss")
    tab.button("Let it learn").click()
    tab.tab.wait_for_function(
        "document.querySelector('.widget .says').textContent.match(/^\\d{2,}/)"
    )
    tab.button("Stop").click()
    assert tab.number("loss") < first


# The examples in the plane of the features: each one's place by the numbers at the axes, and
# what is cut off of it or of its name.
FEATURES = """() => {
    const plane = document.querySelectorAll(".widget .plane")[1];
    const cut = plane.querySelector("svg > rect").getBBox();
    const layer = [...plane.querySelectorAll("g[clip-path]")].at(-1);
    const dots = [...layer.querySelectorAll(":scope > g > :first-child")]
        .filter((e) => ["circle", "rect"].includes(e.tagName));
    const names = [...layer.querySelectorAll("text")];
    const middle = ({ x, y, width, height }) => [x + width / 2, y + height / 2];
    const edge = { right: cut.x + cut.width, bottom: cut.y + cut.height };
    const out = [...dots, ...names].filter((e) => {
        const { x, y, width, height } = e.getBBox();
        return x < cut.x || y < cut.y || x + width > edge.right || y + height > edge.bottom;
    });
    const ticks = (along) => [...plane.querySelectorAll("svg > g:not([clip-path]) > line")]
        .filter((e) => e.getAttribute(`${along}1`) === e.getAttribute(`${along}2`))
        .map((e) => [+e.nextSibling.textContent, +e.getAttribute(`${along}1`)]);
    const scale = (all) => (place) => {
        const [[low, from], [high, to]] = [all[0], all.at(-1)];
        return low + ((place - from) / (to - from)) * (high - low);
    };
    const [x, y] = [scale(ticks("x")), scale(ticks("y"))];
    return {
        // At once, as it may be learning.
        features: [...document.querySelectorAll(".widget tr:has(data)")]
            .map((e) => [...e.querySelectorAll("data")].slice(0, 2).map((d) => +d.value)),
        places: dots.map((e) => middle(e.getBBox())).map(([px, py]) => [x(px), y(py)]),
        names: names.flatMap((e) => e.textContent.split(", ")).sort(),
        out: out.map((e) => `${e.tagName} ${e.textContent}`),
    };
}"""
ROUNDING = 2e-3  # of the places, which the drawing has in decimals of a pixel


def no_example_is_cut_off(tab):
    found = tab.tab.evaluate(FEATURES)
    assert found["names"] == ["00", "01", "10", "11"] and not found["out"]
    farthest = np.max(found["features"])
    np.testing.assert_allclose(found["places"], found["features"], atol=ROUNDING * max(1, farthest))
    return farthest


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_every_example_is_in_the_plane_of_the_features(tabs, server, site, screen):
    """The axes follow the features, from every start, while it learns and at its end."""
    look = {"viewport": PHONE, "has_touch": True} if screen == "phone" else {}
    farthest = 0
    with opener(tabs, server, site, **look) as opened:
        tab = opened("xor", hidden=True, timers=False)
        for start in range(21):
            if start:
                tab.button("Another start").click()
                assert f"Random start {start} of 20" in tab.says()
            no_example_is_cut_off(tab)
            tab.button("Let it learn").click()
            while "500 steps" not in tab.says():
                tab.tab.clock.run_for(600)
                no_example_is_cut_off(tab)
            farthest = max(farthest, no_example_is_cut_off(tab))
        assert farthest > 2.6  # beyond the axes of the beginning
        tab.button("Show a solution").click()
        tab.tab.clock.run_for(2000)
        assert "All four" in tab.says()
        no_example_is_cut_off(tab)


def test_the_plane_of_the_features_follows_a_line_and_comes_back(widget):
    tab = widget("xor", hidden=True)
    before = read_rows(tab)
    tab.drag("Turn unit 1", 150, -150)
    assert read_rows(tab)[:, 0].max() > 2.6
    no_example_is_cut_off(tab)
    tip = tab.handle("Turn the output's line").bounding_box()
    assert tip["width"] > 0
    tab.drag("Turn the output's line", 5, 5)
    no_example_is_cut_off(tab)
    tab.button("Show a solution").click()
    tab.button("Show a solution").wait_for(timeout=PATIENCE)
    no_example_is_cut_off(tab)
    assert read_rows(tab).max() == 2 < before.max() + 1


LEARNED = """async (folder) => {
    const [{ STARTS }, { XOR, gradientOf, lossOf }, { stepped }] = await Promise.all(
        ["xor-starts", "xor-model", "line-model"].map((name) => import(`${folder}${name}.js`)));
    const runs = STARTS.map((p) => {
        for (let step = 0; step < 500; step++) p = stepped(p, gradientOf(p, XOR), 1);
        return lossOf(p, XOR);
    });
    return [STARTS, runs];
}"""


def test_the_random_starts_are_the_course_s_runs(widget):
    """The widget's twenty starts are purenn's, and its steps end where purenn's runs end."""
    tab = widget("xor", hidden=True)
    starts, losses = tab.tab.evaluate(LEARNED, f"{tab.server}assets/widgets/")
    keys = jax.random.split(jax.random.key(0), 20)

    def trained(epochs):
        loss, sgd = pn.sigmoid_binary_cross_entropy, pn.sgd(1.0)
        run = pn.training_run(pn.mlp((2,), 1), loss, sgd, epochs=epochs, batch_size=4)
        one, _, two = jax.vmap(run, (0, None, None))(keys, XOR, ANSWERS)[0].params
        columns = (
            one.w[:, :, 0],
            one.b[:, :1],
            one.w[:, :, 1],
            one.b[:, 1:],
            two.w[:, :, 0],
            two.b,
        )
        return np.concatenate(columns, axis=1)

    np.testing.assert_allclose([[p[name] for name in NAMES] for p in starts], trained(0), rtol=1e-6)
    wanted = [float(loss_of(dict(zip(NAMES, row, strict=True)))) for row in trained(500)]
    np.testing.assert_allclose(losses, wanted, atol=2e-3)
    assert sum(loss < 0.1 for loss in losses) == 6


def test_each_other_start_is_another_and_some_fail(widget):
    tab = widget("xor", hidden=True)
    seen = set()
    for start in (1, 2, 3):
        tab.button("Another start").click()
        assert f"Random start {start} of 20" in tab.says()
        seen.add(tab.number("loss"))
    assert len(seen) == 3
    tab.button("Let it learn").click()
    tab.button("Let it learn").wait_for(timeout=PATIENCE)
    assert "Training is stuck" in tab.says() and tab.says().startswith("500 steps")


@pytest.mark.parametrize("name", ["line", "xor", "hidden"])
def test_it_looks_well(widget, name):
    tab = widget("line") if name == "line" else widget("xor", hidden=name == "hidden")
    assert not tab.looks()
