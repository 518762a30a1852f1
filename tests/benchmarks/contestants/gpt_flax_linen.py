"""A small GPT in flax.linen, after its example `lm1b`: its own attention, and a `TrainState`."""

from typing import Any

import jax
import jax.numpy as jnp
import loops
from flax import linen as nn
from flax.training.train_state import TrainState
from gpts import GPTS, Gpt
from loops import Work
from tasks import Task

from contestants.gpt_jax import EPSILON, cross_entropy, optimizer


class Block(nn.Module):
    """Attention and a hidden layer, each after a norm and beside a residual connection."""

    gpt: Gpt

    @nn.compact
    def __call__(self, x: Any, mask: Any) -> Any:
        """The sequence that the next block takes."""
        gpt = self.gpt
        h = norm(gpt)(x)
        h = nn.MultiHeadDotProductAttention(num_heads=gpt.heads, use_bias=False)(h, mask=mask)
        x = x + h
        h = norm(gpt)(x)
        h = nn.Dense(features=4 * gpt.width, use_bias=False)(h)
        h = nn.relu(h) if gpt.micro else nn.gelu(h)
        return x + nn.Dense(features=gpt.width, use_bias=False)(h)


def norm(gpt: Gpt) -> nn.Module:
    """Of the kind that the network has."""
    return (nn.RMSNorm if gpt.micro else nn.LayerNorm)(epsilon=EPSILON)


class Network(nn.Module):
    """The whole GPT."""

    gpt: Gpt

    @nn.compact
    def __call__(self, tokens: Any) -> Any:
        """Logits."""
        gpt = self.gpt
        x = nn.Embed(num_embeddings=gpt.vocabulary, features=gpt.width)(tokens)
        positions = nn.Embed(num_embeddings=gpt.length, features=gpt.width)
        x = x + positions(jnp.arange(tokens.shape[1]))
        mask = nn.make_causal_mask(tokens)
        x = norm(gpt)(x) if gpt.micro else x
        for _ in range(gpt.layers):
            x = Block(gpt)(x, mask)
        x = x if gpt.micro else norm(gpt)(x)
        return nn.Dense(features=gpt.vocabulary, use_bias=False)(x)


def state_and_step(task: Task) -> tuple[TrainState, Any]:
    """`create_train_state` and `train_step` of the quick start."""
    gpt = GPTS[task.gpt]
    network = Network(gpt)
    params = network.init(jax.random.key(0), jnp.ones((1, gpt.length), jnp.int32))["params"]
    state = TrainState.create(apply_fn=network.apply, params=params, tx=optimizer(gpt))

    def train_step(state: TrainState, x: Any, y: Any) -> tuple[TrainState, Any]:
        def loss_fn(params: Any) -> Any:
            return cross_entropy(state.apply_fn({"params": params}, x), y)

        loss, grads = jax.value_and_grad(loss_fn)(state.params)
        return state.apply_gradients(grads=grads), loss

    return state, train_step


def usual(task: Task) -> Work:
    """Its documented loop."""
    state, step = state_and_step(task)
    return loops.per_step(jax.jit(step, donate_argnums=0), state, task)


def scan(task: Task) -> Work:
    """purenn's loop."""
    state, step = state_and_step(task)
    return loops.scanned(step, state, task)
