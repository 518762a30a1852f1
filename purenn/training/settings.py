"""What a run was made of, in words short enough to be kept with each of its checkpoints."""

import hashlib
import os
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.core.adapt import as_layer, as_op
from purenn.training.blocks import epoch_order
from purenn.training.programs import Recipe
from purenn.training.sources import Source
from purenn.training.spread import Spread
from purenn.training.team import Team, on_host
from purenn.training.train_step import TrainState, train_step


def settings_of(
    recipe: Recipe,
    start: TrainState,
    source: Source,
    validation: Any,
    key: Any,
    spread: Spread | None,
    team: Team,
) -> dict[str, str]:
    """What must be the same for a resumed run to be the run that was stopped, to the last bit.

    The model, the loss, the optimizer and the penalty are told by the program that JAX makes of
    them: it holds each layer, rate and schedule, and no address or name but those of inner jitted
    functions. Data are told by their SHA-256, a function's by that of the first batch. How many
    devices there are is no part of it.
    """
    model = as_layer("fit", "model", recipe.model)
    loss = as_op("fit", "loss", recipe.loss)
    begun = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), start)
    params, state, opt_state, run_key, _ = begun
    examples = len(source.example[0])
    # Two examples: how many a batch has is a setting of its own.
    batch, answers = (
        jax.ShapeDtypeStruct((2, *array.shape[1:]), jax.dtypes.canonicalize_dtype(array.dtype))
        for array in source.example
    )

    def model_and_backward(params: Any, state: Any, x: Array, key: Array) -> Any:
        y, state, cache = model.forward(params, state, x, train=True, key=key)
        evaluated = model.apply(params, state, x)
        return y, state, model.backward(params, cache, jnp.ones_like(y)), evaluated

    def op_and_backward(op: Any) -> Callable[..., Any]:
        def both(*arguments: Any) -> Any:
            y, cache = op.forward(*arguments)
            return y, op.backward(cache, jnp.ones_like(y))

        return both

    step = train_step(recipe.model, recipe.loss, recipe.optimizer, penalty=recipe.penalty)

    def order(key: Array) -> Array:
        return epoch_order(key, 0, examples, source.blocks, source.blocks)

    y = jax.eval_shape(model_and_backward, params, state, batch, run_key)[0]
    penalty = "none"
    if recipe.penalty is not None:
        op = as_op("fit", "penalty", recipe.penalty)
        penalty = f"{op.name}, {_program(op_and_backward(op), params)}"
    return {
        "jax": f"{jax.__version__}, jaxlib {version('jaxlib')}",
        "device": _device(spread),
        "model": f"{model.name}, {_program(model_and_backward, params, state, batch, run_key)}",
        "loss": f"{loss.name}, {_program(op_and_backward(loss), y, answers)}",
        "penalty": penalty,
        "optimizer": _program(recipe.optimizer.update, params, opt_state, params),
        "train_step": _program(step, begun, batch, answers),
        "batch_size": str(source.batch_size),
        "shuffle": "none" if source.batch_size is None else _program(order, run_key),
        "data": " and ".join(_data(source, i, team) for i in (0, 1)),
        "validation": "none" if validation is None else " and ".join(map(_numbers, validation)),
        "key": "of train_state" if key is None else _numbers(key),
        "initial train_state": _numbers(start),
    }


def _device(spread: Spread | None) -> str:
    """What computes: on a CPU the cores share a sum among them, which decides its last bits."""
    kind = jax.devices()[0].device_kind
    if spread is not None and spread.mesh.size > 1:
        kind = f"{dict(spread.mesh.shape)} of {kind}"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{kind}, {cores} cores" if jax.default_backend() == "cpu" else kind


def _program(function: Any, *arguments: Any) -> str:
    """The program of a function, as a sum."""
    text = jax.jit(lambda *given: function(*given)).lower(*arguments).as_text()
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _data(source: Source, part: int, team: Team) -> str:
    """The sum of all examples, or one of the sums of the blocks, which the processes share."""
    example, held = source.example[part], source.held[part]
    if source.blocks == 1:
        return _numbers(example)
    length, table = held.shape[0] // source.blocks, np.zeros((source.blocks, 32), np.uint8)
    for shard in held.addressable_shards:
        first = (shard.index[0].start or 0) // length
        for block, rows in enumerate(np.split(np.asarray(shard.data), len(shard.data) // length)):
            digest = hashlib.sha256(np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data)
            table[first + block] = np.frombuffer(digest.digest(), np.uint8)
    whole = hashlib.sha256(team.merged(table).tobytes()).hexdigest()
    return f"{held.dtype}{list(example.shape)}, {whole[:16]}"


def _numbers(tree: Any) -> str:
    """An array's dtype, shape and sum; of a tree, the sum alone."""
    digest, texts = hashlib.sha256(), []
    for leaf in map(_as_jax_has_it, jax.tree.leaves(tree)):
        text = f"{leaf.dtype}{list(leaf.shape)}"
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)
        elif leaf.dtype == jnp.uint32 and leaf.shape[-1:] in ((2,), (4,)):
            text += f" {jax.config.jax_default_prng_impl}"  # type: ignore[attr-defined] # if a key
        texts.append(text)
        digest.update(text.encode())
        digest.update(np.ascontiguousarray(on_host(leaf)).reshape(-1).view(np.uint8).data)
    return f"{texts[0] if len(texts) == 1 else len(texts)}, {digest.hexdigest()[:16]}"


def _as_jax_has_it(leaf: Any) -> Any:
    """NumPy's arrays in the dtype that they get on a device."""
    if isinstance(leaf, Array):
        return leaf
    return np.asarray(leaf, jax.dtypes.canonicalize_dtype(leaf.dtype))
