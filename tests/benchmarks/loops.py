"""The loops around a JAX training step, one place for all: what differs is the step alone.

A step is `(state, x, y) -> (state, loss)`. `per_step` is the loop of the frameworks' documentation,
`scanned` the loop that purenn compiles.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from data import batches_of, forms
from jax import lax
from tasks import MOST_EPOCHS, WARM_UP, Done, Task

Work = Callable[[], Done]


def scaled(x: Any) -> Any:
    """Bytes to 0 … 1, inside the step; what is float32 was scaled before."""
    return x if x.dtype == jnp.float32 else x.astype(jnp.float32) * np.float32(1 / 255)


def per_step(step: Any, state: Any, task: Task) -> Work:
    """Shuffle with NumPy, index a batch, call the jitted step; wait at the end only.

    Images go in as bytes or as floats, whichever turns out faster in the warm-up.
    """
    stored, y = forms(task)
    seconds: dict[str, float] = {}
    rng, calls = np.random.default_rng(0), 0

    def work() -> Done:
        nonlocal state, calls
        started, waited_for = time.perf_counter(), []
        kind = (
            list(stored)[calls % len(stored)] if calls < WARM_UP else min(seconds, key=seconds.get)
        )
        x = stored[kind]
        for rows in batches_of(rng.permutation(len(x)), task):
            state, loss = step(state, x[rows], y[rows])
            waited_for.append(loss)
        jax.block_until_ready((waited_for, state))
        seconds[kind] = time.perf_counter() - started
        calls += 1
        return Done(waited_for, (calls - 1) * task.steps, task.steps, note=kind * (len(stored) > 1))

    return work


def scanned(step: Any, state: Any, task: Task) -> Work:
    """All steps as one program, over data that stay on the device; the state is donated.

    The order comes from NumPy: `jax.random.permutation` would cost every peer 30 ms an epoch.
    """
    stored, y = forms(task)
    x, y = jax.device_put((next(iter(stored.values())), y))
    rng, calls = np.random.default_rng(0), 0

    @partial(jax.jit, donate_argnums=0)
    def run(state: Any, x: Any, y: Any, order: Any) -> Any:
        return lax.scan(lambda state, rows: step(state, x[rows], y[rows]), state, order)

    def work() -> Done:
        nonlocal state, calls
        order = batches_of(rng.permutation(len(x)).astype(np.int32), task)
        state, losses = jax.block_until_ready(run(state, x, y, order))
        calls += 1
        return Done(losses, (calls - 1) * task.steps, task.steps)

    return work


def host_time(step: Any, state: Any, task: Task) -> Work:
    """From the call of a jitted step to its return, the median of many calls.

    The step is waited for after every call, outside the timed span, so that the device's queue is
    empty and nothing but the call itself is timed. The batch is on the device already.
    """
    x, y = normal(task.batch, task.inputs), labels(task)

    def work() -> Done:
        nonlocal state
        spans, losses = [], []
        for _ in range(task.steps):
            started = time.perf_counter()
            state, loss = step(state, x, y)
            spans.append(time.perf_counter() - started)
            losses.append(jax.block_until_ready(loss))
        return Done(losses, seconds=float(np.median(spans)))

    return work


def repeated(function: Any, *arguments: Any) -> Work:
    """The mean of as many calls as take 0.2 s, each waited for."""

    def work() -> Done:
        started, calls = time.perf_counter(), 0
        while calls == 0 or time.perf_counter() - started < 0.2:
            jax.block_until_ready(function(*arguments))
            calls += 1
        return Done(seconds=(time.perf_counter() - started) / calls)

    return work


def compiled_calls(function: Any, *arguments: Any) -> Work:
    """The same, and the temporary memory that XLA sets aside for a call."""
    compiled = jax.jit(function).lower(*arguments).compile()
    work, analysis = repeated(compiled, *arguments), compiled.memory_analysis()
    return lambda: work()._replace(temporaries=analysis.temp_size_in_bytes)


def compiled_step(step: Any, state: Any, x: Any, y: Any) -> Work:
    """One step, and the temporary memory that XLA sets aside for it."""
    compiled = jax.jit(step, donate_argnums=0).lower(state, x, y).compile()
    analysis = compiled.memory_analysis()

    def work() -> Done:
        nonlocal state
        state, loss = jax.block_until_ready(compiled(state, x, y))
        return Done(loss, temporaries=analysis.temp_size_in_bytes)

    return work


def to_accuracy(begin: Callable[[int], Callable[[], float]], task: Task) -> Work:
    """Train from scratch until the task's accuracy is reached; each piece has a seed of its own.

    `begin(seed)` returns a function that trains an epoch and returns the accuracy after it.
    """
    seed = 0

    def work() -> Done:
        nonlocal seed
        seed += 1
        epoch = begin(seed)
        for epochs in range(1, MOST_EPOCHS + 1):
            if epoch() >= task.accuracy:
                return Done(steps=epochs * task.steps, epochs=epochs)
        raise RuntimeError(f"{task.accuracy:.0%} not reached in {MOST_EPOCHS} epochs")

    return work


def normal(*shape: int) -> Any:
    """Made-up inputs."""
    return jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.float32)


def labels(task: Task) -> Any:
    """Made-up classes."""
    return jnp.arange(task.batch, dtype=jnp.int32) % 10


def blocks_data(task: Task) -> tuple[Any, Any]:
    """What the eight blocks of the memory row learn."""
    return normal(task.batch, 512), labels(task)


def pool_data(task: Task) -> tuple[Any, Any]:
    """Images of 32 channels, and the derivative with respect to their 2×2 pools."""
    return normal(task.batch, 28, 28, 32), normal(task.batch, 14, 14, 32)


def heads(task: Task) -> list[Any]:
    """Queries, keys, values, and the derivative with respect to attention's output, 8 heads of 64.

    Each is `(batch, heads, time, features)`; a contestant that wants another order has it so from
    the start.
    """
    rng = np.random.default_rng(0)
    shape = (task.batch, 8, task.length, 64)
    return [jnp.asarray(rng.normal(size=shape), jnp.float32) for _ in range(4)]


def embedding_data(task: Task) -> tuple[Any, Any, Any]:
    """GPT-2's vocabulary at a width of 512, tokens, and the derivative for each."""
    tokens = np.random.default_rng(0).integers(50_257, size=(task.batch, task.length))
    shape = (*tokens.shape, 512)
    return normal(50_257, 512), jnp.asarray(tokens, jnp.int32), normal(*shape)


