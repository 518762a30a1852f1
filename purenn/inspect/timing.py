"""The time that each layer of a model takes in a training step."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.core import checks, numpy_arrays
from purenn.core.inputs import vocabulary_of
from purenn.core.layer import Layer
from purenn.core.types import Fn, Params, State
from purenn.inspect.chain import nest
from purenn.inspect.sizes import SizedLink
from purenn.inspect.stopwatch import Stopwatch


class LayerTime(NamedTuple):
    """The seconds that a layer takes, without the layers inside it."""

    forward: float
    backward: float | None  # None if a training step does not run it

    @property
    def both(self) -> float:
        """Forward and backward."""
        return self.forward + (self.backward or 0.0)


class Timing(NamedTuple):
    """The seconds that the layers of a model take, and those of the model as one program."""

    layers: list[LayerTime]  # a layer comes before those inside it
    step: float  # forward and backward
    device: str


def timing(model: Layer, links: list[SizedLink], batch_size: int) -> Timing:
    """Run a model's layers on random numbers, first as separate programs, then as one program.

    Args:
        model: a layer.
        links: its innermost layers, as `sized_chain` lists them.
        batch_size: the number of examples in the batch.
    """
    if not checks.is_concrete(jnp.zeros(())):
        raise TypeError(
            "summary: time must be False in a function that JAX traces, such as one under jit, "
            "since nothing is computed there"
        )
    return _Timer().model(model, links, batch_size)


class _Timer:
    def __init__(self) -> None:
        self.measured = Stopwatch()
        self.rng, self.key = np.random.default_rng(0), jax.random.key(0)

    def model(self, model: Layer, links: list[SizedLink], batch_size: int) -> Timing:
        x = self.examples(model, (batch_size, *links[0].x.shape[1:]), links[0].x.dtype)
        times, made, y = self.chain(links, x)
        params, state = (nest(model, iter(trees)) for trees in zip(*made, strict=True))
        forward, backward = _forward(model), _backward(model, links[0].dx)

        def step(params: Params, state: State, x: Array, key: Any, dy: Array) -> Any:
            y, state, cache = forward(params, state, x, key)
            return y, state, backward(params, cache, dy)

        took, _ = self.measured(step, params, state, x, self.key, self.like(model, y))
        return Timing(times, took, next(iter(x.devices())).device_kind)

    def chain(
        self, links: list[SizedLink], x: Array
    ) -> tuple[list[LayerTime], list[tuple[Params, State]], Array]:
        """Return the times of a chain, its parameters and states, and its y."""
        times, made = [], []
        for link in links:
            layer = link.layer
            params, state = layer.init(self.key, x.shape[1:])
            made.append((params, state))
            forward, (y, _, cache) = self.measured(_forward(layer), params, state, x, self.key)
            backward = 0.0
            if link.backward:
                backward, _ = self.measured(
                    _backward(layer, link.dx), params, cache, self.like(layer, y)
                )
            inside = [time for inner in link.inner for time in self.chain(inner, x)[0]]
            forward -= sum(time.forward for time in inside)
            backward -= sum(time.backward or 0.0 for time in inside)
            own = LayerTime(max(forward, 0.0), max(backward, 0.0) if link.backward else None)
            times += [own, *inside]
            x = y
        return times, made, x

    def examples(self, model: Layer, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return random numbers, or random tokens; zeros if the vocabulary is not known."""
        if jnp.issubdtype(dtype, jnp.floating):
            return self.normal(shape, dtype)
        tokens = self.rng.integers(vocabulary_of(model) or 1, size=shape)
        return numpy_arrays.to_jax(tokens.astype(dtype))

    def like(self, layer: Layer, y: Array) -> Array:
        """Return a random derivative with respect to a layer's y."""
        if not checks.is_float(y):
            raise TypeError(
                f"summary: time=True measures the backward too, and {layer.name} has none: its "
                f"output is {checks.describe(y)}, expected floating point"
            )
        return self.normal(y.shape, y.dtype)

    def normal(self, shape: tuple[int, ...], dtype: Any) -> Array:
        return jnp.asarray(self.rng.standard_normal(shape, np.float32), dtype)


def _forward(layer: Layer) -> Fn:
    def forward(params: Params, state: State, x: Array, key: Any) -> Any:
        return layer.forward(params, state, x, train=True, key=key)

    return forward


def _backward(layer: Layer, dx: bool) -> Fn:
    """Return a layer's backward pass, without the computation of dx unless it is requested."""

    def backward(params: Params, cache: Any, dy: Array) -> Any:
        dparams, of_x = layer.backward(params, cache, dy)
        return (dparams, of_x) if dx else dparams

    return backward
