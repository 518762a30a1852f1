"""`adam` and `adamw`: Adam, without and with weight decay."""

from typing import Any, NamedTuple

import jax
from jax import Array

from purenn.core import checks, scalars
from purenn.core.precision import in_dtype, wide
from purenn.core.types import Params, Scalar, Schedule
from purenn.core.weights import are_weights
from purenn.optimizers.base import (
    Optimizer,
    check_rate,
    check_update,
    first_step,
    rate_at,
    scaled,
)
from purenn.optimizers.describe import Described
from purenn.optimizers.moments import bias_correction, root, zero_moments


class AdamState(NamedTuple):
    """State of `adam` and `adamw`."""

    step: Array  # int32
    m: Any  # first moment, like params, float32 at least
    v: Any  # second moment, like params, float32 at least


def adam(
    learning_rate: Scalar | Schedule,
    beta1: Scalar = 0.9,
    beta2: Scalar = 0.999,
    epsilon: Scalar = 1e-8,
) -> Optimizer:
    r"""Create an Adam optimizer, with bias correction and $\epsilon$ outside the root.

    $$m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2) g^2$$

    $$w \leftarrow w - \eta\, \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}$$

    The steps $t$ of these formulas are counted from 1, since at 0 the correction would divide by
    zero; the steps of a schedule are counted from 0. The defaults are those of [Kingma and Ba
    (2015)][kingma2015], except for the learning rate, which you must choose; 0.001 is a common
    starting point.

    Args:
        learning_rate: $\eta$, a number, a traced scalar, or a schedule `step -> learning rate`.
        beta1: the fraction of the first moment $m$ that is kept, `0 <= beta1 < 1`.
        beta2: the fraction of the second moment $v$ that is kept, `0 <= beta2 < 1`.
        epsilon: added to the root to keep the quotient finite. Like the betas, it is a number or a
            traced scalar, so you can `vmap` over it. An out-of-range traced scalar gives NaN.

    Returns:
        An `Optimizer`. Its state holds $m$ and $v$, each like the parameters, and the step.

    Raises:
        TypeError: if an argument is not a number, or the learning rate is neither a number nor a
            schedule.
        ValueError: if a number is out of range.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> optimizer, w = pn.adam(0.1), jnp.array([1.0, 2.0])
        >>> updates, opt_state = optimizer.update(jnp.array([0.01, -50.0]), optimizer.init(w))
        >>> [f"{w:.2f}" for w in pn.apply_updates(w, updates)]
        ['0.90', '2.10']

        With a schedule, the learning rate changes from step to step:

        >>> optimizer = pn.adam(pn.cosine_decay(1e-3, decay_steps=1000))
    """
    return _adam("adam", learning_rate, beta1, beta2, epsilon)


