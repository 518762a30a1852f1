"""The weights and biases of `dense` and the convolutions: their initialization and checks."""

from typing import Any

import jax
from jax import Array

from purenn.core import checks
from purenn.core.located import inside
from purenn.core.types import Initializer
from purenn.layers.draw import draw


def check_initializers(layer: str, w_init: Any, b_init: Any) -> None:
    """Reject anything but an initializer; `b_init` may be None, for no bias."""
    checks.function(layer, "w_init", w_init)
    if b_init is not None:
        checks.function(layer, "b_init", b_init)


def draw_w_and_b(
    name: str,
    key: Any,
    shape: tuple[int, ...],
    w_init: Initializer,
    b_init: Initializer | None,
) -> tuple[Array, Array | None]:
    """Return weights of the given shape, features last, and a bias per feature, or None."""
    w_key, b_key = jax.random.split(checks.prng_key(name, key))
    with inside("w_init"):
        w = draw(name, "w_init", w_init, w_key, shape)
    if b_init is None:
        return w, None
    with inside("b_init"):
        return w, draw(name, "b_init", b_init, b_key, shape[-1:])


def check_w_and_b(
    name: str, params: Any, kind: Any, shape: tuple[int | str, ...], *, bias: bool
) -> None:
    """Check a record of weights of the given shape, features last, and of biases, if any."""
    checks.record(name, "params", params, kind, shape, shape[-1:] if bias else None)
    if bias:
        checks.same_dtype(name, "params.b", params.b, "params.w", params.w)
