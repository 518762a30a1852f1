"""The networks that are compiled, and their training steps: by hand and by `jax.grad`."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import plain

import purenn as pn

OPTIMIZER, LOSS = pn.adam(1e-3), pn.softmax_cross_entropy


class Model(NamedTuple):
    """A network.

    Attributes:
        layer: the network in purenn.
        plain: the same in plain JAX, `(params, state, x, key) -> (y, state)`.
        in_shape: the shape of an example: the bytes of an image, or tokens.
        products: how many matrix products and convolutions a step has: for y, dw and dx of each
            layer with weights, except for the dx of an image.
        labels: the shape of an example's labels.
        batch: examples per step.
    """

    layer: pn.Layer
    plain: Callable[..., Any]
    in_shape: tuple[int, ...]
    products: int
    labels: tuple[int, ...] = ()
    batch: int = 128


def block() -> list[pn.Layer]:
    """A block of a GPT."""
    attends = pn.serial(pn.layer_norm(), pn.attention(4, causal=True))
    return [
        pn.residual(attends),
        pn.residual(pn.serial(pn.layer_norm(), pn.dense(512), pn.gelu, pn.dense(128))),
    ]


MODELS = {
    "784-128-10": Model(
        pn.serial(pn.rescale(), pn.flatten(), pn.dense(128), pn.relu, pn.dense(10)),
        plain.mlp,
        (28, 28),
        products=3 * 2 - 1,
    ),
    "784-16-16-10": Model(
        pn.serial(pn.rescale(), pn.flatten(), pn.mlp((16, 16), 10)),
        plain.mlp,
        (28, 28),
        products=3 * 3 - 1,
    ),
    "cnn": Model(
        pn.serial(
            *(pn.rescale(), pn.conv2d(32), pn.relu, pn.max_pool()),
            *(pn.conv2d(64), pn.relu, pn.max_pool()),
            *(pn.flatten(), pn.dense(128), pn.relu, pn.dense(10)),
        ),
        plain.cnn,
        (28, 28, 1),
        products=3 * 4 - 1,
    ),
    "norms": Model(
        pn.serial(
            *(pn.rescale(), pn.flatten(), pn.dense(512), pn.batch_norm(), pn.gelu, pn.dropout(0.3)),
            *(pn.dense(512), pn.layer_norm(), pn.relu, pn.dropout(0.3), pn.dense(10)),
        ),
        plain.norms,
        (28, 28),
        products=3 * 3 - 1,
    ),
    # One block, and a sequence of 64 characters out of 65.
    "gpt": Model(
        pn.serial(
            pn.embedding(65, 128),
            pn.position_embedding(64),
            *block(),
            pn.layer_norm(),
            pn.dense(65),
        ),
        plain.gpt,
        (64,),
        # q, k and v together; the scores; their product with v; what follows; three dense layers
        products=3 * 7,
        labels=(64,),
        batch=16,
    ),
}


def by_hand(model: Model) -> Callable[..., Any]:
    """Return purenn's training step."""
    return pn.train_step(model.layer, LOSS, OPTIMIZER)


def by_grad_of_apply(model: Model) -> Callable[..., Any]:
    """Return the step in which JAX differentiates the forward passes of purenn."""
    return by_grad(lambda *given: model.layer.apply(*given[:-1], train=True, key=given[-1]), LOSS)


def by_grad_of_plain(model: Model) -> Callable[..., Any]:
    """Return the step in which JAX differentiates the same network in plain JAX."""
    return by_grad(model.plain, plain.cross_entropy)


def by_grad(apply: Callable[..., Any], loss: Callable[..., Any]) -> Callable[..., Any]:
    """Return the step of `apply(params, state, x, key) -> (y, state)` by `jax.grad`."""

    def step(train_state: pn.TrainState, x: Any, labels: Any) -> Any:
        params, state, opt_state, key, t = train_state

        def value_of(params: Any) -> Any:
            y, new_state = apply(params, state, x, jax.random.fold_in(key, t))
            return loss(y, labels), new_state

        (value, state), grads = jax.value_and_grad(value_of, has_aux=True)(params)
        updates, opt_state = OPTIMIZER.update(grads, opt_state, params)
        params = pn.apply_updates(params, updates)
        return pn.TrainState(params, state, opt_state, key, t + 1), value

    return step


STEPS = {
    "by hand": by_hand,
    "grad of apply": by_grad_of_apply,
    "grad of plain JAX": by_grad_of_plain,
}


def arguments(model: Model, batch: int) -> tuple[Any, Any, Any]:
    """Return the shapes of a training state, of a batch and of its labels."""
    state = jax.eval_shape(
        lambda key: pn.TrainState.create(model.layer, OPTIMIZER, key, model.in_shape),
        jax.random.key(0),
    )
    shapes = (batch, *model.in_shape), (batch, *model.labels)
    x, labels = (jax.ShapeDtypeStruct(shape, jnp.uint8) for shape in shapes)
    return state, x, labels
