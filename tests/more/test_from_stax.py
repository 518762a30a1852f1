"""The same networks, optimizers and schedules in `jax.example_libraries` and in purenn."""

import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.example_libraries import optimizers, stax
from table import error, jit_quickly

import purenn as pn

KEY = jax.random.key(0)
PAGE = Path(__file__).parents[2] / "docs" / "pages" / "howto" / "from-stax.md"


class Same(NamedTuple):
    """A layer of stax, the one of purenn that does the same, and how parameters translate."""

    stax: Any
    purenn: Any
    translate: Any = lambda params: ()


def serial(*rows):
    return Same(
        stax.serial(*(row.stax for row in rows)),
        pn.serial(*(row.purenn for row in rows)),
        lambda params: tuple(row.translate(p) for row, p in zip(rows, params, strict=True)),
    )


def dense(units):
    return Same(stax.Dense(units), pn.dense(units), lambda params: pn.DenseParams(*params))


def conv(features, kernel, strides, padding):
    return Same(
        stax.Conv(features, kernel, strides, padding),
        pn.conv2d(features, kernel, strides=strides, padding=padding),
        lambda params: pn.Conv2dParams(params[0], params[1].reshape(-1)),  # b: (1, 1, 1, features)
    )


def conv1d(features, kernel, stride, padding):
    axes = ("NHC", "HIO", "NHC")
    return Same(
        stax.GeneralConv(axes, features, (kernel,), (stride,), padding),
        pn.conv1d(features, kernel, strides=stride, padding=padding),
        lambda params: pn.Conv1dParams(params[0], params[1].reshape(-1)),
    )


def conv_transpose(features, kernel, strides, padding):
    return Same(
        stax.ConvTranspose(features, kernel, strides, padding),
        pn.conv2d_transpose(features, kernel, strides=strides, padding=padding),
        lambda params: pn.Conv2dTransposeParams(params[0][::-1, ::-1], params[1].reshape(-1)),
    )


def fan_out(*rows, combine):
    """The same input for several layers, whose outputs are added or concatenated."""
    fan_in = {"sum": stax.FanInSum, "concat": stax.FanInConcat()}[combine]
    branches = stax.parallel(*(row.stax for row in rows))
    return Same(
        stax.serial(stax.FanOut(len(rows)), branches, fan_in),
        pn.parallel(*(row.purenn for row in rows), combine=combine),
        lambda params: tuple(row.translate(p) for row, p in zip(rows, params[1], strict=True)),
    )


def norm(axis):
    layer = stax.BatchNorm(axis)
    return Same(layer, pn.batch_norm(), lambda params: pn.BatchNormParams(*params[::-1]))


def pools(window, strides):
    """Of maxima, means and sums, one after the other; a sum is a mean times a number."""
    size = float(np.prod(window))
    padded = {"strides": strides, "padding": "SAME"}
    return serial(
        Same(stax.MaxPool(window, **padded), pn.max_pool(window, **padded)),
        Same(stax.AvgPool(window, **padded), pn.avg_pool(window, **padded)),
        Same(
            stax.SumPool(window, strides),
            pn.serial(pn.avg_pool(window, strides=strides), pn.rescale(size)),
            lambda params: ((), ()),
        ),
    )


ACTIVATIONS = {
    "Relu": pn.relu,
    "LeakyRelu": pn.leaky_relu,
    "Elu": pn.elu,
    "Selu": pn.selu,
    "Gelu": pn.gelu,
    "Sigmoid": pn.sigmoid,
    "Softplus": pn.softplus,
    "Tanh": pn.tanh,
    "Exp": jnp.exp,  # a plain function, which JAX differentiates
    "Softmax": pn.softmax,
    "LogSoftmax": pn.log_softmax,
    "Identity": pn.serial(),
}


def act(name):
    return Same(getattr(stax, name), ACTIVATIONS[name])


