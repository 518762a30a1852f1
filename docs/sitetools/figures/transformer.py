"""Figures of course/transformer.md."""

from functools import cache

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jax import lax
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

import purenn as pn
from sitetools.figures import marks
from sitetools.figures.marks import BACKWARD, FAINT, FORWARD
from sitetools.svg import SERIES

ROAD, BRANCH = 72, 250  # where the two columns are
BLOCKS, WIDTH, TIME = 12, 64, 32


def forward() -> str:
    """The network from tokens to loss."""
    return drawn(back=False)


def backward() -> str:
    """The same from the loss to the table of the embedding."""
    return drawn(back=True)


def drawn(*, back: bool) -> str:
    """The network with arrows in one direction."""
    color = BACKWARD if back else FORWARD

    def way(x1: float, y1: float, x2: float, y2: float, width: float = 2) -> str:
        ends = (x2, y2, x1, y1) if back else (x1, y1, x2, y2)
        return marks.arrow(*ends, color=color, width=width)

    def box(x: float, y: float, words: str, wide: float = 124) -> str:
        frame = marks.box(x - wide / 2, y - 15, wide, 30, corner=6)
        return frame + marks.text(x, y, words)

    def by(y: float, there: str, here: str) -> str:
        words = here if back else there
        return marks.text(ROAD + 12, y, words, color=color, anchor="start", size=15)

    def split(y: float) -> str:  # a copy on the way forward, a sum on the way back
        return plus(y) if back else marks.circle(ROAD, y, 5, color=color, fill=color)

    def joined(y: float) -> str:  # a sum on the way forward, a copy on the way back
        return marks.circle(ROAD, y, 5, color=color, fill=color) if back else plus(y)

    def plus(y: float) -> str:
        return marks.circle(ROAD, y, 11, color=color) + marks.text(ROAD, y, "+", size=18)

    def residual(copied: float, added: float, *boxes: tuple[float, str]) -> list[str]:
        """A branch with its boxes, and the road beside it."""
        tops, bottoms = [y - 15 for y, _ in boxes], [y + 15 for y, _ in boxes]
        plain = {"color": color, "width": 2.0}
        if back:  # the head of an arrow with a corner is at the end of its second half
            branch = [
                marks.line(ROAD, added, BRANCH, added, **plain),
                way(BRANCH, bottoms[-1], BRANCH, added),
                marks.line(BRANCH, tops[0], BRANCH, copied, **plain),
                marks.arrow(BRANCH, copied, ROAD + 12, copied, **plain),
            ]
        else:
            branch = [
                marks.line(ROAD, copied, BRANCH, copied, **plain),
                way(BRANCH, copied, BRANCH, tops[0]),
                marks.line(BRANCH, bottoms[-1], BRANCH, added, **plain),
                marks.arrow(BRANCH, added, ROAD + 12, added, **plain),
            ]
        between = zip(bottoms, tops[1:], strict=False)
        branch += [way(BRANCH, above, BRANCH, below) for above, below in between]
        branch += [box(BRANCH, y, words) for y, words in boxes]
        gap = (12, 6) if back else (6, 12)
        past = way(ROAD, copied + gap[0], ROAD, added - gap[1], width=5)
        return [*branch, past, split(copied), joined(added)]

    frame = marks.box(6, 112, 330, 374, color=FAINT, opacity=0, corner=10)
    parts = [
        frame,
        marks.text(324, 127, "a block", anchor="end", size=15),
        marks.text(ROAD, 14, "tokens (T)"),
        "" if back else way(ROAD, 24, ROAD, 39),
        box(ROAD, 56, "embedding"),
        way(ROAD, 71, ROAD, 141, width=5),
        by(90, "X (T, n)", "dX (T, n)"),
        *residual(146, 262, (176, "norm"), (222, "attention")),
        way(ROAD, 274, ROAD, 296, width=5),
        *residual(302, 462, (332, "norm"), (378, "gated dense"), (424, "dense")),
        way(ROAD, 474, ROAD, 521, width=5),
        by(503, "X (T, n)", "dX (T, n)"),
        box(ROAD, 536, "norm"),
        way(ROAD, 551, ROAD, 577),
        box(ROAD, 592, "dense"),
        way(ROAD, 607, ROAD, 647),
        by(627, "z (T, V)", "dz = (a − y) / (m T)"),
        box(ROAD, 662, "softmax, loss"),
        marks.text(ROAD + 74, 662, "dL = 1" if back else "← targets (T)", anchor="start", size=15),
    ]
    return marks.svg(344, 684, *parts, size=16)


