r"""Initializers: `init(key, shape, dtype=jnp.float32) -> array`.

Each name *is* the initializer, `pn.initializers.he_normal`. JAX's are factories,
`jax.nn.initializers.he_normal()`; the functions they return work with purenn, too.

Random weights have mean zero and a variance that keeps signals at the same size from layer to
layer. $n_{in}$ and $n_{out}$ are the numbers of inputs and outputs of the weight, its last two axes
times the size of the kernel. Normal distributions are not truncated, as they are in some libraries.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import DTypeLike

from purenn.core import checks
from purenn.core.sharded import sharded
from purenn.core.types import Key, Shape

__all__ = [
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "ones",
    "sharded",
    "small_normal",
    "zeros",
]


def _fans(name: str, key: Any, shape: Any) -> tuple[float, float]:
    """Return the numbers of inputs and outputs; the axes before the last two are a kernel's."""
    if shape is None:
        raise TypeError(
            f"{name} is the initializer itself, init(key, shape, dtype); pass {name}, not {name}()"
        )
    checks.prng_key(name, key)
    if not isinstance(shape, (tuple, list)):
        raise TypeError(
            f"{name}: shape must be a tuple, (n_in, n_out); got {checks.describe(shape)}"
        )
    if len(shape) < 2:
        raise ValueError(f"{name}: shape must have two axes or more, (n_in, n_out), got {shape}")
    receptive = math.prod(shape[:-2])
    return receptive * shape[-2], receptive * shape[-1]


def _normal(key: Any, shape: Any, dtype: Any, variance: float) -> Array:
    return jax.random.normal(key, shape, dtype) * jnp.asarray(math.sqrt(variance), dtype)


def _uniform(key: Any, shape: Any, dtype: Any, variance: float) -> Array:
    limit = math.sqrt(3 * variance)  # a uniform on ±limit has variance limit² / 3
    return jax.random.uniform(key, shape, dtype, -limit, limit)


def he_normal(
    key: Key | None = None, shape: Shape | None = None, dtype: DTypeLike = jnp.float32
) -> Array:
    r"""Draw normal weights with variance $2 / n_{in}$, made for ReLU.

    This is `randn * sqrt(2 / n_in)`, from [He et al. (2015)][he2015], and the default in `dense`.

    Args:
        key: a PRNG key.
        shape: `(..., n_in, n_out)`.
        dtype: the dtype of the array.

    Returns:
        An array of the given shape and dtype.

    Raises:
        TypeError: if `key` is not a PRNG key, or the initializer is called without arguments.
        ValueError: if `shape` has fewer than two axes.

    Examples:
        >>> import jax
        >>> import purenn as pn
        >>> w = pn.initializers.he_normal(jax.random.key(0), (200, 500))
        >>> print(w.shape, f"{w.std():.2f}")
        (200, 500) 0.10
    """
    n_in, _ = _fans("he_normal", key, shape)
    return _normal(key, shape, dtype, 2 / max(n_in, 1))


def he_uniform(
    key: Key | None = None, shape: Shape | None = None, dtype: DTypeLike = jnp.float32
) -> Array:
    r"""Draw uniform weights with variance $2 / n_{in}$, between $\pm\sqrt{6 / n_{in}}$.

    Args:
        key: a PRNG key.
        shape: `(..., n_in, n_out)`.
        dtype: the dtype of the array.

    Returns:
        An array of the given shape and dtype.

    Raises:
        TypeError: if `key` is not a PRNG key, or the initializer is called without arguments.
        ValueError: if `shape` has fewer than two axes.

    Examples:
        >>> import jax
        >>> import purenn as pn
        >>> w = pn.initializers.he_uniform(jax.random.key(0), (600, 100))
        >>> print(w.shape, f"{abs(w).max():.2f}")
        (600, 100) 0.10
    """
    n_in, _ = _fans("he_uniform", key, shape)
    return _uniform(key, shape, dtype, 2 / max(n_in, 1))


def glorot_normal(
    key: Key | None = None, shape: Shape | None = None, dtype: DTypeLike = jnp.float32
) -> Array:
    r"""Draw normal weights with variance $2 / (n_{in} + n_{out})$, made for tanh.

    This is also called Xavier initialization ([Glorot and Bengio, 2010][glorot2010]).

    Args:
        key: a PRNG key.
        shape: `(..., n_in, n_out)`.
        dtype: the dtype of the array.

    Returns:
        An array of the given shape and dtype.

    Raises:
        TypeError: if `key` is not a PRNG key, or the initializer is called without arguments.
        ValueError: if `shape` has fewer than two axes.

    Examples:
        >>> import jax
        >>> import purenn as pn
        >>> w = pn.initializers.glorot_normal(jax.random.key(0), (150, 50))
        >>> print(w.shape, f"{w.std():.2f}")
        (150, 50) 0.10
    """
    n_in, n_out = _fans("glorot_normal", key, shape)
    return _normal(key, shape, dtype, 2 / max(n_in + n_out, 1))


