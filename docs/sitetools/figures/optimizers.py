"""Figures of course/optimizers.md."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jax import lax
from jax.flatten_util import ravel_pytree
from matplotlib.figure import Figure
from table import jit_quickly

import purenn as pn
from sitetools.svg import BACKWARD, DASHES, INK

RULES = {
    "gradient descent": pn.sgd,
    "momentum": pn.momentum,
    "Adam": pn.adam,
}


def averaged() -> Figure:
    """Forty noisy gradients across a valley and along it, with their running averages."""
    steps, rng = np.arange(40), np.random.default_rng(0)
    noise = 0.2 * rng.normal(size=(2, 40))
    gradients = {
        "across the valley": np.where(steps % 2 == 0, 1, -1) + noise[0],
        "along the valley": 0.5 + noise[1],
    }
    figure, panels = plt.subplots(2, 1, figsize=(4.2, 4), sharex=True)
    for axes, (name, g) in zip(panels, gradients.items(), strict=True):
        m, means = 0.0, []
        for each in g:
            m = 0.9 * m + 0.1 * each
            means.append(m)
        stems = np.stack([np.zeros(40), g, np.full(40, np.nan)], axis=1).ravel()
        axes.plot(np.repeat(steps + 1, 3), stems, color=BACKWARD, alpha=0.5, linewidth=4)
        axes.plot(steps + 1, means, color=INK, linewidth=2.2)
        axes.set(title=name, ylabel="gradient")
    panels[1].set_xlabel("step")
    return figure


def first_steps() -> Figure:
    """The steps under a constant gradient of 1, by each rule's own formula with a rate of 1."""
    t = np.arange(1, 61)
    shown = {
        "Adam, not corrected": (1 - 0.9**t) / np.sqrt(1 - 0.999**t),
        "RMSProp": 1 / np.sqrt(1 - 0.9**t),
        "Adam": np.ones(60),
        "AdaGrad": 1 / np.sqrt(t),
    }
    figure, axes = plt.subplots(figsize=(4.4, 3.2))
    for (name, lengths), style in zip(shown.items(), ("--", "-.", "-", ":"), strict=True):
        axes.plot(t, lengths, style, label=name)
    axes.set(xlabel="step", ylabel="length of the step", ylim=(0, None))
    axes.legend(ncols=2, loc="lower center", bbox_to_anchor=(0.45, 1))
    return figure


@cache
def digits(n: int) -> tuple[np.ndarray, np.ndarray]:
    """The first digits of MNIST."""
    (x, y), _ = pn.load_mnist("examples/data/mnist")
    return x[:n], y[:n].astype(np.int32)


MODEL = pn.serial(pn.rescale(), pn.flatten(), pn.dense(16), pn.relu, pn.dense(10))


def paths_on_a_real_surface() -> Figure:
    """784-16-10 on 300 digits, all of them at each step; the plane with most of the paths."""
    x, y = digits(300)
    params, state = MODEL.init(jax.random.key(1), (28, 28))
    start, back = ravel_pytree(params)
    rates = {"gradient descent": 0.3, "momentum": 0.3, "Adam": 0.01}

    def loss(w):
        logits, _ = MODEL.apply(back(w), state, x)
        return pn.softmax_cross_entropy(logits, y)

    walks = {
        name: jit_quickly(partial(path_by_hand, rule(rates[name])))(start)
        for name, rule in RULES.items()
    }
    middle = np.mean(np.concatenate(list(walks.values())), axis=0)
    _, sizes, axes_of = np.linalg.svd(
        np.concatenate(list(walks.values())) - middle, full_matrices=False
    )
    plane = axes_of[:2]
    flat = {name: (walk - middle) @ plane.T for name, walk in walks.items()}
    held = (sizes[:2] ** 2).sum() / (sizes**2).sum()

    everywhere = np.concatenate(list(flat.values()))
    low, high = everywhere.min(0), everywhere.max(0)
    margin = 0.15 * (high - low)
    a, b = (
        np.linspace(first, last, 18)
        for first, last in zip(low - margin, high + margin, strict=True)
    )
    grid = np.stack(np.meshgrid(a, b), axis=-1).reshape(-1, 2)
    points = jnp.asarray(middle + grid @ plane)
    height = np.asarray(jit_quickly(lambda w: lax.map(loss, w))(points)).reshape(len(b), len(a))

    figure, axes = plt.subplots(figsize=(4.2, 4.2))
    levels = np.geomspace(height.min(), height.max(), 8)
    lines = axes.contour(a, b, height, levels=levels, colors=INK, linewidths=0.5)
    axes.clabel(lines, lines.levels[::3], fmt="%.2g", fontsize=11, colors=INK)
    for (name, walk), marker in zip(flat.items(), "os^", strict=True):
        label = f"{name}, {rates[name]}"
        axes.plot(*walk[::5].T, marker=marker, markersize=3, linewidth=1.2, label=label)
    axes.plot(*flat["Adam"][0], "D", color=INK, markersize=7, label="start of all three paths")
    axes.set_title(f"plane with {held:.0%} of the paths' variance")
    axes.set(xlabel="first direction", ylabel="second direction")
    axes.grid(visible=False)
    figure.legend(fontsize=11, loc="outside lower center", ncols=1)
    return figure


