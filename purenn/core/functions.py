"""The plain functions of a layer or an op, without checks, and two common ones."""

from typing import Any, NamedTuple

from purenn.core.types import Fn, Shape


class LayerFunctions(NamedTuple):
    """The plain functions of a layer, without checks.

    Attributes:
        init: `(key, in_shape) -> (params, state)`.
        forward: `(params, state, x, *, train, key) -> (y, state, saved)`.
        backward: `(params, saved, dy) -> (dparams, dx)`.
        apply: `(params, state, x, *, train, key) -> (y, state)`; None if it is `forward` without
            the cache.
    """

    init: Fn
    forward: Fn
    backward: Fn
    apply: Fn | None


class OpFunctions(NamedTuple):
    """The plain functions of an op, without checks.

    Attributes:
        forward: `(x, ...) -> (y, saved)`.
        backward: `(saved, dy) -> dx`.
        apply: `(x, ...) -> y`; None if it is `forward` without the cache.
    """

    forward: Fn
    backward: Fn
    apply: Fn | None


def no_parameters(key: Any, in_shape: Shape) -> tuple[tuple[()], tuple[()]]:
    """Return no parameters and no state: the `init` of a layer that has neither."""
    return (), ()


def no_flops(params: Any, x: Any, y: Any) -> int:
    """Return 0: the `flops` of a layer that moves values and computes nothing with them."""
    return 0
