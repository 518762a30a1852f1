"""Binary cross-entropy of probabilities and of logits."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core.notation import Notation
from purenn.core.op import Op
from purenn.core.precision import wide
from purenn.core.types import ArrayLike
from purenn.ops.activations import sigmoid
from purenn.ops.means import Mean, reject_unless
from purenn.ops.targets import poison, regression_targets

CLIP = 1e-7  # the least distance of probabilities from 0 and 1, where the logarithm is -inf


class _Saved(NamedTuple):
    x: Array
    targets: Array
    factor: Array  # 1, or NaN if an input was not a probability
    mean: Mean


def _in_0_1(values: Array) -> Array:
    return jnp.all((values >= 0) & (values <= 1))


def _binary_cross_entropy(
    p: Array, targets: ArrayLike, weights: ArrayLike | None = None
) -> tuple[Array, _Saved]:
    r"""Compute the binary cross-entropy of probabilities, averaged over all elements.

    $$L = -\tfrac1n \sum \bigl(t \ln p + (1 - t) \ln (1 - p)\bigr), \qquad
      dp = \tfrac1n \left(-\tfrac{t}{p} + \tfrac{1 - t}{1 - p}\right) dL$$

    $p$ is clipped to $[10^{-7}, 1 - 10^{-7}]$, so the loss is at most 16.1 per element. Outside
    these bounds, the derivative is 0, so a saturated wrong answer gives no gradient. Prefer
    `sigmoid_binary_cross_entropy`, which keeps that gradient.

    Args:
        p: probabilities between 0 and 1, an array of any shape.
        targets: numbers between 0 and 1, of the same shape. Integers and bools are converted.
        weights: the weight of each element or of each example, as for `mse`.

    Returns:
        The loss, a scalar of the dtype of `p`.

    Raises:
        TypeError: if `p` is not a floating-point array, or another argument is not an array of real
            numbers.
        ValueError: if shapes differ; a value is outside 0 … 1, a weight is negative or not finite,
            or all weights are 0 (NaN in a compiled program).

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> p, targets = jnp.array([0.5, 0.9]), jnp.array([1, 1])
        >>> print(f"{pn.binary_cross_entropy(p, targets):.4f}")
        0.3993
    """
    where = "binary_cross_entropy"
    p, targets, mean = regression_targets(where, "probabilities", p, targets, weights)
    known, valid = _in_0_1(p), _in_0_1(targets)
    remedy = "logits go to sigmoid_binary_cross_entropy"
    reject_unless(known, where, f"probabilities must lie in 0 … 1 ({remedy})", p)
    reject_unless(valid, where, "targets must lie in 0 … 1", targets)
    factor = poison(known & valid, p.dtype)
    clipped = jnp.clip(wide(p), CLIP, 1 - CLIP)
    t = wide(targets)
    loss = mean.forward(-(t * jnp.log(clipped) + (1 - t) * jnp.log1p(-clipped)))
    return loss.astype(p.dtype) * factor, _Saved(p, targets, factor, mean)


def _binary_cross_entropy_backward(saved: _Saved, dy: Array) -> Array:
    p, t = wide(saved.x), wide(saved.targets)
    inside = (p > CLIP) & (p < 1 - CLIP)
    p = jnp.clip(p, CLIP, 1 - CLIP)
    dp = jnp.where(inside, (1 - t) / (1 - p) - t / p, 0) * saved.mean.backward(dy)
    return dp.astype(dy.dtype) * saved.factor


def _sigmoid_binary_cross_entropy(
    logits: Array, targets: ArrayLike, weights: ArrayLike | None = None
) -> tuple[Array, _Saved]:
    r"""Compute the binary cross-entropy of logits, averaged over all elements.

    $$L = \tfrac1n \sum \bigl(\ln(1 + e^z) - z\,t\bigr), \qquad
      dz = \tfrac1n (\mathrm{sigmoid}(z) - t)\, dL$$

    This is the loss of $p = \mathrm{sigmoid}(z)$. The factor $p(1-p)$ of the sigmoid's derivative
    cancels the $1/p(1-p)$ of the loss, so even a very confident wrong answer keeps its full
    gradient. An infinite logit has the loss 0 if its sign is right, and infinity if it is wrong.

    Args:
        logits: $z$, an array of any shape. A positive logit means yes.
        targets: numbers between 0 and 1, of the same shape. Integers and bools are converted.
        weights: the weight of each element or of each example, as for `mse`.

    Returns:
        The loss, a scalar of the dtype of `logits`.

    Raises:
        TypeError: if `logits` is not a floating-point array, or another argument is not an array of
            real numbers.
        ValueError: if shapes differ; a target is outside 0 … 1, a weight is negative or not finite,
            or all weights are 0 (NaN in a compiled program).

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> logits, targets = jnp.array([0.0, 0.0]), jnp.array([1, 0])
        >>> print(f"{pn.sigmoid_binary_cross_entropy(logits, targets):.4f}")  # log 2
        0.6931
        >>> loss, cache = pn.sigmoid_binary_cross_entropy.forward(logits, targets)
        >>> print(pn.sigmoid_binary_cross_entropy.backward(cache, jnp.ones(())))
        [-0.25  0.25]
    """
    where = "sigmoid_binary_cross_entropy"
    logits, targets, mean = regression_targets(where, "logits", logits, targets, weights)
    valid = _in_0_1(targets)
    reject_unless(valid, where, "targets must lie in 0 … 1", targets)
    factor = poison(valid, logits.dtype)
    z, t = wide(logits), wide(targets)
    # log(1 + e^z) - z t, without this difference, which would lose the loss of a confident,
    # right answer (2e-9 at z = 20) and turn infinities into NaN.
    size, wrong = jnp.where(z > 0, z, -z), jnp.where(z > 0, 1 - t, t)
    excess = wrong * jnp.where((wrong == 0) & jnp.isinf(size), 0, size)
    loss = mean.forward(jax.nn.softplus(-size) + excess)
    return loss.astype(logits.dtype) * factor, _Saved(logits, targets, factor, mean)


def _sigmoid_binary_cross_entropy_backward(saved: _Saved, dy: Array) -> Array:
    dz = (jax.nn.sigmoid(wide(saved.x)) - wide(saved.targets)) * saved.mean.backward(dy)
    return dz.astype(dy.dtype) * saved.factor


binary_cross_entropy = Op(
    _binary_cross_entropy,
    _binary_cross_entropy_backward,
    name="binary_cross_entropy",
    of_fractions=True,
    weighted=True,
    notation=Notation("L", "", "((1-Y)/(1-{x}) - Y/{x})/n, 0 where {x} is clipped"),
)
sigmoid_binary_cross_entropy = Op(
    _sigmoid_binary_cross_entropy,
    _sigmoid_binary_cross_entropy_backward,
    name="sigmoid_binary_cross_entropy",
    of_fractions=True,
    weighted=True,
    notation=Notation("L", "sigmoid({x})", "({y}-Y)/n", link=sigmoid),
)
