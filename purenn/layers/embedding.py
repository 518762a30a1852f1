"""`embedding`: a table with one vector per token."""

from typing import Any, NamedTuple

from jax import Array

from purenn.core import checks, scalars
from purenn.core.functions import no_flops
from purenn.core.layer import Layer
from purenn.core.located import inside
from purenn.core.notation import Notation
from purenn.core.padded import padded_like
from purenn.core.precision import wide
from purenn.core.types import Initializer
from purenn.core.weights import weights
from purenn.initializers import small_normal
from purenn.layers.draw import draw
from purenn.layers.tokens import check_tokens, rows_added, rows_at


@weights("w")
class EmbeddingParams(NamedTuple):
    """The table of `embedding`.

    Attributes:
        w: one row per token, `(vocabulary, features)`. Weight decay applies to it, as in PyTorch.
    """

    w: Array  # (vocabulary, features)


def embedding(vocabulary: int, features: int, *, w_init: Initializer = small_normal) -> Layer:
    r"""Look up the vector of each token, row $t_p$ of the table at position $p$: $y_p = w_{t_p}$.

    The lookup equals the product of a one-hot row and $w$, but that product is never computed. Each
    row of $dw$ is a sum over the positions where its token occurs:

    $$dw_v = \sum_{p\,:\,t_p = v} dy_p$$

    If a token does not occur, its row of $dw$ is 0. Tokens are integers and have no derivative, so
    $dx$ is None.

    A token outside $0 \dots \mathrm{vocabulary} - 1$ raises an error if its value is known. In a
    compiled program, its vector is a constant NaN, and no row of the table receives a gradient from
    it. Indices never wrap around and are never clamped: -1 is not the last token. In `Padded`
    tokens, the padding may hold any number. Its vector is 0, and it contributes nothing to $dw$.

    Args:
        vocabulary: the number of different tokens, at least 1.
        features: the length of each vector, at least 1.
        w_init: initializer of `w: (vocabulary, features)`. The default draws normal numbers with a
            standard deviation of 0.02, as in GPT-2; the default in PyTorch's `Embedding` is 1.

    Returns:
        A layer with parameters `EmbeddingParams(w)` and no state. It maps integers `x: (...)`,
        batch first, to `y: (..., features)` in the dtype of `w`. Sums accumulate in float32 or
        better. The cache is `x`.

    Raises:
        TypeError: if `vocabulary` or `features` is not an integer, or `w_init` is not callable; at
            `forward`, `x` is not an array of integers.
        ValueError: if `vocabulary` or `features` is below 1; at `forward`, a token is outside the
            vocabulary.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> layer = pn.embedding(3, 2)
        >>> params = pn.EmbeddingParams(w=jnp.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
        >>> y, state, cache = layer.forward(params, (), jnp.array([[2, 0, 2]]))
        >>> dparams, dx = layer.backward(params, cache, jnp.ones((1, 3, 2)))
        >>> print(y.tolist(), dparams.w.tolist(), dx)
        [[[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]]] [[1.0, 1.0], [0.0, 0.0], [2.0, 2.0]] None
    """
    vocabulary = scalars.count("embedding", "vocabulary", vocabulary)
    features = scalars.count("embedding", "features", features)
    checks.function("embedding", "w_init", w_init)
    name = f"embedding({vocabulary}, {features})"

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[EmbeddingParams, tuple[()]]:
        key = checks.prng_key(name, key)
        with inside("w_init"):
            return EmbeddingParams(draw(name, "w_init", w_init, key, (vocabulary, features))), ()

    def forward(
        params: EmbeddingParams, state: Any, x: Any, *, train: bool = False, key: Any = None
    ) -> tuple[Any, Any, Any]:
        check(params)
        check_tokens(name, x, vocabulary)
        return padded_like(x, rows_at(params.w, x)), state, x

    def backward(params: EmbeddingParams, x: Any, dy: Array) -> tuple[EmbeddingParams, None]:
        check(params)
        return EmbeddingParams(rows_added(x, wide(dy), like=params.w)), None

    def check(params: Any) -> None:
        checks.record(name, "params", params, EmbeddingParams, (vocabulary, features))

    notation = Notation("E", "{w}[{x}]", "", ("Σ {dy} for each token of {x}",))
    return Layer(
        init,
        forward,
        backward,
        name=name,
        takes="integer",
        vocabulary=vocabulary,
        notation=notation,
        flops=no_flops,
        padded="uses",
        stepwise=lambda batch, length: embedding(vocabulary, features, w_init=w_init),
    )
