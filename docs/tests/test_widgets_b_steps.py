"""`bowl`, `rate` and `clip`: their steps are purenn's, and sliders and handles move them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tabs import PATIENCE
from widgets_page import widget as widget

import purenn as pn


def path(optimizer, start, condition, steps):
    """The places of an optimizer of purenn on the bowl, in float64."""
    with jax.enable_x64(True):
        scale = jnp.array([1.0, condition])
        w = jnp.array(start, jnp.float64)

        def step(carry, _):
            w, opt_state = carry
            updates, opt_state = optimizer.update(scale * w, opt_state, w)
            w = pn.apply_updates(w, updates)
            return (w, opt_state), w

        _, places = jax.lax.scan(step, (w, optimizer.init(w)), None, length=steps)
        return np.concatenate([np.array([start]), np.asarray(places)])


def losses(start, rates, beta, condition, steps):
    rules = (pn.sgd(rates[0]), pn.momentum(rates[1], beta), pn.adam(rates[2]))
    ends = [path(rule, start, condition, steps)[-1] for rule in rules]
    return [0.5 * (w[0] ** 2 + condition * w[1] ** 2) for w in ends]


def unfold(tab):
    tab.tab.locator(".widget details.more > summary").click()


def read_losses(tab):
    return [tab.number(name) for name in ("Gradient descent", "Momentum", "Adam")]


RATES = ("gradient descent", "momentum", "Adam")
OPENING = ([-4, 1.5], [0.019, 0.1, 0.2], 0.8, 100, 40)


def test_the_bowl_s_losses_are_purenn_s(widget):
    tab = widget("bowl")
    unfold(tab)
    assert read_losses(tab) == pytest.approx(losses(*OPENING), rel=1e-4)
    tab.slide("Rate of gradient descent", "ArrowLeft", 4)
    tab.slide("Rate of momentum", "ArrowLeft", 2)
    tab.slide("Rate of Adam", "ArrowRight", 3)
    tab.slide("Momentum β", "ArrowLeft", 10)
    tab.slide("Condition number κ", "ArrowRight", 1)
    tab.slide("Steps", "ArrowRight", 2)
    tab.slide("The start", "ArrowUp", 3)
    rates = [0.015, 0.09, 0.26]
    assert [tab.number_of_slider(f"Rate of {name}") for name in RATES] == rates
    wanted = losses([-4, 1.8], rates, 0.7, 110, 42)
    assert read_losses(tab) == pytest.approx(wanted, rel=1e-4)
    assert "diverges" not in tab.says()
    tab.slide("Rate of momentum", "ArrowRight", 3)
    assert "Momentum diverges" in tab.says()  # 0.11 is more than 2/110 · 1.7/0.3 = 0.103
    tab.slide("Rate of gradient descent", "ArrowRight", 5)
    assert "Gradient descent diverges" in tab.says()  # 0.02 is more than 2/110
    tab.button("Start again").click()
    assert read_losses(tab) == pytest.approx(losses(*OPENING), rel=1e-4)
    assert "diverges" not in tab.says()


def test_the_bowl_opens_with_what_the_page_teaches(widget):
    """Momentum is ahead at the rates shown, good ones for each, by purenn's numbers."""
    plain, averaged, adam = losses(*OPENING)
    assert averaged < 0.1 * adam < plain
    tab = widget("bowl")
    assert "momentum has the lowest loss" in tab.says()
    start, rates, beta, condition, steps = OPENING
    for rate in (0.005, 0.01, 0.015, 0.018):  # its rate does not hold gradient descent back
        assert losses(start, [rate, *rates[1:]], beta, condition, steps)[0] > plain
    for rate in (0.06, 0.08, 0.12):  # nor is momentum ahead by a lucky one
        assert losses(start, [rates[0], rate, rates[2]], beta, condition, steps)[1] < 0.1
    unfold(tab)
    tab.slide("Rate of momentum", "ArrowLeft", 22)
    assert tab.number_of_slider("Rate of momentum") == 0.02
    alike = read_losses(tab)
    wanted = losses(start, [0.019, 0.02, 0.2], beta, condition, steps)
    assert alike == pytest.approx(wanted, rel=1e-4)
    assert alike[1] > 0.9 * plain, "at gradient descent's rate, momentum gains almost nothing"


