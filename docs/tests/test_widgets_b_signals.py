"""`scale`, `temperature` and `attention`: their numbers are JAX's on the same arrays."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from widgets_page import texts
from widgets_page import widget as widget

import purenn as pn

ACTIVATIONS = {"relu": pn.relu, "tanh": pn.tanh, "linear": lambda z: z}
VECTORS = {
    "tokens": ["a", "b", "c"],
    "q": [[1.0, 0.5], [-0.5, 1.5], [0.3, -1.0]],
    "k": [[0.2, 1.0], [1.5, -0.4], [-1.0, 0.6]],
    "v": [[1.0, 1.2], [-1.4, 0.3], [0.4, -1.1]],
    "dO": [[0.5, -0.2], [0.1, 0.7], [-0.6, 0.4]],
}
MATRICES = {
    "S": "Show Scores S = Q Kᵀ/√d",
    "P": "Show Weights P = softmax(S)",
    "dP": "Show Derivative dP = dO Vᵀ",
    "dS": "Show Derivative dS = P ⊙ (dP − D)",
}


def sizes(network, activation, gain, width):
    """The root mean squares of each layer's output and of the derivative there, by JAX."""
    with jax.enable_x64(True):
        size = gain * np.sqrt((2 if activation == "relu" else 1) / width)
        weights = [size * jnp.array(w).reshape(width, width) for w in network["weights"]]
        x, last = (jnp.array(network[name]).reshape(-1, width) for name in ("input", "last"))

        def outputs(shifts):
            found = [x + shifts[0]]
            for w, shift in zip(weights, shifts[1:], strict=True):
                found.append(ACTIVATIONS[activation](found[-1] @ w) + shift)
            return found

        zeros = [jnp.zeros_like(x)] * (len(weights) + 1)
        found, back = jax.vjp(outputs, zeros)
        (grads,) = back([*zeros[1:], last])

        def size(values):
            return float(jnp.sqrt(jnp.mean(values**2)))

        return [size(a) for a in found], [size(g) for g in grads]


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_the_root_mean_squares_are_those_of_jax(widget, activation):
    tab = widget("scale", activation=activation, depth=8, width=16, gain=1.3)
    network = tab.tab.evaluate(
        """async (address) => {
            const { drawn } = await import(address);
            const { input, last, weights } = drawn({ width: 16, depth: 8 });
            return { input: [...input], last: [...last], weights: weights.map((w) => [...w]) };
        }""",
        f"{tab.server}assets/widgets/scale-network.js",
    )
    forward, backward = sizes(network, activation, 1.3, 16)
    tab.slide("Layer", "Home")
    for layer in range(9):
        assert tab.row("outputs, forward")[0] == pytest.approx(forward[layer], rel=1e-4)
        assert tab.row("derivatives, backward")[0] == pytest.approx(backward[layer], rel=1e-4)
        tab.slide("Layer", "ArrowRight")
    per_layer = (forward[-1] / forward[0]) ** (1 / 8), (backward[0] / backward[-1]) ** (1 / 8)
    assert tab.row("outputs, forward")[1] == pytest.approx(per_layer[0], rel=1e-4)
    assert tab.row("derivatives, backward")[1] == pytest.approx(per_layer[1], rel=1e-4)


def test_he_s_gain_keeps_the_mean_square(widget):
    """With relu and a gain of 1, the mean over networks of E[x²] stays 1, as derived."""
    tab = widget("scale")
    squares = tab.tab.evaluate(
        """async (address) => {
            const { drawn, sizes } = await import(address);
            const all = Array.from({ length: 40 }, (_, i) => {
                const network = drawn({ width: 128, depth: 8, seed: i + 1 });
                const { forward, backward } = sizes(network, { gain: 1, activation: "relu" });
                return [forward, backward].map((line) => line.map((size) => size ** 2));
            });
            return all;
        }""",
        f"{tab.server}assets/widgets/scale-network.js",
    )
    means = np.mean(squares, axis=0)
    np.testing.assert_allclose(means, np.ones((2, 9)), atol=0.15)  # a variance would be 0.68
    assert tab.row("outputs, forward")[1] == pytest.approx(1, abs=0.03)  # as it opens
    assert tab.row("derivatives, backward")[1] == pytest.approx(1, abs=0.03)
    assert "keeps its size" in tab.says()


def test_new_weights_share_nothing_with_the_old(widget):
    tab = widget("scale")
    first, second = (
        tab.call("scale-network", "drawn", {"width": 8, "depth": 3, "seed": seed})
        for seed in (1, 2)
    )
    flat = [
        {round(v, 9) for part in (n["input"], n["last"], *n["weights"]) for v in part}
        for n in (first, second)
    ]
    assert not flat[0] & flat[1]


