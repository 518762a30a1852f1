"""`explain`: every value of backpropagation on one batch, to read and to compute with."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from purenn.backprop.unit import unit
from purenn.core import checks
from purenn.core.adapt import as_layer, as_op
from purenn.core.inputs import as_input, with_zeros
from purenn.core.padded import array_of
from purenn.core.target_parts import loss_arguments, map_parts, parts_of, without_padding
from purenn.core.types import Input, Key, LossLike, ModelLike, Params, PenaltyLike, State
from purenn.inspect.chain import Link, chain, nest
from purenn.inspect.explanation import Explanation, LayerExplanation, LossExplanation
from purenn.inspect.page import STEP
from purenn.inspect.steps import step_values


def explain(
    model: ModelLike,
    loss: LossLike,
    params: Params,
    state: State,
    x: Input,
    targets: Any,
    *,
    penalty: PenaltyLike | None = None,
    key: Key | None = None,
    train: bool = True,
) -> Explanation:
    """Compute every value of the forward and backward passes on one batch, in order.

    Print the result to read it, or look up values by symbol to compare them with your own.

    Args:
        model: a layer. A `serial`, nested or not, is shown layer by layer, and so are the layers
            inside a `residual`, `parallel`, `recompute`, or `repeat`.
        loss: an op or function `(predictions, targets) -> scalar`; see `value_and_grad`.
        params: the model's parameters.
        state: the model's state.
        x: the batch, an array or a `Padded`. The valid positions of a `Padded` weight the loss, and
            the explanation contains only arrays.
        targets: the targets of the batch, or a tuple of arrays, such as `(targets, weights)`.
        penalty: an op or function of the parameters, added to the loss.
        key: a PRNG key, required if the model has dropout.
        train: whether to run the model as in training, which is the default.

    Returns:
        An `Explanation` with one `LayerExplanation(x, y, dy, dx, dparams, …)` per layer. `.value`
        is the loss, `.value_after` the loss after a gradient step of 0.1, and `.grads` holds the
        gradients of `value_and_grad`, a pytree like `params`. Since `explain` is a pure function,
        you can `jit` it.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if the batch does not fit the model, or the targets do not fit the loss.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> params = pn.DenseParams(w=jnp.array([[2.0]]), b=jnp.zeros(1))
        >>> x, targets = jnp.array([[0.5]]), jnp.array([[3.0]])
        >>> explanation = pn.explain(pn.dense(1), pn.mse, params, (), x, targets)
        >>> print(explanation["dW1"])
        [[-2.]]
        >>> print(explanation)
        m = 1, n = 1 outputs in all, targets [[3]]; loss mse = 4
        FORWARD
         X                (1,1) [[.5]]
         Z1 = X·W1 + b1   (1,1) [[1]]
        BACKWARD
         dZ1 = 2(Z1-Y)/n  (1,1) [[-4]]
         dW1 = Xᵀ·dZ1     (1,1) [[-2]]
         db1 = Σ rows dZ1 (1,)  [-4]
        A step of 0.1 lowers the loss: 4 → 2.25
    """
    model, loss = as_layer("explain", "model", model), as_op("explain", "loss", loss)
    penalty = None if penalty is None else as_op("explain", "penalty", penalty)
    x = with_zeros("explain", as_input("explain", "x", x))
    links = chain(model, params, state, key)
    extra = penalty_grads = shares = None
    if penalty is not None:
        extra, penalty_cache = penalty.forward(params)
        penalty_grads = penalty.backward(penalty_cache, unit(penalty.name, extra))
        shares = chain(model, penalty_grads)
    steps = _forward(links, x, train)
    y, targets = without_padding(loss, steps[-1].y, targets)
    value, loss_cache = loss.forward(y, *loss_arguments(loss, targets))
    layers = _backward(steps, shares, loss.backward(loss_cache, unit(loss.name, value)))
    if extra is not None:
        value = value + extra.astype(value.dtype)
    grads = nest(model, iter([layer.dparams for layer in layers]))
    stepped = jax.tree.map(lambda p, g: p - STEP * g, params, grads)
    y_after = model.forward(stepped, state, x, train=train, key=key)[0]
    after = loss(array_of(y_after), *parts_of(targets))
    if penalty is not None:
        after = after + penalty(stepped).astype(after.dtype)
    link_op = loss.notation.link
    probabilities = link_op(layers[-1].y) if link_op else None
    targets = map_parts(partial(checks.as_array, "explain"), targets)
    end = LossExplanation(targets, value, after, probabilities, extra, penalty_grads)
    return Explanation.make(layers, end, model, loss, train)


class _Step(NamedTuple):
    """The forward pass of one layer, and those of the chains inside it."""

    link: Link
    x: Any
    y: Any
    cache: Any
    inner: "tuple[list[_Step], ...]"


def _forward(links: list[Link], x: Any, train: bool) -> list[_Step]:
    """Run a chain forward, and each inner chain from the same `x` as the layer that contains it."""
    steps = []
    for link in links:
        y, _, cache = link.layer.forward(link.params, link.state, x, train=train, key=link.key)
        inner = tuple(_forward(inside, x, train) for inside in link.inner)
        steps.append(_Step(link, x, y, cache, inner))
        x = y
    return steps


def _backward(steps: list[_Step], shares: list[Link] | None, dy: Any) -> list[LayerExplanation]:
    """Run a chain backward; `shares` holds the gradients of the penalty as params."""
    layers: list[LayerExplanation] = []
    for i, step in reversed(list(enumerate(steps))):
        share, layer = None if shares is None else shares[i], step.link.layer
        dparams, dx = layer.backward(step.link.params, step.cache, dy)
        if share is not None:
            dparams = jax.tree.map(jnp.add, dparams, share.params)
        ys = [array_of(inside[-1].y) for inside in step.inner]
        inner = []
        for j, inside in enumerate(step.inner):
            inner_dy = None if dy is None else layer.notation.inner_dy[j][1](dy, ys)
            inner.append(tuple(_backward(inside, share and share.inner[j], inner_dy)))
        x, y = array_of(step.x), array_of(step.y)
        between = step_values(layer, step.link.params, step.x, dy)
        layers.append(LayerExplanation(x, y, dy, dx, dparams, tuple(inner), between))
        dy = dx
    return layers[::-1]
