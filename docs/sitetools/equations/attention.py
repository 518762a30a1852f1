"""The equations of course/attention.md."""

import jax.numpy as jnp
import numpy as np

import purenn as pn
from purenn.layers.attend import attend, attend_backward
from purenn.layers.rotary import turned
from purenn.layers.score_blocks import CPU
from sitetools.equations.passes import passes
from sitetools.equations.registry import equation

LINES, ATTEND, HEADS = (
    "purenn.layers.attention_lines:AttentionLines",
    "purenn.layers.attend",
    "purenn.layers.heads:Heads",
)
FIELDS = ("wq", "wk", "wv", "wo")


def softmax(s):
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def one_head(rng):
    """Queries, keys and values of one head, five positions of three features, and a do."""
    return tuple(rng.normal(size=(5, 3)) for _ in range(4))


def long_head(rng):
    """The same for a sequence whose keys come in several blocks."""
    return tuple(rng.normal(size=(CPU.together + 40, 2)) for _ in range(4))


def of_head(name):
    """A value out of `explain`'s lines, of a head whose queries, keys, and values are given."""

    def run(q, k, v, do):
        d = q.shape[-1]
        one = np.eye(d)
        w = [np.vstack([one * (i == j) for i in range(3)])[:, None] for j in range(3)]
        params = pn.AttentionParams(*map(jnp.asarray, w), jnp.asarray(np.eye(d)[None]))
        x = jnp.asarray(np.hstack([q, k, v])[None])
        steps = pn.attention(1, head_features=d).notation.steps
        found = (*steps.forward(params, x), *steps.backward(params, x, jnp.asarray(do[None])))
        return next(step.value[0, 0] for step in found if step.symbol == name)

    return run


def by_blocks(i):
    """One of `o, l, dq, dk, dv` out of the blocks; the queries are scaled already."""

    def run(q, k, v, do):
        grouped = jnp.asarray(q / np.sqrt(q.shape[-1]))[None, None, None]
        q, k, v, do = grouped, *(jnp.asarray(a)[None, None] for a in (k, v)), jnp.asarray(do)
        attended = attend(q, k, v, None, causal=False)
        grads = attend_backward(q, k, v, None, attended, do[None, None, None], causal=False)
        return jnp.squeeze((attended.output, attended.log_sum, *grads)[i])

    return run


@equation(
    "attention.scores",
    source=f"{LINES}._forward",
    line='s = jnp.einsum("bhtd,bhsd->bhts", q,',
    by_purenn=of_head("S"),
    inputs=one_head,
)
def scores(q, k, v, do):
    return q @ k.T / np.sqrt(q.shape[-1])


@equation(
    "attention.o",
    source=f"{LINES}._forward",
    line='o = jnp.einsum("bhts,bhsd->bhtd", p,',
    by_purenn=of_head("O"),
    inputs=one_head,
)
def o(q, k, v, do):
    return softmax(scores(q, k, v, do)) @ v


@equation(
    "attention.dv",
    source=f"{LINES}._backward",
    line='dv = self._over_group(jnp.einsum("bhts,bhtd->bhsd", p, do))',
    by_purenn=of_head("dV"),
    inputs=one_head,
)
def dv(q, k, v, do):
    return softmax(scores(q, k, v, do)).T @ do


@equation(
    "attention.dp",
    source=f"{LINES}._backward",
    line='dp = jnp.einsum("bhtd,bhsd->bhts", do,',
    by_purenn=of_head("dP"),
    inputs=one_head,
)
def dp(q, k, v, do):
    return do @ v.T


@equation(
    "attention.ds",
    source=f"{LINES}._backward",
    line="ds = p * (dp - d)",
    by_purenn=of_head("dS"),
    inputs=one_head,
)
def ds(q, k, v, do):
    p, dp = softmax(scores(q, k, v, do)), do @ v.T
    ds = np.zeros(p.shape)
    for t, i, j in np.ndindex(*p.shape, len(p)):  # row by row, with the softmax's Jacobian
        ds[t, j] += dp[t, i] * p[t, i] * ((i == j) - p[t, j])
    return ds


@equation(
    "attention.dq",
    source=f"{LINES}._backward",
    line='dq = jnp.einsum("bhts,bhsd->bhtd", ds,',
    by_purenn=of_head("dQ"),
    inputs=one_head,
)
def dq(q, k, v, do):
    return ds(q, k, v, do) @ k / np.sqrt(q.shape[-1])


@equation(
    "attention.dk",
    source=f"{LINES}._backward",
    line='dk = self._over_group(jnp.einsum("bhts,bhtd->bhsd", ds, q)) / root',
    by_purenn=of_head("dK"),
    inputs=one_head,
)
def dk(q, k, v, do):
    return ds(q, k, v, do).T @ q / np.sqrt(q.shape[-1])


@equation(
    "attention.d",
    source=f"{ATTEND}:attend_backward",
    line="d = jnp.sum(wide(do) * wide(output), axis=-1, keepdims=True)",
    by_purenn=by_blocks(2),
    inputs=long_head,
)
def dq_by_d(q, k, v, do):
    s = scores(q, k, v, do)
    d = (do * (softmax(s) @ v)).sum(axis=-1, keepdims=True)
    return softmax(s) * (do @ v.T - d) @ k  # of a query that is scaled already


