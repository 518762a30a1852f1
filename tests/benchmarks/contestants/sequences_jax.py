"""What JAX itself has for sequences, with its own derivatives."""

from typing import Any

import jax
import jax.numpy as jnp
import loops
from loops import Work
from tasks import Task


def attention(task: Task) -> Work:
    """`jax.nn.dot_product_attention` takes `(batch, time, heads, features)`."""

    def both(q: Any, k: Any, v: Any, do: Any) -> Any:
        def attend(q: Any, k: Any, v: Any) -> Any:
            return jax.nn.dot_product_attention(q, k, v, is_causal=True)

        output, backward = jax.vjp(attend, q, k, v)
        return output, *backward(do)

    return loops.compiled_calls(both, *(a.transpose(0, 2, 1, 3) for a in loops.heads(task)))


def embedding_backward(task: Task) -> Work:
    """The derivative of `take`."""

    def backward(w: Any, tokens: Any, dy: Any) -> Any:
        return jax.vjp(lambda w: jnp.take(w, tokens, axis=0), w)[1](dy)

    return loops.compiled_calls(backward, *loops.embedding_data(task))
