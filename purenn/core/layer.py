"""`Layer` and `Op`: values that hold pure functions.

    Layer:  init(key, in_shape) -> (params, state)
            forward(params, state, x, *, train=False, key=None) -> (y, state, cache)
            backward(params, cache, dy) -> (dparams, dx)
            apply(params, state, x, *, train=False, key=None) -> (y, state)

    Op:     op(x, ...) -> y
            forward(x, ...) -> (y, cache)
            backward(cache, dy) -> dx

The functions in a layer's own file are only the maths: what every layer must refuse or convert is
put around them when the layer is made (`core/doors.py`).
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from purenn.core import checks
from purenn.core.doors import LAYER_DOORS, OP_DOORS, behind_door, to_jax
from purenn.core.doors import Fn as Fn


class Notation(NamedTuple):
    """How a part is written in `summary` and `explain`; `{x}`, `{dy}`, `{w}` … are filled in.

    A formula must hold whatever the part's options are; `{negative_slope}` is the value of one.
    """

    symbol: str = "A"  # of its output; Z begins a new layer number
    y: str = ""  # the right-hand side of the output's line
    dx: str = ""
    dparams: tuple[str, ...] = ()  # one for each leaf of the parameters
    link: Any = None  # of a logits loss: the op that makes them probabilities
    note: str = ""  # what `explain` says behind each of its formulas
    evaluated: Any = None  # the notation with train=False, where it is another


PLAIN = Notation()


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer: `init`, `forward` and `backward`, and `apply`, which is `forward` less the cache.

    Compared and hashed by identity, so that it can be a static argument; it is no pytree.

    Attributes:
        init: `(key, in_shape) -> (params, state)`; `in_shape` is one example's, without batch.
        forward: `(params, state, x, *, train=False, key=None) -> (y, state, cache)`.
        backward: `(params, cache, dy) -> (dparams, dx)`, derived by hand.
        apply: `forward` without the cache, unless given: ordinary JAX code.
        name: for error messages, `summary` and `explain`.
        takes: which dtypes `x` may have: "float", "integer" or "any".
        parts: the layers that this one applies one after the other, if that is all it does.
        notation: how `summary` and `explain` write it.
        by_jax: whether its derivative is left to `jax.vjp` (a plain function).
        inner: the layers that it applies to `x` in any other way, as `residual` does one; `summary`
            shows them beneath it.
        flops: `(params, x, y) -> int`, for `summary`: the operations of one example's forward, told
            from shapes; of what `inner` does, nothing. One for each value of `y` unless given.

    Examples:
        >>> import purenn as pn
        >>> double = pn.Layer(
        ...     init=lambda key, in_shape: ((), ()),
        ...     forward=lambda params, state, x, *, train=False, key=None: (2 * x, state, None),
        ...     backward=lambda params, cache, dy: ((), 2 * dy),
        ...     name="double",
        ... )
        >>> pn.check_gradients(double, in_shape=(3,)).ok
        True
    """

    init: Fn
    forward: Fn
    backward: Fn
    apply: Fn = None  # type: ignore[assignment]
    name: str = "layer"
    takes: Literal["float", "integer", "any"] = "float"
    parts: tuple["Layer", ...] = ()
    notation: Notation = PLAIN
    by_jax: bool = False
    inner: tuple["Layer", ...] = ()
    flops: Fn | None = None

    def __post_init__(self) -> None:
        """Put the checks around the functions."""
        for name in ("init", "forward", "backward"):
            plain = checks.function("Layer", name, getattr(self, name))
            object.__setattr__(self, name, behind_door(LAYER_DOORS[name], self, plain))
        if self.apply is None or hasattr(self.apply, "less_cache"):
            object.__setattr__(self, "apply", _without_cache(self.forward))
        apply = checks.function("Layer", "apply", self.apply)
        object.__setattr__(self, "apply", behind_door(LAYER_DOORS["apply"], self, apply))
        checks.one_of("Layer", "takes", self.takes, ("float", "integer", "any"))
        if not isinstance(self.inner, tuple) or not all(isinstance(x, Layer) for x in self.inner):
            raise TypeError(
                f"Layer: inner must be a tuple of layers, got {checks.describe(self.inner)}"
            )
        if self.flops is not None:
            checks.function("Layer", "flops", self.flops)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Refuse the call that users of other libraries try first."""
        raise TypeError(
            f"{self.name}: a layer is not called: y, state = layer.apply(params, state, x)"
        )

    @property
    def first(self) -> "Layer":
        """The innermost layer that `x` reaches first: the one that decides on its dtype."""
        return self.parts[0].first if self.parts else self

    def __repr__(self) -> str:
        """The layer's name."""
        return self.name


