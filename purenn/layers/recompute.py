"""`recompute`: a layer that caches only its input and recomputes the rest in the backward pass."""

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from purenn.core.adapt import as_layer
from purenn.core.functions import no_flops
from purenn.core.layer import Layer
from purenn.core.located import inside
from purenn.core.notation import PASSED_ON, Notation
from purenn.core.padded import array_of, padded_like
from purenn.core.sharding import spec_of
from purenn.core.types import ModelLike
from purenn.layers.as_dtype import as_dtype
from purenn.layers.stepwise import stepwise


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Saved:
    x: Any  # an array, or Padded
    state: Any
    key: Any
    train: bool = field(metadata={"static": True})


def recompute(layer: ModelLike) -> Layer:
    """Reduce a layer's cache to `x`, `state`, and `key`, trading time for memory.

    The backward pass first runs the layer's forward pass again, then its backward pass. This
    technique is called gradient checkpointing ([Chen et al., 2016][chen2016]). Use it where
    activations are large and cheap to compute, as between two dense layers or convolutions. Let
    each block *end* with its dense layer. That layer's product is then not recomputed, since its
    derivatives need only its input. For example,

        recompute(serial(batch_norm(), gelu, dropout(0.1), dense(512)))

    keeps one array per block, where the layers without `recompute` keep two. A step of eight such
    blocks at batch 4096 takes 105 MiB of temporary memory instead of 153 MiB, in the same time.
    Blocks that *begin* with the dense layer take 97 MiB, with a third more products. Wrapping an
    entire model in `recompute` saves nothing, since the backward pass then has all activations in
    memory again.

    Args:
        layer: a layer, op, or function.

    Returns:
        A layer with the same parameters, state, outputs, and derivatives as `layer`, whose cache is
        `(x, state, key)`.

    Raises:
        TypeError: if `layer` is not one of these.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> block = pn.serial(pn.gelu, pn.dense(512))
        >>> params, state = block.init(jax.random.key(0), in_shape=(512,))
        >>> def floats(layer):
        ...     cache = layer.forward(params, state, jnp.zeros((64, 512)))[2]
        ...     return sum(leaf.size for leaf in jax.tree.leaves(cache))
        >>> floats(block), floats(pn.recompute(block))
        (65536, 32768)
    """
    inner = as_layer("recompute", "layer", layer)

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[Any, Any]:
        with inside(inner.name):
            params, state = inner.init(key, in_shape)
        return params, state

    def forward(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, _Saved]:
        with inside(inner.name):
            y, new_state, _ = inner.forward(params, state, x, train=train, key=key)
        return y, new_state, _Saved(x, state, key, train)

    def backward(params: Any, saved: _Saved, dy: Array) -> tuple[Any, Array | None]:
        x = padded_like(saved.x, _once_known(dy, array_of(saved.x)))
        with inside(inner.name):
            _, _, cache = inner.forward(params, saved.state, x, train=saved.train, key=saved.key)
            dparams, dx = inner.backward(params, cache, dy)
        return dparams, dx

    def apply(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any]:
        with inside(inner.name):
            y, state = inner.apply(params, state, x, train=train, key=key)
        return y, state

    def in_steps(batch: int, length: int) -> Layer:
        with inside(inner.name):
            return stepwise(inner, batch=batch, length=length)

    takes, by_jax = inner.first.takes, inner.by_jax
    notation = Notation("R", "{inner[0]}", "{inner_dx[0]}", inner_dy=(PASSED_ON,))
    return Layer(
        init,
        forward,
        backward,
        apply,
        "recompute",
        takes,
        notation=notation,
        by_jax=by_jax,
        inner=(inner,),
        flops=no_flops,
        in_dtype=lambda dtype: recompute(as_dtype(inner, dtype)),
        padded="uses",
        stepwise=in_steps,
    )


def _once_known(dy: Array, x: Array) -> Array:
    """Return `x` so that nothing is computed from it before `dy` is known.

    The barrier keeps XLA from merging the second forward pass with the first. On jax 0.10, the
    barrier is removed before XLA:CPU orders the work. Without the selection between `x` and `x`,
    both forward passes would then run at the same time and take 153 MiB instead of 105 MiB in the
    example above. The selection is per example, so no device waits for another.
    """

    def selected(dy: Array, x: Array) -> Array:
        # One number per example; if the type says that an axis is sharded, all numbers along it.
        first = dy[:, *(slice(1) if axis is None else slice(None) for axis in spec_of(dy)[1:])]
        known = jnp.sum(first, axis=range(1, dy.ndim)) == 0
        known = known.reshape(-1, *(1 for _ in x.shape[1:]))
        one, other, known = lax.optimization_barrier((x, x, known))
        return jnp.where(known, one, other)

    def behind_barrier(dy: Array, x: Array) -> Array:
        return lax.optimization_barrier((dy, x))[1]

    return lax.platform_dependent(dy, x, cpu=selected, default=behind_barrier)