def glorot_uniform(
    key: Key | None = None, shape: Shape | None = None, dtype: DTypeLike = jnp.float32
) -> Array:
    r"""Draw uniform weights with variance $2 / (n_{in} + n_{out})$, made for tanh.

    They lie between $\pm\sqrt{6 / (n_{in} + n_{out})}$.

    Args:
        key: a PRNG key.
        shape: `(..., n_in, n_out)`.
        dtype: the dtype of the array.

    Returns:
        An array of the given shape and dtype.

    Raises:
        TypeError: if `key` is not a PRNG key, or the initializer is called without arguments.
        ValueError: if `shape` has fewer than two axes.

    Examples:
        >>> import jax
        >>> import purenn as pn
        >>> w = pn.initializers.glorot_uniform(jax.random.key(0), (300, 300))
        >>> print(w.shape, f"{abs(w).max():.2f}")
        (300, 300) 0.10
    """
    n_in, n_out = _fans("glorot_uniform", key, shape)
    return _uniform(key, shape, dtype, 2 / max(n_in + n_out, 1))


def lecun_normal(
    key: Key | None = None, shape: Shape | None = None, dtype: DTypeLike = jnp.float32
) -> Array:
    r"""Draw normal weights with variance $1 / n_{in}$ ([LeCun et al., 1998][lecun1998]).

    Args:
        key: a PRNG key.
        shape: `(..., n_in, n_out)`.
        dtype: the dtype of the array.

    Returns:
        An array of the given shape and dtype.

    Raises:
        TypeError: if `key` is not a PRNG key, or the initializer is called without arguments.
        ValueError: if `shape` has fewer than two axes.

    Examples:
        >>> import jax
        >>> import purenn as pn
        >>> w = pn.initializers.lecun_normal(jax.random.key(0), (100, 400))
        >>> print(w.shape, f"{w.std():.2f}")
        (100, 400) 0.10
    """
    n_in, _ = _fans("lecun_normal", key, shape)
    return _normal(key, shape, dtype, 1 / max(n_in, 1))


def small_normal(
    key: Key | None = None, shape: Shape | None = None, dtype: DTypeLike = jnp.float32
) -> Array:
    """Draw normal numbers with a standard deviation of 0.02: `0.02 * randn`.

    GPT-2 initializes its embedding tables this way.

    Args:
        key: a PRNG key.
        shape: any shape.
        dtype: the dtype of the array.

    Returns:
        An array of the given shape and dtype.

    Raises:
        TypeError: if `key` is not a PRNG key, or the initializer is called without arguments.

    Examples:
        >>> import jax
        >>> import purenn as pn
        >>> w = pn.initializers.small_normal(jax.random.key(0), (500, 200))
        >>> print(w.shape, f"{w.std():.3f}")
        (500, 200) 0.020
    """
    if shape is None:
        raise TypeError(
            "small_normal is the initializer itself, init(key, shape); "
            "pass small_normal, not small_normal()"
        )
    return _normal(checks.prng_key("small_normal", key), shape, dtype, 0.02**2)


def zeros(
    key: Key | None = None, shape: Shape | None = None, dtype: DTypeLike = jnp.float32
) -> Array:
    """Return zeros, for biases. With zero weights, all units of a layer would stay equal forever.

    Args:
        key: not used.
        shape: any shape.
        dtype: the dtype of the array.

    Returns:
        An array of the given shape and dtype.

    Raises:
        TypeError: if the initializer is called without arguments.

    Examples:
        >>> import jax
        >>> import purenn as pn
        >>> print(pn.initializers.zeros(jax.random.key(0), (3,)))
        [0. 0. 0.]
    """
    if shape is None:
        raise TypeError(
            "zeros is the initializer itself, init(key, shape); pass zeros, not zeros()"
        )
    return jnp.zeros(shape, dtype)


def ones(
    key: Key | None = None, shape: Shape | None = None, dtype: DTypeLike = jnp.float32
) -> Array:
    """Return ones, for scales such as gamma.

    Args:
        key: not used.
        shape: any shape.
        dtype: the dtype of the array.

    Returns:
        An array of the given shape and dtype.

    Raises:
        TypeError: if the initializer is called without arguments.

    Examples:
        >>> import jax
        >>> import purenn as pn
        >>> print(pn.initializers.ones(jax.random.key(0), (3,)))
        [1. 1. 1.]
    """
    if shape is None:
        raise TypeError("ones is the initializer itself, init(key, shape); pass ones, not ones()")
    return jnp.ones(shape, dtype)
