"""`value_and_grad`: backpropagation by hand."""

from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jax import Array

from purenn.backprop.tail import Tail, check_tail, in_chunks
from purenn.backprop.unit import unit
from purenn.core import checks
from purenn.core.adapt import as_layer, as_op
from purenn.core.inputs import with_zeros
from purenn.core.layer import Layer
from purenn.core.op import Op
from purenn.core.sharding import summed_like
from purenn.core.target_parts import loss_arguments, without_padding
from purenn.core.types import (
    Fn,
    Input,
    Key,
    LossLike,
    ModelLike,
    Params,
    PenaltyLike,
    State,
    Targets,
)


class ValueAndGrad(Protocol):
    """The function that `value_and_grad` returns."""

    def __call__(
        self,
        params: Params,
        state: State,
        x: Input,
        targets: Targets,
        *,
        key: Key | None = None,
        train: bool = True,
    ) -> tuple[tuple[Array, State], Params]:
        """Return `((value, state), grads)`."""
        ...


def value_and_grad(
    model: ModelLike,
    loss: LossLike,
    *,
    penalty: PenaltyLike | None = None,
    tail: Tail | None = None,
) -> ValueAndGrad:
    r"""Create a function that computes a loss and its derivatives with respect to all parameters.

    $$L = \mathrm{loss}(\mathrm{model}(x), \mathrm{targets}) + \mathrm{penalty}(\mathrm{params})$$

    Unlike `jax.value_and_grad`, it takes a model and a loss instead of a function, and it runs the
    hand-derived backward passes. Autodiff is used only for parts that are plain functions, which
    `summary` marks with a star.

    Args:
        model: a layer.
        loss: an op or function `(predictions, targets) -> scalar`. If the targets are a tuple of
            arrays, such as `(targets, weights)`, each array is passed to the loss as a separate
            argument.
        penalty: an op or function of the parameters, added to the loss; None for no penalty.
        tail: a `Tail`, which runs the last parts of the model and the loss in chunks of the batch
            to save memory; None for no chunks.

    Returns:
        `f(params, state, x, targets, *, key=None, train=True) -> ((value, state), grads)`. `value`
        is a scalar that includes the penalty, `state` is the new state, and `grads` is a pytree
        like `params`. `key` is needed if the model has dropout. `x` may be `Padded`; the loss is
        then weighted by its valid positions (times any weights you pass), so padding does not
        affect the value or the derivatives.

    Raises:
        TypeError: if `model`, `loss`, `penalty`, or `tail` is not what is described above.
        ValueError: if `tail` does not fit the model. If the data do not fit the model or the loss,
            an error is raised when `f` is called.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> params = pn.DenseParams(w=jnp.array([[2.0]]), b=jnp.zeros(1))
        >>> x, targets = jnp.array([[0.5]]), jnp.array([[3.0]])
        >>> f = pn.value_and_grad(pn.dense(1), pn.mse)
        >>> (value, state), grads = f(params, (), x, targets)
        >>> print(value, grads.w, grads.b)
        4.0 [[-2.]] [-4.]
    """
    layer = as_layer("value_and_grad", "model", model)
    op = as_op("value_and_grad", "loss", loss)
    if tail is not None:
        check_tail("value_and_grad", layer, tail)
    passes = _at_once(layer, op) if tail is None else in_chunks(layer, op, tail)
    extra = None if penalty is None else as_op("value_and_grad", "penalty", penalty)

    def backpropagate(
        params: Params,
        state: State,
        x: Input,
        targets: Targets,
        *,
        key: Key | None = None,
        train: bool = True,
    ) -> tuple[tuple[Array, State], Params]:
        value, state, grads = passes(params, state, x, targets, key=key, train=train)
        if extra is not None:
            more, extra_cache = extra.forward(params)
            value = value + more.astype(value.dtype)
            extra_grads = extra.backward(extra_cache, unit(extra.name, more))
            grads = jax.tree.map(jnp.add, grads, extra_grads)
        return (value, state), summed_like(grads, params)

    return backpropagate


def _at_once(layer: Layer, op: Op[...]) -> Fn:
    """Create the forward and backward pass of a model and a loss, over the entire batch."""

    def passes(
        params: Params, state: State, x: Any, targets: Any, *, key: Any, train: bool
    ) -> tuple[Array, State, Params]:
        x = with_zeros(layer.name, x)
        y, state, cache = layer.forward(params, state, x, train=train, key=key)
        y, targets = without_padding(op, y, targets)
        value, loss_cache = op.forward(y, *loss_arguments(op, targets))
        one = unit(op.name, value)
        grads, _ = layer.backward(params, cache, op.backward(loss_cache, one))
        backward = f"{layer.name}.backward"
        checks.same_structure(backward, "dparams", grads, "params", params)
        checks.same_dtypes(backward, "dparams", grads, "params", params)
        return value, state, grads

    return passes
