"""The figure of the page on data augmentation, drawn with the function that the page shows."""

from typing import Any

import jax
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

import purenn as pn
from sitetools.pages import PAGES, fences

VERSIONS = 5


def moved() -> Any:
    """The page's own function."""
    page = PAGES / "howto" / "augmentation.md"
    (code,) = [fence.body for fence in fences(page) if "def moved(" in fence.body]
    names: dict[str, Any] = {}
    exec(compile(code, str(page), "exec"), names)
    return names["moved"]


def digits() -> Figure:
    """Three digits, and next to each some versions of it."""
    (images, _), _ = pn.load_mnist("examples/data/mnist")
    move = jax.jit(jax.vmap(moved(), in_axes=(None, 0)))
    figure, grid = plt.subplots(3, 1 + VERSIONS, figsize=(4.9, 2.6))
    for number, (row, image) in enumerate(zip(grid, images[:3].astype("float32"), strict=True)):
        keys = jax.random.split(jax.random.key(number), VERSIONS)
        for axes, shown in zip(row, [image, *move(image, keys)], strict=True):
            axes.imshow(shown, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            axes.grid(visible=False)
            axes.spines[:].set_visible(True)
    grid[0][0].set_title("MNIST")
    grid[0][1].set_title("moved", loc="left")
    return figure
