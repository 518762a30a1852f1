"""Figures of course/convolution.md on pools and on the variants of a convolution."""

import jax
import numpy as np

import purenn as pn
from purenn.layers.conv2d_transpose import Conv2dTransposeParams
from sitetools.figures import marks
from sitetools.figures.convolution import board, lattice


def pooled() -> str:
    """Two windows, forward and backward through a max pool and an average pool."""
    x = np.array([[1, 4, 0, 0], [3, 2, 0, 0]], np.float32)
    dy = np.array([[8, 4]], np.float32)

    @jax.jit
    def both(x, dy):
        found = []
        for pool in (pn.max_pool(), pn.avg_pool()):
            y, _, cache = pool.forward((), (), x)
            found.append((y[0, :, :, 0], pool.backward((), cache, dy)[1][0, :, :, 0]))
        return found

    parts = [board(x, 102, 34, "x")]
    for i, (y, dx) in enumerate(both(x[None, :, :, None], dy[None, :, :, None])):
        left = (10, 194)[i]
        name = ("max pool", "average pool")[i]
        parts += [
            marks.text(left + 68, 132, name),
            board(np.asarray(y), left + 34, 172, "y", (), marks.FORWARD),
            board(dy, left + 34, 244, "dy", (), marks.BACKWARD),
            board(
                np.asarray(dx), left, 316, "dx", list(zip(*np.nonzero(dx), strict=True)),
                marks.BACKWARD,
            ),
        ]  # fmt: skip
    return marks.svg(340, 392, *parts)


def spread() -> str:
    """The pixels that a kernel sees with dilation, and the channels of a feature with groups."""
    size, cell, parts = 7, 20, []
    for left, dilation in ((14, 1), (192, 2)):
        seen = [3 + dilation * a for a in (-1, 0, 1)]
        parts.append(marks.text(left + size * cell / 2, 12, f"dilation {dilation}"))
        lit = [(i, j) for i in seen for j in seen]
        parts += lattice(left, 28, size, size, cell, lit, marks.FORWARD)
    top, step = 228, 34
    for number, groups in enumerate((1, 2, 4)):
        left = 26 + 116 * number
        right = left + 66
        parts.append(marks.text((left + right) / 2, 196, f"{groups} group{'s' * (groups > 1)}"))
        for u, f in np.ndindex(4, 4):
            if u * groups // 4 == f * groups // 4:
                ends = (left, top + u * step, right, top + f * step)
                parts.append(marks.line(*ends, color=marks.FORWARD))
        for i in range(4):
            parts += [marks.circle(x, top + i * step, 9) for x in (left, right)]
    return marks.svg(348, top + 3 * step + 18, *parts)


def laid_down() -> str:
    """A transposed convolution of one row, forward and backward."""
    kernel, x = np.array([1, 2, 3], np.float32), np.array([1, 2], np.float32)
    dy = np.array([1, 0, 0, 1, 0], np.float32)
    layer = pn.conv2d_transpose(1, (1, 3), strides=(1, 2), padding="VALID")
    params = Conv2dTransposeParams(kernel.reshape(1, 3, 1, 1), np.zeros(1, np.float32))

    @jax.jit
    def both(x, dy):
        y, _, cache = layer.forward(params, (), x)
        return y, layer.backward(params, cache, dy)[1]

    y, dx = both(x.reshape(1, 1, 2, 1), dy.reshape(1, 1, 5, 1))
    rows = [np.zeros((1, 5)), np.zeros((1, 5))]
    for i, row in enumerate(rows):
        row[0, 2 * i : 2 * i + 3] = x[i] * kernel
    places = [[(0, 2 * i + a) for a in range(3)] for i in (0, 1)]
    number = marks.number
    parts = [
        board(rows[0], 84, 28, f"from pixel {number(x[0])}", places[0], marks.FORWARD),
        board(rows[1], 84, 100, f"from pixel {number(x[1])}", places[1], marks.FORWARD),
        board(np.asarray(y).reshape(1, 5), 84, 172, "y, the sum", (), marks.FORWARD),
        board(dy[None], 84, 260, "dy", places[0], marks.BACKWARD),
        board(dy[None], 84, 332, "dy", places[1], marks.BACKWARD),
    ]
    for i, back in enumerate(np.asarray(dx).ravel()):
        words = f"dx{'₁₂'[i]} = {number(back)}"
        parts.append(marks.text(300, 277 + 72 * i, words, color=marks.BACKWARD))
    return marks.svg(344, 380, *parts)


def causal() -> str:
    """A sequence of eight steps and its causal convolution with a dilation of 2."""
    x, weights, shown = np.arange(1, 9, dtype=np.float32), (100, 10, 1), 6
    layer = pn.conv1d(1, kernel=3, dilation=2, padding=(4, 0), b_init=None)
    params = pn.Conv1dParams(w=np.array(weights, np.float32).reshape(3, 1, 1))
    z = np.asarray(jax.jit(layer.apply)(params, (), x[None, :, None])[0]).ravel()
    above, below, step, left = 30, 152, 41, 46
    places = [left + step * i for i in range(8)]
    thin, strong = [], []
    for i in range(8):
        for weight, back in zip(weights, (4, 2, 0), strict=True):
            if i < back:
                continue
            ends = (places[i - back], below, places[i], above)
            if i != shown:
                thin.append(marks.line(*ends, color=marks.FAINT, width=1))
                continue
            strong.append(marks.line(*ends, color=marks.FORWARD, width=2.5))
            middle = 0.62 * places[i - back] + 0.38 * places[i], 0.62 * below + 0.38 * above
            words = marks.text(*middle, f"×{weight}", color=marks.FORWARD, size=14)
            half = 10 + 4.5 * len(str(weight))
            edges = (middle[0] - half, middle[1] - 10, 2 * half, 20)
            strong += [marks.box(*edges, color="none"), words]
    seen = {shown - back for back in (0, 2, 4)}
    parts = [*thin, *strong]
    for i, place in enumerate(places):
        parts += [
            marks.circle(place, above, 17, color=marks.FORWARD if i == shown else marks.INK),
            marks.text(place, above, marks.number(z[i]), size=14),
            marks.circle(place, below, 17, color=marks.FORWARD if i in seen else marks.INK),
            marks.text(place, below, marks.number(x[i])),
        ]
    parts += [marks.text(12, above, "z"), marks.text(12, below, "x")]
    return marks.svg(352, 178, *parts)
