"""A model as the chain of its innermost layers, each with the shapes of its values."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from purenn.core.dtypes import dtype_of
from purenn.core.layer import Layer
from purenn.inspect.chain import chain


class SizedLink(NamedTuple):
    """A layer with the shapes of its parameters, input, and output, and the chains inside it."""

    layer: Layer
    params: Any
    x: Any
    y: Any
    inner: "tuple[list[SizedLink], ...]"
    path: str
    dx: bool  # whether a training step computes the derivative with respect to its x

    @property
    def backward(self) -> bool:
        """Whether a training step runs the backward pass of this layer."""
        return self.dx or bool(jax.tree.leaves(self.params))


def sized_chain(model: Layer, in_shape: tuple[int, ...]) -> list[SizedLink]:
    """List a model's innermost layers with their shapes for one example, without computing values.

    A training step does not need the derivative with respect to the data. So it computes no
    derivative with respect to the input of the first layer with parameters, or of a layer before
    it. In a model without parameters, each layer is treated as if a layer with parameters came
    before it.
    """
    dtype = jnp.int32 if model.first.takes == "integer" else jnp.float32
    return _sized(model, jax.ShapeDtypeStruct((1, *in_shape), dtype))


def _sized(layer: Layer, x: Any, dx: bool | None = None) -> list[SizedLink]:
    made = jax.eval_shape(lambda: layer.init(jax.random.key(0), x.shape[1:]))
    if jnp.issubdtype(x.dtype, jnp.floating):
        x = jax.ShapeDtypeStruct(x.shape, dtype_of(made[0], x.dtype))
    if dx is None:
        dx = not jax.tree.leaves(made[0])
    links = []
    for part, params, state, *_, path in chain(layer, *made):
        y = jax.eval_shape(lambda p, s, x: part.apply(p, s, x)[0], params, state, x)  # noqa: B023
        trained = bool(jax.tree.leaves(params))
        # Repeated layers pass a derivative on to the previous one, except for the first.
        inner_dx = dx or (trained and (part.notation.times or 1) > 1)
        inner = tuple(_sized(inner, x, inner_dx) for inner in part.inner)
        links.append(SizedLink(part, params, x, y, inner, path, dx))
        x, dx = y, dx or trained
    return links