@equation(
    "attention.log_sum",
    source=f"{ATTEND}:attend",
    line="log_sum = top + jnp.log(some)",
    by_purenn=by_blocks(1),
    inputs=long_head,
)
def log_sum(q, k, v, do):
    return np.log(np.exp(scores(q, k, v, do)).sum(axis=-1))


@equation(
    "attention.running",
    source=f"{ATTEND}:attend",
    line="total = total * rescale + jnp.sum(p, axis=-1, keepdims=True)",
    by_purenn=by_blocks(0),
    inputs=long_head,
)
def running(q, k, v, do):
    all_scores = scores(q, k, v, do)
    c, s, o = np.full((len(q), 1), -np.inf), np.zeros((len(q), 1)), np.zeros(q.shape)
    for block in (slice(0, 200), slice(200, None)):
        new = np.maximum(c, all_scores[:, block].max(axis=1, keepdims=True))
        e = np.exp(all_scores[:, block] - new)
        s = s * np.exp(c - new) + e.sum(axis=1, keepdims=True)
        o = o * np.exp(c - new) + e @ v[block]
        c = new
    return o / s


@equation(
    "attention.p_again",
    source=f"{ATTEND}:attend_backward",
    line="p = jnp.exp(s - some_l)",
    by_purenn=by_blocks(4),
    inputs=long_head,
)
def dv_from_p_again(q, k, v, do):
    p = np.exp(scores(q, k, v, do) - log_sum(q, k, v, do)[:, None])
    return p.T @ do


def layer_case(rng):
    """Two sequences of four positions and four features, two heads of three, and a dy."""
    ws = [rng.normal(size=(4, 2, 3)) for _ in range(3)] + [rng.normal(size=(2, 3, 4))]
    return rng.normal(size=(2, 4, 4)), *ws, rng.normal(size=(2, 4, 4))


def by_layer(pick):
    """A value out of the layer's passes."""

    def run(x, wq, wk, wv, wo, dy):
        params = pn.AttentionParams(*map(jnp.asarray, (wq, wk, wv, wo)))
        layer = pn.attention(2, head_features=3)
        return pick(*passes(layer, params, jnp.asarray(x), jnp.asarray(dy)))

    return run


@equation(
    "attention.y",
    source=f"{HEADS}.mixed",
    line="y = product(self._outputs(output), params.wo.reshape(-1, params.wo.shape[-1]))",
    by_purenn=by_layer(lambda y, dparams, dx: y),
    inputs=layer_case,
)
def y(x, wq, wk, wv, wo, dy):
    y = np.zeros(x.shape)
    for n, h in np.ndindex(len(x), len(wo)):
        y[n] += o(*(x[n] @ w[:, h] for w in (wq, wk, wv)), None) @ wo[h]
    return y


@equation(
    "attention.dx",
    source=f"{HEADS}.made_backward",
    line="dx = product(dz, w.T, like=x)",
    by_purenn=by_layer(lambda y, dparams, dx: dx),
    inputs=layer_case,
)
def dx(x, wq, wk, wv, wo, dy):
    dx = np.zeros(x.shape)
    for n, h in np.ndindex(len(x), len(wo)):
        given = (*(x[n] @ w[:, h] for w in (wq, wk, wv)), dy[n] @ wo[h].T)
        dx[n] += dq(*given) @ wq[:, h].T + dk(*given) @ wk[:, h].T + dv(*given) @ wv[:, h].T
    return dx


@equation(
    "attention.dw",
    source=f"{HEADS}.made_backward",
    line="dws = self._split(transposed_product(x, dz, like=w), params.wq.shape[-1])",
    by_purenn=by_layer(lambda y, dparams, dx: dparams[:3]),
    inputs=layer_case,
)
def dw(x, wq, wk, wv, wo, dy):
    dws = np.zeros((3, *wq.shape))
    for n, h in np.ndindex(len(x), len(wo)):
        given = (*(x[n] @ w[:, h] for w in (wq, wk, wv)), dy[n] @ wo[h].T)
        for i, f in enumerate((dq, dk, dv)):
            dws[i][:, h] += x[n].T @ f(*given)
    return tuple(dws)


def turning_case(rng):
    """Five positions of four features, and a derivative from above."""
    return rng.normal(size=(5, 4)), rng.normal(size=(5, 4))


def rotated(x, sign):
    y, half = np.zeros(x.shape), x.shape[1] // 2
    for p, i in np.ndindex(len(x), half):
        angle = sign * p * 10_000.0 ** (-i / half)
        c, s = np.cos(angle), np.sin(angle)
        y[p, i] = x[p, i] * c - x[p, i + half] * s
        y[p, i + half] = x[p, i] * s + x[p, i + half] * c
    return y


@equation(
    "rotary.y",
    source="purenn.layers.rotary:turned",
    line="return jnp.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)",
    by_purenn=lambda x, dy: turned(jnp.asarray(x)),
    inputs=turning_case,
)
def rotary_y(x, dy):
    return rotated(x, 1)


@equation(
    "rotary.dx",
    source="purenn.layers.rotary:turned",
    line="sin = -sin",
    by_purenn=lambda x, dy: turned(jnp.asarray(dy), back=True),
    inputs=turning_case,
)
def rotary_dx(x, dy):
    return rotated(dy, -1)
