"""`stepwise`: a sequence read piece by piece gives the outputs of the whole."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from table import jit_quickly

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
RECURRENT = pn.serial(pn.dense(4), pn.residual(pn.lstm(4)), pn.repeat(pn.gru(4), 2))


@pytest.mark.parametrize("name", MODELS)
def test_pieces_are_the_whole(name, x64):
    model = pn.as_dtype(MODELS[name], jnp.float64)
    reader = pn.stepwise(model, batch=BATCH, length=LENGTH)

    @jit_quickly
    def run(key, x):
        drawn, plain_state = model.init(key, (LENGTH, 3))
        params, begun = reader.init(key, (LENGTH, 3))
        whole, _ = model.apply(drawn, plain_state, x)
        pieces, state = [], begun
        for first, last in ((0, 1), (1, 3), (3, 8)):
            y, state = reader.apply(params, state, x[:, first:last])
            pieces.append(y)
        beyond, _ = reader.apply(params, state, x[:, :1])

        def one(state, x):
            y, state = reader.apply(params, state, x[:, None])
            return state, y[:, 0]

        _, ones = lax.scan(one, begun, jnp.swapaxes(x, 0, 1))
        return whole, jnp.concatenate(pieces, axis=1), jnp.swapaxes(ones, 0, 1), beyond

    x = jax.random.normal(jax.random.key(1), (BATCH, LENGTH, 3), jnp.float64)
    whole, pieces, ones, beyond = run(jax.random.key(0), x)
    np.testing.assert_allclose(pieces, whole, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(ones, whole, rtol=1e-13, atol=1e-14)
    assert jnp.isnan(beyond).any()


def test_recurrent_layers_hand_on_their_state_and_never_run_out_of_room():
    reader = pn.stepwise(RECURRENT, batch=BATCH, length=1)

    @jit_quickly
    def run(key, x):
        params, state = reader.init(key, (LENGTH, 3))
        whole, _ = RECURRENT.apply(params, RECURRENT.init(key, (LENGTH, 3))[1], x)
        first, state = reader.apply(params, state, x[:, :5])

        def one(state, x):
            y, state = reader.apply(params, state, x[:, None])
            return state, y[:, 0]

        _, others = lax.scan(one, state, jnp.swapaxes(x[:, 5:], 0, 1))
        return whole, jnp.concatenate([first, jnp.swapaxes(others, 0, 1)], axis=1)

    x = jax.random.normal(jax.random.key(1), (BATCH, LENGTH, 3))
    whole, pieces = run(jax.random.key(0), x)
    np.testing.assert_allclose(pieces, whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layer", [pn.lstm(4), pn.attention(2, causal=True)])
def test_in_half_precision_what_was_read_is_not_rounded_again(layer):
    model = pn.mixed_precision(pn.serial(pn.dense(4), layer), jnp.bfloat16)
    reader = pn.stepwise(model, batch=BATCH, length=LENGTH)
    x = jax.random.normal(jax.random.key(1), (BATCH, LENGTH, 3))

    @jit_quickly
    def run(key, x):
        params, begun = reader.init(key, (LENGTH, 3))
        ys, state = [], begun
        for place in range(LENGTH):
            y, state = reader.apply(params, state, x[:, place : place + 1])
            ys.append(y)
        whole, _ = model.apply(params, ((), ()), x)
        return whole, jnp.concatenate(ys, axis=1), begun, state

    whole, pieces, begun, state = run(jax.random.key(0), x)
    np.testing.assert_allclose(pieces, whole, atol=0.01)
    kinds = [[str(a.dtype) for a in jax.tree.leaves(each)] for each in (begun, state)]
    assert kinds[0] == kinds[1] and "bfloat16" not in kinds[0]


def gpt():
    attend = pn.serial(pn.rms_norm(), pn.attention(2, causal=True))
    think = pn.serial(pn.rms_norm(), pn.gated_dense(8), pn.dense(4))
    block = pn.serial(pn.residual(attend), pn.residual(think))
    inside = pn.position_embedding(LENGTH), pn.repeat(block, 2), pn.rms_norm()
    return pn.tied_embedding(9, 4, *inside)


@jax.numpy_rank_promotion("raise")
def test_a_language_model_writes_what_it_reads_as_a_whole(x64):
    model = pn.as_dtype(gpt(), jnp.float64)
    reader = pn.stepwise(model, batch=BATCH, length=LENGTH)

    @jit_quickly
    def write(key, prompt):
        params, state = reader.init(key, (LENGTH,))

        def token(carry, _):
            logits, state = carry
            new = jnp.argmax(logits[:, -1:], axis=-1)
            logits, state = reader.apply(params, state, new)
            return (logits, state), (new[:, 0], logits[:, 0])

        read, state = reader.apply(params, state, prompt)
        _, (tokens, written) = lax.scan(token, (read[:, -1:], state), length=LENGTH - 3)
        tokens = jnp.concatenate([prompt, tokens.T], axis=1)
        whole, _ = model.apply(params, model.init(key, (LENGTH,))[1], tokens)
        return jnp.concatenate([read, jnp.swapaxes(written, 0, 1)], axis=1), whole

    logits, whole = write(jax.random.key(0), jnp.array([[3, 1, 4], [1, 5, 8]]))
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
