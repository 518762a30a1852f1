"""`elementwise`: ops of functions that are applied to each element."""

from collections.abc import Callable
from typing import Any, ParamSpec

from jax import Array

from purenn.core.notation import Notation
from purenn.core.op import Op
from purenn.core.types import Fn

P = ParamSpec("P")


def elementwise(forward: Callable[P, tuple[Array, Any]], backward: Fn, name: str, dx: str) -> Op[P]:
    """Create the op of an activation; `dx` is the formula of its derivative."""
    notation = Notation("A", f"{name}({{x}})", dx)
    return Op(forward, backward, name=name, notation=notation, padded="ignores")
