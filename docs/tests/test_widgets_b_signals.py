"""`scale`, `temperature` and `attention`: their numbers are JAX's on the same arrays."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from widgets_b_page import opened_in

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
    "S": "Show Scores S = Q·Kᵀ/√d",
    "P": "Show Weights P = softmax(S)",
    "dP": "Show Derivative dP = dO·Vᵀ",
    "dS": "Show Derivative dS = P ⊙ (dP − D)",
}


@pytest.fixture
def widget(browser, server, site):
    yield from opened_in(browser, server, site)


def deviations(network, activation, gain, width):
    """Standard deviations of each layer's output and of the derivative there, by JAX."""
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
        return [float(a.std()) for a in found], [float(g.std()) for g in grads]


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_the_deviations_are_those_of_jax(widget, activation):
    tab = widget("scale", activation=activation, depth=8, width=16, gain=1.3)
    network = tab.tab.evaluate(
        """async (address) => {
            const { drawn } = await import(address);
            const { input, last, weights } = drawn({ width: 16, depth: 8 });
            return { input: [...input], last: [...last], weights: weights.map((w) => [...w]) };
        }""",
        f"{tab.server}assets/widgets/scale-network.js",
    )
    forward, backward = deviations(network, activation, 1.3, 16)
    tab.slide("Layer", "Home")
    for layer in range(9):
        assert tab.row("outputs, forward")[0] == pytest.approx(forward[layer], rel=1e-4)
        assert tab.row("derivatives, backward")[0] == pytest.approx(backward[layer], rel=1e-4)
        tab.slide("Layer", "ArrowRight")
    per_layer = (forward[-1] / forward[0]) ** (1 / 8), (backward[0] / backward[-1]) ** (1 / 8)
    assert tab.row("outputs, forward")[1] == pytest.approx(per_layer[0], rel=1e-4)
    assert tab.row("derivatives, backward")[1] == pytest.approx(per_layer[1], rel=1e-4)


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
    for presses in (0, 30, -80):
        tab.slide("Temperature T", "ArrowRight" if presses > 0 else "ArrowLeft", abs(presses))
        heat = 10 ** {0: 0.0, 30: 0.3, -80: -0.5}[presses]
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


def test_a_cold_softmax_is_a_maximum(widget):
    tab = widget("temperature", logits=[1000.0, -1000.0, 3.0], labels=["x", "y", "z"])
    assert tab.row("x") == [0, 0, 0]
    assert tab.number("entropy") == 0
    other = widget("temperature")
    other.slide("Temperature T", "Home")
    assert "nearly a maximum" in other.says()
    other.slide("Temperature T", "End")
    assert "nearly even" in other.says()
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
        assert tab.row(f"dk of {token}") == pytest.approx(wanted["dk"][t].tolist(), abs=1e-6)
        assert tab.row(f"dv of {token}") == pytest.approx(wanted["dv"][t].tolist(), abs=1e-6)


def test_pointing_at_a_weight_shows_its_sum(widget):
    tab = widget("attention", **VECTORS)
    wanted = by_jax(False)
    for name, label in MATRICES.items():
        tab.button(label).click()
        tab.tab.locator(".widget table.cells td button").nth(3).focus()  # query b, key a
        shown = float(tab.says().rsplit("= ", 1)[1].replace("−", "-"))
        assert shown == pytest.approx(wanted[name][1, 0], abs=1.1e-3)
        if name == "S":
            assert tab.says().startswith("((−0.5)·0.2 + 1.5·1) / √2")


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
    tab.slide("The derivative dO of sat", "ArrowUp", 2)
    tab.button("Start again").click()
    assert tab.tab.evaluate(weights) == before


@pytest.mark.parametrize("name", ["scale", "temperature", "attention"])
def test_it_looks_well(widget, name):
    assert not widget(name).looks()
