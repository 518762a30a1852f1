"""`attention`: a weighted mean of the values of all positions, for each position."""

from typing import Any, NamedTuple

import jax
from jax import Array

from purenn.core import checks, scalars
from purenn.core.inputs import with_zeros
from purenn.core.layer import Layer
from purenn.core.located import inside
from purenn.core.padded import Padded, array_of, padded_like
from purenn.core.types import Initializer
from purenn.core.weights import weights
from purenn.initializers import glorot_normal
from purenn.layers.attend import Attended, attend, attend_backward
from purenn.layers.attention_lines import attention_notation
from purenn.layers.attention_step import attention_step
from purenn.layers.draw import draw
from purenn.layers.heads import Heads
from purenn.layers.weights_and_biases import check_initializers


@weights("wq", "wk", "wv", "wo")
class AttentionParams(NamedTuple):
    """The weights and biases of `attention`.

    Attributes:
        wq: weights of the queries, `(features, heads, head_features)`.
        wk: weights of the keys, `(features, kv_heads, head_features)`.
        wv: weights of the values, like `wk`.
        wo: weights that mix the heads' outputs, `(heads, head_features, features)`.
        bq: biases of the queries, `(heads, head_features)`. Without `b_init`, all biases are None.
        bk: biases of the keys, `(kv_heads, head_features)`.
        bv: biases of the values, like `bk`.
        bo: biases of the output, `(features,)`.
    """

    wq: Array
    wk: Array
    wv: Array
    wo: Array
    bq: Array | None = None
    bk: Array | None = None
    bv: Array | None = None
    bo: Array | None = None


class _Saved(NamedTuple):
    x: Any  # (batch, time, features), or Padded
    q: Array  # (batch, kv_heads, group, time, head_features), scaled, and turned if rotary
    k: Array  # (batch, kv_heads, time, head_features), turned if rotary
    v: Array  # like k
    attended: Attended


