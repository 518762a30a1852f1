"""Initializers: their distributions, and the mix-ups with JAX's factories."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import purenn as pn

KEY = jax.random.key(0)
N_IN, N_OUT = 300, 200
RANDOM = {
    "he_normal": 2 / N_IN,
    "he_uniform": 2 / N_IN,
    "glorot_normal": 2 / (N_IN + N_OUT),
    "glorot_uniform": 2 / (N_IN + N_OUT),
    "lecun_normal": 1 / N_IN,
    "small_normal": 0.02**2,
}
NORMAL = [name for name in RANDOM if "normal" in name]
UNIFORM = [name for name in RANDOM if "uniform" in name]
EVERY = [*RANDOM, "zeros", "ones"]


def draw(name, shape=(N_IN, N_OUT), dtype=jnp.float32):
    return getattr(pn.initializers, name)(KEY, shape, dtype)


@pytest.mark.parametrize("name", RANDOM)
def test_mean_and_variance_are_the_formula_s(name):
    w = np.asarray(draw(name), np.float64)
    variance, n = RANDOM[name], w.size
    assert abs(w.mean()) < 4 * np.sqrt(variance / n)  # four standard errors
    kurtosis = 3 if name in NORMAL else 9 / 5
    assert abs(w.var() / variance - 1) < 4 * np.sqrt((kurtosis - 1) / n)


@pytest.mark.parametrize("name", NORMAL)
def test_normal_is_normal_not_truncated(name):
    z = np.abs(np.asarray(draw(name))) / np.sqrt(RANDOM[name])
    for bound, share in ((1, 0.31731), (2, 0.04550), (2.5, 0.01242), (3, 0.00270)):
        assert abs((z > bound).mean() - share) < 4 * np.sqrt(share / z.size)


@pytest.mark.parametrize("name", UNIFORM)
def test_uniform_fills_its_bounds_and_keeps_to_them(name):
    limit = np.sqrt(3 * RANDOM[name])
    w = np.asarray(draw(name))
    assert np.abs(w).max() <= limit * (1 + 1e-6)
    np.testing.assert_allclose([w.min(), w.max()], [-limit, limit], rtol=1e-3)


@pytest.mark.parametrize("name", ["he_normal", "glorot_uniform"])
def test_a_kernel_counts_its_window_among_its_inputs(name):
    kernel = draw(name, (3, 5, 40, 60))
    n_in, n_out = 15 * 40, 15 * 60
    expected = {"he_normal": 2 / n_in, "glorot_uniform": 2 / (n_in + n_out)}[name]
    assert abs(np.var(kernel) / expected - 1) < 4 * np.sqrt(2 / kernel.size)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("name", EVERY)
def test_shape_and_dtype_are_those_asked_for_and_the_key_decides(name, dtype):
    w = draw(name, (3, 4), dtype)
    assert (w.shape, w.dtype) == ((3, 4), dtype)
    np.testing.assert_array_equal(w, draw(name, (3, 4), dtype))
    other = getattr(pn.initializers, name)(jax.random.key(1), (3, 4), dtype)
    assert bool((w == other).all()) == (name not in RANDOM)


def test_zeros_and_ones_are_what_they_say():
    np.testing.assert_array_equal(draw("zeros", (3,)), np.zeros(3))
    np.testing.assert_array_equal(draw("ones", (3,)), np.ones(3))


# Where purenn asks for one.

JAX = jax.nn.initializers


def w_of(**initializers):
    return pn.dense(4, **initializers).init(KEY, (3,))[0].w


@pytest.mark.parametrize(
    "theirs",
    [JAX.he_normal(), JAX.glorot_uniform(), JAX.orthogonal(), JAX.normal(0.1), JAX.zeros],
)
def test_an_initializer_of_jax_fits(theirs):
    w = w_of(w_init=theirs)
    w_key, _ = jax.random.split(KEY)
    np.testing.assert_array_equal(w, theirs(w_key, (3, 4), jnp.float32))


@pytest.mark.parametrize("name", EVERY)
def test_called_with_nothing_it_says_that_it_is_the_initializer_itself(name):
    with pytest.raises(TypeError, match=rf"{name} is the init.*pass {name}, not {name}\(\)"):
        getattr(pn.initializers, name)()


@pytest.mark.parametrize("factory", ["he_normal", "orthogonal", "constant", "variance_scaling"])
def test_a_factory_of_jax_that_was_not_called_is_named_with_the_fix(factory):
    says = rf"dense\(4\): w_init must be an initializer.*{factory} is a factory: call it first"
    with pytest.raises(TypeError, match=says):
        w_of(w_init=getattr(JAX, factory))


@pytest.mark.parametrize(
    ("initializer", "kind", "says"),
    [
        (lambda key, shape, dtype: jnp.zeros(shape[::-1], dtype), ValueError, r"shape \(4, 3\)"),
        (lambda key, shape, dtype: jnp.zeros((), dtype), ValueError, r"shape \(\), expected \(3"),
        (lambda key, shape, dtype: 0.1, TypeError, "w_init's result must be an array, got 0.1"),
        (lambda key, shape, dtype: [[0.0] * 4] * 3, TypeError, "must be an array, got a list"),
        (lambda key, shape, dtype: None, TypeError, "w_init's result must be an array, got None"),
        (lambda scale=1.0: pn.initializers.zeros, TypeError, "too many positional arguments"),
        (lambda *arguments: pn.initializers.zeros, TypeError, "a function: call it first"),
        (lambda key, shape: jnp.zeros(shape), TypeError, "like this: too many positional"),
        (lambda key, shape, dtype: jnp.zeros(shape, int), TypeError, "must be floating point"),
        (0.1, TypeError, "w_init must be a function, got 0.1"),
        (np.zeros((3, 4)), TypeError, r"w_init must be a function, got float64\(3, 4\)"),
    ],
)
def test_anything_but_an_array_of_the_shape_asked_for_is_rejected(initializer, kind, says):
    with pytest.raises(kind, match=says):
        w_of(w_init=initializer)


def test_an_error_of_the_initializer_s_own_is_passed_on():
    def broken(key, shape, dtype):
        return jnp.zeros(shape, dtype) + "a"

    with pytest.raises(TypeError, match="str") as caught:
        w_of(w_init=broken)
    assert "broken" in [entry.name for entry in caught.traceback]  # where it was raised


@pytest.mark.parametrize("name", [name for name in RANDOM if name != "small_normal"])
def test_a_bias_is_no_place_for_an_initializer_that_needs_two_axes(name):
    with pytest.raises(ValueError, match=rf"{name}: shape must have two axes .* got \(4,\)"):
        w_of(b_init=getattr(pn.initializers, name))
