"""`chain`: several transformations of the gradients in sequence."""

from typing import Any

from purenn.core import checks
from purenn.core.types import OptimizerLike, Params
from purenn.optimizers.base import Optimizer, check_optimizer
from purenn.optimizers.describe import Described, is_elementwise, steps_of


def chain(*transformations: OptimizerLike) -> Optimizer:
    """Chain optimizers into one, where each transforms the previous one's updates.

    For example, `chain(clip_by_global_norm(1.0), adam(1e-3))` clips the gradients and passes the
    clipped gradients to Adam.

    Args:
        *transformations: optimizers of purenn or optax, in the order in which to apply them.
            Usually the last one turns gradients into a step, while the others only modify the
            gradients.

    Returns:
        An `Optimizer`. Its state is a tuple with the state of each transformation.

    Raises:
        TypeError: if an argument is not an optimizer.
        ValueError: if two of purenn's optimizers would take a step. Each steps along the negative
            of its input, so the second would reverse the first one's step.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> optimizer, w = pn.chain(pn.clip_by_global_norm(1.0), pn.sgd(0.5)), jnp.zeros(2)
        >>> updates, opt_state = optimizer.update(jnp.array([30.0, 40.0]), optimizer.init(w))
        >>> print([f"{u:.2f}" for u in updates])
        ['-0.30', '-0.40']
    """
    if not transformations:
        raise TypeError("chain: expected at least one transformation, such as adam(1e-3)")
    for i, part in enumerate(transformations):
        check_optimizer("chain", part, f"transformations[{i}]")
    _reject_two_steps(transformations)

    def init(params: Params) -> tuple[Any, ...]:
        return tuple(part.init(params) for part in transformations)

    def update(
        grads: Params, opt_state: tuple[Any, ...], params: Params | None = None
    ) -> tuple[Params, tuple[Any, ...]]:
        # Any NamedTuple is a tuple, such as the state of the optimizer alone.
        if type(opt_state) is not tuple or len(opt_state) != len(transformations):
            raise TypeError(
                f"chain: opt_state must be the tuple of {len(transformations)} that its init or "
                f"update returned, got {checks.describe(opt_state)}"
            )
        after = []
        for part, state in zip(transformations, opt_state, strict=True):
            grads, state = part.update(grads, state, params)
            after.append(state)
        return grads, tuple(after)

    elementwise = all(map(is_elementwise, transformations))
    return Optimizer(init, Described(update, "chain", transformations, elementwise=elementwise))


def _reject_two_steps(transformations: tuple[OptimizerLike, ...]) -> None:
    steps = [step for part in transformations for step in steps_of(part) if step is not None]
    if len(steps) > 1:
        raise ValueError(
            f"chain: expected one optimizer that takes a step, got {' and '.join(map(repr, steps))}"
            f"; the second would reverse the step of the first"
        )