def path_by_hand(optimizer, start):
    """50 steps of the network's whole loss, by the hand-derived backward pass."""
    x, y = digits(300)
    params, state = MODEL.init(jax.random.key(1), (28, 28))
    _, back = ravel_pytree(params)
    gradient = pn.value_and_grad(MODEL, pn.softmax_cross_entropy)

    def step(carry, _):
        w, opt_state = carry
        _, grads = gradient(back(w), state, x, y)
        updates, opt_state = optimizer.update(ravel_pytree(grads)[0], opt_state)
        return (pn.apply_updates(w, updates), opt_state), w

    (w, _), before = lax.scan(step, (start, optimizer.init(start)), None, 50)
    return jnp.concatenate([before, w[None]])


def learning_rates() -> Figure:
    """One epoch of 1,600 digits with each rate, all at once."""
    x, y = digits(1600)
    rates = np.geomspace(1e-4, 10, 11).astype(np.float32)

    def losses(rule):
        def run(rate):
            train = pn.training_run(
                MODEL, pn.softmax_cross_entropy, rule(rate), epochs=1, batch_size=20
            )
            return train(jax.random.key(0), x, y)[1].reshape(-1)

        return np.asarray(jit_quickly(lambda rates: lax.map(run, rates))(jnp.asarray(rates)))

    figure, (above, below) = plt.subplots(2, 1, figsize=(4.2, 6))
    found = {name: losses(rule) for name, rule in RULES.items()}
    for i, style in zip((5, 7, 8, 9), DASHES, strict=True):
        curve = np.convolve(found["gradient descent"][i], np.ones(8) / 8, mode="valid")
        above.plot(range(0, len(curve), 2), curve[::2], style, label=f"{rates[i]:.2g}")
    above.set(title="gradient descent", xlabel="step", ylabel="loss", ylim=(0, 4))
    above.legend(title="rate", ncols=2, fontsize=11)
    for (name, curves), marker in zip(found.items(), "os^", strict=True):
        last = curves[:, -10:].mean(axis=1)
        below.plot(
            rates, np.where(np.isfinite(last), last, np.inf), marker, ls="-", label=name, ms=4
        )
    below.set(xscale="log", title="final loss", xlabel="learning rate", ylim=(0, 4))
    below.minorticks_off()
    below.legend(fontsize=11)
    return figure


def schedules() -> Figure:
    """All from 0.1, over 100 steps, an epoch being ten."""
    shown = {
        "inverse_time_decay(0.1, 0.5, 10)": pn.inverse_time_decay(0.1, 0.5, 10),
        "exponential_decay(0.1, 0.5, 25)": pn.exponential_decay(0.1, 0.5, 25),
        "cosine_decay(0.1, 80)": pn.cosine_decay(0.1, 80),
        "polynomial_decay(0.1, 80, power=2)": pn.polynomial_decay(0.1, 80, power=2.0),
        "piecewise_constant((30, 60), (0.1, 0.03, 0.01))": pn.piecewise_constant(
            (30, 60), (0.1, 0.03, 0.01)
        ),
        "linear_warmup(cosine_decay(0.1, 70), 10)": pn.linear_warmup(pn.cosine_decay(0.1, 70), 10),
    }
    steps = jnp.arange(100)
    figure, panels = plt.subplots(2, 1, figsize=(4.4, 6.4), sharex=True)
    for i, (name, schedule) in enumerate(shown.items()):
        staircase = name.startswith(("inverse", "piecewise"))
        drawstyle = "steps-post" if staircase else "default"
        axes, style = panels[i // 3], ("-", "--", "-.")[i % 3]
        rates = jax.vmap(schedule)(steps)
        axes.plot(steps, rates, style, drawstyle=drawstyle, label=name)
    for axes in panels:
        axes.set(ylabel="learning rate", ylim=(0, None))
        axes.legend(fontsize=11, loc="lower left", bbox_to_anchor=(0, 1))
    panels[1].set_xlabel("step")
    return figure
