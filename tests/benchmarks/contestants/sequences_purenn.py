"""purenn: the operations that rows about sequences measure alone."""

from typing import Any

import jax
import loops
from loops import Work
from tasks import Task

import purenn as pn
from purenn.layers.attend import attend, attend_backward


def attention(task: Task) -> Work:
    """What `attention` does between its products: the queries are divided by the root first."""
    q, k, v, do = loops.heads(task)
    scale = q.shape[-1] ** -0.5

    def both(q: Any, k: Any, v: Any, do: Any) -> Any:
        q, do = (scale * q)[:, :, None], do[:, :, None]  # a group of one query head per key head
        attended = attend(q, k, v, None, causal=True)
        dq, dk, dv = attend_backward(q, k, v, None, attended, do, causal=True)
        return attended.output, scale * dq, dk, dv

    return loops.compiled_calls(both, q, k, v, do)


def embedding_backward(task: Task) -> Work:
    """The backward of `embedding`, from what its forward kept."""
    w, tokens, dy = loops.embedding_data(task)
    layer, params = pn.embedding(*w.shape), pn.EmbeddingParams(w)
    _, _, cache = jax.jit(layer.forward)(params, (), tokens)

    def backward(params: Any, cache: Any, dy: Any) -> Any:
        return layer.backward(params, cache, dy)[0]

    return loops.compiled_calls(backward, params, cache, dy)
