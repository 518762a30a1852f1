"""Figures of course/backpropagation.md: what runs through the network 2-3-2 of the page."""

from collections.abc import Iterator
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

import purenn as pn

X_OF = (50, 210, 370)  # of each layer's units
HEIGHT, STEP, RADIUS = 222, 60, 24


class Example(NamedTuple):
    """The page's example: one row of each value, and the weights."""

    units: list[np.ndarray]  # x, a1, z2
    slopes: list[np.ndarray]  # dx, dz1, dz2
    weights: list[np.ndarray]


def worked(row: int) -> Example:
    """The example of the page, by `explain`."""
    first = pn.DenseParams(jnp.array([[1, -1, 0.5], [0, 1, 0.5]]), jnp.array([0, 0, -0.5]))
    last = pn.DenseParams(jnp.array([[1, 0], [0, 1], [0.5, -0.5]]), jnp.zeros(2))
    model = pn.serial(pn.dense(3), pn.relu, pn.dense(2))
    x, labels = jnp.array([[1.0, 2.0], [3.0, -1.0]]), jnp.array([0, 1])
    params, state = (first, (), last), ((), (), ())
    e = pn.explain(model, pn.softmax_cross_entropy, params, state, x, labels)
    units = [np.asarray(v[row]) for v in (x, e["A1"], e["Z2"])]
    slopes = [np.asarray(v[row]) for v in (e[0].dx, e["dZ1"], e["dZ2"])]
    return Example(units, slopes, [np.asarray(first.w), np.asarray(last.w)])


def number(v: float) -> str:
    """Three digits, and a minus that is one."""
    return f"{v:.3g}".replace("-", "−") if abs(v) > 1e-9 else "0"


def places(layer: int, count: int) -> Iterator[tuple[float, float]]:
    """Where the units of a layer stand."""
    for i in range(count):
        yield X_OF[layer], HEIGHT / 2 - 2 + (i - (count - 1) / 2) * STEP


def edges(values: list[np.ndarray], largest: float) -> Iterator[str]:
    """A line for each weight, as wide as its value."""
    for layer, matrix in enumerate(values):
        for i, (x1, y1) in enumerate(places(layer, matrix.shape[0])):
            for j, (x2, y2) in enumerate(places(layer + 1, matrix.shape[1])):
                v = matrix[i, j]
                zero = abs(v) < 1e-9
                colour = "ink" if zero else "blue" if v > 0 else "red"
                width = 1 if zero else 1 + 7 * abs(v) / largest
                dashes = ' stroke-dasharray="3 4" stroke-opacity="0.5"' if zero else ""
                yield (
                    f'<line x1="{x1}" y1="{y1:g}" x2="{x2}" y2="{y2:g}" '
                    f'stroke="var(--figure-{colour})" stroke-width="{width:.1f}"{dashes}/>'
                )


def units(values: list[np.ndarray], names: tuple[str, ...]) -> Iterator[str]:
    """A circle for each unit with its number, and the name of each layer."""
    for layer, (row, name) in enumerate(zip(values, names, strict=True)):
        for v, (x, y) in zip(row, places(layer, len(row)), strict=True):
            yield (
                f'<circle cx="{x}" cy="{y:g}" r="{RADIUS}" fill="var(--figure-paper)" '
                f'stroke="var(--figure-ink)"/><text x="{x}" y="{y + 4.5:g}">{number(v)}</text>'
            )
        yield f'<text x="{X_OF[layer]}" y="{HEIGHT}">{name}</text>'


def panel(
    top: int, title: str, lines: list[np.ndarray], row: list[np.ndarray], names: tuple[str, ...]
) -> str:
    """One network: what its lines carry, and what stands in its units."""
    largest = max(float(np.abs(m).max()) for m in lines)
    parts = [*edges(lines, largest), *units(row, names)]
    head = f'<text x="210" y="13" font-weight="bold">{title}</text>'
    return f'<g transform="translate(0 {top})">{head}{"".join(parts)}</g>'


def flow() -> str:
    """Example 2 of the page: what runs forward, what runs back, and what each weight is told."""
    example = worked(1)
    a, d, w = example.units, example.slopes, example.weights
    forward = [a[i][:, None] * w[i] for i in (0, 1)]  # x_i w_ij, whose sum over i is z_j
    backward = [w[i] * d[i + 1][None, :] for i in (0, 1)]  # dz_j w_ij, whose sum over j is da_i
    gradients = [np.outer(a[i], d[i + 1]) for i in (0, 1)]  # this example's share of dW
    between = HEIGHT + 26
    panels = (
        panel(0, "forward: input × weight", forward, a, ("x", "a1", "z2")),
        panel(between, "backward: dz × weight", backward, d, ("dx", "dz1", "dz2")),
        panel(
            2 * between, "its share of dW: input × dz", gradients, [a[0], *d[1:]],
            ("x", "dz1", "dz2"),
        ),
    )  # fmt: skip
    return (
        f'<svg viewBox="0 0 420 {3 * between}" style="max-width: 440px" font-size="13" '
        f'text-anchor="middle" fill="var(--figure-ink)" font-family="sans-serif">'
        f"{''.join(panels)}</svg>"
    )
