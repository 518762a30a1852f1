"""`adam`, and `adamw`, which decays weights beside it."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core import checks
from purenn.core.precision import wide
from purenn.optimizers.base import (
    Optimizer,
    check_rate,
    check_update,
    elementwise,
    first_step,
    moments,
    rate_at,
    scaled,
)
from purenn.optimizers.describe import describe


class AdamState(NamedTuple):
    """State of `adam` and `adamw`."""

    step: Array  # int32
    m: Any  # first moment, like params, float32 at least
    v: Any  # second moment, like params, float32 at least


def adam(
    learning_rate: Any, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8
) -> Optimizer:
    r"""Adam (Kingma and Ba 2015), bias-corrected, $\epsilon$ outside the root.

    $$m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2) g^2$$

    $$w \leftarrow w - \eta\, \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}$$

    $t$ counts from 1, since at 0 the correction divides by zero; a schedule's step counts from 0.

    Args:
        learning_rate: $\eta$, a number, a scalar array, or a schedule `step -> learning rate`.
        beta1: the fraction of the first moment kept, `0 <= beta1 < 1`.
        beta2: the fraction of the second moment kept, `0 <= beta2 < 1`.
        epsilon: keeps the quotient finite.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> optimizer, w = pn.adam(0.1), jnp.array([1.0, 2.0])
        >>> updates, opt_state = optimizer.update(jnp.array([0.01, -50.0]), optimizer.init(w))
        >>> [f"{w:.2f}" for w in pn.apply_updates(w, updates)]
        ['0.90', '2.10']
    """
    optimizer = _adam("adam", learning_rate, beta1, beta2, epsilon, 0.0)
    given = {"learning_rate": learning_rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon}
    return describe(optimizer, "adam", **given)


def adamw(
    learning_rate: Any,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    weight_decay: float = 1e-4,
) -> Optimizer:
    r"""Adam with decoupled weight decay (Loshchilov and Hutter 2019).

    Adam's step, and beside it $w \leftarrow w - \eta\,\lambda\,w$, which the moments never see.
    That is what an L2 penalty does under `sgd`, but not under `adam`.

    Args:
        learning_rate: $\eta$, as for `adam`; it scales the decay too, as in optax and PyTorch.
        beta1: as for `adam`.
        beta2: as for `adam`.
        epsilon: as for `adam`.
        weight_decay: $\lambda$. Only leaves with two axes or more decay: weights, never biases,
            gamma or beta.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> optimizer, w = pn.adamw(0.1, weight_decay=0.5), jnp.array([[1.0, 2.0]])
        >>> updates, opt_state = optimizer.update(jnp.array([[0.0, 0.0]]), optimizer.init(w), w)
        >>> [f"{w:.2f}" for w in pn.apply_updates(w, updates)[0]]
        ['0.95', '1.90']
    """
    decay = checks.number("adamw", "weight_decay", weight_decay, least=0)
    optimizer = _adam("adamw", learning_rate, beta1, beta2, epsilon, decay)
    given = {"learning_rate": learning_rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon}
    return describe(optimizer, "adamw", **given, weight_decay=decay)


def _adam(
    where: str, learning_rate: Any, beta1: float, beta2: float, epsilon: float, decay: float
) -> Optimizer:
    learning_rate = check_rate(where, learning_rate)
    beta1 = checks.number(where, "beta1", beta1, least=0, below=1)
    beta2 = checks.number(where, "beta2", beta2, least=0, below=1)
    epsilon = checks.number(where, "epsilon", epsilon, least=0)

    def init(params: Any) -> AdamState:
        return AdamState(first_step(), moments(where, params), moments(where, params))

    def update(grads: Any, opt_state: AdamState, params: Any = None) -> tuple[Any, AdamState]:
        check_update(where, grads, opt_state, params, AdamState)
        checks.same_structure(where, "grads", grads, "m", opt_state.m)
        if decay and params is None:
            raise ValueError(f"{where}: update needs params, which weight_decay shrinks")
        rate = rate_at(where, learning_rate, opt_state.step)
        step = opt_state.step + 1

        def first(m: Array, g: Array) -> Array:
            return beta1 * m + (1 - beta1) * wide(g).astype(m.dtype)

        def second(v: Array, g: Array) -> Array:
            g = wide(g).astype(v.dtype)
            return beta2 * v + (1 - beta2) * (g * g)

        def leaf(m: Array, v: Array, g: Array, p: Array) -> Array:
            m_hat = m / _correction(beta1, step, m.dtype)
            v_hat = v / _correction(beta2, step, v.dtype)
            direction = m_hat / (jnp.sqrt(v_hat) + epsilon)
            if decay and p.ndim >= 2:
                direction = direction + decay * p.astype(m.dtype)
            return scaled(rate, direction, g.dtype)

        m = jax.tree.map(first, opt_state.m, grads)
        v = jax.tree.map(second, opt_state.v, grads)
        updates = jax.tree.map(leaf, m, v, grads, grads if params is None else params)
        return updates, AdamState(step, m, v)

    return Optimizer(init, update if decay else elementwise(update))


def _correction(beta: float, step: Array, dtype: Any) -> Array:
    r"""$1 - \beta^t$. In float32, 0.999 is off by 1e-8 and the difference by 1e-5; this is not."""
    log_beta = math.log(beta) if beta else -math.inf
    return -jnp.expm1(step.astype(dtype) * log_beta)