@pytest.mark.parametrize(("beta", "condition"), [(0.8, 100), (0.5, 20), (0.9, 50)])
def test_the_limit_that_is_said_for_momentum_is_its_limit(beta, condition):
    limit = 2 * (1 + beta) / ((1 - beta) * condition)
    below, above = (
        np.abs(path(pn.momentum(limit * part, beta), [0, 1], condition, 2000)[-1]).max()
        for part in (0.98, 1.02)
    )
    assert below < 1e-2 and above > 1e2


def test_every_place_of_the_paths_is_purenn_s(widget):
    tab = widget("bowl")
    given = {"rate": 0.05, "condition": 12, "steps": 60, "beta": 0.7}
    rules = {"sgd": pn.sgd(0.05), "momentum": pn.momentum(0.05, 0.7), "adam": pn.adam(0.05)}
    for name, rule in rules.items():
        found = tab.call("bowl-steps", name, [2.0, -1.0], given)
        np.testing.assert_allclose(found, path(rule, [2.0, -1.0], 12, 60), rtol=1e-6, atol=1e-9)


def test_the_bowl_at_the_ends_of_its_sliders(widget):
    """A loss beyond the largest number is infinite and not "NaN", and is not the lowest."""
    tab = widget("bowl")
    unfold(tab)
    for slider in (*(f"Rate of {name}" for name in RATES), "Condition number κ", "Steps"):
        tab.slide(slider, "End")
    assert read_losses(tab)[0] == float("inf")
    assert "Gradient descent diverges" in tab.says()
    for slider in (*(f"Rate of {name}" for name in RATES), "Condition number κ", "Steps"):
        tab.slide(slider, "Home")
    assert "After 1 step, " in tab.says()


def test_a_path_that_diverges_ends_with_an_arrow_at_the_edge(widget):
    tab = widget("bowl")
    rates = "[...document.querySelectorAll('.widget .sliders output')].map((e) => e.innerText)"
    circles = "document.querySelectorAll('.widget .plane circle').length"
    many = tab.tab.evaluate(circles)
    pressed = tab.tab.get_by_role("button", pressed=True).filter(has_text="κ")
    assert pressed.inner_text().splitlines()[0] == "Just below 2/κ"
    tab.button("Zigzag").click()
    assert pressed.inner_text().splitlines() == ["Zigzag", "κ = 20, rate 0.09"]
    assert tab.tab.evaluate(rates)[:2] == ["0.09", "20"] and "diverges" not in tab.says()
    wanted = losses([-4, 1.5], [0.09, 0.1, 0.2], 0.8, 20, 40)
    assert read_losses(tab) == pytest.approx(wanted, rel=1e-4)
    tab.button("Diverges").click()
    assert read_losses(tab)[0] == float("inf") and "Gradient descent diverges" in tab.says()
    assert tab.tab.locator(".widget data.wrong").inner_text() == "∞ (diverged)"
    places = path(pn.sgd(0.022), [-4, 1.5], 100, 40)
    first = int(np.argmax(np.abs(places[:, 1]) > 2.9))
    gone = len(places) - first + 1  # the places from there on, and the end's own mark
    assert tab.tab.evaluate(circles) == many - gone
    assert tab.tab.locator(".widget .plane polygon").count() == 1  # the arrow's head
    tab.button("Just below 2/κ").click()
    assert read_losses(tab) == pytest.approx(losses(*OPENING), rel=1e-4)


def test_the_bowl_plays_and_its_start_is_dragged(widget):
    tab = widget("bowl", steps=10)
    end = read_losses(tab)
    tab.button("Play").click()
    assert "lowest loss" not in tab.says()
    tab.button("Play").wait_for(timeout=PATIENCE)
    assert read_losses(tab) == end
    assert "After 10 steps, " in tab.says()
    tab.drag("The start", 40, 0)
    assert read_losses(tab)[0] < end[0]


