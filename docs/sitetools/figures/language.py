"""Figures of course/language.md."""

import string

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import purenn as pn
from sitetools import ROOT
from sitetools.figures import marks
from sitetools.figures.marks import BACKWARD, FAINT, FORWARD
from sitetools.svg import FORWARD as FORWARD_CURVE
from sitetools.svg import SEQUENTIAL

BOOK = ROOT / "examples/data/text/moby-dick.txt"
LETTERS = " " + string.ascii_lowercase


def tokens() -> tuple[np.ndarray, int]:
    """The book as whole numbers, and how many there are of them."""
    codes = np.frombuffer(BOOK.read_text(encoding="utf-8").encode("utf-32-le"), np.uint32)
    found, numbers = np.unique(codes, return_inverse=True)
    return numbers, len(found)


def counted(numbers: np.ndarray, size: int) -> np.ndarray:
    """How often each token follows each."""
    return np.bincount(numbers[:-1] * size + numbers[1:], minlength=size**2).reshape(size, size)


def pairs() -> Figure:
    """How likely each letter is to follow each, in all of the book."""
    text = BOOK.read_text(encoding="utf-8").lower()
    places = {letter: i for i, letter in enumerate(LETTERS)}
    numbers = np.array([places.get(c, 0) for c in text])  # what is not a letter counts as a space
    counts = counted(numbers, len(LETTERS))
    counts[0, 0] = 0  # a comma and a space, or the end of a line
    likely = counts / counts.sum(axis=1, keepdims=True)
    figure, axes = plt.subplots(figsize=(4.7, 4.7))
    axes.imshow(np.sqrt(likely), cmap=SEQUENTIAL)
    axes.grid(False)
    labels = ["␣", *LETTERS[1:]]
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yticks(range(len(labels)), labels)
    axes.tick_params(length=0, labelsize=11)
    axes.set_xlabel("the next character")
    axes.set_ylabel("a character")
    return figure


def bits() -> Figure:
    """What three ways to guess cost per character of the last tenth of the book."""
    numbers, size = tokens()
    start = len(numbers) * 9 // 10
    counts = counted(numbers[:start], size) + 0.1  # what never occurred remains possible
    before, after = numbers[start - 1 : -1], numbers[start:]
    single = counts.sum(axis=0) / counts.sum()
    pair = counts / counts.sum(axis=1, keepdims=True)
    costs = {
        "all equally likely": np.log2(size),
        "frequency of each": -np.log2(single[after]).mean(),
        "… after the previous one": -np.log2(pair[before, after]).mean(),
    }
    figure, axes = plt.subplots(figsize=(4.7, 1.7))
    bars = axes.barh(list(costs), list(costs.values()), color=FORWARD_CURVE, height=0.6)
    axes.bar_label(bars, [f"{cost:.2f}" for cost in costs.values()], padding=4)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, 7.4)
    axes.set_xlabel("bits per character")
    return figure


def on_a_circle() -> str:
    """Rows of two features before and after RMS norm, and what it lets through of a derivative."""
    x = jnp.array([[2.6, 0.9], [0.35, 0.6], [-1.5, 1.7]])
    dy = jnp.array([[-0.5, 0.8], [0.55, 0.35], [0.9, 0.3]])
    layer, params = pn.rms_norm(), pn.RmsNormParams(jnp.ones(2))

    def both(x: jax.Array, dy: jax.Array) -> tuple[jax.Array, jax.Array]:
        y, _, cache = layer.forward(params, (), x)
        return y, layer.backward(params, cache, dy)[1]

    y, dx = map(np.asarray, jax.jit(both)(x, dy))
    unit, left, low = 62, 150, 190

    def at(point: np.ndarray) -> tuple[float, float]:
        return left + unit * float(point[0]), low - unit * float(point[1])

    parts = [
        marks.line(10, low, 350, low, color=FAINT),
        marks.line(left, 20, left, 270, color=FAINT),
        marks.circle(left, low, unit * 2**0.5, fill="none"),
    ]
    for row, out, down, back in zip(np.asarray(x), y, np.asarray(dy), dx, strict=True):
        parts += [
            marks.arrow(*at(row), *at(out), color=FORWARD),
            marks.arrow(*at(out), *at(out + down), color=BACKWARD),
            marks.arrow(*at(row), *at(row + back), color=BACKWARD, width=3),
            marks.circle(*at(row), 4, fill=marks.INK),
            marks.circle(*at(out), 4, color=FORWARD, fill=FORWARD),
        ]
    parts += [marks.text(left + 70, low + 66, "√2", anchor="start")]
    return marks.svg(360, 280, *parts)
