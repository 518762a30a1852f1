r"""Initializers: `init(key, shape, dtype=jnp.float32) -> array`.

Each name *is* the initializer, `pn.initializers.he_normal`. JAX's are factories,
`jax.nn.initializers.he_normal()`; what they return fits wherever purenn takes an initializer.

The random ones draw weights with mean zero and a variance that keeps the size of the signal from
layer to layer. With $n_{in}$ inputs and $n_{out}$ outputs of a weight matrix:

| name | variance | made for |
|---|---|---|
| `he_normal`, `he_uniform` | $2 / n_{in}$ | ReLU, which drops half of the signal |
| `glorot_normal`, `glorot_uniform` | $2 / (n_{in} + n_{out})$ | tanh; both directions at once |
| `lecun_normal` | $1 / n_{in}$ | what some texts call Xavier's |
| `small_normal` | $0.02^2$ | tables of embeddings, as in GPT-2 |

Normal means normal, not truncated at two standard deviations as in some libraries.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.sharding import AxisType, PartitionSpec
from jax.typing import DTypeLike

from purenn.core import checks
from purenn.core.signatures import misfit, signature_of
from purenn.core.types import Initializer, Key, Shape

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
    """Return the inputs and outputs of a weight; the axes before the last two are a kernel's."""
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
    r"""Draw normal numbers with variance $2 / n_{in}$ (He et al. 2015): `randn * sqrt(2 / n_in)`.

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
    r"""Draw uniform numbers with variance $2 / n_{in}$: on $\pm\sqrt{6 / n_{in}}$.

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
    r"""Draw normal numbers with variance $2 / (n_{in} + n_{out})$ (Glorot and Bengio 2010).

    It is also called Xavier initialization.

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
    r"""Draw uniform numbers with variance $2 / (n_{in} + n_{out})$.

    They lie in $\pm\sqrt{6 / (n_{in} + n_{out})}$.

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
    r"""Draw normal numbers with variance $1 / n_{in}$ (LeCun 1998), in some texts called Xavier.

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
    """Draw normal numbers with a standard deviation of 0.02, of any shape: `0.02 * randn`.

    GPT-2 draws the tables of its embeddings like this.

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
    """Return zeros, for a bias. With weights of zero, all units of a layer stay alike forever.

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
    """Return ones, for a scale.

    Examples:
        >>> import jax
        >>> import purenn as pn
        >>> print(pn.initializers.ones(jax.random.key(0), (3,)))
        [1. 1. 1.]
    """
    if shape is None:
        raise TypeError("ones is the initializer itself, init(key, shape); pass ones, not ones()")
    return jnp.ones(shape, dtype)


def sharded(initializer: Initializer, spec: PartitionSpec) -> Initializer:
    """Make an initializer whose array is sharded: the weights of one layer on several devices.

    The mesh is that of `fit` or of `jax.set_mesh`; without one, nothing changes. The numbers are
    those of `initializer`, however many devices there are.

    Args:
        initializer: purenn's or JAX's.
        spec: a `jax.sharding.PartitionSpec`: for each axis of the array, the name of the mesh axis
            that it is sharded along, or `None`.

    Examples:
        >>> import jax
        >>> from jax.sharding import PartitionSpec as P
        >>> import purenn as pn
        >>> w_init = pn.initializers.sharded(pn.initializers.he_normal, P(None, "model"))
        >>> layer = pn.dense(4, w_init=w_init)  # each device computes some of the units
        >>> with jax.set_mesh(jax.make_mesh((1,), ("model",))):
        ...     params, state = layer.init(jax.random.key(0), in_shape=(3,))
        >>> print(params.w.sharding.spec)
        P(None, 'model')
    """
    checks.function("sharded", "initializer", initializer)
    if not isinstance(spec, PartitionSpec):
        raise TypeError(
            f"sharded: spec must be a jax.sharding.PartitionSpec, got {checks.describe(spec)}"
        )

    def init(key: Any, shape: Any, dtype: Any = jnp.float32) -> Array:
        value = initializer(key, shape, dtype)
        mesh = jax.sharding.get_abstract_mesh()
        if mesh.empty:
            return value
        if len(spec) > len(shape):
            raise ValueError(f"sharded: spec is {spec}, for an array of shape {shape}")
        for length, names in zip(shape, map(_names, spec), strict=False):
            if not set(names) <= set(mesh.axis_names):
                raise ValueError(
                    f"sharded: spec is {spec}, expected axes of the mesh, {mesh.axis_names}"
                )
            devices = math.prod(mesh.shape[name] for name in names)
            if length % devices:
                raise ValueError(
                    f"sharded: spec is {spec} and the array's shape {shape}; expected {length} to "
                    f"be a multiple of the {devices} devices along {', '.join(names)}"
                )
        if AxisType.Explicit in mesh.axis_types:  # a part of the array's type
            return jax.sharding.reshard(value, spec)
        return jax.lax.with_sharding_constraint(value, spec)

    return init


def _names(part: Any) -> tuple[str, ...]:
    """Return the mesh axes that one axis of an array is sharded along."""
    return () if part is None else (part,) if isinstance(part, str) else tuple(part)


def draw(where: str, name: str, initializer: Initializer, key: Key, shape: Shape) -> Array:
    """Call an initializer, purenn's or JAX's, and reject anything but an array of that shape."""
    checks.function(where, name, initializer)
    made = getattr(initializer, "__name__", "it")
    expected = f"{where}: {name} must be an initializer, init(key, shape, dtype) -> array; {made} "
    signature = signature_of(initializer)
    parameters = list(signature.parameters) if signature else []
    if parameters[:1] == ["shape"]:  # jnp.zeros, jnp.ones, jnp.empty, jnp.full
        ours = f"pn.initializers.{made}" if made in __all__ else "one of pn.initializers"
        raise TypeError(f"{expected}takes a shape first, and no key; pass {ours}")
    if "dtype" in parameters and "shape" not in parameters:  # as JAX's factories
        raise TypeError(f"{expected}is a factory: call it first, {made}(…)")
    error = misfit(initializer, (key, shape, jnp.float32))
    if error:
        raise TypeError(f"{expected}can't be called like this: {error}")
    value: Any = initializer(key, shape, jnp.float32)
    if callable(value):
        raise TypeError(f"{expected}returned a function: call it first, {made}()")
    value = checks.float_array(where, f"{name}'s result", value)
    if value.shape != shape:
        raise ValueError(f"{where}: {name} returned shape {value.shape}, expected {shape}")
    return value
