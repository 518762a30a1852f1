"""`explain`: every value that backpropagation computes, to compute with and to read."""

from typing import Any

import jax
import jax.numpy as jnp

from purenn.backprop.value_and_grad import unit
from purenn.core import checks
from purenn.core.adapt import as_layer, as_op
from purenn.inspect.chain import chain, nest
from purenn.inspect.explanation import STEP, Explanation, LayerExplanation, LossExplanation


def explain(
    model: Any,
    loss: Any,
    params: Any,
    state: Any,
    x: Any,
    targets: Any,
    *,
    penalty: Any = None,
    key: Any = None,
    train: bool = True,
) -> Explanation:
    """Compute every value of backpropagation on one batch, by hand, and keep them in order.

    Args:
        model: a layer; a `serial` is shown layer by layer, through any nesting.
        loss: an op or function `(predictions, targets) -> scalar`.
        params: the model's parameters.
        state: the model's state.
        x: the batch.
        targets: the batch's targets.
        penalty: an op or function of the parameters, added to the loss.
        key: for dropout.
        train: whether the model runs as in training.

    Returns:
        An `Explanation`: one `LayerExplanation(x, y, dy, dx, dparams)` per layer, `.value` is
        the loss, `.value_after` a step, and `.grads`, like `value_and_grad`'s. Pure, so it jits.

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
    x = checks.as_array("explain", "x", x)
    links = list(chain(model, params, state, key))

    inputs, outputs, caches = [], [], []
    y = x
    for layer, layer_params, layer_state, layer_key in links:
        inputs.append(y)
        y, _, cache = layer.forward(layer_params, layer_state, y, train=train, key=layer_key)
        outputs.append(y)
        caches.append(cache)
    value, loss_cache = loss.forward(y, targets)

    dy = loss.backward(loss_cache, unit(loss.name, value))
    backward: list[Any] = []
    for link, cache in zip(reversed(links), reversed(caches), strict=True):
        dparams, dx = link.layer.backward(link.params, cache, dy)
        backward.append((dy, dx, dparams))
        dy = dx
    backward.reverse()
    extra = penalty_grads = None
    if penalty is not None:
        extra, penalty_cache = penalty.forward(params)
        value = value + extra.astype(value.dtype)
        more = penalty.backward(penalty_cache, unit(penalty.name, extra))
        penalty_grads = tuple(link.params for link in chain(model, more, state))
        backward = [
            (dy, dx, jax.tree.map(jnp.add, dparams, share))
            for (dy, dx, dparams), share in zip(backward, penalty_grads, strict=True)
        ]

    grads = nest(model, iter([dparams for _, _, dparams in backward]))
    stepped = jax.tree.map(lambda p, g: p - STEP * g, params, grads)
    after = loss(model.forward(stepped, state, x, train=train, key=key)[0], targets)
    if penalty is not None:
        after = after + penalty(stepped).astype(after.dtype)
    link_op = loss.notation.link
    probabilities = link_op(outputs[-1]) if link_op else None
    targets = checks.as_array("explain", "targets", targets)
    end = LossExplanation(targets, value, after, probabilities, extra, penalty_grads)
    values = [LayerExplanation(x, y, *b) for x, y, b in zip(inputs, outputs, backward, strict=True)]
    return Explanation.make(values, end, model, loss, train)
