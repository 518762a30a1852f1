"""`tied_embedding`: an embedding, layers, and the scores of all tokens from the same table."""

from typing import Any

from jax import Array

from purenn.core import checks, scalars
from purenn.core.adapt import as_layer
from purenn.core.layer import Layer
from purenn.core.located import inside
from purenn.core.narrow import transposed_product
from purenn.core.notation import Notation
from purenn.core.padded import array_of, padded_like
from purenn.core.sharding import product
from purenn.core.types import Initializer, ModelLike
from purenn.initializers import small_normal
from purenn.layers.as_dtype import as_dtype
from purenn.layers.embedding import EmbeddingParams, embedding
from purenn.layers.serial import out_shape, serial
from purenn.layers.stepwise import stepwise


def tied_embedding(
    vocabulary: int, features: int, *layers: ModelLike, w_init: Initializer = small_normal
) -> Layer:
    r"""Embed tokens, apply layers, and score every token with the same table.

    $$x_p = w_{t_p}, \qquad h = f(x), \qquad z = h\, w^\top$$

    Here $t_p$ is the token at position $p$, and $f$ stands for the layers. A token's score is the
    product of its vector and $h$ ([Press and Wolf, 2017][press2017]; GPT-2). The table is used
    twice, so its derivative is the sum of two terms:

    $$dh = dz\, w, \qquad dw = \underbrace{dz^\top h}_{\text{scores}} +
      \underbrace{\sum_{p\,:\,t_p = v} dx_p}_{\text{embedding}}$$

    Leaving out one term is a common mistake: the network still learns, but not as well.

    For separate tables, write `serial(embedding(vocabulary, features), *layers, dense(vocabulary,
    b_init=None))`, which has `vocabulary * features` more parameters.

    Args:
        vocabulary: the number of different tokens, at least 1.
        features: the length of each vector, at least 1.
        *layers: layers, ops, or functions. The last output must have `features` features again.
        w_init: initializer of `w: (vocabulary, features)`, as in `embedding`.

    Returns:
        A layer with the parameters and the state of `serial(embedding(vocabulary, features),
        *layers)`, drawn from the same key. It maps integers `x: (...)`, batch first, to logits `y:
        (..., vocabulary)`. The cache holds the caches of the layers, and $h$.

    Raises:
        TypeError: if one of `layers` is not a layer, op, or function, or another argument has the
            wrong type, as for `embedding`.
        ValueError: if `vocabulary` or `features` is below 1; at `init` or `forward`, the last
            output has a different number of features.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> model = pn.tied_embedding(65, 32, pn.rms_norm())
        >>> params, state = model.init(jax.random.key(0), in_shape=(8,))
        >>> z, state = model.apply(params, state, jnp.zeros((1, 8), jnp.int32))
        >>> print(params[0].w.shape, z.shape)
        (65, 32) (1, 8, 65)
    """
    vocabulary = scalars.count("tied_embedding", "vocabulary", vocabulary)
    features = scalars.count("tied_embedding", "features", features)
    checks.function("tied_embedding", "w_init", w_init)
    parts = [as_layer("tied_embedding", f"layer {i}", layer) for i, layer in enumerate(layers)]
    body = serial(embedding(vocabulary, features, w_init=w_init), *parts)
    return _tied(vocabulary, features, body)


def _tied(vocabulary: int, features: int, body: Layer) -> Layer:
    """Return the tied layer around `body`, which begins with the embedding."""
    name = f"tied_embedding({vocabulary}, {features})"

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[Any, Any]:
        with inside(body.name):
            params, state = body.init(key, in_shape)
            shape = out_shape(body, params, state, in_shape)
        same_features(shape)
        return params, state

    def forward(
        params: Any, state: Any, x: Any, *, train: bool = False, key: Any = None
    ) -> tuple[Any, Any, tuple[Any, Array]]:
        with inside(body.name):
            h, state, cache = body.forward(params, state, x, train=train, key=key)
        return scores(params, h), state, (cache, array_of(h))

    def backward(params: Any, saved: tuple[Any, Array], dz: Array) -> tuple[Any, None]:
        cache, h = saved
        table = table_of(params)
        dh = product(dz, table, like=h)  # dz @ w, (..., features)
        with inside(body.name):
            (embedded, *others), _ = body.backward(params, cache, dh)
        h, dz = (a.reshape(-1, a.shape[-1]) for a in (h, dz))  # every leading axis is batch
        dw = transposed_product(dz, h, like=table)  # dz.T @ h
        return (EmbeddingParams(dw + embedded.w), *others), None

    def apply(
        params: Any, state: Any, x: Any, *, train: bool = False, key: Any = None
    ) -> tuple[Any, Any]:
        with inside(body.name):
            h, state = body.apply(params, state, x, train=train, key=key)
        return scores(params, h), state

    def scores(params: Any, h: Any) -> Any:
        same_features(array_of(h).shape)
        z = product(array_of(h), table_of(params).T)  # h @ w.T, (..., vocabulary)
        return padded_like(h, z)

    def table_of(params: Any) -> Array:
        if not isinstance(params, (tuple, list)) or not params:
            raise TypeError(
                f"{name}: params must be a tuple, as init makes it; got {checks.describe(params)}"
            )
        checks.record(name, "params[0]", params[0], EmbeddingParams, (vocabulary, features))
        table: Array = params[0].w
        return table

    def same_features(shape: tuple[int, ...]) -> None:
        if shape[-1:] != (features,):
            raise ValueError(
                f"{name}: the layers return shape {shape}, expected (..., {features}), since the "
                f"table of the embedding scores the tokens too"
            )

    def flops(params: Any, x: Any, y: Any) -> int:
        return 2 * int(y.size) * features  # a product and a sum per weight

    return Layer(
        init,
        forward,
        backward,
        apply,
        name,
        "integer",
        notation=Notation("Z"),
        by_jax=body.by_jax,
        inner=(body,),
        flops=flops,
        in_dtype=lambda dtype: _tied(vocabulary, features, as_dtype(body, dtype)),
        padded="uses",
        stepwise=lambda batch, length: _tied(
            vocabulary, features, stepwise(body, batch=batch, length=length)
        ),
        vocabulary=vocabulary,
    )
