"""Figures of course/batch-norm.md."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from matplotlib.figure import Figure
from table import jit_quickly

import purenn as pn
from sitetools.figures import marks
from sitetools.figures.practice import computed_on
from sitetools.svg import BACKWARD, FORWARD, GREEN, INK, PURPLE

RATES = (0.03, 0.3)


def with_and_without() -> Figure:
    """Eight hidden layers of 32 on 1,000 digits, weights at a third of He's scale, two rates."""
    (x, y), _ = pn.load_mnist("examples/data/mnist")
    x, y = x[:1000], y[:1000]

    def small(key, shape, dtype=jnp.float32):
        return pn.initializers.he_normal(key, shape, dtype) / 3

    def losses(normalize):
        more = [pn.batch_norm()] if normalize else []
        block = pn.serial(pn.dense(32, w_init=small), *more, pn.relu)
        last = pn.dense(10, w_init=small)
        # The seven equal blocks are one loop of the program, which compiles in a third of the time.
        model = pn.serial(pn.rescale(), pn.flatten(), block, pn.repeat(block, 7), last)

        def run(rate):
            train = pn.training_run(
                model, pn.softmax_cross_entropy, pn.sgd(rate), epochs=4, batch_size=50
            )
            return train(jax.random.key(0), x, y)[1].reshape(-1)

        return np.asarray(jit_quickly(lambda rates: lax.map(run, rates))(jnp.array(RATES)))

    figure = Figure(figsize=(4.8, 3.8), layout="constrained")
    panels = figure.subplots(2, 1, sharex=True, sharey=True)
    for panel, normalize in zip(panels, (False, True), strict=True):
        for curve, rate, style in zip(losses(normalize), RATES, ("-", "--"), strict=True):
            smooth = np.convolve(curve, np.ones(8) / 8, mode="valid")
            panel.plot(smooth, style, label=f"rate {rate:g}")
        panel.set(title="with batch norm" if normalize else "without", ylabel="loss", ylim=(0, 3))
    panels[1].set_xlabel("step")
    panels[1].legend()
    return figure


def terms() -> Figure:
    """The three parts of the derivative with respect to each of the page's four numbers."""
    (parts,) = computed_on("course/batch-norm", "terms")
    figure = Figure(figsize=(4.8, 3.2), layout="constrained")
    axes = figure.subplots()
    bars = parts | {"dx, their sum": sum(parts.values())}
    for i, ((name, values), color) in enumerate(
        zip(bars.items(), (BACKWARD, PURPLE, GREEN, INK), strict=True)
    ):
        axes.bar(np.arange(4) + 0.2 * (i - 1.5), values, width=0.18, color=color, label=name)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xticks(range(4), [f"x{'₁₂₃₄'[i]} = {v}" for i, v in enumerate((1, 3, 4, 8))])
    axes.grid(visible=False, axis="x")
    axes.legend(loc="upper left")
    axes.set_ylim(-1.5, 3)
    return figure


def running() -> Figure:
    """The mean of each batch, and the layer's running mean of them."""
    layer, steps = pn.batch_norm(), 60
    params, state = layer.init(jax.random.key(0), (1,))
    batches = np.random.default_rng(0).normal(3, 2, size=(steps, 16, 1)).astype(np.float32)

    def step(state, batch):
        _, state, _ = layer.forward(params, state, batch, train=True)
        return state, state.mean[0]

    means = jax.jit(lambda batches: lax.scan(step, state, batches)[1])(batches)
    figure = Figure(figsize=(4.8, 2.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(range(1, steps + 1), batches.mean(axis=(1, 2)), ".", color=INK, label="of the batch")
    axes.plot(range(steps + 1), [0, *np.asarray(means)], color=FORWARD, label="running")
    axes.set(xlabel="step", ylabel="mean", ylim=(0, None))
    axes.legend(loc="lower right")
    return figure


def groups() -> str:
    """Which numbers share a mean: a column, a row, or a part of a row."""
    rows, columns, cell, gap = 4, 6, 24, 40
    lit = {
        "batch norm": lambda i, j: j == 1,
        "layer norm": lambda i, j: i == 1,
        "group norm, 3 groups": lambda i, j: i == 1 and j in (2, 3),
    }
    parts = []
    high = rows * cell + gap + 8
    for number, (name, inside) in enumerate(lit.items()):
        top = high * number + gap
        parts.append(marks.text(90 + columns * cell / 2, top - 26, name))
        parts.append(marks.text(90 + columns * cell / 2, top - 9, "channels →", size=13))
        parts.append(marks.text(82, top + rows * cell / 2, "examples ↓", size=13, anchor="end"))
        for i, j in np.ndindex(rows, columns):
            fill = marks.FORWARD if inside(i, j) else marks.PAPER
            place = (90 + j * cell, top + i * cell)
            parts.append(marks.box(*place, cell, cell, fill=fill, color=marks.INK, opacity=0.75))
    return marks.svg(300, 3 * high + 6, *parts)
