"""Figures of course/depth.md: the derivative in a deep network, and its paths back."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

import purenn as pn
from sitetools.figures import marks
from sitetools.figures.practice import computed_on
from sitetools.svg import DASHES, FORWARD, SERIES

LAYERS, WIDTH, BATCH = 30, 64, 32
SCALES = dict(zip((0.5, 1.0, 2.0), zip(SERIES, DASHES, strict=True), strict=False))


@cache
def sizes(activation: pn.Op, around: bool = False) -> dict[float, np.ndarray]:
    """Measure the derivative's norm at the input of each block, relative to the last output's.

    It does so for each scale. The blocks are alike, so one `scan` runs forward over all of them,
    and another one backward.
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
    figure = Figure(figsize=(4.9, 5.2), layout="constrained")
    panels = figure.subplots(2, 1, sharex=True, sharey=True)
    names = {pn.relu: "relu, He scale times", pn.tanh: "tanh, LeCun's scale times"}
    for panel, (activation, title) in zip(panels, names.items(), strict=True):
        for scale, (color, style) in SCALES.items():
            norms = sizes(activation)[scale]
            panel.semilogy(range(LAYERS + 1), norms, style, color=color, label=f"{scale:g}")
        panel.set_title(title)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.set_ylabel("size of the derivative")
    panels[0].legend()
    panels[1].set_xlabel("layer")
    return figure


def with_a_way_around() -> Figure:
    """Tanh at half of LeCun's scale, plain and as residual blocks."""
    figure = Figure(figsize=(4.9, 3.0), layout="constrained")
    axes = figure.subplots()
    for around, name, color, style in (
        (True, "y = x + f(x)", SERIES[0], "-"),
        (False, "y = f(x)", SERIES[1], "--"),
    ):
        norms = sizes(pn.tanh, around)[0.5]
        axes.semilogy(range(LAYERS + 1), norms, style, color=color, label=name)
    axes.set_xlabel("layer")
    axes.set_ylabel("size of the derivative")
    axes.legend()
    return figure


def memory() -> Figure:
    """The memory that each layer of the page's network adds for a batch, and its parameters."""
    (sizes,) = computed_on("course/depth", "sizes")
    figure = Figure(figsize=(4.9, 2.4), layout="constrained")
    axes = figure.subplots()
    names = list(sizes)[::-1]
    shown = axes.barh(names, [sizes[name] / 1000 for name in names], height=0.7, color=FORWARD)
    axes.bar_label(shown, [f" {sizes[name] / 1000:,.0f} kB" for name in names])
    axes.set(title="memory added, batch of 128", xticks=[])
    axes.margins(x=0.3)
    axes.spines["bottom"].set_visible(False)
    axes.grid(visible=False)
    return figure


def ways() -> str:
    """Three residual blocks and the paths back through and around them."""
    color, left, gap, y = marks.BACKWARD, 38, 96, 96
    parts = [marks.text(14, y, "dx"), marks.text(left + 3 * gap + 24, y, "dy")]
    for i in range(3):
        begin, end = left + i * gap, left + (i + 1) * gap
        middle = (begin + end) / 2
        parts += [
            f'<path d="M{end} {y}C{end - 4} {y - 76} {begin + 4} {y - 76} {begin} {y}" '
            f'fill="none" stroke="{color}" stroke-width="4"/>',
            marks.line(end, y, middle + 22, y, color=color),
            marks.arrow(middle - 22, y, begin + 7, y, color=color),
            marks.box(middle - 22, y - 17, 44, 34, color=color, corner=5),
            marks.text(middle, y, f"J{'₁₂₃'[i]}"),
            marks.text(middle, y - 70, "· I", size=14),
        ]
    parts += [marks.circle(left + i * gap, y, 6, color=color) for i in range(4)]
    return marks.svg(left + 3 * gap + 46, 130, *parts)


def branches() -> str:
    """One input, three branches, and their combination, forward and backward."""
    parts = [marks.text(24, 96, "x"), marks.text(376, 96, "y")]
    parts += [marks.box(246, 79, 80, 34, corner=5), marks.text(286, 96, "combine")]
    parts += [
        marks.arrow(326, 91, 364, 91, color=marks.FORWARD),
        marks.arrow(364, 101, 328, 101, color=marks.BACKWARD),
    ]
    for i, y in enumerate((30, 96, 162)):
        down = (-1, 0, 1)[i]  # where the lines end in the boxes
        parts += [
            marks.box(88, y - 17, 56, 34, corner=5),
            marks.text(116, y, f"f{'₁₂₃'[i]}"),
            marks.arrow(36, 92 + 8 * down, 87, y - 6, color=marks.FORWARD),
            marks.arrow(87, y + 6, 38, 101 + 8 * down, color=marks.BACKWARD),
            marks.arrow(144, y - 6, 245, 91 + 8 * down, color=marks.FORWARD),
            marks.arrow(245, 101 + 8 * down, 146, y + 6, color=marks.BACKWARD),
        ]
    rows = (
        ("sum", "each branch receives dy"),
        ("product", "dy times the other outputs"),
        ("concat", "its own columns of dy"),
    )
    for i, (name, words) in enumerate(rows):
        parts.append(marks.text(40, 206 + 22 * i, name, anchor="start"))
        parts.append(marks.text(120, 206 + 22 * i, words, color=marks.BACKWARD, anchor="start"))
    return marks.svg(396, 264, *parts)


