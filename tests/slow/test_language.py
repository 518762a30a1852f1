"""`examples/language.py`: its networks against plain JAX, and the program as a user runs it."""

import jax
import jax.numpy as jnp
import language
import numpy as np
import pytest
from jax import lax
from language_text import FOLDER, Book, read

import purenn as pn

STEPS = 100
TINY = language.complete(
    language.Options(
        depth=2,
        width=16,
        heads=2,
        length=12,
        batch_size=3,
        epochs=1,
        steps=STEPS,
        learning_rate=0.01,
    )
)


@pytest.fixture(scope="module")
def book():
    return Book.of(read(FOLDER / "moby-dick.txt")[:20_000], TINY.length)


def plain_loss(params, x, targets):
    """The mean loss of `gpt` as textbooks have it, for the parameters that purenn made."""
    table, *blocks, (gamma,), head = params

    def normalized(h, gamma):
        return gamma * h / jnp.sqrt(jnp.mean(h**2, axis=-1, keepdims=True) + 1e-6)

    def rotated(z):  # (batch, heads, time, features): pairs of features as complex numbers
        half, time = z.shape[-1] // 2, jnp.arange(z.shape[-2], dtype=z.dtype)
        angle = time[:, None] * 10_000.0 ** (-jnp.arange(half, dtype=z.dtype) / half)
        pairs = lax.complex(z[..., :half], z[..., half:]) * jnp.exp(lax.complex(0.0 * angle, angle))
        return jnp.concatenate([pairs.real, pairs.imag], axis=-1)

    h = table.w[x]
    causal = jnp.tri(x.shape[1], dtype=bool)
    for (norm, attends), (second_norm, gated, mix) in zip(blocks[::2], blocks[1::2], strict=True):
        z = normalized(h, norm.gamma)
        weights = attends.wq, attends.wk, attends.wv
        q, k, v = (jnp.einsum("btf,fhd->bhtd", z, w) for w in weights)
        scores = jnp.einsum("bhtd,bhsd->bhts", rotated(q), rotated(k)) / q.shape[-1] ** 0.5
        shares = jax.nn.softmax(jnp.where(causal, scores, -jnp.inf))
        h = h + jnp.einsum("bhts,bhsd,hdf->btf", shares, v, attends.wo)
        z = normalized(h, second_norm.gamma)
        h = h + (jax.nn.silu(z @ gated.w) * (z @ gated.v)) @ mix.w
    logits = normalized(h, gamma) @ head.w
    right = jnp.take_along_axis(jax.nn.log_softmax(logits), targets[..., None], axis=-1)
    return -jnp.mean(right)


def plain_losses(params, batches):
    """Train as `language.py` does, with `jax.grad` and AdamW as its paper has it."""
    warmup, rest, dtype = 10, STEPS - 10, params[0].w.dtype

    def step(carry, batch):
        params, m, v, i = carry
        value, grads = jax.value_and_grad(plain_loss)(params, *batch)
        cosine = (1 + jnp.cos(jnp.pi * jnp.maximum(i - warmup, 0) / rest)) / 2
        rate = 0.01 * jnp.minimum((i + 1) / warmup, 1) * cosine
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
        v = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g**2, v, grads)

        def new(p, m, v):
            direction = m / (1 - 0.9 ** (i + 1)) / (jnp.sqrt(v / (1 - 0.99 ** (i + 1))) + 1e-8)
            return p - rate * (direction + (0.1 * p if p.ndim > 1 else 0))

        return (jax.tree.map(new, params, m, v), m, v, i + 1), value

    zeros = jax.tree.map(jnp.zeros_like, params)
    return jax.jit(lambda *carry: lax.scan(step, carry, batches)[1])(
        params, zeros, zeros, jnp.zeros((), dtype)
    )


@pytest.mark.parametrize(("dtype", "bound"), [("float64", 1e-10), ("float32", 1e-4)])
def test_the_first_losses_are_those_of_plain_jax(book, dtype, bound, x64):
    model = pn.as_dtype(language.build_model(TINY, len(book.vocabulary)), dtype)
    optimizer, loss = language.build_optimizer(TINY), pn.softmax_cross_entropy
    x, y = book.examples(np.random.default_rng(0), STEPS * TINY.batch_size)
    batches = [z.reshape(STEPS, TINY.batch_size, -1) for z in (x, y)]
    start = pn.TrainState.create(model, optimizer, jax.random.key(0), (TINY.length,))
    run = pn.train(
        model,
        loss,
        optimizer,
        lambda _: zip(*batches, strict=True),
        epochs=1,
        key=None,
        train_state=start,
    )
    mine = np.concatenate([now.losses for now in run])
    theirs = np.asarray(plain_losses(start.params, batches))
    assert mine[0] == pytest.approx(np.log(len(book.vocabulary)), rel=0.05)
    assert mine[-10:].mean() < 0.8 * mine[0]
    assert np.abs(mine / theirs - 1).max() < bound
