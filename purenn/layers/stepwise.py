"""`stepwise`: a model that reads sequences piece by piece, as sampling needs."""

from typing import Any, NoReturn

from purenn.core import scalars
from purenn.core.adapt import as_layer
from purenn.core.layer import Layer
from purenn.core.located import calling
from purenn.core.types import ModelLike


def stepwise(model: ModelLike, *, batch: int, length: int) -> Layer:
    """Make a model read sequences piece by piece and remember what it has read.

    The state of the returned layer holds the values that later positions need from earlier ones,
    such as the keys and values of `attention`, or the `h` of `gru`. `apply(params, state, x)` reads
    the next positions, `x: (batch, n, ...)`, and returns their outputs and the new state. The
    outputs equal those of the model on the whole sequence, and each position is computed only once.
    To sample text, read the prompt as one piece and then each new token as a separate piece. The
    number of positions `n` is static, so a loop such as `lax.scan` or `fori_loop` compiles a single
    step.

    A layer that treats each position independently needs no change. Composite layers make each of
    their layers stepwise. For your own layer, pass `Layer(..., stepwise=...)`.

    Args:
        model: a layer whose output at a position does not depend on later positions.
        batch: the number of sequences to read at a time.
        length: the number of positions the state has room for. If a layer keeps every position, as
            `attention` does, outputs beyond this length are NaN.

    Returns:
        A layer with the parameters of `model`, whose `init` returns the state before the first
        position. It has no backward pass and does not take `Padded`.

    Raises:
        TypeError: if `batch` or `length` is not an integer, or a layer of the model cannot be read
            piece by piece.
        ValueError: if `batch` or `length` is below 1.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> model = pn.serial(pn.dense(4), pn.relu, pn.dense(2))
        >>> reader = pn.stepwise(model, batch=1, length=8)
        >>> params, state = reader.init(jax.random.key(0), in_shape=(8, 3))
        >>> x = jnp.ones((1, 8, 3))
        >>> first, state = reader.apply(params, state, x[:, :5])
        >>> others, state = reader.apply(params, state, x[:, 5:])
        >>> print(first.shape, others.shape)
        (1, 5, 2) (1, 3, 2)
    """
    layer = as_layer("stepwise", "model", model)
    batch = scalars.count("stepwise", "batch", batch)
    length = scalars.count("stepwise", "length", length)
    if layer.stepwise is not None:
        with calling(layer, (batch, length), ("batch", "length")):
            made = layer.stepwise(batch, length)
    elif layer.padded == "ignores":
        made = layer
    else:
        raise TypeError(f"stepwise: {layer.name} can't be read piece by piece: {_why(layer)}")

    def backward(params: Any, cache: Any, dy: Any) -> NoReturn:
        raise TypeError(
            f"{layer.name}: read piece by piece, it has no backward pass; take that of the model "
            f"that was passed to stepwise"
        )

    return made.replace(
        name=layer.name, backward=backward, takes=made.first.takes, padded="rejects", batch=batch
    )


def _why(layer: Layer) -> str:
    if layer.by_jax:
        return (
            f"a plain function may mix positions; if it treats each by itself, pass "
            f'serial({layer.name}).replace(padded="ignores")'
        )
    return (
        "its output at a position may depend on others, and Layer(..., stepwise=...) does "
        "not say how"
    )
