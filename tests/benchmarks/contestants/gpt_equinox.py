"""A small GPT in equinox, after its BERT example: a module for one sequence, `vmap` over the batch.

Layers for one position are under a `vmap` over the positions.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import loops
from gpts import GPTS, Gpt
from loops import Work
from tasks import Task

from contestants.equinox import jitted
from contestants.gpt_jax import EPSILON, cross_entropy, optimizer


class Block(eqx.Module):
    """Attention and a hidden layer, each after a norm and beside a residual connection."""

    norm_1: eqx.Module
    attention: eqx.nn.MultiheadAttention
    norm_2: eqx.Module
    up: eqx.nn.Linear
    down: eqx.nn.Linear
    micro: bool = eqx.field(static=True)

    def __init__(self, gpt: Gpt, key: Any) -> None:
        keys, w = jax.random.split(key, 3), gpt.width
        self.norm_1, self.norm_2 = norm(gpt), norm(gpt)
        self.attention = eqx.nn.MultiheadAttention(gpt.heads, w, key=keys[0])
        self.up = eqx.nn.Linear(w, 4 * w, use_bias=False, key=keys[1])
        self.down = eqx.nn.Linear(4 * w, w, use_bias=False, key=keys[2])
        self.micro = gpt.micro

    def __call__(self, x: Any, mask: Any) -> Any:
        """The sequence that the next block takes."""
        h = jax.vmap(self.norm_1)(x)
        x = x + self.attention(h, h, h, mask=mask)
        h = jax.vmap(self.up)(jax.vmap(self.norm_2)(x))
        h = jax.nn.relu(h) if self.micro else jax.nn.gelu(h)
        return x + jax.vmap(self.down)(h)


def norm(gpt: Gpt) -> eqx.Module:
    """Of the kind that the network has."""
    if gpt.micro:
        return eqx.nn.RMSNorm(gpt.width, eps=EPSILON, use_bias=False)
    return eqx.nn.LayerNorm(gpt.width, eps=EPSILON)


class Network(eqx.Module):
    """The whole GPT."""

    tokens: eqx.nn.Embedding
    positions: eqx.nn.Embedding
    norm: eqx.Module
    blocks: list
    head: eqx.nn.Linear
    micro: bool = eqx.field(static=True)

    def __init__(self, gpt: Gpt, key: Any) -> None:
        keys = jax.random.split(key, 3 + gpt.layers)
        self.tokens = eqx.nn.Embedding(gpt.vocabulary, gpt.width, key=keys[0])
        self.positions = eqx.nn.Embedding(gpt.length, gpt.width, key=keys[1])
        self.norm = norm(gpt)
        self.blocks = [Block(gpt, key) for key in keys[3:]]
        self.head = eqx.nn.Linear(gpt.width, gpt.vocabulary, use_bias=False, key=keys[2])
        self.micro = gpt.micro

    def __call__(self, tokens: Any) -> Any:
        """Logits of one sequence."""
        positions = jnp.arange(len(tokens))
        x = jax.vmap(self.tokens)(tokens) + jax.vmap(self.positions)(positions)
        mask = positions[:, None] >= positions
        x = jax.vmap(self.norm)(x) if self.micro else x
        for block in self.blocks:
            x = block(x, mask)
        return jax.vmap(self.head)(x if self.micro else jax.vmap(self.norm)(x))


def state_and_step(task: Task) -> tuple[Any, Any]:
    """`make_step` of the example."""
    gpt = GPTS[task.gpt]
    model, optim = Network(gpt, jax.random.key(0)), optimizer(gpt)

    def loss_fn(model: Network, x: Any, y: Any) -> Any:
        return cross_entropy(jax.vmap(model)(x), y)

    def make_step(state: Any, x: Any, y: Any) -> tuple[Any, Any]:
        model, opt_state = state
        loss, grads = eqx.filter_value_and_grad(loss_fn)(model, x, y)
        updates, opt_state = optim.update(grads, opt_state, eqx.filter(model, eqx.is_array))
        return (eqx.apply_updates(model, updates), opt_state), loss

    return (model, optim.init(eqx.filter(model, eqx.is_array))), make_step


def usual(task: Task) -> Work:
    """Its documented loop."""
    state, step = state_and_step(task)
    return loops.per_step(jitted(step), state, task)


def scan(task: Task) -> Work:
    """purenn's loop; what is not an array stays outside, as its guide on scan says."""
    state, step = state_and_step(task)
    arrays, static = eqx.partition(state, eqx.is_array)

    def array_step(arrays: Any, x: Any, y: Any) -> tuple[Any, Any]:
        state, loss = step(eqx.combine(arrays, static), x, y)
        return eqx.filter(state, eqx.is_array), loss

    return loops.scanned(array_step, arrays, task)
