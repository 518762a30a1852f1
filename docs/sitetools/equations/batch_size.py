"""The equation of course/batch-size.md: clipping by the global norm."""

import numpy as np

import purenn as pn
from sitetools.equations.optimizers import arrays
from sitetools.equations.registry import equation


def clipped_by_purenn(g, b, c):
    optimizer = pn.clip_by_global_norm(c)
    return optimizer.update((g, b), optimizer.init(()))[0]


@equation(
    "clip.g",
    source="purenn.optimizers.clip_by_global_norm:clip_by_global_norm.update.scale",
    line="jnp.where(short, x, x / unit * factor)",
    by_purenn=clipped_by_purenn,
    inputs=lambda rng: (*arrays(rng, "g", "b").values(), 0.5),
)
def clip_g(g, b, c):
    norm = np.sqrt((g**2).sum() + (b**2).sum())
    return g * min(1, c / norm), b * min(1, c / norm)