def test_the_saying_names_what_it_measures_with_two_digits(widget):
    tab = widget("scale")
    signal = tab.row("outputs, forward")[0]
    tab.slide("Layer", "Home")
    gradient = tab.row("derivatives, backward")[0]
    assert (
        f"The root mean square is {signal:.2g} for the last layer's outputs and {gradient:.2g} "
        "for the derivatives at the input."
    ) in tab.says()


def test_the_gain_is_a_power_of_the_depth(widget):
    tab = widget("scale")
    values = np.array(normals(tab, 4000))
    assert abs(values.mean()) < 0.05 and abs(values.std() - 1) < 0.03
    one = tab.row("outputs, forward")[0]
    tab.slide("Gain", "ArrowLeft", 10)  # half of He's
    assert tab.row("outputs, forward")[0] == pytest.approx(one * 0.5**20, rel=1e-4)
    assert "vanishes" in tab.says()
    tab.slide("Gain", "ArrowRight", 20)
    assert "explodes" in tab.says()
    tab.slide("Depth", "ArrowLeft", 18)
    assert "keeps" in tab.says()
    tab.slide("Width", "ArrowLeft", 2)
    tab.tab.get_by_label("Activation").select_option("tanh")
    assert tab.row("outputs, forward")[0] < 1


def normals(tab, count):
    return tab.tab.evaluate(
        "async ([address, count]) => [...(await import(address)).normals(7, count)]",
        [f"{tab.server}assets/widgets/random.js", count],
    )


def test_the_temperature_s_numbers_are_jax_s(widget):
    tab = widget("temperature")
    logits = np.array([2, 1, 0.5, -0.5, -1.5])
    tab.slide("Logit of B", "ArrowUp", 4)
    logits[1] = 1.4
    for presses, heat in ((0, 1.0), (10, 2.0), (-20, 0.5)):
        tab.slide("Temperature T", "ArrowRight" if presses > 0 else "ArrowLeft", abs(presses))
        assert tab.number_of_slider("Temperature T") == heat
        with jax.enable_x64(True):
            y = pn.softmax(jnp.array(logits) / heat)
            wanted = jax.jacobian(lambda x, heat=heat: pn.softmax(x / heat))(jnp.array(logits))
        found = np.array([tab.row(label) for label in "ABCDE"])
        np.testing.assert_allclose(found, np.asarray(wanted), atol=1e-6)
        y = np.asarray(y)
        assert tab.number("entropy") == pytest.approx(-np.sum(y * np.log(y)), rel=1e-4)
        drawn = tab.tab.locator(".widget .panel:nth-child(2) svg g[clip-path] text")
        shown = [float(text) for text in drawn.all_text_contents()]
        np.testing.assert_allclose(shown, y, atol=5.1e-4)


def test_the_temperature_has_the_letters_of_its_page(widget):
    names = ".widget .panel-name"
    assert texts(widget("temperature").tab, names) == [
        "Logits x",
        "Probabilities y = softmax(x/T)",
        "Derivatives ∂yᵢ/∂xⱼ = yᵢ (δᵢⱼ − yⱼ) / T",
    ]
    assert texts(widget("temperature", letters=["z", "a"]).tab, names) == [
        "Logits z",
        "Probabilities a = softmax(z/T)",
        "Derivatives ∂aᵢ/∂zⱼ = aᵢ (δᵢⱼ − aⱼ) / T",
    ]


def test_a_cold_softmax_is_a_maximum(widget):
    tab = widget("temperature", logits=[1000.0, -1000.0, 3.0], labels=["x", "y", "z"])
    assert tab.row("x") == [0, 0, 0]
    assert tab.number("entropy") == 0
    other = widget("temperature")
    other.slide("Temperature T", "Home")
    assert "the largest logit" in other.says()
    other.slide("Temperature T", "End")
    assert "nearly equal" in other.says()
    before = other.number("entropy")
    other.drag("Logit of A", 0, -30)
    assert other.number("entropy") < before


def by_jax(causal):
    """The matrices, the outputs and the derivatives of one head."""
    with jax.enable_x64(True):
        q, k, v, d_o = (jnp.array(VECTORS[name]) for name in ("q", "k", "v", "dO"))
        seen = jnp.tril(jnp.ones((3, 3))) if causal else jnp.ones((3, 3))

        def scores(q, k):
            return jnp.where(seen > 0, q @ k.T / jnp.sqrt(2.0), -jnp.inf)

        def head(q, k, v):
            return pn.softmax(scores(q, k)) @ v

        out, back = jax.vjp(head, q, k, v)
        s = scores(q, k)
        _, from_p = jax.vjp(lambda p: p @ v, pn.softmax(s))
        _, from_s = jax.vjp(lambda s: pn.softmax(s) @ v, s)
        found = {"S": s, "P": pn.softmax(s), "dP": from_p(d_o)[0], "dS": from_s(d_o)[0], "O": out}
        found |= dict(zip(("dq", "dk", "dv"), back(d_o), strict=True))
        return {name: np.asarray(value) for name, value in found.items()}