IN_SHAPES = {"depthwise": (28, 28, 64), "grouped": (28, 28, 64), "transposed": (14, 14, 64)}
GROUPS = {"depthwise": 64, "grouped": 4}


def layer_steps(
    derivatives: Any, params: Any, task: Task, *, scan: bool, channels_first: bool = False
) -> Work:
    """Steps of gradient descent, on the parameters of one layer and on its input.

    `derivatives(params, x) -> (dparams, dx)` are those of half the mean square of the output. Every
    step needs both whole. The usual loop calls a jitted step, with its state donated.
    """

    def step(state: Any, _: Any) -> Any:
        return jax.tree.map(lambda a, d: a - 1e-3 * d, state, derivatives(*state)), None

    height, width, channels = IN_SHAPES[task.convolution]
    shape = (channels, height, width) if channels_first else (height, width, channels)
    state = params, normal(task.batch, *shape)
    run, calls = (lambda state: step(state, None)[0]), task.steps
    if scan:
        run, calls = (lambda state: lax.scan(step, state, length=task.steps)[0]), 1
    run = jax.jit(run, donate_argnums=0)

    def work() -> Done:
        nonlocal state
        for _ in range(calls):
            state = run(state)
        jax.block_until_ready(state)
        return Done(steps=task.steps)

    return work
