"""`parallel`: several layers applied to the same input."""

from typing import Any, NamedTuple

import jax
from jax import Array

from purenn.core import checks
from purenn.core.adapt import as_layer
from purenn.core.layer import Layer
from purenn.core.located import inside
from purenn.core.notation import Notation
from purenn.core.padded import Padded, array_of
from purenn.core.split_key import split_key
from purenn.core.types import Fn, ModelLike
from purenn.layers.as_dtype import as_dtype
from purenn.layers.combine import WAYS, added, combined, notation_of, shares
from purenn.layers.serial import out_shape
from purenn.layers.stepwise import stepwise


class _Saved(NamedTuple):
    caches: tuple[Any, ...]
    ys: tuple[Array, ...]  # the layers' outputs, for a product; otherwise empty


def parallel(*layers: ModelLike, combine: str = "sum") -> Layer:
    r"""Apply several layers to the same input and combine their outputs $y_i = f_i(x)$.

    $$\text{sum:}\quad y = \sum_i y_i, \qquad dy_i = dy$$

    $$\text{product:}\quad y = \prod_i y_i, \qquad dy_i = dy \prod_{j \ne i} y_j$$

    $$\text{concat:}\quad y = [y_1, \dots, y_n], \qquad
      dy_i = \text{the columns of } dy \text{ that are those of } y_i \text{ in } y$$

    $x$ affects $y$ through every layer, so $dx = \sum_i dx_i$. The product of all outputs except
    $y_i$ is computed from the outputs before and after it, without a division, so $y_i$ may be 0.
    If a product overflows its dtype, it is infinite, and $0 \cdot \infty$ is NaN.

    An empty `serial()` is the identity, so `parallel(serial(), layer)` equals `residual(layer)`. In
    stax, the combination of `FanOut`, `parallel`, and `FanInSum` or `FanInConcat` does the same.

    Args:
        *layers: layers, ops, or functions, at least one.
        combine: "sum" (the default) or "product", elementwise, for outputs of the same shape; or
            "concat", along the last axis, for outputs whose other axes match. Nothing is broadcast.

    Returns:
        A layer whose parameters and state are tuples with one entry per layer. Layer `i` receives
        the key `fold_in(key, i)`. The cache holds the layers' caches and, for a product, their
        outputs.

    Raises:
        TypeError: if a layer is not one of these, or outputs have different dtypes.
        ValueError: if there are no layers, `combine` is none of these words, or, at `init` or
            `forward`, the shapes of the outputs do not fit together.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> layer = pn.parallel(pn.serial(), pn.relu, combine="concat")
        >>> y, state, cache = layer.forward(((), ()), ((), ()), jnp.array([[-1.0, 2.0]]))
        >>> _, dx = layer.backward(((), ()), cache, jnp.array([[1.0, 2.0, 3.0, 4.0]]))
        >>> print(y, dx)
        [[-1.  2.  0.  2.]] [[1. 6.]]
    """
    checks.one_of("parallel", "combine", combine, WAYS)
    if not layers:
        raise ValueError("parallel: expected at least one layer, got none")
    named = {f"layer {i}": layer for i, layer in enumerate(layers)}
    made = {label: as_layer("parallel", label, layer) for label, layer in named.items()}
    return branches(
        "parallel",
        made,
        combine,
        notation_of(combine, len(layers)),
        remade=lambda make: parallel(*map(make, made.values()), combine=combine),
    )


