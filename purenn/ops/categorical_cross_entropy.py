"""Cross-entropy over classes, of probabilities and of logits."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core import scalars
from purenn.core.notation import Notation
from purenn.core.op import Op
from purenn.core.precision import wide
from purenn.core.types import ArrayLike
from purenn.ops.means import Mean
from purenn.ops.softmax import softmax
from purenn.ops.targets import are_distributions, class_targets, poison, reject_rows_unless

CLIP = 1e-7  # the smallest probability used, since the logarithm of 0 is -inf


class _Probabilities(NamedTuple):
    p: Array  # (..., classes)
    y: Array  # (..., classes), rows that sum to one
    factor: Array  # (..., 1): 1, or NaN where a label was not a class
    mean: Mean


def _categorical_cross_entropy(
    p: Array, targets: ArrayLike, weights: ArrayLike | None = None
) -> tuple[Array, _Probabilities]:
    r"""Compute the cross-entropy of probabilities, averaged over $m$ rows.

    $$L = -\tfrac1m \sum_i \sum_c y_{ic} \ln a_{ic}, \qquad da = -\tfrac1m \frac{y}{a}\, dL$$

    Here $a$ is `p`, clipped to at least $10^{-7}$, so the loss is at most 16.1 per row. Below that
    bound the derivative is 0. Prefer `softmax_cross_entropy`, which has no such bound and keeps the
    gradient.

    Args:
        p: rows of probabilities that sum to one, `(..., classes)`, as `softmax` returns them.
        targets: integer labels `(...)`, or rows that sum to one, `(..., classes)`.
        weights: the weight of each row, `(...)`, as for `softmax_cross_entropy`.

    Returns:
        The loss, a scalar of the dtype of `p`.

    Raises:
        TypeError: if `p` is not a floating-point array, or another argument is not an array of real
            numbers.
        ValueError: if a row is not a distribution, a label is not a class, a weight is negative or
            not finite, or all weights are 0 (NaN in a compiled program), or the shapes do not fit.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> p, labels = jnp.array([[0.5, 0.25, 0.25]]), jnp.array([1])
        >>> print(f"{pn.categorical_cross_entropy(p, labels):.4f}")  # log 4
        1.3863
    """
    where = "categorical_cross_entropy"
    y, _, valid, mean = class_targets(where, "probabilities", p, targets, weights)
    p = mean.keep(p, 1 / p.shape[-1])
    rows = are_distributions(p)
    expected = "probabilities must be at least 0, in rows that sum to one"
    reject_rows_unless(jnp.all(rows), where, f"{expected} (logits go to softmax_cross_entropy)", p)
    valid &= rows
    factor = poison(valid, p.dtype)
    # p is multiplied by the factor, too: jax.grad would lose a NaN that is only in y.
    log_p = jnp.log(jnp.where(p > CLIP, wide(p * factor), CLIP))
    terms = jnp.where(valid, wide(y) * log_p, jnp.nan)  # XLA turns 0 · NaN into 0 for labels
    return mean.forward(-terms).astype(p.dtype), _Probabilities(p, y, factor, mean)


def _categorical_cross_entropy_backward(saved: _Probabilities, dy: Array) -> Array:
    p, y, factor, mean = saved
    da = jnp.where(p > CLIP, -wide(y) / jnp.where(p > CLIP, wide(p), 1), 0) * mean.backward(dy)
    return da.astype(dy.dtype) * factor


class _Logits(NamedTuple):
    error: Array  # (..., classes): softmax of the logits, minus the targets
    mean: Mean


def _softmax_cross_entropy(
    logits: Array,
    targets: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    label_smoothing: float = 0.0,
) -> tuple[Array, _Logits]:
    r"""Compute the cross-entropy of logits, averaged over $m$ rows.

    $$L = \tfrac1m \sum_i \left(\ln \sum_c e^{z_{ic}} - \sum_c y_{ic} z_{ic}\right), \qquad
      dz = \tfrac1m (a - y)\, dL$$

    This is the cross-entropy of $a = \mathrm{softmax}(z)$ and the targets $y$. The Jacobian of the
    softmax cancels the $1/a$ of the logarithm. The division by $m$ happens once, in this loss;
    texts that write $dZ = A - Y$ have $m$ times this `dz`, and divide when they compute dW and db.
    A logit of -inf masks its class: the class does not take part, and the loss is infinite if it is
    the target. A logit of +inf makes its row NaN.

    With weights, the loss is a weighted mean over the rows:

    $$L = \frac{\sum_i w_i\, l_i}{\sum_i w_i}, \qquad
      dz_i = \frac{w_i}{\sum_j w_j} (a_i - y_i)\, dL$$

    A row of weight 0 is ignored. Its logits may be NaN, its label may be any number, such as the -1
    or -100 of a padded position, and its `dz` is exactly 0.

    Args:
        logits: $z$, `(..., classes)`, with one row per example or per position of a sequence.
        targets: integer labels `(...)`, or rows that sum to one, `(..., classes)`.
        weights: the weight of each row, `(...)`, at least 0: an array of integers, bools, or the
            dtype of the logits. The default, None, weights all rows equally. The derivative with
            respect to a weight of 0 is computed as if the loss of its row were 0.
        label_smoothing: $s$, a static number with $0 \le s < 1$; 0 by default. With $k$ classes,
            the targets become $(1 - s)\, y + s / k$ ([Szegedy et al., 2016][szegedy2016]).

    Returns:
        The loss, a scalar of the dtype of `logits`.

    Raises:
        TypeError: if `logits` is not a floating-point array, another argument is not an array of
            real numbers, or `label_smoothing` is not a number.
        ValueError: if a label is not a class, a weight is negative or not finite, or all weights
            are 0 (NaN in a compiled program), or the shapes do not fit.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> logits, labels = jnp.zeros((1, 4)), jnp.array([0])
        >>> print(f"{pn.softmax_cross_entropy(logits, labels):.4f}")  # log 4
        1.3863
        >>> loss, cache = pn.softmax_cross_entropy.forward(logits, labels)
        >>> print(pn.softmax_cross_entropy.backward(cache, jnp.ones(())))  # (a - y) / m
        [[-0.75  0.25  0.25  0.25]]
    """
    where = "softmax_cross_entropy"
    smoothing = scalars.number(where, "label_smoothing", label_smoothing, 0, 1, static=True)
    classes = class_targets(where, "logits", logits, targets, weights)
    y, mean = wide(classes.rows), classes.mean
    if smoothing:
        y = (1 - smoothing) * y + smoothing / y.shape[-1]
    z = wide(mean.keep(logits, 0))
    top = jax.lax.stop_gradient(jnp.max(z, axis=-1, keepdims=True))
    z = z - top * poison(classes.valid, z.dtype)  # a bad row is NaN, without another pass over it
    exp = jnp.exp(z)
    total = jnp.sum(exp, axis=-1, keepdims=True)  # (..., 1)
    if classes.labels is not None and not smoothing:
        # Only the term of a row's label is not 0. XLA:CPU would write all terms to
        # memory, an array like the logits.
        terms = classes.entries(z) - jnp.log(total)
    else:
        log_p = z - jnp.log(total)
        # A masked class has a logit of -inf and a target of 0, whose product must be 0. The product
        # is never formed: under jax_debug_nans a NaN stops a program even if it is not selected.
        terms = y * jnp.where((y == 0) & jnp.isneginf(log_p), 0, log_p)
    # Subtracted in full precision: a probability near 1 loses its error in bfloat16.
    error = (exp / total - y).astype(logits.dtype)
    return mean.forward(-terms).astype(logits.dtype), _Logits(error, mean)


def _softmax_cross_entropy_backward(saved: _Logits, dy: Array) -> Array:
    error, mean = saved
    return (wide(error) * mean.backward(dy)).astype(dy.dtype)


categorical_cross_entropy = Op(
    _categorical_cross_entropy,
    _categorical_cross_entropy_backward,
    name="categorical_cross_entropy",
    of_classes=True,
    weighted=True,
    notation=Notation("L", "", "-(Y/{x})/m, 0 where {x} is clipped"),
)
softmax_cross_entropy = Op(
    _softmax_cross_entropy,
    _softmax_cross_entropy_backward,
    name="softmax_cross_entropy",
    of_classes=True,
    weighted=True,
    notation=Notation(
        "L",
        "softmax({x})",
        "({y}-Y)/m",
        targets="(1-{label_smoothing})·targets + {label_smoothing}/k",
        link=softmax,
    ),
)
