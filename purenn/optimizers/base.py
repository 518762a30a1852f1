"""The optimizer protocol, and functions that the optimizers share."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.core import checks, scalars
from purenn.core.adapt import reject_factory
from purenn.core.signatures import first_argument, misfit
from purenn.core.types import Fn, OptState, Params, Scalar, Schedule
from purenn.optimizers.describe import steps_of


class Optimizer(NamedTuple):
    """A pair of pure functions in optax's protocol, so each library accepts the other's optimizers.

    Attributes:
        init: `(params) -> opt_state`, which returns the initial state.
        update: `(grads, opt_state, params=None) -> (updates, opt_state)`. The updates are a pytree
            like `params`; `apply_updates` adds them to the parameters.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> def update(grads, opt_state, params=None):
        ...     return jax.tree.map(lambda g: -0.1 * jnp.sign(g), grads), opt_state
        >>> signs = pn.Optimizer(init=lambda params: (), update=update)
        >>> updates, opt_state = signs.update(jnp.array([3.0, -8.0]), signs.init(jnp.zeros(2)))
        >>> print(pn.apply_updates(jnp.zeros(2), updates))
        [-0.1  0.1]
    """

    init: Callable[[Params], OptState]
    update: Fn  # (grads, opt_state, params=None) -> (updates, opt_state)


def apply_updates(params: Params, updates: Params) -> Params:
    """Add updates to parameters, leaf by leaf, in the dtype of each parameter.

    Args:
        params: a pytree of floating-point arrays.
        updates: a pytree of the same structure, from an optimizer's `update`.

    Returns:
        The new parameters, a pytree like `params`.

    Raises:
        TypeError: if `params` are not floating-point arrays.
        ValueError: if `updates` has a different structure, or a leaf has a different shape.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> print(pn.apply_updates({"w": jnp.array([1.0])}, {"w": jnp.array([-0.5])})["w"])
        [0.5]
    """
    checks.same_structure("apply_updates", "updates", updates, "params", params)
    params = checks.float_tree("apply_updates", "params", params)
    updates = checks.float_tree("apply_updates", "updates", updates)
    return jax.tree.map(lambda p, u: p + u.astype(p.dtype), params, updates)


def check_optimizer(where: str, optimizer: Any, name: str = "optimizer") -> None:
    """Reject anything without `init` and `update`, or whose update takes other arguments."""
    if not all(callable(getattr(optimizer, part, None)) for part in ("init", "update")):
        what = {"max_norm": "a norm"}.get(first_argument(optimizer), "a learning rate")
        hint = f"; call it with {what}" if callable(optimizer) else ""
        raise TypeError(
            f"{where}: {name} must have init and update, such as adam(1e-3), "
            f"got {checks.describe(optimizer)}{hint}"
        )
    if why := misfit(optimizer.update, ("grads", "opt_state", "params")):
        raise TypeError(
            f"{where}: {name} must have an update that takes (grads, opt_state, params) and "
            f"needs no extra arguments: {why}"
        )


def reject_extra_arguments(where: str, error: TypeError) -> None:
    """Say what an update needs besides its three arguments, if that is what the error is about.

    optax's chains accept any arguments for their parts, so a signature does not show those that a
    part cannot do without. They are known only when the part is called.
    """
    if missing := re.search(r"missing \d+ required keyword-only arguments?: (.+)", str(error)):
        raise TypeError(
            f"{where}: optimizer must have an update that takes (grads, opt_state, params) and "
            f"needs no extra arguments, got one that also needs {missing[1]}; pass them to update "
            f"in a loop of your own, with value_and_grad"
        ) from error


def check_takes_a_step(where: str, optimizer: Any) -> None:
    """Reject an object that is not an optimizer, or one that only transforms gradients.

    The transformed gradients would be added to the parameters as if they were a step. For an
    optimizer that purenn did not make, it is not known whether it takes a step.
    """
    check_optimizer(where, optimizer)
    if not steps_of(optimizer):
        raise ValueError(
            f"{where}: optimizer is {optimizer.update!r}, which takes no step; expected an "
            f"optimizer after it, such as chain({optimizer.update!r}, adam(1e-3))"
        )


def check_rate(where: str, learning_rate: Any) -> Scalar | Schedule:
    """Return a number, a traced scalar, or a schedule `step -> learning rate`."""
    if callable(learning_rate):
        reject_factory(where, "learning_rate", learning_rate)
        return learning_rate
    return scalars.number(where, "learning_rate", learning_rate, least=0)


def rate_at(where: str, learning_rate: Any, step: Array) -> Any:
    """Return the learning rate of a step, counted from 0."""
    if not callable(learning_rate):
        return learning_rate
    rate = learning_rate(step)
    if isinstance(rate, bool) or not isinstance(rate, (int, float, Array, np.ndarray, np.generic)):
        raise TypeError(
            f"{where}: the schedule returned {checks.describe(rate)}, expected a scalar"
        )
    if jnp.shape(rate) != ():
        raise ValueError(f"{where}: the schedule returned shape {jnp.shape(rate)}, not a scalar")
    return rate


def first_step() -> Array:
    """Return a step counter in int32; in low precision it would stall (bfloat16 at 256)."""
    return jnp.zeros((), jnp.int32)


def check_update(where: str, grads: Any, opt_state: Any, params: Any, kind: Any) -> Any:
    """Check the arguments of `update`, and return the gradients as JAX arrays.

    The state must belong to this kind of optimizer. The gradients must have the structure and the
    shapes of the parameters, in at least the same precision.
    """
    if not isinstance(opt_state, kind):
        raise TypeError(
            f"{where}: opt_state must be {kind.__name__}, what its init or update returned; "
            f"got {checks.describe(opt_state)}"
        )
    if params is not None:
        checks.same_structure(where, "grads", grads, "params", params)
    grads = checks.float_tree(where, "grads", grads)
    if params is not None:
        params = checks.float_tree(where, "params", params)
        jax.tree_util.tree_map_with_path(partial(_reject_narrower, where), grads, params)
    return grads


def _reject_narrower(where: str, path: Any, grad: Array, param: Array) -> None:
    """Reject gradients of lower precision than the parameters; higher precision is harmless."""
    if jnp.finfo(grad.dtype).bits < jnp.finfo(param.dtype).bits:
        leaf = jax.tree_util.keystr(path)
        raise TypeError(
            f"{where}: grads{leaf} is {grad.dtype}, expected the precision of params{leaf}, "
            f"{param.dtype}; mixed_precision keeps it"
        )


def scaled(rate: Any, direction: Array, dtype: Any) -> Array:
    """Return `-rate * direction` in `dtype`, computed in the precision of the direction."""
    return (-jnp.asarray(rate, direction.dtype) * direction).astype(dtype)
