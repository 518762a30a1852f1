"""The equations of embeddings: course/attention.md, and as a head, course/transformer.md."""

import jax.numpy as jnp
import numpy as np

import purenn as pn
from sitetools.equations.passes import passes
from sitetools.equations.registry import equation

TOKENS = "purenn.layers.tokens"
TIED = "purenn.layers.tied_embedding:_tied"


def token_case(rng):
    """Tokens (3, 4) of a vocabulary of 5, so that some occur twice, a table, and dy."""
    return rng.integers(5, size=(3, 4)), rng.normal(size=(5, 2)), rng.normal(size=(3, 4, 2))


def by_embedding(i):
    """`y` or `dw` out of the package."""

    def run(t, w, dy):
        params = pn.EmbeddingParams(jnp.asarray(w))
        y, dparams, _ = passes(pn.embedding(*w.shape), params, jnp.asarray(t), dy)
        return (y, dparams.w)[i]

    return run


@equation(
    "embedding.y",
    source=f"{TOKENS}:rows_at",
    line="rows = w.at[_index(x, len(w))].get(",
    by_purenn=by_embedding(0),
    inputs=token_case,
)
def embedding_y(t, w, dy):
    return w[t]


@equation(
    "embedding.dw",
    source=f"{TOKENS}:rows_added",
    line="table = table.at[index].add(rows",
    by_purenn=by_embedding(1),
    inputs=token_case,
)
def embedding_dw(t, w, dy):
    dw = np.zeros_like(w)
    for place in np.ndindex(t.shape):
        dw[t[place]] += dy[place]
    return dw


def tied_case(rng):
    """Tokens, a table, and dz (3, 4, 5)."""
    t, w, _ = token_case(rng)
    return t, w, rng.normal(size=(3, 4, 5))


def by_tied_embedding(t, w, dz):
    """`dw` with tanh between the embedding and the scores, out of the package."""
    layer = pn.tied_embedding(*w.shape, pn.tanh)
    params = (pn.EmbeddingParams(jnp.asarray(w)), ())
    _, dparams, _ = passes(layer, params, jnp.asarray(t), dz, ((), ()))
    return dparams[0].w


@equation(
    "tied_embedding.dw",
    source=f"{TIED}.backward",
    line="EmbeddingParams(dw + embedded.w)",
    by_purenn=by_tied_embedding,
    inputs=tied_case,
)
def tied_embedding_dw(t, w, dz):
    h = np.tanh(w[t])
    dx = (1 - h**2) * (dz @ w)
    return np.einsum("mpv,mpf->vf", dz, h) + embedding_dw(t, w, dx)
