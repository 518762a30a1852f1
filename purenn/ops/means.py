"""The mean over the terms of a loss, weighted or not."""

import math
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from purenn.core import checks
from purenn.core.precision import wide, wide_dtype


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Mean:
    r"""The mean over the terms $l$ of a loss, each with its weight $w$ if there are weights.

    $$L = \frac{\sum_i w_i\, l_i}{\sum_i w_i}, \qquad dl_i = \frac{w_i}{\sum_j w_j}\, dL$$

    Without weights, $L = \frac1n \sum_i l_i$ and $dl_i = \frac1n\, dL$.

    Attributes:
        weights: in float32 or better, with as many axes as the terms; None if there are none.
        total: the sum of the weights over all terms, NaN if one is not valid; None without weights.
        count: $n$, the number of terms.
    """

    weights: Array | None
    total: Any
    count: int = field(metadata={"static": True})

    @property
    def masked(self) -> Array | None:
        """Tell which terms have weight 0, if there are weights; none if a weight is not valid."""
        if self.weights is None:
            return None
        return (self.weights == 0) & ~jnp.isnan(self.total)

    def keep(self, values: Array, instead: float) -> Array:
        """Replace values of weight 0 with `instead`, so that nothing depends on them."""
        masked = self.masked
        return values if masked is None else jnp.where(masked, instead, values)

    def forward(self, terms: Array) -> Array:
        """Return the mean."""
        if self.weights is None:
            return jnp.sum(terms) / self.count
        return jnp.sum(self.keep(self.weights / self.total * terms, 0))

    def backward(self, dy: Array) -> Array:
        """Return the derivative with respect to each term, in float32 or better."""
        if self.weights is None:
            return wide(dy) / self.count
        return self.weights / self.total * wide(dy)


def mean_of_examples(where: str, name: str, predictions: Array, weights: Any) -> Mean:
    """Return the mean over the rows of `(..., classes)`, with a weight per row."""
    leading = predictions.shape[:-1]
    if weights is None:
        return Mean(None, None, math.prod(leading))
    weights = _converted(where, name, predictions, weights)
    if weights.shape != leading:
        remedy = "; pass weights[..., 0]" * (weights.shape == (*leading, 1))
        raise ValueError(
            f"{where}: weights has shape {weights.shape} and {name} {predictions.shape}; "
            f"expected one weight per example, {leading}{remedy}"
        )
    return _weighted(where, weights[..., None], 1)


def mean_of_elements(where: str, name: str, predictions: Array, weights: Any) -> Mean:
    """Return the mean over all elements, with a weight per element or per example."""
    if weights is None:
        return Mean(None, None, predictions.size)
    weights = _converted(where, name, predictions, weights)
    axes, shape = weights.ndim, predictions.shape
    if weights.shape != shape[:axes] or axes < min(1, len(shape)):
        per_example = f"one weight per example, {shape[:1]}, or " * (len(shape) > 1)
        raise ValueError(
            f"{where}: weights has shape {weights.shape} and {name} {shape}; "
            f"expected {per_example}one per element, {shape}"
        )
    weights = jnp.expand_dims(weights, tuple(range(axes, len(shape))))
    return _weighted(where, weights, math.prod(shape[axes:]))


def _converted(where: str, name: str, predictions: Array, weights: Any) -> Array:
    """Return weights in float32 or better; whole numbers and bools are converted."""
    weights = checks.as_array(where, "weights", weights)
    if checks.is_float(weights):
        checks.same_dtype(where, "weights", weights, name, predictions)
    return weights.astype(wide_dtype(predictions.dtype))


def _weighted(where: str, weights: Array, terms: int) -> Mean:
    """Check the weights where their values are known; each applies to `terms` terms."""
    valid = jnp.isfinite(weights) & (weights >= 0)
    reject_unless(jnp.all(valid), where, "weights must be finite and at least 0", weights)
    total = jnp.sum(jnp.where(valid, weights, jnp.nan)) * terms
    least = float(jnp.finfo(total.dtype).tiny)  # XLA multiplies by the reciprocal of the sum
    usable = (total >= least) & (total <= 1 / least)
    reject_unless(usable, where, "weights must have a finite sum above 0", weights)
    return Mean(weights, jnp.where(usable, total, jnp.nan), weights.size * terms)


def reject_unless(valid: Array, where: str, expected: str, value: Array) -> None:
    """Reject invalid values where they are known, as they are outside a compiled program."""
    if checks.is_concrete(valid) and not bool(valid):
        value = lax.stop_gradient(value)  # under jax.grad it is traced, but known
        low, high = jnp.min(value), jnp.max(value)
        raise ValueError(f"{where}: {expected}; got values from {low:.4g} to {high:.4g}")
