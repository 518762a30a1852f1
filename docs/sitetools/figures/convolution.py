"""Figures of course/convolution.md."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure
from table import jit_quickly

import purenn as pn
from purenn.layers.conv2d import Conv2dParams
from sitetools import ROOT
from sitetools.figures import marks
from sitetools.svg import DIVERGING, INK, SERIES

X = np.array([[1, 0, 2, 1], [3, 1, 0, 2], [0, 2, 1, 1], [1, 0, 3, 0]], np.float32)
W = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], np.float32)
DZ = np.array([[1, -1], [2, 3]], np.float32)


def worked() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`z, dw, dx` of the example, by purenn."""
    layer = pn.conv2d(1, (3, 3), padding="VALID")
    params = Conv2dParams(jnp.asarray(W)[:, :, None, None], jnp.zeros(1))
    z, _, saved = layer.forward(params, (), jnp.asarray(X)[None, :, :, None])
    dparams, dx = layer.backward(params, saved, jnp.asarray(DZ)[None, :, :, None])
    return np.asarray(z)[0, :, :, 0], np.asarray(dparams.w)[:, :, 0, 0], np.asarray(dx)[0, :, :, 0]


CELL = 34


def board(values, left, top, title, lit=(), color=marks.INK) -> str:
    """A matrix as squares with numbers, some of them lit."""
    rows, columns = values.shape
    middle = left + columns * CELL / 2
    parts = [f'<text x="{middle}" y="{top - 9}" fill="{color}">{title}</text>']
    parts += lattice(left, top, rows, columns, CELL, lit, color)
    for i, j in np.ndindex(rows, columns):
        x, y = left + (j + 0.5) * CELL, top + i * CELL + 23
        parts.append(f'<text x="{x:g}" y="{y:g}">{marks.number(values[i, j])}</text>')
    return "".join(parts)


def lattice(left, top, rows, columns, cell, lit, color) -> list[str]:
    """The lines of a matrix, and behind them its lit cells."""
    squares = [f"M{left + j * cell:g} {top + i * cell:g}h{cell}v{cell}h-{cell}z" for i, j in lit]
    behind = f'<path d="{"".join(squares)}" fill="{color}" fill-opacity="0.22"/>' if squares else ""
    across = [f"M{left:g} {top + i * cell:g}h{columns * cell}" for i in range(rows + 1)]
    down = [f"M{left + j * cell:g} {top:g}v{rows * cell}" for j in range(columns + 1)]
    return [behind, f'<path d="{"".join(across + down)}" stroke="{marks.INK}"/>']


def there_and_back() -> str:
    """One position of the kernel: its output, and its shares of the two derivatives."""
    z, dw, dx = worked()
    row, column = 0, 1
    window = [(row + a, column + b) for a, b in np.ndindex(3, 3)]
    everywhere = list(np.ndindex(3, 3))
    here = [(row, column)]
    from_here = np.zeros_like(X)
    from_here[row : row + 3, column : column + 3] = DZ[row, column] * W
    share = DZ[row, column] * X[row : row + 3, column : column + 3]

    def sign(text, x, y):
        return f'<text x="{x}" y="{y}" font-size="22">{text}</text>'

    blue, orange = marks.FORWARD, marks.BACKWARD
    parts = [
        board(X, 10, 40, "x", window, blue),
        sign("∗", 170, 115),
        board(W, 196, 57, "w", everywhere, blue),
        sign("=", 324, 115),
        board(z, 352, 74, "z", here, blue),
        board(from_here, 10, 236, "its share in dx", window, orange),
        sign("=", 170, 311),
        board(W, 196, 253, "w", everywhere, blue),
        sign("·", 324, 311),
        board(DZ, 352, 270, "dz", here, orange),
        board(share, 10, 432, "its share in dw", everywhere, orange),
        sign("→", 140, 489),
        board(dw, 176, 432, "dw, the sum", (), orange),
        board(dx, 346, 415, "dx, the sum", window, orange),
    ]
    return marks.svg(500, 560, *parts, size=16)


TWO = np.array([[[1, 0, 2], [3, 1, 0], [0, 2, 1]], [[0, 1, 1], [2, 0, 1], [1, 0, 2]]], np.float32)
KERNELS = np.array([[[1, 0], [0, 2]], [[0, 1], [-1, 0]]], np.float32)  # one for each channel


def two_channels() -> str:
    """Two channels and one kernel: each channel's share of the result, and the result."""
    layer = pn.conv2d(1, (2, 2), padding="VALID", b_init=None)

    def run(x, w):
        params = Conv2dParams(jnp.asarray(w).transpose(1, 2, 0)[..., None])
        return np.asarray(layer.apply(params, (), x.transpose(1, 2, 0)[None])[0])[0, :, :, 0]

    window, blue, here = list(np.ndindex(2, 2)), marks.FORWARD, [(0, 0)]
    parts = []
    for i, (x, w) in enumerate(zip(TWO, KERNELS, strict=True)):
        top = 34 + 144 * i
        parts += [
            board(x, 10, top, f"channel {i} of x", window, blue),
            marks.text(136, top + 51, "∗", size=22),
            board(w, 160, top + 17, "its weights", window, blue),
            marks.text(252, top + 51, "=", size=22),
            board(run(x[None], w[None]), 276, top + 17, "its share of z", here, blue),
        ]
    parts += [
        marks.text(310, 147, "+", size=22),
        marks.text(310, 288, "↓", size=22),
        board(run(TWO, KERNELS), 276, 328, "z", here, blue),
    ]
    return marks.svg(370, 404, *parts, size=16)