@cache
def along(*, around: bool) -> tuple[np.ndarray, np.ndarray]:
    """The size of dX before each block, of the last one's, and the cosine of their angle.

    The weights start as in `examples/language_models.py`.
    """
    small = jax.nn.initializers.normal(0.02 / (2 * BLOCKS) ** 0.5)
    branches = (
        pn.serial(pn.rms_norm(), pn.attention(4, causal=True, rotary=True)),
        pn.serial(pn.rms_norm(), pn.gated_dense(160), pn.dense(WIDTH, b_init=None, w_init=small)),
    )
    block = pn.serial(*(map(pn.residual, branches) if around else branches))

    @jax.jit
    def derivatives() -> jax.Array:
        keys = jax.random.split(jax.random.key(0), BLOCKS)
        params, state = jax.vmap(lambda key: block.init(key, (TIME, WIDTH)))(keys)
        x, dy = jax.random.normal(jax.random.key(1), (2, 4, TIME, WIDTH))

        def forward(x, p):
            y, _, kept = block.forward(p, state, x)
            return y, kept

        def backward(dy, p_and_kept):
            _, dx = block.backward(*p_and_kept, dy)
            return dx, dx

        _, caches = lax.scan(forward, x, params)
        _, dxs = lax.scan(backward, dy, (params, caches), reverse=True)
        return jnp.concatenate([dxs, dy[None]]).reshape(BLOCKS + 1, -1)

    dx = np.asarray(derivatives())
    size = np.linalg.norm(dx, axis=1)
    return size / size[-1], dx @ dx[-1] / size / size[-1]


def road() -> Figure:
    """The derivative before each block, compared with the last one, with and without residuals."""
    figure, panels = plt.subplots(2, 1, sharex=True, figsize=(4.7, 4.6))
    titles = "size of the derivative", "cosine of its angle to the last derivative"
    curves = (
        (True, SERIES[0], "-", "with residuals"),
        (False, SERIES[1], "--", "without residuals"),
    )
    for i, (panel, title) in enumerate(zip(panels, titles, strict=True)):
        for around, color, style, label in curves:
            panel.plot(along(around=around)[i], style, color=color, label=label)
        panel.set_title(title, fontsize=11)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panels[0].set_yscale("log")
    panels[0].legend()
    panels[1].set_ylim(-0.1, 1.1)
    panels[1].set_xlabel("block")
    return figure


def sizes() -> Figure:
    """The parameters of the network that the page counts, by the part that they are in."""
    features, vocabulary, blocks = 128, 83, 4
    parts = {
        "embedding": (1, pn.embedding(vocabulary, features), (TIME,)),
        "attention": (blocks, pn.attention(4, causal=True, rotary=True), (TIME, features)),
        "gated dense": (blocks, pn.gated_dense(8 * features // 3), (TIME, features)),
        "dense": (blocks, pn.dense(features, b_init=None), (TIME, 8 * features // 3)),
        "norms": (2 * blocks + 1, pn.rms_norm(), (TIME, features)),
        "scores": (1, pn.dense(vocabulary, b_init=None), (TIME, features)),
    }
    counts = []
    for times, layer, shape in parts.values():
        params, _ = jax.eval_shape(lambda layer=layer, s=shape: layer.init(jax.random.key(0), s))
        counts.append(times * sum(leaf.size for leaf in jax.tree.leaves(params)))
    figure, axes = plt.subplots(figsize=(4.7, 2.8))
    shown = axes.barh(list(parts), [count / 1000 for count in counts], height=0.7)
    axes.bar_label(shown, [f"{count:,}" for count in counts], padding=3)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlim(0, 1.25 * max(counts) / 1000)
    axes.set_xlabel("thousands of parameters")
    return figure
