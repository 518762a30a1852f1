"""Convolutions where the table can't see: other platforms' forms, lax's sizes, what is the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from table import LayerRow, conv2d_rows, error, jit_quickly, layer_case, names

import purenn as pn

ROWS = [*conv2d_rows()]


def both_ways(layer, params, x):
    """`y` and the derivatives where `dy` is `y`."""
    y, _, cache = layer.forward(params, (), x)
    return y, *layer.backward(params, cache, y)


@pytest.mark.parametrize("row", ROWS, ids=names(ROWS))
def test_what_other_platforms_compute_is_the_same(row, rng, x64, monkeypatch):
    params, _, x, _ = layer_case(row, (2,), rng)
    here = jit_quickly(lambda p, x: both_ways(row.layer, p, x))(params, x)
    monkeypatch.setattr(lax, "platform_dependent", lambda *args, cpu, default: default(*args))
    there = jit_quickly(lambda p, x: both_ways(row.layer, p, x))(params, x)
    assert error(here, there) <= 1e-12


@pytest.mark.parametrize(
    ("groups", "channels", "on_cpu"),
    [
        (1, 8, 3),  # dw in pieces of the batch: one convolution, in a loop
        (1, 32, 0),  # products of transformed tiles
        (1, 3, 2),  # dw as a product of patches
        (3, 3, 1),  # dx, of two features per channel
    ],
)
def test_other_platforms_get_three_convolutions_and_nothing_for_the_cpu(groups, channels, on_cpu):
    layer = pn.conv2d(32 if channels == 32 else 6, groups=groups)
    params, _ = layer.init(jax.random.key(0), (5, 5, channels))

    def text(platform):
        run = jax.jit(lambda p, x: both_ways(layer, p, x))
        given = params, jnp.ones((2, 5, 5, channels))
        return jax.export.export(run, platforms=[platform])(*given).mlir_module()

    assert text("tpu").count("stablehlo.convolution") == 3  # y, dw and dx
    assert text("tpu").count(f"batch_group_count = {groups}") >= 1
    assert text("cpu").count("stablehlo.convolution") == on_cpu


@pytest.mark.parametrize("kernel", range(1, 6))
def test_transposed_sizes_and_numbers_are_those_of_lax(kernel, rng):
    x = rng.normal(size=(2, 3, 4, 2)).astype(np.float32)
    w = rng.normal(size=(kernel, kernel, 2, 3)).astype(np.float32)

    @jit_quickly
    def judged(x, w):
        pairs = []
        for stride in range(1, 6):
            for padding in ("SAME", "VALID"):
                layer = pn.conv2d_transpose(3, kernel, strides=stride, padding=padding, b_init=None)
                y, _ = layer.apply(pn.Conv2dTransposeParams(w), (), x)
                turned = w[::-1, ::-1]
                strides, axes = (stride, stride), ("NHWC", "HWIO", "NHWC")
                right = lax.conv_transpose(x, turned, strides, padding, dimension_numbers=axes)
                pairs += [(y, right)]
        return pairs

    for y, right in judged(x, w):
        assert y.shape == right.shape and error(y, right) <= 1e-5


@pytest.mark.parametrize(
    ("strides", "padding"), [((2, 1), "SAME"), ((3, 2), "VALID"), ((2, 2), ((1, 0), (0, 2)))]
)
def test_it_is_the_transpose_of_conv2d(strides, padding, rng, x64):
    up = pn.conv2d_transpose(3, (3, 4), strides=strides, padding=padding, b_init=None)
    down = pn.conv2d(2, (3, 4), strides=strides, padding=padding, b_init=None)
    params, _, x, _ = layer_case(LayerRow("", up, (3, 4, 2), None), (2,), rng)
    other = rng.normal(size=jax.eval_shape(up.apply, params, (), x)[0].shape)

    @jit_quickly
    def judged(params, x, other):
        y, _ = up.apply(params, (), x)
        kernels = pn.Conv2dParams(params.w.transpose(0, 1, 3, 2))
        z, _, cache = down.forward(kernels, (), other)
        return y, z, down.backward(kernels, cache, x)[1]

    y, z, transposed = judged(params, x, other)
    assert z.shape == x.shape
    assert np.isclose(np.vdot(y, other), np.vdot(x, z), rtol=1e-12)
    assert error(transposed, y) <= 1e-12


def test_explicit_padding_of_a_transpose_removes_rows_and_columns(rng):
    x = rng.normal(size=(1, 3, 3, 2)).astype(np.float32)
    layers = [pn.conv2d_transpose(1, 4, strides=2, padding=p) for p in (0, ((1, 2), (0, 3)))]
    params = pn.Conv2dTransposeParams(
        rng.normal(size=(4, 4, 2, 1)).astype(np.float32), np.ones(1, np.float32)
    )
    full, cut = jit_quickly(lambda p: [layer.apply(p, (), x)[0] for layer in layers])(params)
    assert full.shape == (1, 8, 8, 1)  # (3 - 1) * 2 + 4
    assert error(cut, full[:, 1:-2, :-3]) <= 1e-6


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_groups_are_convolutions_side_by_side(groups, rng):
    layer, one = pn.conv2d(6, groups=groups, dilation=2), pn.conv2d(6 // groups, dilation=2)
    params, _, x, _ = layer_case(LayerRow("", layer, (5, 4, 6), None), (2,), rng, jnp.float32)

    @jit_quickly
    def judged(params, x):
        parts = [jnp.split(a, groups, -1) for a in (*params, x)]
        alone = [both_ways(one, pn.Conv2dParams(w, b), x) for w, b, x in zip(*parts, strict=True)]
        together = jax.tree.map(lambda *leaves: jnp.concatenate(leaves, -1), *alone)
        return both_ways(layer, params, x), together

    assert error(*judged(params, x)) <= 1e-5


@pytest.mark.parametrize(("kernel", "features"), [((5, 13), 2), ((2, 2), 4)])
def test_a_depthwise_kernel_may_be_too_large_to_be_written_out_or_have_several_features(
    kernel, features, rng, x64
):
    layer = pn.conv2d(features, kernel, groups=2, strides=2, padding="VALID", b_init=None)
    (w, _), _, x, _ = layer_case(LayerRow("", layer, (6, 14, 2), None), (2,), rng)

    @jit_quickly
    def judged(w, x):
        def by_lax(w, x):
            axes = ("NHWC", "HWIO", "NHWC")
            return lax.conv_general_dilated(
                x, w, (2, 2), "VALID", dimension_numbers=axes, feature_group_count=2
            )

        y, vjp = jax.vjp(by_lax, w, x)
        return both_ways(layer, pn.Conv2dParams(w), x), (y, *vjp(y))

    assert error(*judged(w, x)) <= 1e-12


def test_conv1d_is_conv2d_of_one_row_and_can_look_back_only(rng):
    line = pn.conv1d(4, 3, padding=(4, 0), dilation=2)
    flat = pn.conv2d(4, (1, 3), padding=((0, 0), (4, 0)), dilation=(1, 2))
    params, _, x, _ = layer_case(LayerRow("", line, (7, 3), None), (2,), rng, jnp.float32)

    @jit_quickly
    def judged(params, x):
        kernels = pn.Conv2dParams(params.w[None], params.b)
        z, dkernels, dimage = both_ways(flat, kernels, x[:, None])
        later, _ = line.apply(params, (), x.at[:, 4].set(9.0))
        right = z[:, 0], pn.Conv1dParams(dkernels.w[0], dkernels.b), dimage[:, 0]
        return both_ways(line, params, x), right, later

    mine, right, later = judged(params, x)
    assert error(mine, right) <= 1e-6
    y, later = np.asarray(mine[0]), np.asarray(later)
    assert error(later[:, :4], y[:, :4]) == 0 and (later[:, 4] != y[:, 4]).all()


def test_a_grouped_convolution_keeps_its_dtypes_in_half_precision(rng):
    for groups in (2, 4):
        layer = pn.conv2d(4, groups=groups)
        given = layer_case(LayerRow("", layer, (4, 4, 4), None), (2,), rng, jnp.bfloat16)
        results = jax.eval_shape(lambda p, x, layer=layer: both_ways(layer, p, x), *given[::2])
        assert {leaf.dtype for leaf in jax.tree.leaves(results)} == {jnp.dtype(jnp.bfloat16)}


@pytest.mark.parametrize("shape", [(6,), (5, 6), (3, 2, 6)])
def test_group_norm_takes_any_number_of_axes_and_keeps_three_values_per_group(shape, rng):
    layer = pn.group_norm(2)
    params, _, x, _ = layer_case(LayerRow("", layer, shape, None), (3,), rng, jnp.float32)
    y, _, cache = jit_quickly(layer.forward)(params, (), x)
    groups = np.asarray(x, np.float64).reshape(3, -1, 2, 3)
    mean, var = groups.mean((1, 3), keepdims=True), groups.var((1, 3), keepdims=True)
    right = ((groups - mean) / np.sqrt(var + 1e-5)).reshape(x.shape) * params.gamma + params.beta
    assert error(y, right) <= 1e-5
    assert sorted(leaf.size for leaf in jax.tree.leaves(cache)) == [6, 6, 6, x.size]


def test_one_group_of_group_norm_is_layer_norm_and_one_channel_each_is_instance_norm(rng):
    x = rng.normal(size=(2, 5, 4)).astype(np.float32)
    params = pn.GroupNormParams(np.ones(4, np.float32), np.zeros(4, np.float32))
    for groups, axes in ((1, (1, 2)), (4, (1,))):
        y, _ = jit_quickly(pn.group_norm(groups).apply)(params, (), x)
        right = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)
        assert error(y, right) <= 1e-5