def adamw(
    learning_rate: Scalar | Schedule,
    beta1: Scalar = 0.9,
    beta2: Scalar = 0.999,
    epsilon: Scalar = 1e-8,
    weight_decay: Scalar = 1e-4,
) -> Optimizer:
    r"""Create an Adam optimizer with decoupled weight decay.

    $$m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2) g^2$$

    $$w \leftarrow w - \eta \left(\frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}
      + \lambda w\right)$$

    This is Adam's step plus a decay of the weights, $\lambda w$, which does not enter the moments
    ([Loshchilov and Hutter, 2019][loshchilov2019]). With `sgd`, an L2 penalty has the same
    effect; with `adam`, it does not.

    Args:
        learning_rate: $\eta$, a number, a traced scalar, or a schedule, as for `adam`; it also
            scales the decay, as in optax and PyTorch.
        beta1: the fraction of the first moment that is kept, as for `adam`.
        beta2: the fraction of the second moment that is kept, as for `adam`.
        epsilon: added to the root, as for `adam`.
        weight_decay: $\lambda$, a number or a traced scalar, at least 0, not a schedule; 1e-4 by
            default, as in optax. Only weights decay: the fields that purenn's parameter classes
            declare as weights, such as `w` of `DenseParams`, stacked or not. Biases, gamma, and
            beta do not decay; in `optax.adamw`, they do unless its `mask` excludes them. In any
            other tree, such as a tuple or a dict of your own layer, every leaf with two or more
            axes decays, including a bias stacked by `repeat`. To prevent this, use a NamedTuple
            whose class names the weights: `weights = ("w",)`.

    Returns:
        An `Optimizer`, whose `update` needs the parameters.

    Raises:
        TypeError: if an argument is not a number, or the learning rate is neither a number nor a
            schedule.
        ValueError: if a number is out of range.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> optimizer, w = pn.adamw(0.1, weight_decay=0.5), jnp.array([[1.0, 2.0]])
        >>> updates, opt_state = optimizer.update(jnp.array([[0.0, 0.0]]), optimizer.init(w), w)
        >>> [f"{w:.2f}" for w in pn.apply_updates(w, updates)[0]]
        ['0.95', '1.90']

        With a schedule, the learning rate changes from step to step:

        >>> optimizer = pn.adamw(pn.cosine_decay(1e-3, decay_steps=1000), weight_decay=0.01)
    """
    decay = scalars.number("adamw", "weight_decay", weight_decay, least=0)
    return _adam("adamw", learning_rate, beta1, beta2, epsilon, weight_decay=decay)


def _adam(
    where: str,
    learning_rate: Scalar | Schedule,
    beta1: Scalar,
    beta2: Scalar,
    epsilon: Scalar,
    **decoupled: Scalar,
) -> Optimizer:
    given = {"learning_rate": learning_rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon}
    decay = decoupled.get("weight_decay", 0.0)
    learning_rate = check_rate(where, learning_rate)
    beta1 = scalars.number(where, "beta1", beta1, least=0, below=1)
    beta2 = scalars.number(where, "beta2", beta2, least=0, below=1)
    epsilon = scalars.number(where, "epsilon", epsilon, least=0)
    decays = not checks.is_concrete(decay) or decay != 0

    def init(params: Params) -> AdamState:
        return AdamState(first_step(), zero_moments(where, params), zero_moments(where, params))

    def update(
        grads: Params, opt_state: AdamState, params: Params | None = None
    ) -> tuple[Params, AdamState]:
        grads = check_update(where, grads, opt_state, params, AdamState)
        checks.same_structure(where, "grads", grads, "m", opt_state.m)
        if decays and params is None:
            raise ValueError(f"{where}: update needs params, which weight_decay shrinks")
        rate = rate_at(where, learning_rate, opt_state.step)
        step = opt_state.step + 1

        def first(m: Array, g: Array) -> Array:
            beta = in_dtype(beta1, m.dtype)
            return beta * m + (1 - beta) * wide(g).astype(m.dtype)

        def second(v: Array, g: Array) -> Array:
            beta, g = in_dtype(beta2, v.dtype), wide(g).astype(v.dtype)
            return beta * v + (1 - beta) * (g * g)

        def direction(m: Array, v: Array) -> Array:
            m_hat = m / bias_correction(beta1, step, m.dtype)
            v_hat = v / bias_correction(beta2, step, v.dtype)
            return m_hat / (root(v_hat) + in_dtype(epsilon, v.dtype))

        def decayed(u: Array, p: Array, is_weight: bool) -> Array:
            return u + in_dtype(decay, u.dtype) * p.astype(u.dtype) if is_weight else u

        m = jax.tree.map(first, opt_state.m, grads)
        v = jax.tree.map(second, opt_state.v, grads)
        directions = jax.tree.map(direction, m, v)
        if decays:
            directions = jax.tree.map(decayed, directions, params, are_weights(params))
        updates = jax.tree.map(lambda u, g: scaled(rate, u, g.dtype), directions, grads)
        return updates, AdamState(step, m, v)

    given |= decoupled
    return Optimizer(init, Described(update, where, given, elementwise=not decays))
