"""`b_init=None`: dense and convolutions without a bias."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import jit_quickly

import purenn as pn

KEY = jax.random.key(0)
LAYERS = {
    "dense": (lambda **options: pn.dense(3, **options), (4,)),
    "conv2d": (lambda **options: pn.conv2d(3, (2, 2), strides=2, **options), (4, 4, 2)),
    "conv1d": (lambda **options: pn.conv1d(3, 2, **options), (4, 2)),
    "conv2d_transpose": (lambda **options: pn.conv2d_transpose(3, 2, **options), (2, 2, 2)),
}


@pytest.fixture(params=LAYERS)
def case(request):
    return LAYERS[request.param]


def test_it_is_the_layer_with_a_bias_of_zero(case, rng):
    make, in_shape = case
    plain, biased = make(b_init=None), make()

    @jit_quickly
    def both(x):
        params, state = plain.init(KEY, in_shape)
        with_b, _ = biased.init(KEY, in_shape)
        y, _, cache = plain.forward(params, state, x)
        expected, _, other = biased.forward(with_b, state, x)
        outputs = y, expected, plain.apply(params, state, x)[0]
        grads = plain.backward(params, cache, y), biased.backward(with_b, other, y)
        return params, with_b, outputs, *grads

    x = rng.normal(size=(5, *in_shape)).astype(np.float32)
    params, with_b, outputs, (dparams, dx), (right, dx_right) = both(x)
    assert params.b is None and len(jax.tree.leaves(params)) == 1
    chex.assert_trees_all_equal(params.w, with_b.w)
    chex.assert_trees_all_equal(*outputs)
    assert dparams.b is None
    chex.assert_trees_all_equal((dparams.w, dx), (right.w, dx_right))


def test_its_gradients_are_right(case):
    make, in_shape = case
    layer = make(b_init=None)
    # Jitted, since eagerly each operation is a program to compile.
    forward = jax.jit(layer.forward, static_argnames="train")
    layer = layer.replace(forward=forward, backward=jax.jit(layer.backward))
    report = pn.check_gradients(layer, in_shape=in_shape, batch=2)
    assert report.ok and [leaf.name for leaf in report.leaves] == ["dw", "dx"]


def test_formulas_parameters_and_flops(case):
    make, in_shape = case
    model = pn.serial(make(b_init=None), pn.flatten(), pn.dense(2, b_init=None))
    text, biased = pn.summary(model, in_shape), pn.summary(make(), in_shape)
    assert "b1" not in text and "b1" in biased
    params, state = jax.jit(lambda: model.init(KEY, in_shape))()
    first = text.splitlines()[2].split()
    flops, with_bias = (int(row.split()[-1].replace(",", "")) for row in
                        (text.splitlines()[2], biased.splitlines()[2]))  # fmt: skip
    y = jax.eval_shape(lambda: make().apply(*make().init(KEY, in_shape), jnp.ones((1, *in_shape))))
    assert int(first[-2]) == params[0].w.size and with_bias - flops == y[0].size
    x, labels = jnp.ones((3, *in_shape)), jnp.array([0, 1, 0])
    explain = jit_quickly(partial(pn.explain, model, pn.softmax_cross_entropy))
    explanation = explain(params, state, x, labels)
    assert {"dW1", "dW2"} < set(explanation.named())
    assert not {"db1", "db2"} & set(explanation.named())


def test_it_trains_with_weight_decay(case, rng):
    make, in_shape = case
    model = pn.serial(make(b_init=None), pn.flatten(), pn.dense(2, b_init=None))
    optimizer = pn.adamw(0.1, weight_decay=0.1)
    train_state = jax.jit(lambda: pn.TrainState.create(model, optimizer, KEY, in_shape))()
    step = jax.jit(
        pn.train_step(model, pn.softmax_cross_entropy, optimizer, penalty=pn.l2_penalty(0.1))
    )
    x, labels = rng.normal(size=(4, *in_shape)).astype(np.float32), np.array([0, 1, 0, 1])
    first = step(train_state, x, labels)
    assert step(first[0], x, labels)[1] < first[1]
    assert first[0].params[0].b is None


@pytest.mark.parametrize(
    ("biased", "b", "words"),
    [
        (True, None, r"params\.b must be an array, got None"),
        (False, jnp.zeros(3), r"params\.b must be None, as init makes it, got float32\(3,\)"),
    ],
)
def test_the_parameters_must_fit_the_layer(case, biased, b, words):
    make, in_shape = case
    layer = make() if biased else make(b_init=None)
    params, state = jax.eval_shape(lambda: layer.init(KEY, in_shape))
    with pytest.raises(TypeError, match=words):
        jax.eval_shape(layer.forward, params._replace(b=b), state, jnp.ones((2, *in_shape)))
