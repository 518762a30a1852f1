"""Attention as derived on paper, with the full matrix of scores: the lines that `explain` shows.

The layer computes the same numbers in blocks, in `attend.py`.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core.notation import Apart, Notation, Step, Steps
from purenn.core.padded import Padded, array_of
from purenn.core.precision import wide
from purenn.layers.heads import Heads
from purenn.layers.rotary import turned


def attention_notation(heads: Heads, *, causal: bool, bias: bool) -> Notation:
    """Return the notation of attention in `explain`: each value of each head, in both passes."""
    lines = AttentionLines(heads, causal)
    symbols = ("Q", "K", "V", *(("Qr", "Kr") if heads.rotary else ()), "S", "P", "O", "D")
    of_w = ("{x}ᵀ·d{Q}", "{x}ᵀ·d{K}", "{x}ᵀ·d{V}", "{O}ᵀ·{dy}")
    of_b = ("Σ rows d{Q}", "Σ rows d{K}", "Σ rows d{V}", "Σ rows {dy}")
    queries, keys = lines.names(heads.queries), lines.names(heads.kv)
    return Notation(
        "H",
        "Σ heads {O}·{wo}" + " + {bo}" * bias,
        "Σ heads (d{Q}·{wq}ᵀ + d{K}·{wk}ᵀ + d{V}·{wv}ᵀ)",
        of_w + of_b * bias,
        steps=Steps(symbols, lines.forward, lines.backward),
        apart=(Apart(1, queries), Apart(1, keys), Apart(1, keys), Apart(0, queries))
        + (None,) * 4 * bias,
    )


class AttentionLines:
    """The values of attention, each of shape `(batch, heads, time, …)`.

    They are computed in float32 or better, and have the dtype of `x`.
    """

    def __init__(self, heads: Heads, causal: bool) -> None:
        """Take the options of the layer."""
        self.heads, self.causal = heads, causal

    def names(self, count: int) -> tuple[str, ...]:
        """Name heads; a key head is named after the query heads that share it."""
        group = self.heads.queries // count
        ranges = [range(i * group + 1, (i + 1) * group + 1) for i in range(count)]
        return tuple(f"head{'s' * (group > 1)} {' '.join(map(str, own))}" for own in ranges)

    def forward(self, params: Any, x: Any) -> list[Step]:
        """Return Q, K, V, S, P, and O."""
        padded, bias = isinstance(x, Padded), params.bq is not None
        note = ", {x} = 0 at padding" * padded
        steps = [
            (name, f"{{x}}·{{w{low}}}" + f" + {{b{low}}}" * bias + note)
            for name, low in zip("QKV", "qkv", strict=True)
        ]
        q, k = "QK"
        if self.heads.rotary:
            q, k = "Qr", "Kr"
            steps += [(q, "{Q} turned by position"), (k, "{K} turned by position")]
        masks = ", causal" * self.causal + ", valid keys" * padded
        steps += [
            ("S", f"{{{q}}}·{{{k}}}ᵀ/√{params.wq.shape[-1]}{masks}"),
            ("P", "softmax({S})"),
            ("O", "{P}·{V}"),
        ]
        return self._steps(steps, self._forward(params, x), x)

    def backward(self, params: Any, x: Any, dy: Array) -> list[Step]:
        """Return the derivatives with respect to these values, from the last to the first."""
        over = "Σ heads " * (self.heads.kv < self.heads.queries)
        q, k, root = "Q", "K", f"√{params.wq.shape[-1]}"
        if self.heads.rotary:
            q, k = "Qr", "Kr"
        steps = [
            ("dO", "{dy}·{wo}ᵀ"),
            ("dV", f"{over}{{P}}ᵀ·d{{O}}"),
            ("dP", "d{O}·{V}ᵀ"),
            ("D", "rowsum({P}⊙d{P})"),
            ("dS", "{P}⊙(d{P} - {D})"),
            (f"d{q}", f"d{{S}}·{{{k}}}/{root}"),
            (f"d{k}", f"{over}d{{S}}ᵀ·{{{q}}}/{root}"),
        ]
        if self.heads.rotary:
            steps += [("dQ", "d{Qr} turned back"), ("dK", "d{Kr} turned back")]
        return self._steps(steps, self._backward(params, x, dy), x)

    def _steps(self, steps: list[tuple[str, str]], values: dict[str, Array], x: Any) -> list[Step]:
        found = []
        for name, formula in steps:
            value = values[name].astype(array_of(x).dtype)
            apart = Apart(1, self.names(value.shape[1]), examples=True)
            found.append(Step(name, formula, value, apart))
        return found

    def _forward(self, params: Any, x: Any) -> dict[str, Array]:
        seen, time = _zero_padding(x), array_of(x).shape[1]
        q, k, v = (
            _with_bias(jnp.einsum("btf,fhd->bhtd", seen, wide(w)), b)
            for w, b in zip(params[:3], params[4:7], strict=True)
        )
        values = {"Q": q, "K": k, "V": v}
        if self.heads.rotary:
            q, k = turned(q), turned(k)
            values |= {"Qr": q, "Kr": k}
        s = jnp.einsum("bhtd,bhsd->bhts", q, self._shared(k)) / math.sqrt(q.shape[-1])
        mask = jnp.tril(jnp.ones((1, 1, time, time), bool), 0 if self.causal else time)
        if isinstance(x, Padded):
            mask = jnp.logical_and(mask, x.valid[:, None, None, :])
        any_key = jnp.any(mask, axis=-1, keepdims=True)
        s = jnp.where(mask, s, -jnp.inf)
        p = jnp.where(any_key, jax.nn.softmax(jnp.where(any_key, s, 0), axis=-1), 0)
        o = jnp.einsum("bhts,bhsd->bhtd", p, self._shared(v))
        return values | {"S": s, "P": p, "O": o}

    def _backward(self, params: Any, x: Any, dy: Array) -> dict[str, Array]:
        of = self._forward(params, x)
        q, k = (of["Qr"], of["Kr"]) if self.heads.rotary else (of["Q"], of["K"])
        p, root = of["P"], math.sqrt(q.shape[-1])
        do = jnp.einsum("btf,hdf->bhtd", wide(dy), wide(params.wo))
        dp = jnp.einsum("bhtd,bhsd->bhts", do, self._shared(of["V"]))
        d = jnp.sum(p * dp, axis=-1, keepdims=True)
        ds = p * (dp - d)
        dq = jnp.einsum("bhts,bhsd->bhtd", ds, self._shared(k)) / root
        dk = self._over_group(jnp.einsum("bhts,bhtd->bhsd", ds, q)) / root
        dv = self._over_group(jnp.einsum("bhts,bhtd->bhsd", p, do))
        values = {"dO": do, "dV": dv, "dP": dp, "D": d, "dS": ds}
        if not self.heads.rotary:
            return values | {"dQ": dq, "dK": dk}
        back = {"dQ": turned(dq, back=True), "dK": turned(dk, back=True)}
        return values | {"dQr": dq, "dKr": dk} | back

    def _shared(self, a: Array) -> Array:
        """Return a key or value head for each query head."""
        return jnp.repeat(a, self.heads.queries // self.heads.kv, axis=1)

    def _over_group(self, a: Array) -> Array:
        """Sum over the query heads that share a key head."""
        return jnp.sum(a.reshape(a.shape[0], self.heads.kv, -1, *a.shape[2:]), axis=2)


def _zero_padding(x: Any) -> Array:
    if not isinstance(x, Padded):
        return wide(x)
    return wide(jnp.where(x.valid[:, :, None], x.x, 0))


def _with_bias(z: Array, b: Array | None) -> Array:
    return z if b is None else z + wide(b)[None, :, None, :]