def as_a_matrix() -> Figure:
    """A 3×3 convolution of a 6×6 image as the matrix of a dense layer."""
    w = np.arange(1.0, 10).reshape(3, 3) - 5
    layer = pn.conv2d(1, (3, 3), padding="VALID")
    params = Conv2dParams(jnp.asarray(w, jnp.float32)[:, :, None, None], jnp.zeros(1))
    pixels = jnp.eye(36).reshape(36, 6, 6, 1)  # one image for each pixel
    matrix = np.asarray(layer.apply(params, (), pixels)[0]).reshape(36, 16)
    figure = Figure(figsize=(4.9, 2.9), layout="constrained")
    axes = figure.subplots()
    shown = axes.imshow(matrix.T, cmap=DIVERGING, vmin=-5, vmax=5)
    axes.set(xlabel="pixel of the 6×6 image", ylabel="position", yticks=[0, 5, 10, 15])
    axes.grid(visible=False)
    figure.colorbar(shown, label="weight", shrink=0.8)
    return figure


FILTERS = 6


@cache
def learned():
    """Six 5×5 filters after two passes over 3,000 digits, and 200 digits' responses.

    The strides while it trains save most of the work; the responses are looked at in every place.
    """
    (x, y), (x_test, y_test) = pn.load_mnist("examples/data/mnist")
    x, y, x_test, y_test = x[:3000, ..., None], y[:3000], x_test[:1000, ..., None], y_test[:1000]
    layer = pn.conv2d(FILTERS, (5, 5), strides=(2, 2), padding="VALID")
    everywhere = pn.conv2d(FILTERS, (5, 5), padding="VALID")
    model = pn.serial(pn.rescale(), layer, pn.relu, pn.max_pool((2, 2)), pn.flatten(), pn.dense(10))
    run = pn.training_run(model, pn.softmax_cross_entropy, pn.adam(0.01), epochs=2, batch_size=50)

    @jit_quickly
    def everything(x, y, x_test, y_test):
        (params, state, *_), _ = run(jax.random.key(0), x, y)
        logits, _ = model.apply(params, state, x_test)
        digits = x[:200].astype(jnp.float32) / 255
        response = pn.relu(everywhere.apply(params[1], (), digits)[0])
        return params[1].w[:, :, 0], response, digits[..., 0], pn.accuracy(logits, y_test)

    return [np.asarray(a) for a in everything(x, y, x_test, y_test)]


def filters() -> Figure:
    """The filters, their responses to one digit, and the patches that excite them most."""
    w, response, digits, accuracy = learned()
    patches = []
    for f in range(FILTERS):
        best = np.argsort(response[..., f].ravel())[::-1][:20]
        places = zip(*np.unravel_index(best, response.shape[:3]), strict=True)
        seen = [digits[n, i : i + 5, j : j + 5] for n, i, j in places]
        patches.append(np.mean(seen, axis=0))
    of_each = {
        "filter": [w[..., f] / np.abs(w[..., f]).max() for f in range(FILTERS)],
        "response": [response[7, ..., f] / response[7, ..., f].max() for f in range(FILTERS)],
        "patch": patches,
    }
    figure = Figure(figsize=(4.9, 2.9), layout="constrained")
    rows = zip(figure.subplots(3, 1), of_each.items(), (DIVERGING, "gray_r", "gray_r"), strict=True)
    for axes, (name, images), colors in rows:
        low = -1 if name == "filter" else 0
        axes.imshow(side_by_side(images), cmap=colors, vmin=low, vmax=1, interpolation="none")
        axes.set(xticks=[], yticks=[], ylabel=name)
        axes.spines[:].set_visible(False)
        axes.grid(visible=False)
    figure.suptitle(f"accuracy {accuracy:.1%} on 1,000 test digits", fontsize=11)
    return figure


def side_by_side(images: list[np.ndarray]) -> np.ndarray:
    """Images in one row with a gap of a ninth of their width, which stays empty."""
    sharp = [np.kron(image, np.ones((72 // len(image),) * 2)) for image in images]
    gap = np.full((len(sharp[0]), 8), np.nan)
    return np.hstack([part for image in sharp for part in (image, gap)][:-1])


DOT = 8  # points across


def race(row: str) -> dict[str, float]:
    """The medians of one table of the benchmarks, on an AMD EPYC with AVX-512."""
    text = (ROOT / "tests/benchmarks/results/amd-epyc-avx512/results.md").read_text()
    (table,) = [part for part in text.split("\n\n") if part.startswith(f"| {row} |")]
    lines = [
        [cell.strip(" *") for cell in line.strip("|").split("|")] for line in table.split("\n")
    ]
    if "ms per" not in lines[0][1]:
        raise ValueError(f"the second column of {row} is {lines[0][1]!r}, not milliseconds")
    return {line[0]: float(line[1].replace(",", "")) for line in lines[2:]}


def speed() -> Figure:
    """A training step of a small CNN, and the backward of a max pool: purenn dark, others pale."""
    step, pool = race("cnn_step"), race("max_pool_backward")
    figure = Figure(figsize=(4.9, 5.6), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(len(step), len(pool) + 1))
    for axes, found, title in (
        (above, step, "training step of a small CNN"),
        (below, pool, "backward pass, 2×2 max pool"),
    ):
        names = list(found)[::-1]
        own = [name.startswith("purenn") for name in names]
        colors = [INK if each else SERIES[3] for each in own]
        axes.scatter([found[name] for name in names], names, s=DOT**2, c=colors, zorder=3)
        for name in names:
            beside = {"textcoords": "offset points", "xytext": (DOT / 2 + 4, 0), "va": "center"}
            axes.annotate(f"{found[name]:.3g}", (found[name], name), **beside)
        axes.set(title=title, xscale="log", xlabel="ms, logarithmic", ylim=(-0.7, len(names) - 0.3))
        axes.minorticks_off()
        axes.margins(x=0.25)
        axes.set_axisbelow(True)
    return figure
