"""What an optimizer or a schedule was made with, in words: its functions are closures."""

from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np

T = TypeVar("T")


class Description(NamedTuple):
    """The call that made a function."""

    of: Any  # the function itself: `wraps` copies marks
    name: str
    arguments: dict[str, Any]


def describe(marked: T, name: str, /, **arguments: Any) -> T:
    """Mark a schedule, or an optimizer's update, with the call that made it.

    Args:
        marked: a schedule, or an optimizer.
        name: the public function that made it.
        arguments: what that was called with; a schedule among them has a mark of its own.
    """
    function: Any = getattr(marked, "update", marked)
    function.description = Description(function, name, arguments)
    return marked


def described(optimizer: Any) -> str | None:
    """The call that makes an optimizer, or None of one that purenn did not make.

    Such as `adam(learning_rate=cosine_decay(initial=0.003, decay_steps=4290, final=0.0),
    beta1=0.9, beta2=0.999, epsilon=1e-08)`.
    """
    return _call(getattr(optimizer, "update", None))


def _call(function: Any) -> str | None:
    mark = getattr(function, "description", None)
    if not isinstance(mark, Description) or mark.of is not function:
        return None
    arguments = (f"{key}={_text(value)}" for key, value in mark.arguments.items())
    return f"{mark.name}({', '.join(arguments)})"


def _text(value: Any) -> str:
    if isinstance(value, jax.core.Tracer):
        return "a traced number"
    if isinstance(value, (jax.Array, np.ndarray, np.generic)):
        return str(np.asarray(value)[()])  # float32 as 0.001, which repr writes out
    if callable(value):
        return _call(value) or str(getattr(value, "__name__", type(value).__name__))
    return repr(value)
