"""Figures of course/activations.md."""

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import purenn as pn
from sitetools.figures import marks
from sitetools.figures.practice import computed_on
from sitetools.svg import BACKWARD, FORWARD, INK

# A gap at 0, where the slope of relu jumps; the last entry is 0 itself.
X = np.concatenate([np.linspace(-5, 0, 31), [np.nan], np.linspace(1e-6, 5, 31), [0]])
X = X.astype(np.float32)
SHOWN = {
    "relu": pn.relu,
    "leaky_relu, slope 0.1": partial(pn.leaky_relu, negative_slope=0.1),
    "elu": pn.elu,
    "selu": pn.selu,
    "sigmoid": pn.sigmoid,
    "tanh": pn.tanh,
    "softplus": pn.softplus,
    "silu": pn.silu,
    "gelu": pn.gelu,
}


def value_and_slope(op: Any, x: Any) -> tuple[Any, Any]:
    """An op's value, and its own backward of ones."""
    options = op.keywords if isinstance(op, partial) else {}
    op = op.func if isinstance(op, partial) else op
    y, saved = op.forward(x, **options)
    return y, op.backward(saved, jnp.ones_like(y))


@cache
def curves() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Value and slope of every op at `X`, from a single compiled program."""
    every = jax.jit(lambda x: {name: value_and_slope(op, x) for name, op in SHOWN.items()})
    return jax.tree.map(np.asarray, every(X))


def panels(*names: str) -> tuple[Figure, Any]:
    """One panel per op, and an empty second panel if only one op is named."""
    figure = Figure(figsize=(4.9, 2.5), layout="constrained")
    axes = figure.subplots(1, 2)
    for panel, name in zip(axes, names, strict=False):
        y, slope = curves()[name]
        panel.plot(X[:-1], y[:-1], color=FORWARD, label="value")
        panel.plot(X[:-1], slope[:-1], color=BACKWARD, label="slope")
        panel.set_title(name)
        panel.grid(visible=False)
        panel.axhline(0, color=INK, linewidth=0.5)
        panel.set(ylim=(-1.9, 2.4), yticks=[-1, 0, 1, 2], xticks=[-4, 0, 4], xlabel="x")
        if "relu" in name or name == "selu":
            panel.plot([0], slope[-1:], "o", color=BACKWARD, markersize=5)
    axes[0].legend(loc="upper left")
    return figure, axes


def rectifiers() -> Figure:
    """ReLU and leaky ReLU."""
    return panels("relu", "leaky_relu, slope 0.1")[0]


def exponentials() -> Figure:
    """ELU and SELU."""
    return panels("elu", "selu")[0]


def s_curves() -> Figure:
    """Sigmoid and tanh."""
    return panels("sigmoid", "tanh")[0]


def smooth() -> Figure:
    """Softplus and SiLU."""
    return panels("softplus", "silu")[0]


def gelus() -> Figure:
    """GELU, and the difference between its two forms."""
    figure, (_, last) = panels("gelu")
    x = X[:-1]
    apart = jax.jit(lambda x: pn.gelu(x) - pn.gelu(x, approximate=False))
    last.plot(x, 1000 * np.asarray(apart(x)), color=INK)
    last.set_title("1000 · (tanh − exact)")
    last.grid(visible=False)
    last.set(xticks=[-4, 0, 4], xlabel="x")
    return figure


def pushes() -> str:
    """The probabilities of the page's row, the derivative from above, and softmax's backward."""
    x = np.log(np.array([1, 2, 5], np.float32))
    dy = np.array([0, 0, 1], np.float32)
    y, saved = pn.softmax.forward(x)
    dx = pn.softmax.backward(saved, dy)
    mean = float(np.sum(dy * np.asarray(y)))
    rows = (
        ("y, the probabilities", y, lambda value: marks.FORWARD),
        ("dy (dashed: its mean, weighted by y)", dy, lambda value: marks.BACKWARD),
        ("dx = y ⊙ (dy − mean)", dx, lambda v: marks.POSITIVE if v > 0 else marks.NEGATIVE),
    )
    scale, parts = 70, []
    places = ((110, 14), (240, 142), (316, 274))
    for (bottom, above), (title, values, color) in zip(places, rows, strict=True):
        parts.append(marks.text(160, above, title))
        for i, value in enumerate(np.asarray(values, float)):
            high = scale * abs(value)
            top = bottom - high if value > 0 else bottom
            parts.append(marks.box(50 + 80 * i, top, 60, high, fill=color(value), color="none"))
            label = bottom - high - 10 if value >= 0 else bottom + high + 11
            parts.append(marks.text(80 + 80 * i, label, marks.number(value), size=13))
        parts.append(marks.line(30, bottom, 290, bottom, width=1))
    level = places[1][0] - scale * mean
    parts.append(
        f'<line x1="30" y1="{level:g}" x2="290" y2="{level:g}" stroke="{marks.INK}" '
        f'stroke-dasharray="5 4"/>'
    )
    parts += [marks.text(80 + 80 * i, 356, f"class {i + 1}", size=13) for i in range(3)]
    return marks.svg(320, 370, *parts)


def saturation() -> Figure:
    """The mean slope for normal inputs, by their spread."""
    normal = np.random.default_rng(0).normal(size=4000).astype(np.float32)
    spreads = np.geomspace(0.1, 100, 31, dtype=np.float32)
    names = ("relu", "tanh", "sigmoid")

    @jax.jit
    @jax.vmap
    def means(spread: Any) -> Any:
        x = spread * normal
        return {name: value_and_slope(SHOWN[name], x)[1].mean() for name in names}

    slopes = means(spreads)
    figure = Figure(figsize=(4.8, 3.2), layout="constrained")
    axes = figure.subplots()
    for name, style in zip(names, ("-", "--", ":"), strict=True):
        axes.loglog(spreads, slopes[name], style, label=name)
    axes.axhline(0.25, color=INK, linewidth=0.6)
    axes.minorticks_off()
    axes.set_xlabel("standard deviation of the inputs")
    axes.set_ylabel("mean slope")
    axes.legend()
    return figure


def dead() -> Figure:
    """The bias of the page's two units while they learn."""
    (learned,) = computed_on("course/activations", "learned")
    figure = Figure(figsize=(4.8, 2.8), layout="constrained")
    axes = figure.subplots()
    for (name, (*_, biases)), style in zip(learned.items(), ("-", "--"), strict=True):
        axes.plot(range(0, len(biases), 75), biases[::75], style, label=name)
    axes.set_xlabel("step")
    axes.set_ylabel("bias b")
    axes.legend(loc="center right")
    return figure