def branches(
    name: str, named: dict[str, Layer], combine: str, notation: Notation, remade: Fn
) -> Layer:
    """Return the layer of `parallel`.

    Args:
        name: of the layer.
        named: the layers inside, by what error messages call them.
        combine: "sum", "product", or "concat".
        notation: of the layer.
        remade: `(make) -> layer`, which makes the layer again of `make(layer)` for each inside.
    """
    labels, layers = tuple(named), tuple(named.values())
    count = len(layers)

    def place(i: int) -> inside:
        return inside(layers[i].name, f"{labels[i]}: ")

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        params, state, shapes = [], [], []
        for i, own_key in enumerate(split_key(name, key, count)):
            with place(i):
                own_params, own_state = layers[i].init(own_key, in_shape)
                shapes.append(out_shape(layers[i], own_params, own_state, in_shape))
            params.append(own_params)
            state.append(own_state)
        agree(in_shape, shapes)
        return tuple(params), tuple(state)

    def forward(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, _Saved]:
        ys, state, caches = each("forward", params, state, x, train, key)
        kept = tuple(map(array_of, ys)) if combine == "product" else ()
        return together(x, ys), state, _Saved(caches, kept)

    def backward(params: Any, saved: _Saved, dy: Array) -> tuple[tuple[Any, ...], Array | None]:
        check(params, "params")
        like = [jax.ShapeDtypeStruct(cache.y_shape, cache.y_dtype) for cache in saved.caches]
        dys = shares(combine, dy, saved.ys or like)
        dparams, dxs = [], []
        for i in range(count):
            with place(i):
                own_dparams, dx = layers[i].backward(params[i], saved.caches[i], dys[i])
            dparams.append(own_dparams)
            dxs.append(dx)
        found = [dx for dx in dxs if dx is not None]
        return tuple(dparams), added(found) if found else None

    def apply(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any]:
        ys, state, _ = each("apply", params, state, x, train, key)
        return together(x, ys), state

    def each(
        method: str, params: Any, state: Any, x: Array, train: bool, key: Any
    ) -> tuple[list[Array], tuple[Any, ...], tuple[Any, ...]]:
        """Run each layer's forward, or apply, which has no cache."""
        check(params, "params")
        check(state, "state")
        ys, new_state, caches = [], [], []
        for i, own_key in enumerate(split_key(name, key, count)):
            with place(i):
                call = getattr(layers[i], method)
                y, own_state, *cache = call(params[i], state[i], x, train=train, key=own_key)
            ys.append(y)
            new_state.append(own_state)
            caches += cache
        return ys, tuple(new_state), tuple(caches)

    def together(x: Any, outputs: list[Any]) -> Any:
        ys = [*map(array_of, outputs)]
        agree(array_of(x).shape, [y.shape for y in ys])
        for label, y in zip(labels[1:], ys[1:], strict=True):
            checks.same_dtype(name, f"the output of {label}", y, f"that of {labels[0]}", ys[0])
        valid = [y.valid for y in outputs if isinstance(y, Padded)]
        return Padded(combined(combine, ys), valid[0]) if valid else combined(combine, ys)

    def agree(before: tuple[int, ...], after: list[tuple[int, ...]]) -> None:
        end = len(after[0]) - (combine == "concat")
        expected = "the same shape" + ", except for the last axis" * (combine == "concat")
        for i, shape in enumerate(after):
            if len(shape) != len(after[0]) or shape[:end] != after[0][:end] or end < 0:
                raise ValueError(
                    f"{name}: {labels[0]}, {layers[0].name}, turns {before} into {after[0]}, and "
                    f"{labels[i]}, {layers[i].name}, into {shape}; "
                    f"expected {expected} (nothing is broadcast)"
                )

    def check(tree: Any, what: str) -> None:
        checks.entries(name, what, tree, count)

    def flops(params: Any, x: Any, y: Any) -> int:
        return 0 if combine == "concat" else (count - 1) * int(y.size)

    def in_steps(batch: int, length: int) -> Layer:
        read = {}
        for i, layer in enumerate(layers):
            with place(i):
                read[layer] = stepwise(layer, batch=batch, length=length)
        return remade(read.__getitem__)

    takes = [layer.first.takes for layer in layers if layer.first.takes != "any"]
    return Layer(
        init,
        forward,
        backward,
        apply,
        name,
        takes[0] if takes else "any",
        notation=notation,
        by_jax=any(layer.by_jax for layer in layers),
        inner=layers,
        flops=flops,
        in_dtype=lambda dtype: remade(lambda layer: as_dtype(layer, dtype)),
        padded="uses",
        stepwise=in_steps,
    )
