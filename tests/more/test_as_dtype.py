"""`as_dtype`: the same layer in another dtype, through any nesting, and into a training run."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import purenn as pn

KEY = jax.random.key(0)
DTYPES = (jnp.float64, jnp.bfloat16, jnp.float16)
IMAGES = np.arange(16 * 4 * 4, dtype=np.uint8).reshape(16, 4, 4, 1)
LABELS = np.arange(16, dtype=np.int32) // 8


def network():
    """Every kind of nesting, with rescale innermost and state in the middle."""
    block = pn.residual(pn.recompute(pn.serial(pn.dense(8), pn.batch_norm(), pn.relu)))
    front = pn.serial(pn.rescale(), pn.conv2d(2), pn.max_pool(), pn.flatten())
    return pn.serial(pn.serial(front), block, pn.by_hand(pn.layer_norm()), pn.dense(2))


NETWORK = network()


def init(model, in_shape=(4, 4, 1)):
    return jax.jit(model.init, static_argnums=1)(KEY, in_shape)


def dtypes(tree):
    return {leaf.dtype for leaf in jax.tree.leaves(tree)}


@pytest.fixture
def wide(x64):
    """With jax_enable_x64: then float64 is one of the dtypes, and the other ones must not widen."""


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.usefixtures("wide")
def test_everything_has_the_dtype_from_the_images_to_the_gradients(dtype):
    model = pn.as_dtype(NETWORK, dtype)
    params, state = init(model)
    run = partial(jax.eval_shape, pn.value_and_grad(model, pn.softmax_cross_entropy))
    (value, new_state), grads = run(params, state, IMAGES, LABELS)
    assert dtypes((params, state, value, new_state, grads)) == {jnp.dtype(dtype)}
    assert model.name == NETWORK.name
    cast = jax.tree.map(lambda a: a.astype(dtype), init(NETWORK))
    chex.assert_trees_all_equal((params, state), cast)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_fit_trains_it_on_uint8_images(dtype):
    model = pn.as_dtype(pn.serial(pn.rescale(), pn.flatten(), pn.dense(2)), dtype)
    train_state, history = pn.fit(
        model,
        pn.softmax_cross_entropy,
        pn.sgd(1.0),
        (IMAGES, LABELS),
        validation=(IMAGES, LABELS),
        epochs=8,
        batch_size=8,
        key=KEY,
        progress=False,
    )
    assert dtypes(train_state.params) == {jnp.dtype(dtype)}
    assert history[-1].loss < history[0].loss


@pytest.mark.usefixtures("wide")
def test_float64_is_float64_all_the_way():
    model = pn.as_dtype(pn.serial(*NETWORK.parts[0].parts[0].parts, pn.dense(2)), jnp.float64)
    params, state = init(model)
    run = jax.jit(model.apply)
    y, _ = run(params, state, IMAGES)
    moved, _ = run(jax.tree.map(lambda p: p * (1 + 1e-12), params), state, IMAGES)
    assert 0 < np.abs(y - moved).max() < 1e-9  # in float32 there would be no difference


def test_mixed_precision_keeps_its_parameters_in_the_new_dtype():
    mixed = pn.mixed_precision(pn.serial(pn.rescale(), pn.flatten(), pn.dense(2)), jnp.float16)
    model = pn.as_dtype(mixed, jnp.bfloat16)
    params, state = init(model)
    y, _, cache = jax.eval_shape(model.forward, params, state, IMAGES)
    dparams, _ = jax.eval_shape(model.backward, params, cache, y)
    assert dtypes((params, y, dparams)) == {jnp.dtype(jnp.bfloat16)}


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_summary_explain_and_check_gradients_take_it(dtype):
    parts = pn.rescale(), pn.residual(pn.dense(3)), pn.mixed_precision(pn.dense(2))
    model = pn.as_dtype(pn.serial(*parts), dtype)
    assert pn.summary(model, (3,)) == pn.summary(pn.serial(*parts), (3,))
    params, state = init(model, (3,))
    x, targets = np.ones((4, 3), np.uint8), jnp.ones((4, 2), dtype)
    explanation = jax.eval_shape(partial(pn.explain, model, pn.mse), params, state, x, targets)
    assert dtypes(explanation.grads) == {jnp.dtype(dtype)}
    assert pn.check_gradients(pn.as_dtype(pn.dense(2), dtype), in_shape=(3,)).ok


def test_names_and_rules_go_with_it():
    named = pn.serial(pn.dense(2)).replace(name="encoder")
    assert pn.as_dtype(named, jnp.bfloat16).name == "encoder"
    back = pn.as_dtype(pn.as_dtype(named, jnp.bfloat16), jnp.float32)
    chex.assert_trees_all_equal(back.init(KEY, (3,)), named.init(KEY, (3,)))
    doubled = pn.serial(pn.dense(2)).replace(
        backward=lambda params, cache, dy: ((pn.DenseParams(dy, dy),), dy)
    )
    assert pn.as_dtype(doubled, jnp.bfloat16).functions.backward is doubled.functions.backward
    wrong = pn.dense(1).replace(backward=lambda params, x, dy: (params, 2 * x))
    ruled = pn.as_dtype(pn.by_hand(pn.serial(wrong)), jnp.bfloat16)
    params, state = ruled.init(KEY, (1,))
    x = jnp.ones((1, 1), jnp.bfloat16)
    assert jax.grad(lambda x: ruled.apply(params, state, x)[0].sum())(x) == 2


def test_a_part_of_a_model_may_be_in_another_dtype():
    model = pn.serial(pn.rescale(dtype=jnp.bfloat16), pn.as_dtype(pn.dense(2), jnp.bfloat16))
    params, state = model.init(KEY, (3,))
    y, _ = model.apply(params, state, np.ones((1, 3), np.uint8))
    assert y.dtype == jnp.bfloat16


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (partial(pn.as_dtype, 3, jnp.float32), TypeError, "as_dtype: layer must be a layer"),
        (partial(pn.as_dtype, pn.dense(2), jnp.int8), TypeError, "as_dtype: dtype .* int8"),
        (partial(pn.as_dtype, pn.dense(2), None), TypeError, "as_dtype: dtype .* None"),
        (partial(pn.as_dtype, pn.dense(2), float), ValueError, "float64, .* jax_enable_x64"),
        (partial(pn.rescale, dtype=jnp.uint8), TypeError, "rescale: dtype .* uint8"),
    ],
)
def test_a_wrong_dtype_is_rejected(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_float32_batch_does_not_go_into_a_bfloat16_layer():
    layer = pn.as_dtype(pn.dense(2), jnp.bfloat16)
    params, state = layer.init(KEY, (3,))
    with pytest.raises(TypeError, match=r"dense\(2\): x is float32 and params\.w is bfloat16"):
        layer.apply(params, state, jnp.ones((1, 3)))
