"""Figures of course/activations.md."""

from functools import partial

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import purenn as pn
from sitetools.svg import BLUE, INK, ORANGE, PURPLE

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


def value_and_slope(op, x):
    """An op's value, and its own backward of ones."""
    options = op.keywords if isinstance(op, partial) else {}
    op = op.func if isinstance(op, partial) else op
    y, cache = op.forward(jnp.asarray(x), **options)
    return np.asarray(y), np.asarray(op.backward(cache, jnp.ones_like(y)))


def every_curve_and_its_slope() -> Figure:
    """One panel per activation; the last one is the difference of the two gelus."""
    # A gap at 0, where the slope of relu jumps.
    x = np.concatenate([np.linspace(-5, 0, 41), [np.nan], np.linspace(1e-6, 5, 41)])
    x = x.astype(np.float32)
    figure, axes = plt.subplots(5, 2, figsize=(5.2, 9), sharex=True)
    for panel, (name, op) in zip(axes.flat, SHOWN.items(), strict=False):
        y, dx = value_and_slope(op, x)
        panel.plot(x, y, color=BLUE, label="value")
        panel.plot(x, dx, color=ORANGE, label="slope")
        panel.set_title(name)
        panel.set_ylim(-1.9, 2.2)
        panel.set_yticks([-1, 0, 1])
        panel.grid(visible=False, axis="x")
        if "relu" in name or name == "selu":
            at_0 = value_and_slope(op, np.zeros(1, np.float32))[1]
            panel.plot([0], at_0, "o", color=ORANGE, markersize=4)
    axes[0, 0].legend(loc="upper left")
    last = axes[4, 1]
    last.plot(x, pn.gelu(x) - pn.gelu(x, approximate=False), color=PURPLE)
    last.set_title("gelu: tanh form − exact form")
    last.ticklabel_format(style="sci", scilimits=(0, 0))
    for panel in axes[4]:
        panel.set_xlabel("x")
        panel.set_xticks([-4, 0, 4])
    return figure


def saturation() -> Figure:
    """The mean slope that normal inputs meet, by their spread."""
    rng = np.random.default_rng(0)
    normal = rng.normal(size=4000).astype(np.float32)
    spreads = np.geomspace(0.1, 100, 31, dtype=np.float32)
    figure, axes = plt.subplots()
    for name, style in (("relu", "-"), ("tanh", "--"), ("sigmoid", ":")):
        slopes = [value_and_slope(SHOWN[name], s * normal)[1].mean() for s in spreads]
        axes.loglog(spreads, slopes, style, label=name)
    axes.axhline(0.25, color=INK, linewidth=0.6)
    axes.set_xlabel("standard deviation of the inputs")
    axes.set_ylabel("mean slope")
    axes.legend()
    return figure
