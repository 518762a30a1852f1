"""`TrainState` and `train_step`: one step of training, pure."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jax import Array

from purenn.backprop.value_and_grad import value_and_grad
from purenn.core import checks
from purenn.core.adapt import as_layer
from purenn.core.deleted import refuse_deleted
from purenn.optimizers.base import apply_updates, first_step


class TrainState(NamedTuple):
    """All that changes while a model trains, and the key that does not.

    Attributes:
        params: the parameters.
        state: the model's state, such as running statistics.
        opt_state: the optimizer's.
        key: a PRNG key; step t uses `fold_in(key, t)`, and the key itself never changes.
        step: how many steps are done, int32.
    """

    params: Any
    state: Any
    opt_state: Any
    key: Array  # step t uses fold_in(key, t); the key itself never changes
    step: Array  # int32, steps done

    @classmethod
    def create(
        cls, model: Any, optimizer: Any, key: Array, in_shape: tuple[int, ...]
    ) -> "TrainState":
        """The state before the first step.

        Args:
            model: a layer.
            optimizer: purenn's or optax's.
            key: decides the initial parameters, and the shuffles and dropout of the steps.
            in_shape: one example's shape, without a batch axis.

        Examples:
            >>> import jax
            >>> import purenn as pn
            >>> model, optimizer = pn.dense(1), pn.adam(1e-3)
            >>> train_state = pn.TrainState.create(model, optimizer, jax.random.key(0), (3,))
            >>> print(train_state.params.w.shape, train_state.opt_state.m.w.shape, train_state.step)
            (3, 1) (3, 1) 0
        """
        check_optimizer("TrainState.create", optimizer)
        refuse_deleted("TrainState.create", key=key)
        model = as_layer("TrainState.create", "model", model)
        init_key, run_key = jax.random.split(checks.prng_key("TrainState.create", key))
        params, state = model.init(init_key, in_shape)
        return cls(params, state, optimizer.init(params), run_key, first_step())


def train_step(
    model: Any, loss: Any, optimizer: Any, *, penalty: Any = None
) -> Callable[[TrainState, Any, Any], tuple[TrainState, Array]]:
    """Forward, loss, backward, update: one step on one batch.

    Args:
        model: a layer.
        loss: an op or function `(predictions, targets) -> scalar`.
        optimizer: purenn's or optax's: anything with `init` and `update` of that protocol.
        penalty: an op or function of the parameters, added to the loss.

    Returns:
        A pure function `step(train_state, x, targets) -> (train_state, value)`; `value` is the
        loss before the update. Put `jax.jit` around it.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> x = jnp.linspace(-1, 1, 8)[:, None]
        >>> step = jax.jit(pn.train_step(pn.dense(1), pn.mse, pn.sgd(0.5)))
        >>> train_state = pn.TrainState.create(pn.dense(1), pn.sgd(0.5), jax.random.key(0), (1,))
        >>> for _ in range(50):
        ...     train_state, value = step(train_state, x, 3 * x + 1)
        >>> print(f"{train_state.params.w.item():.3f} {train_state.params.b.item():.3f}")
        3.000 1.000
    """
    return step_by(descend, model, loss, optimizer, penalty)


def step_by(
    way: Callable[..., tuple[Any, Any]], model: Any, loss: Any, optimizer: Any, penalty: Any
) -> Callable[[TrainState, Any, Any], tuple[TrainState, Array]]:
    """A step whose parameters and optimizer state are updated by `way`, as `descend` does."""
    check_optimizer("train_step", optimizer)
    backpropagate = value_and_grad(model, loss, penalty=penalty)

    def step(train_state: TrainState, x: Any, targets: Any) -> tuple[TrainState, Array]:
        check_train_state("train_step", train_state)
        refuse_deleted("train_step", train_state=train_state, x=x, targets=targets)
        params, state, opt_state, key, t = train_state
        step_key = jax.random.fold_in(checks.prng_key("train_step", key), t)
        (value, new_state), grads = backpropagate(params, state, x, targets, key=step_key)
        checks.same_structure("train_step", "the model's new state", new_state, "its state", state)
        params, opt_state = way(optimizer, grads, opt_state, params)
        return TrainState(params, new_state, opt_state, key, t + 1), value

    return step


def check_train_state(where: str, train_state: Any) -> None:
    """Not the parameters alone, nor the pair that a step returns."""
    if not isinstance(train_state, TrainState):
        raise TypeError(
            f"{where}: train_state must be a TrainState, as TrainState.create or a step makes it, "
            f"got {checks.describe(train_state)}"
        )


def check_optimizer(where: str, optimizer: Any) -> None:
    """Anything with the two functions is an optimizer."""
    if not all(callable(getattr(optimizer, name, None)) for name in ("init", "update")):
        hint = "; call it with a learning rate" if callable(optimizer) else ""
        raise TypeError(
            f"{where}: optimizer must have init and update, such as adam(1e-3), "
            f"got {checks.describe(optimizer)}{hint}"
        )


def descend(optimizer: Any, grads: Any, opt_state: Any, params: Any) -> tuple[Any, Any]:
    """The parameters and the optimizer's state after an update."""
    try:
        result = optimizer.update(grads, opt_state, params)
    except TypeError as error:
        if "required keyword-only argument" not in str(error):
            raise
        raise TypeError(
            f"train_step: optimizer needs extra arguments ({error}); expected one whose update "
            f"takes (grads, opt_state, params) alone"
        ) from error
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(
            f"train_step: optimizer's update must return (updates, opt_state), "
            f"got {checks.describe(result)}"
        )
    updates, opt_state = result
    return apply_updates(params, updates), opt_state
