"""Blocks of well-known networks, by hand from end to end."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import jit
from table import LayerRow, error, jit_quickly, layer_case

import purenn as pn

pytestmark = pytest.mark.usefixtures("quickly")


def resnet_block(channels=3, strides=(2, 2)):
    """The first block of a stage (He et al. 2016): half the size, other channels."""
    return pn.residual(
        pn.serial(
            pn.conv2d(channels, strides=strides, b_init=None),
            pn.batch_norm(),
            pn.relu,
            pn.conv2d(channels, b_init=None),
            pn.batch_norm(),
        ),
        projection=pn.serial(
            pn.conv2d(channels, (1, 1), strides=strides, b_init=None), pn.batch_norm()
        ),
    )


def inception_block():
    """Four branches side by side (Szegedy et al. 2015)."""
    return pn.parallel(
        pn.conv2d(1, (1, 1)),
        pn.serial(pn.conv2d(2, (1, 1)), pn.relu, pn.conv2d(2, (3, 3))),
        pn.serial(pn.conv2d(1, (1, 1)), pn.relu, pn.conv2d(2, (5, 5))),
        pn.serial(pn.max_pool((3, 3), strides=(1, 1), padding="SAME"), pn.conv2d(1, (1, 1))),
        combine="concat",
    )


def conv(x, params, strides=1):
    w, b = params
    z = jax.lax.conv_general_dilated(
        x, w, (strides, strides), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    return z if b is None else z + b


def norm(x, params):
    centered = x - x.mean((0, 1, 2))
    return params.gamma * centered / jnp.sqrt((centered**2).mean((0, 1, 2)) + 1e-5) + params.beta


def plain_resnet(params, x):
    (first, norm1, _, second, norm2), (third, norm3) = params
    inside = jnp.maximum(norm(conv(x, first, 2), norm1), 0)
    return norm(conv(x, third, 2), norm3) + norm(conv(inside, second), norm2)


def plain_inception(params, x):
    one, (a, _, b), (c, _, d), (_, e) = params
    _, height, width, _ = x.shape
    around = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-jnp.inf)
    places = [around[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
    branches = (
        conv(x, one),
        conv(jnp.maximum(conv(x, a), 0), b),
        conv(jnp.maximum(conv(x, c), 0), d),
        conv(jnp.stack(places).max(0), e),
    )
    return jnp.concatenate(branches, axis=-1)


BLOCKS = {
    "resnet": (resnet_block(), plain_resnet),
    "inception": (inception_block(), plain_inception),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_by_hand_from_end_to_end(name, rng, x64):
    block, plain = BLOCKS[name]
    model = pn.serial(block, pn.relu, pn.flatten(), pn.dense(2))
    assert not model.by_jax and "*" not in pn.summary(model, (4, 4, 2))
    row = LayerRow("", model, (4, 4, 2), None)
    params, state, x, _ = layer_case(row, (3,), rng)
    labels = np.array([0, 1, 1], np.int32)

    def value(params):
        a = jnp.maximum(plain(params[0], x), 0).reshape(3, -1)
        logits = a @ params[3].w + params[3].b
        return -jax.nn.log_softmax(logits)[jnp.arange(3), labels].mean()

    @jit_quickly
    def judged(params):
        (loss, _), grads = pn.value_and_grad(model, pn.softmax_cross_entropy)(
            params, state, x, labels
        )
        return (loss, grads), jax.value_and_grad(value)(params)

    assert error(*judged(params)) <= 1e-12


@pytest.mark.parametrize("name", BLOCKS)
def test_finite_differences_agree(name):
    block, _ = BLOCKS[name]
    # Jitted, since eagerly each operation is a program to compile; `quickly` is not for programs
    # within programs.
    forward = jit(block.forward, static_argnames="train")
    jitted = block.replace(forward=forward, backward=jit(block.backward))
    report = pn.check_gradients(jitted, in_shape=(4, 4, 2), batch=2)
    assert report.ok, report
