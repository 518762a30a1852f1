"""A small GPT in purenn, by `fit` and by `training_run`."""

from typing import Any

import jax
import jax.numpy as jnp
from data import pieces
from gpts import GPTS, Gpt
from loops import Work
from tasks import Done, Task

import purenn as pn
from contestants.purenn import run_fit

EPSILON = 1e-5  # of all norms


def network(gpt: Gpt) -> pn.Layer:
    """Blocks as the documentation of `attention` has them."""

    def norm() -> pn.Layer:
        return pn.rms_norm(epsilon=EPSILON) if gpt.micro else pn.layer_norm(epsilon=EPSILON)

    def block() -> list[pn.Layer]:
        up = pn.dense(4 * gpt.width, b_init=None)
        down = pn.dense(gpt.width, b_init=None)
        activation = pn.relu if gpt.micro else pn.gelu
        return [
            pn.residual(pn.serial(norm(), pn.attention(gpt.heads, causal=True))),
            pn.residual(pn.serial(norm(), up, activation, down)),
        ]

    blocks: list[Any] = [layer for _ in range(gpt.layers) for layer in block()]
    blocks = [norm(), *blocks] if gpt.micro else [*blocks, norm()]
    return pn.serial(
        pn.embedding(gpt.vocabulary, gpt.width),
        pn.position_embedding(gpt.length),
        *blocks,
        pn.dense(gpt.vocabulary, b_init=None),
    )


def optimizer(gpt: Gpt) -> pn.Optimizer:
    """Adam; with a decay, of weights alone."""
    if gpt.decay:
        return pn.adamw(gpt.rate, *gpt.betas, weight_decay=gpt.decay)
    return pn.adam(gpt.rate, *gpt.betas)


def fit(task: Task) -> Work:
    """A few epochs of `fit`, which goes on from the state of the ones before."""
    gpt = GPTS[task.gpt]
    return run_fit(network(gpt), optimizer(gpt), pieces(task), task)


def training_run(task: Task) -> Work:
    """A run from scratch each time, compiled once."""
    gpt = GPTS[task.gpt]
    x, y = map(jnp.asarray, pieces(task))
    run = jax.jit(
        pn.training_run(
            network(gpt),
            pn.softmax_cross_entropy,
            optimizer(gpt),
            epochs=max(1, task.steps // (len(x) // task.batch)),
            batch_size=task.batch,
        )
    )

    def work() -> Done:
        _, losses = jax.block_until_ready(run(jax.random.key(0), x, y))
        return Done(losses, 0, task.steps)

    return work