def test_the_rate_s_steps_are_purenn_s(widget):
    tab = widget("rate")
    for presses in (0, 30, 42):  # rates 0.3, 0.6, 1.02: the last diverges
        tab.slide("Rate η", "ArrowRight", presses)
        rate = {0: 0.3, 30: 0.6, 42: 1.02}[presses]
        with jax.enable_x64(True):
            w, optimizer = jnp.array(1.0), pn.sgd(rate)
            opt_state = optimizer.init(w)
            for _ in range(20):
                updates, opt_state = optimizer.update(2 * w, opt_state)
                w = pn.apply_updates(w, updates)
        assert tab.number("w =") == pytest.approx(float(w), rel=1e-4)
        assert tab.number("loss") == pytest.approx(float(w) ** 2, rel=1e-4)
        assert tab.number("factor 1 − ηλ =") == pytest.approx(1 - 2 * rate, abs=1e-9)
        assert ("diverges" in tab.says()) == (rate > 1)
    tab.slide("Curvature λ", "ArrowRight", 10)
    assert tab.number("largest rate 2/λ =") == pytest.approx(2 / 3)
    tab.slide("Curvature λ", "ArrowLeft", 20)
    assert tab.number("largest rate 2/λ =") == pytest.approx(2)
    assert tab.number("factor 1 − ηλ =") == pytest.approx(-0.02, abs=1e-9)


def test_the_rate_goes_step_by_step(widget):
    tab = widget("rate")
    for step in range(4):
        tab.button("One step").click()
        assert tab.number("after step") == step
        assert tab.number("w =") == pytest.approx(0.4**step)
    before = tab.number("w =")
    tab.drag("The start", 40, 0)
    assert tab.number("after step") == 20
    tab.button("One step").click()
    assert tab.number("w =") > 1 > before


def test_the_rate_can_begin_before_the_first_step(widget):
    tab = widget("rate", at="start")
    assert tab.number("after step") == 0 and tab.number("w =") == 1
    tab.button("One step").click()
    assert tab.number("w =") == pytest.approx(0.4)
    tab.button("Start again").click()
    assert tab.number("after step") == 0


def test_clipping_is_purenn_s(widget):
    tab = widget("clip")
    for _ in range(3):
        g, limit = jnp.array(tab.row("before clipping")[:2]), tab.number_of_slider("Maximum norm c")
        optimizer = pn.clip_by_global_norm(limit)
        short, _ = optimizer.update(g, optimizer.init(g))
        assert tab.row("before clipping")[2] == pytest.approx(float(jnp.linalg.norm(g)), rel=1e-4)
        assert tab.row("clipped") == pytest.approx(
            [*short.tolist(), float(jnp.linalg.norm(short))], rel=1e-4
        )
        tab.slide("Maximum norm c", "ArrowLeft", 6)


def test_the_gradients_are_means_of_batches(widget):
    tab = widget("clip", noise=2.0, norm=1.5)
    noise = tab.call("clip-model", "noiseOf", {"batches": 40, "largest": 512, "seed": 1})
    noise = np.array(noise)
    assert abs(noise.mean()) < 0.01 and abs(noise.std() - 1) < 0.01
    for presses, size in ((0, 8), (2, 32), (4, 512)):
        tab.slide("Batch size m", "ArrowRight", presses)
        means = np.array([1.5, 1.0]) + 2.0 * noise[:, :size].mean(axis=1)
        apart = means - np.array([1.5, 1.0])
        assert tab.number("spread") == pytest.approx(np.sqrt((apart**2).sum(1).mean()), rel=1e-4)
        assert tab.number("predicted σ√2/√m =") == pytest.approx(2 * np.sqrt(2 / size))
        assert tab.number("spread") == pytest.approx(2 * np.sqrt(2 / size), rel=0.3)
        assert tab.number("clipped") == (np.linalg.norm(means, axis=1) > 1.5).sum()
    spread = tab.number("spread")
    tab.button("Draw new batches").click()
    assert tab.number("spread") != spread


def test_the_true_gradient_is_dragged(widget):
    tab = widget("clip")
    before = tab.row("before clipping")
    tab.drag("The true gradient", -80, 0)
    dragged = tab.row("before clipping")
    assert dragged[0] < before[0] - 1
    tab.slide("The true gradient", "ArrowUp", 10)
    assert tab.row("before clipping")[1] == pytest.approx(dragged[1] + 1, abs=1e-6)


@pytest.mark.parametrize("name", ["bowl", "rate", "clip"])
def test_it_looks_well(widget, name):
    assert not widget(name).looks()