def calls() -> str:
    """The four calls of `value_and_grad`, and the values between them."""
    parts = []
    rows = (
        (46, "model.forward", "model.backward", "caches"),
        (136, "loss.forward", "loss.backward", "its cache"),
    )
    for y, there, back, kept in rows:
        parts += [
            marks.box(10, y - 20, 130, 40, color=marks.FORWARD, corner=5),
            marks.text(75, y, there),
            marks.box(232, y - 20, 130, 40, color=marks.BACKWARD, corner=5),
            marks.text(297, y, back),
            f'<path d="M141 {y}H230" stroke="{marks.INK}" stroke-dasharray="4 4"/>',
            marks.text(186, y - 11, kept, size=13),
        ]
    parts += [
        marks.text(75, 8, "x"),
        marks.arrow(75, 15, 75, 25, color=marks.FORWARD, width=1),
        marks.arrow(75, 66, 75, 115, color=marks.FORWARD),
        marks.text(88, 91, "outputs", anchor="start", size=13),
        marks.text(75, 204, "L", color=marks.FORWARD),
        marks.arrow(75, 156, 75, 194, color=marks.FORWARD),
        marks.text(297, 204, "dL = 1", color=marks.BACKWARD),
        marks.arrow(297, 194, 297, 157, color=marks.BACKWARD),
        marks.arrow(297, 116, 297, 67, color=marks.BACKWARD),
        marks.text(306, 91, "dy", anchor="start", size=13),
        marks.text(297, 8, "dparams", color=marks.BACKWARD),
        marks.arrow(297, 26, 297, 16, color=marks.BACKWARD, width=1),
    ]
    return marks.svg(372, 216, *parts, size=14)


def parts() -> str:
    """Three parts of a `serial`, with the caches between their passes."""
    drawn = [marks.text(10, 52, "x"), marks.text(366, 52, "y")]
    drawn += [marks.text(10, 152, "dx"), marks.text(364, 152, "dy")]
    drawn.append(marks.text(1, 10, "forward", anchor="start", color=marks.FORWARD, size=13))
    drawn.append(marks.text(1, 116, "backward", anchor="start", color=marks.BACKWARD, size=13))
    for i in range(3):
        left, middle = 40 + 108 * i, 78 + 108 * i
        before, after = left - 30 if i else 22, left + 78
        last = 356 if i == 2 else after
        drawn += [
            marks.box(left, 34, 76, 36, color=marks.FORWARD, corner=5),
            marks.text(middle, 52, f"part {i + 1}"),
            marks.arrow(before, 52, left - 1, 52, color=marks.FORWARD),
            marks.box(left, 134, 76, 36, color=marks.BACKWARD, corner=5),
            marks.text(middle, 152, f"part {i + 1}"),
            marks.arrow(left - 1, 152, before, 152, color=marks.BACKWARD),
            f'<path d="M{middle} 71V133" stroke="{marks.INK}" stroke-dasharray="4 4"/>',
            marks.text(middle + 6, 102, "cache", anchor="start", size=13),
            marks.arrow(middle, 171, middle, 193, color=marks.BACKWARD),
            marks.text(middle, 204, "dparams", color=marks.BACKWARD, size=13),
        ]
        if i == 2:
            drawn.append(marks.arrow(after - 2, 52, last, 52, color=marks.FORWARD))
            drawn.append(marks.arrow(last - 4, 152, after - 1, 152, color=marks.BACKWARD))
    return marks.svg(376, 214, *drawn, size=14)


def stacked() -> str:
    """Four equal blocks, one after another in the program, and one block in a loop."""
    drawn = [marks.text(88, 10, "serial"), marks.text(286, 10, "repeat")]
    for i in range(4):
        y = 52 + 52 * i
        theta = f"θ{'₁₂₃₄'[i]}"
        drawn += [
            marks.arrow(88, y - 32 if i else y - 28, 88, y - 17),
            marks.box(62, y - 16, 52, 32, corner=5),
            marks.text(88, y, "f"),
            marks.box(4, y - 13, 30, 26, color=marks.FAINT),
            marks.text(19, y, theta),
            marks.arrow(35, y, 61, y),
            marks.box(190, 78 + 26 * i, 34, 26, color=marks.FAINT),
            marks.text(207, 91 + 26 * i, theta),
        ]
    drawn += [
        marks.arrow(88, 225, 88, 240),
        marks.arrow(286, 24, 286, 113),
        marks.box(260, 114, 52, 32, corner=5),
        marks.text(286, 130, "f"),
        marks.arrow(225, 130, 259, 130),
        marks.arrow(286, 147, 286, 240),
        f'<path d="M286 190H350V70H296" fill="none" stroke="{marks.INK}" stroke-width="1.5"/>',
        marks.arrow(300, 70, 288, 70),
        marks.text(316, 204, "4 times", size=13),
    ]
    return marks.svg(376, 246, *drawn, size=15)