@dataclass(frozen=True, eq=False)
class Op:
    """A function with a hand-derived derivative by its first argument.

    Arrays go by position; options are keyword-only and static. Compared and hashed by identity.

    Attributes:
        forward: `(x, ...) -> (y, cache)`.
        backward: `(cache, dy) -> dx`, derived by hand.
        apply: what calling the op does: `forward` without the cache, unless given.
        name: for error messages, `summary` and `explain`.
        takes: "float" for an array, "tree" for a pytree (a penalty of the parameters).
        of_classes: whether integer targets are classes, columns of the predictions.
        of_fractions: whether targets are numbers in 0 … 1.
        notation: how `summary` and `explain` write it.
        by_jax: whether its derivative is left to `jax.vjp` (a plain function).
        flops: `(x, y) -> int`, for `summary`, as a layer's.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> square = pn.Op(
        ...     forward=lambda x: (x * x, x), backward=lambda x, dy: 2 * x * dy, name="square"
        ... )
        >>> print(square(jnp.array([3.0])), pn.check_gradients(square, jnp.array([3.0])).ok)
        [9.] True
    """

    forward: Fn
    backward: Fn
    apply: Fn = None  # type: ignore[assignment]
    name: str = "op"
    takes: Literal["float", "tree"] = "float"
    notation: Notation = PLAIN
    by_jax: bool = False
    of_classes: bool = False
    of_fractions: bool = False
    flops: Fn | None = None

    def __post_init__(self) -> None:
        """Put the checks around the functions."""
        for name in ("forward", "backward"):
            plain = checks.function("Op", name, getattr(self, name))
            object.__setattr__(self, name, behind_door(OP_DOORS[name], self, plain))
        object.__setattr__(self, "__doc__", self.forward.__doc__)
        if self.apply is None or hasattr(self.apply, "less_cache"):
            object.__setattr__(self, "apply", _without_cache(self.forward))
        checks.function("Op", "apply", self.apply)
        checks.one_of("Op", "takes", self.takes, ("float", "tree"))
        if self.flops is not None:
            checks.function("Op", "flops", self.flops)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """The value at the first argument: plain JAX code, differentiable in every mode."""
        if not arguments:
            raise TypeError(
                f"{self.name}: x is missing. Arrays go by position, {self.name}(x); where a "
                f"function is expected, pass {self.name} itself, not {self.name}()"
            )
        return self.apply(*to_jax(arguments), **options)

    def __repr__(self) -> str:
        """The op's name."""
        return self.name


def no_parameters(key: Any, in_shape: tuple[int, ...]) -> tuple[tuple[()], tuple[()]]:
    """The `init` of a layer that has neither parameters nor state."""
    return (), ()


def no_flops(params: Any, x: Any, y: Any) -> int:
    """The `flops` of a layer that moves values and computes nothing with them."""
    return 0


def _without_cache(forward: Fn) -> Fn:
    def apply(*arguments: Any, **options: Any) -> Any:
        result = forward(*arguments, **options)[:-1]
        return result if len(result) > 1 else result[0]

    apply.less_cache = True  # type: ignore[attr-defined] # made anew with another forward
    return apply
