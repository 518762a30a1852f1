"""A small GPT in plain JAX: a dictionary of arrays, `jax.grad`, and optax, as its guides have it.

The other JAX contestants have their optimizer and their loss from here.
"""

from typing import Any

import jax
import jax.numpy as jnp
import loops
import optax
from gpts import GPTS, Gpt
from jax import lax
from loops import Work
from tasks import Task

EPSILON = 1e-5  # of all norms


def optimizer(gpt: Gpt) -> optax.GradientTransformation:
    """Adam; with a decay, of weights alone."""
    if not gpt.decay:
        return optax.adam(gpt.rate, *gpt.betas)

    def weights(params: Any) -> Any:
        return jax.tree.map(lambda a: a.ndim > 1, params)

    return optax.adamw(gpt.rate, *gpt.betas, weight_decay=gpt.decay, mask=weights)


def cross_entropy(logits: Any, y: Any) -> Any:
    """The mean over all positions."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


def _init(gpt: Gpt, key: Any) -> Any:
    w, keys = gpt.width, iter(jax.random.split(key, 3 + 6 * gpt.layers))

    def drawn(*shape: int) -> Any:
        return 0.02 * jax.random.normal(next(keys), shape)

    def norm() -> Any:
        gain = {"scale": jnp.ones(w)}
        return gain if gpt.micro else {**gain, "bias": jnp.zeros(w)}

    def block() -> Any:
        return {
            "norm_1": norm(),
            "q": drawn(w, w),
            "k": drawn(w, w),
            "v": drawn(w, w),
            "o": drawn(w, w),
            "norm_2": norm(),
            "up": drawn(w, 4 * w),
            "down": drawn(4 * w, w),
        }

    return {
        "tokens": drawn(gpt.vocabulary, w),
        "positions": drawn(gpt.length, w),
        "norm": norm(),
        "blocks": [block() for _ in range(gpt.layers)],
        "head": drawn(w, gpt.vocabulary),
    }


def _norm(p: Any, x: Any) -> Any:
    if "bias" in p:
        x = x - x.mean(-1, keepdims=True)
    x = x * lax.rsqrt((x**2).mean(-1, keepdims=True) + EPSILON) * p["scale"]
    return x + p["bias"] if "bias" in p else x


def _block(gpt: Gpt, p: Any, x: Any) -> Any:
    h = _norm(p["norm_1"], x)
    q, k, v = ((h @ p[name]).reshape(*x.shape[:2], gpt.heads, -1) for name in "qkv")
    o = jax.nn.dot_product_attention(q, k, v, is_causal=True)
    x = x + o.reshape(x.shape) @ p["o"]
    activation = jax.nn.relu if gpt.micro else jax.nn.gelu
    return x + activation(_norm(p["norm_2"], x) @ p["up"]) @ p["down"]


def _logits(gpt: Gpt, params: Any, tokens: Any) -> Any:
    x = params["tokens"][tokens] + params["positions"]
    x = _norm(params["norm"], x) if gpt.micro else x
    for p in params["blocks"]:
        x = _block(gpt, p, x)
    x = x if gpt.micro else _norm(params["norm"], x)
    return x @ params["head"]


def state_and_step(task: Task) -> tuple[Any, Any]:
    """The step of optax's guides."""
    gpt = GPTS[task.gpt]
    tx, params = optimizer(gpt), _init(gpt, jax.random.key(0))

    def step(state: Any, x: Any, y: Any) -> tuple[Any, Any]:
        params, opt_state = state

        def loss_fn(params: Any) -> Any:
            return cross_entropy(_logits(gpt, params, x), y)

        loss, grads = jax.value_and_grad(loss_fn)(params)
        updates, opt_state = tx.update(grads, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), loss

    return (params, tx.init(params)), step


def usual(task: Task) -> Work:
    """A jitted step, with its state donated."""
    state, step = state_and_step(task)
    return loops.per_step(jax.jit(step, donate_argnums=0), state, task)


def scan(task: Task) -> Work:
    """purenn's loop."""
    state, step = state_and_step(task)
    return loops.scanned(step, state, task)
