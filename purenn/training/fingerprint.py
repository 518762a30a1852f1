"""What a run was made of, in words short enough to be kept with each of its checkpoints."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.core.adapt import as_layer, as_op
from purenn.core.layer import Layer
from purenn.distributed.mesh import Spread
from purenn.distributed.processes import Team, on_host
from purenn.optimizers.describe import described
from purenn.training.batches import Source
from purenn.training.blocks import epoch_order
from purenn.training.changes import DIGEST, MOST_NUMBERS, Setting
from purenn.training.compiled import Recipe
from purenn.training.train_step import TrainState, train_step

# A number in a program's text: one, or one that fills an array.
_NUMBERS = r"constant dense<([^<>\[\]\"]*)> : tensor<"


def settings_of(
    recipe: Recipe,
    start: TrainState,
    source: Source,
    first_epoch: int,
    validation: Any,
    key: Any,
    spread: Spread | None,
    team: Team,
) -> dict[str, Setting]:
    """What must be the same for a resumed run to be the run that was stopped, to the last bit.

    The model, the loss, the optimizer and the penalty are told by the program that JAX makes of
    them: it holds each layer, rate and schedule, and no address or name but those of inner jitted
    functions. Data are told by their SHA-256, a function's by that of the first batch. How many
    devices there are is not part of it.
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
    penalty = Setting("none")
    if recipe.penalty is not None:
        op = as_op("fit", "penalty", recipe.penalty)
        penalty = Setting(op.name, *_program(op_and_backward(op), params))
    batch_size, shuffle = Setting("the function's"), Setting("the function's")
    if source.batch_size is not None:
        batch_size = Setting(str(source.batch_size))
        shuffle = Setting("by the key", *_program(order, run_key))
    update = recipe.optimizer.update
    layers, arrays = ", ".join(_layers(model)), [_data(source, i, team) for i in (0, 1)]
    return {
        "jax": Setting(f"{jax.__version__}, jaxlib {version('jaxlib')}"),
        "device": Setting(_device(spread)),
        "model": Setting(
            f"model({layers})", *_program(model_and_backward, params, state, batch, run_key)
        ),
        "loss": Setting(loss.name, *_program(op_and_backward(loss), y, answers)),
        "penalty": penalty,
        "optimizer": Setting(
            described(recipe.optimizer) or _name(update),
            *_program(update, params, opt_state, params),
        ),
        "train_step": Setting("", *_program(step, begun, batch, answers)),
        "batch_size": batch_size,
        "blocks": Setting(str(source.blocks)),
        "first_epoch": Setting(str(first_epoch)),
        "shuffle": shuffle,
        "data": Setting(_call("data", x=arrays[0], targets=arrays[1])),
        "validation": Setting(
            "none"
            if validation is None
            else _call("validation", x=_numbers(validation[0]), targets=_numbers(validation[1]))
        ),
        "key": Setting("of train_state" if key is None else _key(key)),
        "initial train_state": Setting(
            _call(
                "train_state",
                params=_numbers(start.params),
                state=_numbers(start.state),
                opt_state=_numbers(start.opt_state),
                key=_key(start.key),
                step=str(int(start.step)),
            )
        ),
    }


def _layers(model: Layer) -> Iterator[str]:
    """The names of the innermost layers, numbered as everywhere else."""
    for part in model.parts:
        yield from _layers(part)
    if not model.parts:
        yield model.name


def _call(name: str, **arguments: str) -> str:
    return f"{name}({', '.join(f'{key}={value}' for key, value in arguments.items())})"


def _name(update: Any) -> str:
    """Where an optimizer comes from that has no description: optax's, or one's own."""
    name = getattr(update, "__qualname__", type(update).__qualname__)
    module = getattr(update, "__module__", None)
    return f"{module}.{name.partition('.<locals>')[0]}"


def _key(key: Any) -> str:
    """A key's numbers: those of jax.random.key(3) end in 3."""
    typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    kind = str(jax.random.key_impl(key)) if typed else f"raw {jax.config.jax_default_prng_impl}"  # type: ignore[attr-defined]
    return f"{kind} {on_host(jax.random.key_data(key) if typed else key).tolist()}"


def _device(spread: Spread | None) -> str:
    """What computes: on a CPU the cores share a sum among them, which decides its last bits."""
    kind = jax.devices()[0].device_kind
    if spread is not None and spread.mesh.size > 1:
        kind = f"{dict(spread.mesh.shape)} of {kind}"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{kind}, {cores} cores" if jax.default_backend() == "cpu" else kind


def _program(function: Any, *arguments: Any) -> tuple[str, tuple[str, ...]]:
    """The digest of a function's program, and the numbers in it."""
    text = jax.jit(lambda *given: function(*given)).lower(*arguments).as_text()
    numbers = {_short(number): None for number in re.findall(_NUMBERS, text)}
    return hashlib.sha256(text.encode()).hexdigest()[:16], tuple(numbers)[:MOST_NUMBERS]


def _short(number: str) -> str:
    """0.899999976 as 0.9."""
    try:
        return f"{float(number):.6g}"
    except ValueError:
        return number  # true, or the bits of an infinity


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
    return f"{held.dtype}{list(example.shape)}{DIGEST}{whole[:16]}"


def _numbers(tree: Any) -> str:
    """An array's dtype, shape and digest; of a tree, how many there are and the digest."""
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
    what = texts[0] if len(texts) == 1 else f"{len(texts)} arrays"
    return f"{what}{DIGEST}{digest.hexdigest()[:16]}"


def _as_jax_has_it(leaf: Any) -> Any:
    """NumPy's arrays in the dtype that they get on a device."""
    if isinstance(leaf, Array):
        return leaf
    return np.asarray(leaf, jax.dtypes.canonicalize_dtype(leaf.dtype))
