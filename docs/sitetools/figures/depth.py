"""Figures of course/depth.md: how large the derivative is at each layer of a deep network."""

from functools import cache

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jax import lax
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

import purenn as pn
from sitetools.svg import BLUE, ORANGE, PURPLE

LAYERS, WIDTH, BATCH = 30, 64, 32
SCALES = {0.5: (BLUE, "--"), 1.0: (PURPLE, "-"), 2.0: (ORANGE, ":")}


@cache
def sizes(activation: pn.Op, around: bool = False) -> dict[float, np.ndarray]:
    """For each scale the norm of the derivative at the input of each block, of the last's output.

    The blocks are alike, so that one `scan` runs forward over all of them and one back.
    """
    start = pn.initializers.he_normal if activation is pn.relu else pn.initializers.lecun_normal
    block = pn.serial(pn.dense(WIDTH, w_init=start), activation)
    block = pn.residual(block) if around else block

    def measured(scale):
        keys = jax.random.split(jax.random.key(0), LAYERS)
        params, state = jax.vmap(lambda key: block.init(key, (WIDTH,)))(keys)
        params = jax.tree.map(lambda p: scale * p, params)
        x, dy = jax.random.normal(jax.random.key(1), (2, BATCH, WIDTH))

        def forward(x, p):
            y, _, kept = block.forward(p, state, x)
            return y, kept

        def backward(dy, p_and_kept):
            _, dx = block.backward(*p_and_kept, dy)
            return dx, jnp.linalg.norm(dx)

        _, caches = lax.scan(forward, x, params)
        _, norms = lax.scan(backward, dy, (params, caches), reverse=True)
        return jnp.append(norms, jnp.linalg.norm(dy)) / jnp.linalg.norm(dy)

    scales = jnp.array(list(SCALES))
    return dict(zip(SCALES, np.asarray(jax.jit(jax.vmap(measured))(scales)), strict=True))


def derivative_by_layer() -> Figure:
    """ReLU and tanh, three scales of the weights."""
    figure, panels = plt.subplots(2, 1, sharex=True, sharey=True, figsize=(5.2, 5.4))
    names = {pn.relu: "relu, He's scale times", pn.tanh: "tanh, LeCun's scale times"}
    for panel, (activation, title) in zip(panels, names.items(), strict=True):
        for scale, (colour, style) in SCALES.items():
            norms = sizes(activation)[scale]
            panel.semilogy(range(LAYERS + 1), norms, style, color=colour, label=f"{scale:g}")
        panel.set_title(title)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.set_ylabel("size of the derivative")
    panels[0].legend()
    panels[1].set_xlabel("layer")
    return figure


def with_a_way_around() -> Figure:
    """Tanh at half of LeCun's scale, plain and as residual blocks."""
    figure, axes = plt.subplots(figsize=(5.2, 3.0))
    for around, name, colour, style in (
        (True, "y = x + f(x)", ORANGE, "-"),
        (False, "y = f(x)", BLUE, "--"),
    ):
        norms = sizes(pn.tanh, around)[0.5]
        axes.semilogy(range(LAYERS + 1), norms, style, color=colour, label=name)
    axes.set_xlabel("layer")
    axes.set_ylabel("size of the derivative")
    axes.legend()
    return figure