def matrix(tab):
    """The entries of the matrix in full; what is shown is the same with three decimals."""
    cells = tab.tab.evaluate(
        """() => [...document.querySelectorAll(".widget table.cells td button")]
            .map((cell) => [cell.dataset.value, cell.textContent])"""
    )
    values = []
    for value, text in cells:
        values.append(float(value.replace("Infinity", "inf")))
        if np.isfinite(values[-1]):
            assert abs(float(text.replace("−", "-")) - values[-1]) < 5.1e-4
    return np.array(values).reshape(3, 3)


@pytest.mark.parametrize("causal", [False, True])
def test_attention_s_matrices_and_derivatives_are_jax_s(widget, causal):
    tab = widget("attention", **VECTORS)
    if causal:
        tab.tab.get_by_label("causal mask").focus()
        tab.tab.keyboard.press("Space")
    wanted = by_jax(causal)
    for name, label in MATRICES.items():
        tab.button(label).click()
        np.testing.assert_allclose(matrix(tab), wanted[name], atol=1e-6)
    for t, token in enumerate("abc"):
        tab.button(token).click()
        assert tab.row(f"output o of {token}") == pytest.approx(wanted["O"][t].tolist(), abs=1e-6)
        assert tab.row(f"dq of {token}") == pytest.approx(wanted["dq"][t].tolist(), abs=1e-6)
        tab.tab.locator(".widget table.cells td button").nth(4 * t).click()  # its key, too
        assert tab.row(f"dk of {token}") == pytest.approx(wanted["dk"][t].tolist(), abs=1e-6)
        assert tab.row(f"dv of {token}") == pytest.approx(wanted["dv"][t].tolist(), abs=1e-6)


def test_pointing_at_a_weight_shows_its_sum(widget):
    tab = widget("attention", **VECTORS)
    wanted = by_jax(False)
    for name, label in MATRICES.items():
        tab.button(label).click()
        tab.tab.locator(".widget table.cells td button").nth(3).focus()  # query b, key a
        shown = float(re.split("[=≈] ", tab.says())[-1].replace("−", "-"))
        assert shown == pytest.approx(wanted[name][1, 0], abs=1.1e-3)
        if name == "S":
            assert tab.says().startswith("((−0.5) · 0.2 + 1.5 · 1) / √2")


def test_a_sum_is_exact_or_says_that_it_is_rounded(widget):
    tab = widget("attention")
    signs = set()
    for label in list(MATRICES.values())[2:]:  # dP and dS: sums and products alone
        tab.button(label).click()
        for cell in tab.tab.locator(".widget table.cells td button").all():
            cell.focus()
            line = tab.says().removeprefix("dO · v = ").replace("−", "-").replace("·", "*")
            left, sign, right = re.fullmatch(r"(.*) ([=≈]) (.*)", line).groups()
            apart = abs(eval(left, {"__builtins__": {}}) - float(right))
            assert (apart < 1e-9) == (sign == "="), line
            signs.add(sign)
    assert signs == {"=", "≈"}


def test_a_query_that_is_dragged_moves_its_weights_and_the_output(widget):
    tab = widget("attention")
    cells = "[...document.querySelectorAll('.widget table.cells td button')]"
    weights = f"{cells}.map((cell) => +cell.dataset.value)"
    before = tab.tab.evaluate(weights)
    tab.drag("Query of sat", 30, -60)
    after = tab.tab.evaluate(weights)
    assert before[:8] == after[:8] and before[12:] == after[12:]
    assert before[8:12] != after[8:12] and sum(after[8:12]) == pytest.approx(1)
    output = tab.row("output o of sat")
    tab.slide("Value of cat", "ArrowRight", 2)
    assert tab.row("output o of sat")[0] > output[0]
    tab.button(MATRICES["dP"]).click()  # it begins with dO
    tab.slide("The derivative dO of sat", "ArrowUp", 2)
    tab.button(MATRICES["P"]).click()
    tab.button("Start again").click()
    assert tab.tab.evaluate(weights) == before


@pytest.mark.parametrize("name", ["scale", "temperature", "attention"])
def test_it_looks_well(widget, name):
    assert not widget(name).looks()
