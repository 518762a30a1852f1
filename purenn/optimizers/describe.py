"""Schedules and updates that know the call that created them."""

import inspect
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from purenn.core.types import Fn


@dataclass(frozen=True, eq=False)
class Described:
    """A function with the call that created it, which its `repr` and checkpoints show.

    Attributes:
        function: the function to run: a schedule, or an optimizer's update.
        name: the name of the public function that created it.
        arguments: the arguments of that call, by name; for `chain`, the optimizers in order.
        elementwise: for an update, whether it treats every element alike, whatever the shape of
            its array.
    """

    function: Fn
    name: str
    arguments: dict[str, Any] | tuple[Any, ...]
    elementwise: bool = False

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Call the function."""
        return self.function(*arguments, **options)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self.function)

    def __repr__(self) -> str:
        """Write the call, such as `adam(learning_rate=0.001, beta1=0.9, …)`."""
        if isinstance(self.arguments, dict):
            arguments = [f"{key}={_text(value)}" for key, value in self.arguments.items()]
        else:
            arguments = [described(part) or origin(part) for part in self.arguments]
        return f"{self.name}({', '.join(arguments)})"


def described(optimizer: Any) -> str | None:
    """Return the call that creates an optimizer, or `None` for one that purenn did not make.

    For example, `adam(learning_rate=cosine_decay(initial=0.003, decay_steps=4290, final=0.0),
    beta1=0.9, beta2=0.999, epsilon=1e-08)`.
    """
    update = getattr(optimizer, "update", None)
    return repr(update) if isinstance(update, Described) else None


def origin(optimizer: Any) -> str:
    """Say where an optimizer that is not purenn's comes from: optax, or a file of the user."""
    update = optimizer.update
    name = getattr(update, "__qualname__", type(update).__qualname__)
    module = getattr(update, "__module__", None)
    return f"{module}.{name.partition('.<locals>')[0]}"


def is_elementwise(optimizer: Any) -> bool:
    """Tell whether an optimizer's update treats every element alike."""
    update = getattr(optimizer, "update", None)
    return isinstance(update, Described) and update.elementwise


def steps_of(optimizer: Any) -> list[Described | None]:
    """Return the updates that take a step, of an optimizer or of all optimizers in a chain.

    For an optimizer that purenn did not make, the result is None, since it is not known.
    """
    update = getattr(optimizer, "update", None)
    if not isinstance(update, Described):
        return [None]
    if isinstance(update.arguments, tuple):
        return [step for part in update.arguments for step in steps_of(part)]
    return [update] if "learning_rate" in update.arguments else []


def _text(value: Any) -> str:
    if isinstance(value, jax.core.Tracer):
        return "a traced number"
    if isinstance(value, tuple):
        return f"({', '.join(map(_text, value))}{',' * (len(value) == 1)})"
    if isinstance(value, (jax.Array, np.ndarray, np.generic)):
        return str(np.asarray(value)[()])  # float32 as 0.001, which repr writes out
    if callable(value) and not isinstance(value, Described):
        return str(getattr(value, "__name__", type(value).__name__))
    return repr(value)
