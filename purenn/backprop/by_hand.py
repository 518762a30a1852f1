"""`by_hand`: the hand-derived backward pass, installed in JAX."""

from typing import Any, ParamSpec, overload

import jax
import jax.numpy as jnp
from jax import Array
from jax.custom_derivatives import SymbolicZero

from purenn.core import checks
from purenn.core.adapt import reject_factory
from purenn.core.layer import Layer
from purenn.core.op import Op
from purenn.core.padded import Padded, array_of
from purenn.core.sharding import varying_together

P = ParamSpec("P")


@overload
def by_hand(part: Layer) -> Layer: ...
@overload
def by_hand(part: Op[P]) -> Op[P]: ...
def by_hand(part: Any) -> Any:
    """Install the hand-derived backward pass in JAX for `jax.grad` to use.

    This is purenn's way to write your own `custom_vjp`: put `forward` and `backward` into an `Op`
    or a `Layer`, and wrap it. `apply` (for an op, its call) becomes a `jax.custom_vjp`; `forward`
    and `backward` stay the same. `jit`, `vmap`, `scan`, `grad`, and forward-over-reverse
    (`hessian`) work. JAX rejects `jvp` and `jacfwd`, since a `custom_vjp` has no forward mode.

    Where a derivative has no hand-derived formula, JAX still computes it if it is needed: with
    respect to an op's other arguments (soft targets, weights), and with respect to or through a
    layer's `state` (running statistics). Such derivatives are never silently zero.

    Args:
        part: a `Layer` or an `Op`. Layers inside it may already be `by_hand`; this makes no
            difference.

    Returns:
        The same layer or op with the rule installed.

    Raises:
        TypeError: if `part` is anything else, such as a plain function, which has no rule to
            install.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> rounding = pn.Op(
        ...     forward=lambda x: (jnp.round(x), None),
        ...     backward=lambda cache, dy: dy,
        ... )
        >>> print(jax.grad(rounding)(1.7), jax.grad(pn.by_hand(rounding))(1.7))
        0.0 1.0
    """
    if isinstance(part, Op):
        return part.replace(rule=_op_rule)
    if isinstance(part, Layer):
        return part.replace(rule=_layer_rule)
    reject_factory("by_hand", "part", part)
    raise TypeError(
        f"by_hand: part must be a Layer or an Op, got {checks.describe(part)}; "
        f"for a function and its derivative, by_hand(Op(forward=..., backward=...))"
    )


def _op_rule(op: Op[...]) -> Any:
    def apply(x: Any, *arguments: Any, **options: Any) -> Array:
        def plain(x: Any, *arguments: Any) -> Array:
            y: Array = op.forward(x, *arguments, **options)[0]
            return y

        def forward(x: Any, *arguments: Any) -> tuple[Array, Any]:
            asked = _perturbed(arguments)
            x, arguments = _values((x, arguments))
            # The plain forward, so that a second derivative can go through it.
            y, cache = op.forward(x, *arguments, **options)
            return y, (cache, (x, arguments) if asked else None)

        def backward(residual: Any, dy: Any) -> tuple[Any, ...]:
            cache, others = residual
            dy = _instantiate(dy)
            dx = _cotangents(op.backward(cache, dy))
            if others is None:
                return dx, *(None for _ in arguments)
            x, values = others
            _, vjp = jax.vjp(lambda *values: plain(x, *values), *values)
            return dx, *_cotangents(vjp(dy))

        rule = jax.custom_vjp(plain)
        rule.defvjp(forward, backward, symbolic_zeros=True)
        return rule(*varying_together((x, *arguments)))

    return apply


def _layer_rule(layer: Layer) -> Any:
    def apply(
        params: Any, state: Any, x: Any, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any]:
        def plain(params: Any, state: Any, x: Any, key: Any) -> tuple[Array, Any]:
            y, state, _ = layer.forward(params, state, x, train=train, key=key)
            return y, state

        def forward(params: Any, state: Any, x: Any, key: Any) -> tuple[Any, Any]:
            by_state = _perturbed(state)
            params, state, x, key = _values((params, state, x, key))
            y, new_state, cache = layer.forward(params, state, x, train=train, key=key)
            # Only a layer with state can need derivatives that are JAX's.
            inputs = (state, x, key, () if by_state else None) if jax.tree.leaves(state) else None
            return (y, new_state), (params, cache, inputs)

        def backward(residual: Any, cotangents: Any) -> tuple[Any, Any, Any, None]:
            params, cache, inputs = residual
            through_state = inputs is not None and _asked(cotangents[1])
            by_state = inputs is not None and inputs[3] is not None
            dy, dnew_state = _instantiate(cotangents)
            dparams, dx = layer.backward(params, cache, array_of(dy))
            dstate = None
            if through_state or by_state:
                state, given, key, _ = inputs
                _, vjp = jax.vjp(lambda p, s, x: plain(p, s, x, key), params, state, given)
                if by_state:
                    dstate = _cotangents(vjp((dy, dnew_state))[1])
                if through_state:
                    more = vjp((jax.tree.map(_zeros_like, dy), dnew_state))
                    dparams = jax.tree.map(_add, dparams, more[0])
                    dx = dx if dx is None else dx + array_of(more[2])
            of_x: Any = dx
            if dx is not None and isinstance(x, Padded):
                of_x = Padded(dx, None)  # type: ignore[arg-type]  # nothing for the bools
            return _cotangents(dparams), dstate, of_x, None

        rule = jax.custom_vjp(plain)
        rule.defvjp(forward, backward, symbolic_zeros=True)
        params, x = varying_together((params, x), state, key)
        result: tuple[Array, Any] = rule(params, state, x, key)
        return result

    return apply


# With `symbolic_zeros`, the leaves of a rule's arguments have a `value` and a flag `perturbed`, and
# a cotangent that is not needed is a SymbolicZero.


def _values(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf.value, tree)


def _perturbed(tree: Any) -> bool:
    return any(leaf.perturbed for leaf in jax.tree.leaves(tree))


def _is_zero(leaf: Any) -> bool:
    return isinstance(leaf, SymbolicZero)


def _asked(cotangents: Any) -> bool:
    return not all(map(_is_zero, jax.tree.leaves(cotangents, is_leaf=_is_zero)))


def _instantiate(cotangents: Any) -> Any:
    def leaf(c: Any) -> Any:
        return jnp.zeros(c.shape, c.dtype) if _is_zero(c) else c

    return jax.tree.map(leaf, cotangents, is_leaf=_is_zero)


def _is_float0(c: Any) -> bool:
    return bool(c.dtype == jax.dtypes.float0)


def _zeros_like(c: Any) -> Any:
    return c if _is_float0(c) else jnp.zeros_like(c)


def _add(a: Array, b: Any) -> Array:
    return a if _is_float0(b) else a + b


def _cotangents(tree: Any) -> Any:
    """Return cotangents with None, which custom_vjp treats as zero, for integers."""
    return jax.tree.map(lambda c: None if _is_float0(c) or not checks.is_float(c) else c, tree)
