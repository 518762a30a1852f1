"""`TrainState` and `train_step`: one training step as a pure function."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jax import Array

from purenn.backprop.tail import Tail
from purenn.backprop.value_and_grad import value_and_grad
from purenn.core import checks
from purenn.core.adapt import as_layer
from purenn.core.deleted import reject_deleted
from purenn.core.types import (
    Fn,
    Key,
    LossLike,
    ModelLike,
    OptimizerLike,
    OptState,
    Params,
    PenaltyLike,
    Shape,
    State,
)
from purenn.optimizers.base import (
    apply_updates,
    check_takes_a_step,
    first_step,
    reject_extra_arguments,
)


class TrainState(NamedTuple):
    """Everything that changes while a model trains, together with the key, as one pytree.

    Attributes:
        params: the parameters.
        state: the model's state, such as running statistics.
        opt_state: the optimizer's state.
        key: a PRNG key, which never changes; step t uses `fold_in(key, t)`.
        step: the number of completed steps, an int32 scalar.
    """

    params: Params
    state: State
    opt_state: OptState
    key: Key  # step t uses fold_in(key, t); the key itself never changes
    step: Array  # int32, steps done

    @classmethod
    def create(
        cls, model: ModelLike, optimizer: OptimizerLike, key: Key, in_shape: Shape
    ) -> "TrainState":
        """Create the state before the first step.

        Args:
            model: a layer.
            optimizer: an optimizer of purenn or optax.
            key: a PRNG key that determines the initial parameters, the shuffling, and the dropout
                masks.
            in_shape: the shape of one example, without the batch axis.

        Returns:
            A `TrainState` with `step` 0.

        Raises:
            TypeError: if an argument has the wrong type.
            ValueError: if the model does not accept examples of this shape, or `optimizer` does not
                take a step.

        Examples:
            >>> import jax
            >>> import purenn as pn
            >>> model, optimizer = pn.dense(1), pn.adam(1e-3)
            >>> train_state = pn.TrainState.create(model, optimizer, jax.random.key(0), (3,))
            >>> print(train_state.params.w.shape, train_state.opt_state.m.w.shape, train_state.step)
            (3, 1) (3, 1) 0
        """
        check_takes_a_step("TrainState.create", optimizer)
        reject_deleted("TrainState.create", key=key)
        layer = as_layer("TrainState.create", "model", model)
        init_key, run_key = jax.random.split(checks.prng_key("TrainState.create", key))
        params, state = layer.init(init_key, in_shape)
        return cls(params, state, optimizer.init(params), run_key, first_step())


def train_step(
    model: ModelLike,
    loss: LossLike,
    optimizer: OptimizerLike,
    *,
    penalty: PenaltyLike | None = None,
    tail: Tail | None = None,
) -> Callable[[TrainState, Any, Any], tuple[TrainState, Array]]:
    """Create a pure function that performs one training step: forward, loss, backward, update.

    Use it in your own loop, wrapped in `jax.jit`; `train` and `fit` take the same steps.

    Args:
        model: a layer.
        loss: an op or function `(predictions, targets) -> scalar`; see `value_and_grad`.
        optimizer: an optimizer of purenn or optax, or any object with the same `init` and `update`.
        penalty: an op or function of the parameters, added to the loss.
        tail: the last parts of the model to run in chunks of the batch; see `Tail`.

    Returns:
        `step(train_state, x, targets) -> (train_state, value)`; `value` is the loss on the batch
        before the update, a scalar that includes the penalty. `x` may be `Padded`.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if `optimizer` does not take a step, or `tail` does not fit the model. If the
            data do not fit the model or the loss, an error is raised when `step` is called.

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
    return make_step(model, loss, optimizer, penalty, tail, update_params)


def make_step(
    model: ModelLike,
    loss: LossLike,
    optimizer: OptimizerLike,
    penalty: PenaltyLike | None,
    tail: Tail | None,
    update: Fn,
) -> Callable[[TrainState, Any, Any], tuple[TrainState, Array]]:
    """Create a step that updates with `update(optimizer, grads, opt_state, params)`."""
    check_takes_a_step("train_step", optimizer)
    backpropagate = value_and_grad(model, loss, penalty=penalty, tail=tail)

    def step(train_state: TrainState, x: Any, targets: Any) -> tuple[TrainState, Array]:
        check_train_state("train_step", train_state)
        reject_deleted("train_step", train_state=train_state, x=x, targets=targets)
        params, state, opt_state, key, t = train_state
        step_key = jax.random.fold_in(checks.prng_key("train_step", key), t)
        (value, new_state), grads = backpropagate(params, state, x, targets, key=step_key)
        checks.same_structure("train_step", "the model's new state", new_state, "its state", state)
        params, opt_state = update(optimizer, grads, opt_state, params)
        return TrainState(params, new_state, opt_state, key, t + 1), value

    return step


def update_params(
    optimizer: OptimizerLike, grads: Params, opt_state: OptState, params: Params
) -> tuple[Params, OptState]:
    """Return the parameters and the optimizer's state after an update."""
    try:
        result = optimizer.update(grads, opt_state, params)
    except TypeError as error:
        reject_extra_arguments("train_step", error)
        raise
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(
            f"train_step: optimizer's update must return (updates, opt_state), "
            f"got {checks.describe(result)}"
        )
    updates, opt_state = result
    return apply_updates(params, updates), opt_state


def check_train_state(where: str, train_state: Any) -> None:
    """Reject anything but a `TrainState`, such as parameters or the pair that a step returns."""
    if not isinstance(train_state, TrainState):
        raise TypeError(
            f"{where}: train_state must be a TrainState, as TrainState.create or a step makes it, "
            f"got {checks.describe(train_state)}"
        )