FLATTEN = Same(stax.Flatten, pn.flatten())
NETWORKS = {
    "perceptron": (
        serial(
            dense(4), norm(0), *(part for name in ACTIVATIONS for part in (act(name), dense(4)))
        ),
        (3,),
    ),
    "convolutions": (
        serial(
            conv(4, (3, 3), (1, 1), "SAME"),
            norm((0, 1, 2)),
            conv(3, (3, 2), (2, 1), "VALID"),
            act("Relu"),
            pools((2, 2), (1, 1)),
            conv_transpose(3, (3, 3), (2, 2), "SAME"),
            conv_transpose(2, (2, 3), (1, 2), "VALID"),
            FLATTEN,
            dense(4),
            act("LogSoftmax"),
        ),
        (7, 4, 2),
    ),
    "in one dimension": (
        serial(conv1d(3, 3, 2, "SAME"), act("Tanh"), conv1d(2, 2, 1, "VALID")),
        (7, 2),
    ),
    "branches": (
        serial(
            fan_out(dense(3), serial(act("Tanh"), dense(3)), act("Identity"), combine="sum"),
            fan_out(dense(2), act("Tanh"), combine="concat"),
        ),
        (3,),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_have_the_same_values_and_gradients(name, rng, x64):
    same, in_shape = NETWORKS[name]
    init_fun, apply_fun = same.stax
    x = rng.normal(size=(6, *in_shape))
    sizes = []

    @jit_quickly
    def start():
        out_shape, theirs = init_fun(KEY, (-1, *in_shape))
        sizes.extend(out_shape)
        return theirs

    theirs = start()
    targets = rng.normal(size=(6, *sizes[1:]))

    @jit_quickly
    def both(theirs):
        params, (_, state) = same.translate(theirs), same.purenn.init(KEY, in_shape)
        (value, _), grads = pn.value_and_grad(same.purenn, pn.mse)(params, state, x, targets)
        expected = jax.value_and_grad(lambda p: jnp.mean((apply_fun(p, x) - targets) ** 2))(theirs)
        return (value, grads), (expected[0], same.translate(expected[1]))

    found, expected = both(theirs)
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    assert error(found, expected) <= 1e-12


def test_the_rate_of_dropout_is_what_is_kept_in_stax_and_what_is_dropped_in_purenn():
    @jit_quickly
    def both(x):
        theirs = stax.Dropout(0.8)[1]((), x, rng=KEY)
        mine, _ = pn.dropout(1 - 0.8).apply((), (), x, train=True, key=KEY)
        return theirs, mine

    for y in map(np.asarray, both(np.ones((100, 100), np.float32))):
        assert abs((y != 0).mean() - 0.8) < 0.02
        np.testing.assert_allclose(y[y != 0], 1 / 0.8, rtol=1e-6)


OPTIMIZERS = {
    "sgd": (optimizers.sgd(0.1), pn.sgd(0.1)),
    "momentum": (optimizers.momentum(0.1, 0.8), pn.momentum(0.1, 0.8, average=False)),
    "nesterov": (
        optimizers.nesterov(0.1, 0.8),
        pn.momentum(0.1, 0.8, average=False, nesterov=True),
    ),
    "adagrad": (optimizers.adagrad(0.1), pn.adagrad(0.1, 0, 0, momentum=0.9)),
    "rmsprop": (optimizers.rmsprop(0.1, 0.8, 1e-3), pn.rmsprop(0.1, 0.8, 1e-3)),
    "rmsprop_momentum": (optimizers.rmsprop_momentum(0.1), pn.rmsprop(0.1, momentum=0.9)),
    "adam": (optimizers.adam(0.1), pn.adam(0.1)),
    "adamax": (optimizers.adamax(0.1), pn.adamax(0.1)),
    "a schedule": (
        optimizers.rmsprop_momentum(optimizers.exponential_decay(0.1, 10, 0.5)),
        pn.rmsprop(pn.exponential_decay(0.1, 0.5, 10), momentum=0.9),
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_take_the_same_steps(name, rng, x64):
    (init, update, get_params), mine = OPTIMIZERS[name]
    start = {"w": rng.normal(size=(3, 2)), "b": np.zeros(2)}
    grads = {"w": rng.normal(size=(20, 3, 2)), "b": rng.normal(size=(20, 2))}
    grads["w"][:, 0] = 0  # a row that never had a gradient

    @jit_quickly
    def both(grads):
        def step(carry, g):
            i, theirs, params, opt_state = carry
            updates, opt_state = mine.update(g, opt_state, params)
            params = pn.apply_updates(params, updates)
            carry = i + 1, update(i, g, theirs), params, opt_state
            return carry, (get_params(carry[1]), params)

        begun = jnp.float64(0), init(start), jax.tree.map(jnp.asarray, start), mine.init(start)
        return jax.lax.scan(step, begun, grads)[1]

    with jax.numpy_dtype_promotion("standard"):
        expected, found = both(grads)
    assert error(found, expected) <= 1e-12


def test_clipping_is_clip_grads(rng, x64):
    grads = {"w": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}
    for bound in (0.5, 100.0):
        clip = pn.clip_by_global_norm(bound)

        @jit_quickly
        def both(grads, clip=clip, bound=bound):
            found, _ = clip.update(grads, clip.init(grads))
            return found, optimizers.clip_grads(grads, bound)

        assert error(*both(grads)) <= 1e-12


SCHEDULES = {
    "exponential_decay": (
        optimizers.exponential_decay(0.1, 10, 0.5),
        pn.exponential_decay(0.1, 0.5, 10),
    ),
    "inverse_time_decay": (
        optimizers.inverse_time_decay(0.1, 10, 0.5, staircase=True),
        pn.inverse_time_decay(0.1, 0.5, 10),
    ),
    "polynomial_decay": (
        optimizers.polynomial_decay(0.1, 20, 0.01, 2.0),
        pn.polynomial_decay(0.1, 20, 0.01, 2.0),
    ),
    "piecewise_constant": (
        optimizers.piecewise_constant((9, 19), (0.5, 0.25, 0.125)),
        pn.piecewise_constant((10, 20), (0.5, 0.25, 0.125)),
    ),
    "constant": (optimizers.constant(0.1), pn.piecewise_constant((), (0.1,))),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_have_the_same_rates(name, x64):
    theirs, mine = SCHEDULES[name]
    steps = range(31)
    expected = [float(theirs(step)) for step in steps]
    np.testing.assert_allclose([float(mine(step)) for step in steps], expected, rtol=1e-12)


def listed(page):
    """The names in the first column of a page's tables."""
    rows = re.findall(r"^\| ([^|]*) \|", page, re.MULTILINE)
    return {
        name
        for row in rows
        for code in re.findall("`([^`]*)`", row)
        for name in re.findall(r"\w+", code)
    }


@pytest.mark.parametrize("module", [stax, optimizers], ids=["stax", "optimizers"])
def test_the_page_has_every_public_name(module):
    imported = {"Any", "Callable", "NamedTuple", "annotations", "namedtuple", "partial"}
    imported |= {"map", "zip", "safe_map", "safe_zip", "unzip2"}
    names = {
        name
        for name, value in inspect.getmembers(module)
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert names - imported - listed(PAGE.read_text()) == set()
