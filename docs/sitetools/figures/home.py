"""The figure of the first page."""

import jax
import numpy as np

import purenn as pn
from sitetools.figures import marks
from sitetools.svg import ink

CELL, BARS, GAP = 56, 150, 14  # widths of a digit and of its bars, and the space after them
LEAST = 0.005  # probability that has a bar that can be seen


def digits() -> str:
    """The first test digit of each class, and its probabilities."""
    (x, y), (x_test, y_test) = pn.load_mnist("examples/data/mnist")
    model = pn.serial(pn.rescale(), pn.flatten(), pn.dense(128), pn.relu, pn.dense(10))
    loss, optimizer = pn.softmax_cross_entropy, pn.adam(1e-3)
    run = {"epochs": 3, "batch_size": 128, "key": jax.random.key(0)}
    end, _ = pn.fit(model, loss, optimizer, (x, y), **run, progress=False)
    chosen = [np.flatnonzero(y_test == digit)[0] for digit in range(10)]
    logits, _ = model.apply(end.params, end.state, x_test[np.array(chosen)])
    parts = []
    for digit, probabilities in enumerate(np.asarray(pn.softmax(logits))):
        row, column = divmod(digit, 2)
        left, top = column * (CELL + BARS + 2 * GAP), row * (CELL + 30)
        parts.append(picture(left, top, x_test[chosen[digit]]))
        parts += bars(left + CELL + GAP, top, digit, probabilities)
    width, height = 2 * (CELL + BARS) + 3 * GAP, 5 * (CELL + 30)
    return marks.svg(width, height, *parts, size=16)


def picture(left: float, top: float, image: np.ndarray) -> str:
    """A digit, pixel by pixel: ink on paper in both themes."""
    return (
        f'<image class="ink" x="{left}" y="{top}" width="{CELL}" height="{CELL}" '
        f'style="image-rendering: pixelated" href="data:image/png;base64,{ink(image)}"/>'
    )


def bars(left: float, top: float, digit: int, probabilities: np.ndarray) -> list[str]:
    """Ten bars on a line with their names: a wrong answer's has an outline and a cross."""
    step = BARS / 10
    middles = " ".join(f"{left + step * (k + 0.5):g}" for k in range(10))  # one for each letter
    parts = [
        marks.line(left, top + CELL, left + BARS, top + CELL, width=1),
        f'<text x="{middles}" y="{top + CELL + 11}" dy=".35em">0123456789</text>',
    ]
    for k in np.flatnonzero(probabilities > LEAST):
        wrong = k == probabilities.argmax() and k != digit
        high = CELL * float(probabilities[k])
        x, y = left + step * k + 1, top + CELL - high
        edge = marks.INK if wrong else "none"
        parts.append(marks.box(x, y, step - 2, high, color=edge, fill=marks.FORWARD))
        if wrong:
            parts.append(cross(x + step + 7, y + 6))
    return parts


def cross(x: float, y: float, size: float = 5) -> str:
    """Two lines, since not all letters have this sign."""
    ends = ((x - size, y - size, x + size, y + size), (x - size, y + size, x + size, y - size))
    return "".join(marks.line(*each, width=2.5) for each in ends)
