"""`value_and_grad`: backpropagation by hand."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core import checks
from purenn.core.adapt import as_layer, as_op
from purenn.core.sharding import summed_like


def value_and_grad(model: Any, loss: Any, *, penalty: Any = None) -> Callable[..., Any]:
    r"""The loss and its derivative by every parameter, by the hand-derived backward passes.

    $$L = \mathrm{loss}(\mathrm{model}(x), \mathrm{targets}) + \mathrm{penalty}(\mathrm{params})$$

    Unlike `jax.value_and_grad` it takes a model and a loss, not a function, and calls no autodiff
    (but for parts that are plain functions, which `summary` names).

    Args:
        model: a layer.
        loss: an op or function `(predictions, targets) -> scalar`.
        penalty: an op or function of the parameters, added to the loss.

    Returns:
        `f(params, state, x, targets, *, key=None, train=True) -> ((value, state), grads)`; `value`
        includes the penalty, `state` is the new one, and `grads` is a pytree like `params`.

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
    model = as_layer("value_and_grad", "model", model)
    loss = as_op("value_and_grad", "loss", loss)
    penalty = None if penalty is None else as_op("value_and_grad", "penalty", penalty)

    def backpropagate(
        params: Any, state: Any, x: Any, targets: Any, *, key: Any = None, train: bool = True
    ) -> tuple[tuple[Array, Any], Any]:
        y, state, cache = model.forward(params, state, x, train=train, key=key)
        value, loss_cache = loss.forward(y, targets)
        one = unit(loss.name, value)
        grads, _ = model.backward(params, cache, loss.backward(loss_cache, one))
        backward = f"{model.name}.backward"
        checks.same_structure(backward, "dparams", grads, "params", params)
        checks.same_dtypes(backward, "dparams", grads, "params", params)
        if penalty is not None:
            extra, penalty_cache = penalty.forward(params)
            value = value + extra.astype(value.dtype)
            extra_grads = penalty.backward(penalty_cache, unit(penalty.name, extra))
            grads = jax.tree.map(jnp.add, grads, extra_grads)
        return (value, state), summed_like(grads, params)

    return backpropagate


def unit(name: str, value: Array) -> Array:
    """The derivative of a loss by itself, 1, from which every backward pass starts."""
    if value.shape != () or not checks.is_float(value):
        raise ValueError(
            f"{name}: must return a floating scalar, the mean over the batch; "
            f"got {checks.describe(value)}"
        )
    return jnp.ones_like(value)
