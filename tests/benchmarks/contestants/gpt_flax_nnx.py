"""A small GPT in flax.nnx, after its example `lm1b_nnx`: its own attention, changed in place."""

from typing import Any

import jax
import jax.numpy as jnp
import loops
from flax import nnx
from gpts import GPTS, Gpt
from loops import Work
from tasks import Task

from contestants.gpt_jax import EPSILON, cross_entropy, optimizer


class Block(nnx.Module):
    """Attention and a hidden layer, each after a norm and beside a residual connection."""

    def __init__(self, gpt: Gpt, *, rngs: nnx.Rngs) -> None:
        self.norm_1, self.norm_2 = norm(gpt, rngs), norm(gpt, rngs)
        self.attention = nnx.MultiHeadAttention(
            gpt.heads, gpt.width, use_bias=False, decode=False, rngs=rngs
        )
        self.up = nnx.Linear(gpt.width, 4 * gpt.width, use_bias=False, rngs=rngs)
        self.down = nnx.Linear(4 * gpt.width, gpt.width, use_bias=False, rngs=rngs)
        self.activation = nnx.relu if gpt.micro else nnx.gelu

    def __call__(self, x: Any, mask: Any) -> Any:
        """The sequence that the next block takes."""
        x = x + self.attention(self.norm_1(x), mask=mask)
        return x + self.down(self.activation(self.up(self.norm_2(x))))


def norm(gpt: Gpt, rngs: nnx.Rngs) -> nnx.Module:
    """Of the kind that the network has."""
    return (nnx.RMSNorm if gpt.micro else nnx.LayerNorm)(gpt.width, epsilon=EPSILON, rngs=rngs)


class Network(nnx.Module):
    """The whole GPT."""

    def __init__(self, gpt: Gpt, *, rngs: nnx.Rngs) -> None:
        self.micro = gpt.micro
        self.tokens = nnx.Embed(gpt.vocabulary, gpt.width, rngs=rngs)
        self.positions = nnx.Embed(gpt.length, gpt.width, rngs=rngs)
        self.norm = norm(gpt, rngs)
        self.blocks = nnx.List([Block(gpt, rngs=rngs) for _ in range(gpt.layers)])
        self.head = nnx.Linear(gpt.width, gpt.vocabulary, use_bias=False, rngs=rngs)

    def __call__(self, tokens: Any) -> Any:
        """Logits."""
        x = self.tokens(tokens) + self.positions(jnp.arange(tokens.shape[1]))
        mask = nnx.make_causal_mask(tokens)
        x = self.norm(x) if self.micro else x
        for block in self.blocks:
            x = block(x, mask)
        return self.head(x if self.micro else self.norm(x))


def build(task: Task) -> tuple[Network, nnx.Optimizer]:
    """Model and optimizer."""
    gpt = GPTS[task.gpt]
    model = Network(gpt, rngs=nnx.Rngs(0))
    return model, nnx.Optimizer(model, optimizer(gpt), wrt=nnx.Param)


def train_step(model: Network, optimizer: nnx.Optimizer, x: Any, y: Any) -> Any:
    """Changes both in place."""
    loss, grads = nnx.value_and_grad(lambda model: cross_entropy(model(x), y))(model)
    optimizer.update(model, grads)
    return loss


def functional(task: Task) -> tuple[Any, Any]:
    """A state, and the step as a pure function of it."""
    graph, state = nnx.split(build(task))

    def step(state: Any, x: Any, y: Any) -> tuple[Any, Any]:
        model, optimizer = nnx.merge(graph, state)
        loss = train_step(model, optimizer, x, y)
        return nnx.state((model, optimizer)), loss

    return state, step


def usual(task: Task) -> Work:
    """Its documented loop."""
    model, optimizer = build(task)
    jitted = nnx.jit(train_step, donate_argnames=("model", "optimizer"))
    return loops.per_step(lambda state, x, y: (state, jitted(model, optimizer, x, y)), (), task)


def usual_functional(task: Task) -> Work:
    """The loop of its guide on performance."""
    state, step = functional(task)
    return loops.per_step(jax.jit(step, donate_argnums=0), state, task)


def scan(task: Task) -> Work:
    """purenn's loop."""
    state, step = functional(task)
    return loops.scanned(step, state, task)
