"""Figures of course/batch-norm.md."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from matplotlib.figure import Figure
from table import jit_quickly

import purenn as pn
from sitetools.figures import marks
from sitetools.figures.practice import computed_on
from sitetools.svg import FORWARD, INK, PAPER, SERIES

SCALES, RATES = (1, 1 / 3), (0.03, 0.3)


def with_and_without() -> Figure:
    """Eight hidden layers of 32 on 1,000 digits, at the He scale and a third of it, two rates."""
    (x, y), _ = pn.load_mnist("examples/data/mnist")
    x, y = x[:1000], y[:1000]

    def losses(normalize, scales):
        def run(scale_and_rate):
            scale, rate = scale_and_rate

            def scaled(key, shape, dtype=jnp.float32):
                return scale * pn.initializers.he_normal(key, shape, dtype)

            more = [pn.batch_norm()] if normalize else []
            block = pn.serial(pn.dense(32, w_init=scaled), *more, pn.relu)
            last = pn.dense(10, w_init=scaled)
            # The seven equal blocks are one loop of the program: a third of the time to compile.
            model = pn.serial(pn.rescale(), pn.flatten(), block, pn.repeat(block, 7), last)
            train = pn.training_run(
                model, pn.softmax_cross_entropy, pn.sgd(rate), epochs=4, batch_size=50
            )
            return train(jax.random.key(0), x, y)[1].reshape(-1)

        pairs = jnp.array(list(itertools.product(scales, RATES)))
        curves = np.asarray(jit_quickly(lambda pairs: lax.map(run, pairs))(pairs))
        return curves.reshape(len(scales), len(RATES), -1)

    without, with_it = losses(False, SCALES), losses(True, SCALES[1:])
    rows = {
        "without batch norm, He scale": without[0],
        "without batch norm, a third of it": without[1],
        "with batch norm, a third of it": with_it[0],
    }
    figure = Figure(figsize=(4.8, 5.2), layout="constrained")
    panels = figure.subplots(3, 1, sharex=True, sharey=True)
    for panel, (title, curves) in zip(panels, rows.items(), strict=True):
        for curve, rate, style in zip(curves, RATES, ("-", "--"), strict=True):
            smooth = np.convolve(curve, np.ones(8) / 8, mode="valid")
            panel.plot(smooth, style, label=f"rate {rate:g}")
        panel.set(title=title, ylabel="loss", ylim=(0, 3))
    panels[-1].set_xlabel("step")
    panels[-1].legend()
    return figure


def terms() -> Figure:
    """The three parts of the derivative with respect to each of the page's four numbers."""
    (parts,) = computed_on("course/batch-norm", "terms")
    figure = Figure(figsize=(4.8, 3.2), layout="constrained")
    axes = figure.subplots()
    bars = parts | {"dx, their sum": sum(parts.values())}
    fills = PAPER, SERIES[3], SERIES[2], INK
    for i, ((name, values), color) in enumerate(zip(bars.items(), fills, strict=True)):
        axes.bar(
            np.arange(4) + 0.2 * (i - 1.5),
            values,
            width=0.18,
            color=color,
            edgecolor=INK,
            label=name,
        )
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
    axes.plot(
        range(1, steps + 1), batches.mean(axis=(1, 2)), ".", color=INK, label="mean of the batch"
    )
    axes.plot(range(steps + 1), [0, *np.asarray(means)], color=FORWARD, label="running mean")
    axes.set(xlabel="step", ylabel="mean", ylim=(0, None))
    axes.legend(loc="lower right")
    return figure


def groups() -> str:
    """The numbers that share a mean: a column, a row, or a part of a row."""
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


def company() -> Figure:
    """How much the output for one image varies with the other images of its batch."""
    rng, draws, sizes = np.random.default_rng(0), 40, (2, 4, 8, 16, 32, 64)
    image = rng.normal(size=(1, 2, 2, 6))
    spreads: dict[str, list[float]] = {"batch norm": [], "group norm": []}
    for m in sizes:
        outputs: dict[str, list[np.ndarray]] = {name: [] for name in spreads}
        for _ in range(draws):
            batch = np.concatenate([image, rng.normal(size=(m - 1, 2, 2, 6))])
            outputs["batch norm"].append(normalized(batch, (0, 1, 2))[0])
            grouped = normalized(batch.reshape(m, 2, 2, 3, 2), (1, 2, 4))
            outputs["group norm"].append(grouped[0])
        for name, found in outputs.items():
            spreads[name].append(float(np.sqrt(np.var(found, axis=0).mean())))
    figure = Figure(figsize=(4.8, 2.6), layout="constrained")
    axes = figure.subplots()
    for (name, found), style in zip(spreads.items(), ("o-", "s--"), strict=True):
        axes.plot(sizes, found, style, label=name)
    axes.set_xscale("log", base=2)
    axes.set(xlabel="batch size", ylabel="spread of the output", xticks=sizes)
    axes.set_xticklabels([str(m) for m in sizes])
    axes.legend()
    return figure


def normalized(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Shift and scale numbers to mean 0 and variance 1 over some of their axes."""
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-5)
