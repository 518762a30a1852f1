"""The kind of mistake behind a derivative of the wrong shape."""

from typing import Any

import numpy as np

from purenn.inspect.precision import near


def shape_mistake(yours: Any, referee: Any, m: int, dy: Any) -> tuple[str, Any]:
    """Describe a wrong shape, and return yours in the right shape if that is possible."""
    if dy is not None and _is_jacobian(yours, referee, np.asarray(dy)):
        return "dy is forgotten: yours is the Jacobian dy/dx", None
    if yours.ndim == referee.ndim and yours.shape == referee.T.shape:
        return "yours is the transpose", yours.T
    if yours.size == 1 and referee.size > 1:
        return "a sum without axis=0?", None
    if yours.ndim == referee.ndim + 1 and yours.shape == (m, *referee.shape):
        return "not summed over the batch, axis=0?", yours.sum(0)
    if yours.ndim == referee.ndim == 1 and yours.size == m:
        return "summed over the neurons, axis=1?", None
    if np.squeeze(yours).shape == np.squeeze(referee).shape:
        return "an extra axis of 1, or a missing one (keepdims?)", yours.reshape(referee.shape)
    summed = _summed(yours, referee.shape)
    if summed is not None:
        return f"not summed over {summed[0]}?", summed[1]
    return "", None


def _summed(yours: Any, shape: tuple[int, ...]) -> tuple[str, Any] | None:
    """Sum over the axes along which an array of this shape was broadcast, if it was."""
    more = yours.ndim - len(shape)
    if more < 0 or not yours.size:
        return None
    axes = [*range(more), *(k for k in range(more, yours.ndim) if shape[k - more] == 1)]
    axes = [k for k in axes if yours.shape[k] != 1 or k < more]
    kept = yours.sum(tuple(axes), keepdims=True)
    if not axes or kept.shape[more:] != shape:
        return None
    return f"axis={axes[0] if len(axes) == 1 else tuple(axes)}", kept.reshape(shape)


def _is_jacobian(yours: Any, referee: Any, dy: Any) -> bool:
    """Tell whether yours times dy is right, for y as a whole or for each row separately."""
    if yours.shape == (*dy.shape, *referee.shape):
        product = np.tensordot(dy, yours, dy.ndim)
    elif dy.ndim and yours.shape == (*dy.shape, *referee.shape[-1:]):
        product = np.einsum("...i,...ij->...j", dy, yours)
    else:
        return False
    close = 1e-6 * float(np.abs(referee).max(initial=0))
    return product.shape == referee.shape and near(product, referee, close)
