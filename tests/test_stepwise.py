"""`stepwise`: a sequence read piece by piece gives the outputs of the whole."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import purenn as pn

BATCH, LENGTH = 2, 8


class Read(NamedTuple):
    """What `sum_so_far` has read."""

    total: Any
    position: Any


def sum_so_far() -> pn.Layer:
    """Sum each feature over the positions so far: a causal layer with room for `length` of them."""

    def forward(params, state, x, *, train=False, key=None):
        return jnp.cumsum(x, axis=1), state, None

    def backward(params, cache, dy):
        return (), lax.cumsum(dy, axis=1, reverse=True)

    def stepwise(batch, length):
        def init(key, in_shape):
            return (), Read(jnp.zeros((batch, *in_shape[1:])), jnp.int32(0))

        def read(params, state, x, *, train=False, key=None):
            y = state.total[:, None] + jnp.cumsum(x, axis=1)
            position = state.position + x.shape[1]
            y = jnp.where(position <= length, y, jnp.nan)
            return y, Read(y[:, -1], position), None

        return pn.Layer(init, read, backward)

    no_parameters = pn.dropout(0.0).init
    return pn.Layer(no_parameters, forward, backward, name="sum_so_far", stepwise=stepwise)


def block():
    return pn.residual(pn.serial(pn.layer_norm(), sum_so_far(), pn.gelu, pn.dense(4)))


MODELS = {
    "a layer": sum_so_far(),
    "serial": pn.serial(pn.dense(4), block(), pn.dropout(0.5), pn.dense(3), pn.softmax),
    "repeat": pn.serial(pn.dense(4), pn.repeat(block(), 3)),
    "parallel": pn.parallel(sum_so_far(), pn.serial(), pn.tanh, combine="concat"),
    "product": pn.parallel(sum_so_far(), sum_so_far(), combine="product"),
    "projection": pn.residual(pn.serial(pn.dense(5), sum_so_far()), projection=pn.dense(5)),
    "recompute": pn.recompute(pn.serial(sum_so_far(), pn.dense(2))),
    "by hand": pn.by_hand(pn.serial(pn.dense(4), block())),
    "mixed precision": pn.mixed_precision(pn.serial(pn.dense(4), block()), jnp.float64),
}


@pytest.mark.parametrize("name", MODELS)
def test_pieces_are_the_whole(name, x64):
    model = pn.as_dtype(MODELS[name], jnp.float64)
    reader = pn.stepwise(model, batch=BATCH, length=LENGTH)
    params, state = reader.init(jax.random.key(0), (LENGTH, 3))
    drawn, plain_state = model.init(jax.random.key(0), (LENGTH, 3))
    assert jax.tree.all(jax.tree.map(np.array_equal, params, drawn))
    x = jax.random.normal(jax.random.key(1), (BATCH, LENGTH, 3), jnp.float64)
    whole, _ = model.apply(params, plain_state, x)

    @jax.jit
    def in_pieces(params, state, x):
        ys = []
        for first, last in ((0, 1), (1, 3), (3, 8)):
            y, state = reader.apply(params, state, x[:, first:last])
            ys.append(y)
        return jnp.concatenate(ys, axis=1), state

    @jax.jit
    def one_by_one(params, state, x):
        def one(state, x):
            y, state = reader.apply(params, state, x[:, None])
            return state, y[:, 0]

        state, ys = lax.scan(one, state, jnp.swapaxes(x, 0, 1))
        return jnp.swapaxes(ys, 0, 1), state

    for read in (in_pieces, one_by_one):
        y, after = read(params, state, x)
        np.testing.assert_allclose(y, whole, rtol=1e-13, atol=1e-14)
        beyond, _ = reader.apply(params, after, x[:, :1])
        assert jnp.isnan(beyond).any()


def gpt():
    attend = pn.serial(pn.rms_norm(), pn.attention(2, causal=True))
    think = pn.serial(pn.rms_norm(), pn.gated_dense(8), pn.dense(4))
    block = pn.serial(pn.residual(attend), pn.residual(think))
    return pn.serial(
        pn.embedding(9, 4), pn.position_embedding(LENGTH), pn.repeat(block, 2), pn.dense(9)
    )


def test_a_language_model_writes_what_it_reads_as_a_whole(x64):
    model = pn.as_dtype(gpt(), jnp.float64)
    reader = pn.stepwise(model, batch=BATCH, length=LENGTH)
    params, state = jax.jit(reader.init, static_argnums=1)(jax.random.key(0), (LENGTH,))
    prompt = jnp.array([[3, 1, 4], [1, 5, 8]])

    @jax.jit
    def write(params, state):
        def token(carry, _):
            logits, state = carry
            new = jnp.argmax(logits[:, -1:], axis=-1)
            logits, state = reader.apply(params, state, new)
            return (logits, state), (new[:, 0], logits[:, 0])

        logits, state = reader.apply(params, state, prompt)
        carry = logits[:, -1:], state
        _, (tokens, others) = lax.scan(token, carry, length=LENGTH - 3)
        return jnp.concatenate([prompt, tokens.T], 1), jnp.concatenate(
            [logits, jnp.swapaxes(others, 0, 1)], 1
        )

    tokens, logits = write(params, state)
    _, plain_state = jax.jit(model.init, static_argnums=1)(jax.random.key(0), (LENGTH,))
    whole, _ = jax.jit(model.apply)(params, plain_state, tokens)
    np.testing.assert_allclose(logits, whole, rtol=1e-12, atol=1e-13)


def test_a_path_leads_to_what_can_not_be_read_piece_by_piece():
    model = pn.serial(pn.dense(2), pn.residual(pn.serial(pn.relu, pn.conv1d(2))))
    with pytest.raises(TypeError, match=r"^stepwise: conv1d\(2, 3\) can't be read piece") as caught:
        pn.stepwise(model, batch=1, length=4)
    path = "in serial / part 1: residual / serial / part 1: conv1d(2, 3)"
    assert caught.value.__notes__ == [path]


def test_it_keeps_names_and_has_no_backward():
    layer = pn.serial(sum_so_far(), pn.relu).replace(name="reader")
    reader = pn.stepwise(layer, batch=2, length=4)
    params, state = reader.init(jax.random.key(0), (4, 3))
    _, _, cache = reader.forward(params, state, jnp.ones((2, 1, 3)))
    with pytest.raises(TypeError, match="reader: .*it has no backward pass"):
        reader.backward(params, cache, jnp.ones((2, 1, 3)))
    with pytest.raises(ValueError, match="reader.*since its state is made for a batch of 2"):
        reader.apply(params, state, jnp.ones((3, 1, 3)))
