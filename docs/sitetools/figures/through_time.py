"""Figures of course/through-time.md."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from sitetools.equations.recurrence import lstm_dz
from sitetools.figures import marks
from sitetools.figures.marks import BACKWARD, FORWARD
from sitetools.svg import DASHES, SERIES, SIZE

STEPS, UNITS, BATCH = 100, 64, 8
STYLES = tuple(zip(SERIES[:3], DASHES[:3], strict=True))


def plain_norms(scale: float) -> np.ndarray:
    """The size of dh at each step, of the last one's, in a tanh recurrence."""
    rng = np.random.default_rng(0)
    u = scale * rng.normal(size=(UNITS, UNITS)) / UNITS**0.5
    x, h = rng.normal(size=(STEPS, BATCH, UNITS)), [np.zeros((BATCH, UNITS))]
    for step in x:
        h.append(np.tanh(0.3 * step + h[-1] @ u))
    dh = rng.normal(size=(BATCH, UNITS))
    norms = [np.linalg.norm(dh)]
    for after in reversed(h[2:]):
        dh = dh * (1 - after**2) @ u.T
        norms.insert(0, np.linalg.norm(dh))
    return np.array(norms) / norms[-1]


def lstm_norms(bias: float) -> np.ndarray:
    """The size of dz at each step, of the last one's, with a bias of the forget gates."""
    rng = np.random.default_rng(0)
    w, u = rng.normal(size=(2, UNITS, 4 * UNITS)) / UNITS**0.5
    b = np.repeat([0.0, bias, 0.0, 0.0], UNITS)
    x, dy = rng.normal(size=(BATCH, STEPS, UNITS)), np.zeros((BATCH, STEPS, UNITS))
    dy[:, -1] = rng.normal(size=(BATCH, UNITS))
    norms = np.array([np.linalg.norm(dz) for dz in lstm_dz(x, w, u, b, dy)])
    return norms / norms[-1]


def far_back() -> Figure:
    """How large the derivative of the last step is at each step before it."""
    figure, panels = plt.subplots(2, 1, sharex=True, figsize=(4.9, 6.0))
    back = np.arange(STEPS)[::-1]
    for panel, title, norms, values in (
        (panels[0], "tanh: u scaled by", plain_norms, (0.5, 1.0, 2.0)),
        (panels[1], "LSTM: bias of the forget gates", lstm_norms, (0.0, 2.0, 5.0)),
    ):
        for value, (color, style) in zip(values, STYLES, strict=True):
            panel.semilogy(back, norms(value), style, color=color, label=f"{value:g}")
        panel.set_title(title, fontsize=SIZE)
        panel.set_ylabel("size of the derivative", fontsize=SIZE)
        panel.legend(fontsize=SIZE)
        panel.tick_params(labelsize=SIZE)
    panels[1].set_xlabel("steps before the last one", fontsize=SIZE)
    return figure


def cell() -> str:
    """One step of an LSTM; the cell's line runs through it with one product and one sum."""
    y, low, out = 60, 150, 232
    forget, add, tanh, show = 110, 205, 315, 315

    def box(x: float, y: float, words: str) -> str:
        wide = 22 if len(words) == 1 else 48
        round_ = marks.circle(x, y, 16) if len(words) == 1 else ""
        square = "" if round_ else marks.box(x - wide / 2, y - 15, wide, 30, corner=6)
        return (round_ or square) + marks.text(x, y, words, size=18 if round_ else 16)

    blue = {"color": FORWARD, "width": 2}
    thick = {"color": BACKWARD, "width": 4}
    parts = [
        marks.arrow(36, y, forget - 17, y, **blue),
        marks.arrow(forget + 17, y, add - 17, y, **blue),
        marks.arrow(add + 17, y, 428, y, **blue),
        marks.arrow(428, y - 20, 36, y - 20, **thick),
        marks.arrow(forget, low - 16, forget, y + 17, **blue),
        marks.arrow(add, low - 18, add, y + 17, **blue),
        marks.arrow(tanh, y, tanh, low - 61 + 16, **blue),
        marks.arrow(tanh, low - 15, tanh, out - 17, **blue),
        marks.arrow(show + 17, out, 428, out, **blue),
        marks.arrow(forget + 110, out, show - 17, out, **blue),
        marks.arrow(160, low + 38, add - 11, low + 12, **blue),
        marks.arrow(250, low + 38, add + 11, low + 12, **blue),
        box(forget, y, "×"),
        box(add, y, "+"),
        box(add, low, "×"),
        box(tanh, low - 30, "tanh"),
        box(show, out, "×"),
        marks.text(20, y, "c", size=18),
        marks.text(20, y + 12, "t−1", size=13, anchor="start"),
        marks.text(440, y, "c", size=18),
        marks.text(446, y + 9, "t", size=13, anchor="start"),
        marks.text(440, out, "h", size=18),
        marks.text(447, out + 9, "t", size=13, anchor="start"),
        marks.text(forget, low, "f", size=18),
        marks.text(152, low + 50, "i", size=18),
        marks.text(258, low + 50, "g", size=18),
        marks.text(forget + 100, out, "o", size=18),
        marks.text(232, 16, "dc, times f at each step", color=BACKWARD, size=16),
    ]
    return marks.svg(462, 262, *parts, size=16)


def gru() -> str:
    """One step of a GRU; the state's line runs through it with one product and one sum."""
    y, middle, low = 60, 132, 214
    keep, add, reset = 150, 290, 196
    blue = {"color": FORWARD, "width": 2}

    def node(x: float, y: float, words: str) -> str:
        return marks.circle(x, y, 16) + marks.text(x, y, words, size=18)

    def box(x: float, y: float, words: str) -> str:
        return marks.box(x - 30, y - 15, 60, 30, corner=6) + marks.text(x, y, words, size=16)

    parts = [
        marks.arrow(56, y, keep - 17, y, **blue),
        marks.arrow(keep + 17, y, add - 17, y, **blue),
        marks.arrow(add + 17, y, 402, y, **blue),
        marks.arrow(402, y - 20, 56, y - 20, color=BACKWARD, width=4),
        marks.arrow(keep, middle - 12, keep, y + 17, **blue),
        marks.arrow(add, middle - 16, add, y + 17, **blue),
        marks.arrow(add + 54, middle, add + 17, middle, **blue),
        marks.line(70, y, 70, low, **blue),
        marks.arrow(69, low, 90, low, **blue),
        marks.arrow(150, low, reset - 17, low, **blue),
        marks.arrow(reset, low + 50, reset, low + 17, **blue),
        marks.arrow(reset + 17, low, add - 31, low, **blue),
        marks.arrow(add, low + 50, add, low + 16, **blue),
        marks.arrow(add, low - 15, add, middle + 17, **blue),
        node(keep, y, "×"),
        node(add, y, "+"),
        node(add, middle, "×"),
        node(reset, low, "×"),
        box(120, low, "dense"),
        box(add, low, "tanh"),
        marks.text(18, y, "h", size=18),
        marks.text(24, y + 10, "t−1", size=13, anchor="start"),
        marks.text(414, y, "h", size=18),
        marks.text(420, y + 9, "t", size=13, anchor="start"),
        marks.text(keep, middle, "z", size=18),
        marks.text(add + 60, middle, "1 − z", size=18, anchor="start"),
        marks.text(add + 14, (middle + low) / 2, "n", size=18, anchor="start"),
        marks.text(reset, low + 62, "r", size=18),
        marks.text(add, low + 62, "dense of x", size=16),
        marks.text(222, 16, "dh, times z at each step", color=BACKWARD, size=16),
    ]
    return marks.svg(436, 292, *parts, size=16)