def attention(
    heads: int,
    *,
    kv_heads: int | None = None,
    head_features: int | None = None,
    causal: bool = False,
    rotary: bool = False,
    b_init: Initializer | None = None,
    w_init: Initializer = glorot_normal,
) -> Layer:
    r"""Apply multi-head self-attention: each position receives a weighted mean of all values.

    Each head computes a query, a key, and a value from each position of the sequence ([Vaswani et
    al., 2017][vaswani2017]). The scores of a query are its products with the keys, and their
    softmax gives the weights of the values. Cross-attention to a second sequence and masks other
    than `causal` and the padding of `Padded` are not supported. In formulas,

    $$q = x w_q, \quad k = x w_k, \quad v = x w_v$$

    $$S = \tfrac{1}{\sqrt d}\, q k^\top, \quad P = \operatorname{softmax}(S), \quad o = P v,
      \quad y = o\, w_o$$

    The softmax runs over the keys, each head has $d$ features, and $o$ is the concatenation of the
    heads' outputs. With `causal`, a query sees only the keys of its own and earlier positions; the
    other entries of $S$ are left out. With `b_init`, a bias is added to each of $q$, $k$, $v$, and
    $y$.

    The backward pass begins as in `dense`, with $do = dy\, w_o^\top$ and $dw_o = o^\top dy$. Then

    $$dv = P^\top do, \qquad dP = do\, v^\top$$

    $$dS = P \odot (dP - D), \qquad D = \operatorname{rowsum}(P \odot dP)
      = \operatorname{rowsum}(do \odot o)$$

    $$dq = \tfrac{1}{\sqrt d}\, dS\, k, \qquad dk = \tfrac{1}{\sqrt d}\, dS^\top q$$

    The Jacobian of the softmax subtracts $D$ from each row (see `softmax`). The rest is the
    backward pass of three `dense` layers with the same input: $dw_q = x^\top dq$, likewise $dw_k$
    and $dw_v$, and $dx = dq\, w_q^\top + dk\, w_k^\top + dv\, w_v^\top$.

    The full matrix of scores is never in memory ([Dao et al., 2022][dao2022]); it is computed in
    blocks, as `purenn/layers/attend.py` explains. The cache holds $q$, $k$, $v$, $o$, and $\ell =
    \operatorname{logsumexp} S$, one number per query and head, from which the backward pass
    recomputes $P = e^{S - \ell}$.

    With fewer `kv_heads` than `heads`, consecutive query heads share one key and value head
    ([Ainslie et al., 2023][ainslie2023]), whose derivatives are sums over these query heads. With
    `rotary`, queries and keys are rotated by an angle proportional to their position ([Su et al.,
    2021][su2021]). Each feature of the first half is paired with a feature of the second half, as
    `purenn/layers/rotary.py` shows.

    In `Padded` sequences, queries do not see the keys of padding. The output $o$ of a query without
    any key is 0.

    Args:
        heads: the number of heads, at least 1.
        kv_heads: the number of key and value heads, a divisor of `heads`. The default, None, is
            `heads`.
        head_features: the number of features per head, $d$. The default, None, is `features /
            heads`.
        causal: whether to hide later positions from each query, as a language model needs.
        rotary: whether to encode positions by rotation; $d$ must then be even. Without it, the
            layer does not know the order of the positions, except through `causal`; add a
            `position_embedding`.
        b_init: initializer of the biases. The default, None, gives a layer without biases.
        w_init: initializer of the weights, which are drawn as matrices of shape `(features, heads *
            d)` and `(heads * d, features)`. The default, `glorot_normal`, does not assume ReLU.

    Returns:
        A layer with parameters `AttentionParams` and no state; `x, y: (batch, time, features)`.
        Scores and their sums are computed in float32 or better.

    Raises:
        TypeError: if a number is not an integer, or an initializer is not callable.
        ValueError: if a number is below 1, `kv_heads` does not divide `heads`, or, at `init`,
            `heads` does not divide the features.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> layer = pn.attention(2, causal=True)
        >>> params, state = layer.init(jax.random.key(0), in_shape=(5, 4))
        >>> x = jax.random.normal(jax.random.key(1), (1, 5, 4))
        >>> y, state = layer.apply(params, state, x)
        >>> later, state = layer.apply(params, state, x.at[0, 4].set(9.0))
        >>> print(params.wq.shape, y.shape, bool((y == later)[0, :4].all()))
        (4, 2, 2) (1, 5, 4) True
    """
    heads = scalars.count("attention", "heads", heads)
    kv = heads if kv_heads is None else scalars.count("attention", "kv_heads", kv_heads)
    if heads % kv:
        raise ValueError(
            f"attention: kv_heads is {kv}, expected a divisor of heads, {heads}: each key and "
            f"value head is shared by as many query heads"
        )
    if head_features is not None:
        head_features = scalars.count("attention", "head_features", head_features)
    for option, value in (("causal", causal), ("rotary", rotary)):
        checks.flag("attention", option, value)
    check_initializers("attention", w_init, b_init)
    bias = b_init is not None
    options = (f"kv_heads={kv}" * (kv != heads), "causal" * causal, "rotary" * rotary)
    name = f"attention({', '.join((str(heads), *filter(None, options)))})"
    made = Heads(heads, kv, rotary)

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[AttentionParams, tuple[()]]:
        if len(in_shape) != 2 or 0 in in_shape:
            raise ValueError(
                f"{name}: in_shape is {in_shape}, expected (time, features), both at least 1"
            )
        features = in_shape[-1]
        each = features_per_head(features, in_shape)
        mixes = (heads * each, features), (heads, each, features), (features,)
        shapes = [((features, n * each), (features, n, each), (n, each)) for n in (heads, kv, kv)]
        w_key, b_key = jax.random.split(checks.prng_key(name, key))
        w, b = [], []
        for i, (matrix, weights_shape, bias_shape) in enumerate((*shapes, mixes)):
            with inside("w_init"):
                drawn = draw(name, "w_init", w_init, jax.random.fold_in(w_key, i), matrix)
            w.append(drawn.reshape(weights_shape))
            if b_init is not None:
                with inside("b_init"):
                    own_key = jax.random.fold_in(b_key, i)
                    b.append(draw(name, "b_init", b_init, own_key, bias_shape))
        return AttentionParams(**dict(zip(AttentionParams._fields, (*w, *b), strict=False))), ()

    def features_per_head(features: int, in_shape: tuple[int, ...]) -> int:
        if head_features is None and features % heads:
            raise ValueError(
                f"{name}: in_shape is {in_shape}, whose {features} features {heads} heads do not "
                f"divide; choose another number of either, or head_features=…"
            )
        each = features // heads if head_features is None else head_features
        if rotary and each % 2:
            raise ValueError(
                f"{name}: rotary turns pairs of features, got {each} features per head, expected "
                f"an even number"
            )
        return each

    def forward(
        params: AttentionParams, state: Any, x: Any, *, train: bool = False, key: Any = None
    ) -> tuple[Any, Any, _Saved]:
        check(params, array_of(x))
        x = with_zeros(name, x)
        q, k, v = made.made(params, array_of(x))
        attended = attend(q, k, v, valid_of(x), causal=causal)
        y = made.mixed(params, attended.output)
        return padded_like(x, y), state, _Saved(x, q, k, v, attended)

    def backward(
        params: AttentionParams, saved: _Saved, dy: Array
    ) -> tuple[AttentionParams, Array]:
        x = array_of(saved.x)
        check(params, x)
        dwo, dbo, do = made.mixed_backward(params, saved.attended.output, dy)
        grads = attend_backward(*saved[1:4], valid_of(saved.x), saved.attended, do, causal=causal)
        (dwq, dwk, dwv), (dbq, dbk, dbv), dx = made.made_backward(params, x, *grads)
        dx = array_of(with_zeros(name, padded_like(saved.x, dx)))
        return AttentionParams(dwq, dwk, dwv, dwo, dbq, dbk, dbv, dbo), dx

    def check(params: Any, x: Array) -> None:
        biases = (("heads", "d"), ("kv", "d"), ("kv", "d"), ("features",))
        checks.record(
            name,
            "params",
            params,
            AttentionParams,
            ("features", heads, "d"),
            ("features", kv, "d"),
            ("features", kv, "d"),
            (heads, "d", "features"),
            *(biases if bias else (None,) * 4),
        )
        if x.ndim != 3 or x.shape[1] == 0:
            remedy = "; for a single sequence pass x[None]" * (x.ndim == 2)
            raise ValueError(
                f"{name}: x has shape {x.shape}, expected (batch, time, features){remedy}"
            )
        features = params.wq.shape[0]
        checks.last_axis(name, x, features, f", since wq has shape {params.wq.shape}")
        checks.same_dtype(name, "x", x, "params.wq", params.wq)
        for field, leaf in zip(params._fields[1:], params[1:], strict=True):
            if leaf is not None:
                checks.same_dtype(name, f"params.{field}", leaf, "params.wq", params.wq)

    def flops(params: Any, x: Any, y: Any) -> int:
        # Two for each weight and position; two products of all queries with all keys, or half of
        # them; and four per score for its softmax.
        length = int(x.shape[1])
        matrices = 2 * length * sum(int(w.size) for w in params[:4])
        seen = length * (length + 1) // 2 if causal else length**2
        return matrices + heads * seen * (4 * int(params.wq.shape[-1]) + 4)

    return Layer(
        init,
        forward,
        backward,
        name=name,
        notation=attention_notation(made, causal=causal, bias=bias),
        flops=flops,
        padded="uses",
        stepwise=attention_step(name, init, check, made, causal=causal),
    )


def valid_of(x: Any) -> Any:
    """Return the mask of valid positions of `x`; None if all are valid."""
    return x.valid if isinstance(x, Padded) else None
