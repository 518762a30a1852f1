"""`Op`: a function with a hand-derived derivative with respect to its first argument.

    op(x, ...) -> y
    op.forward(x, ...) -> (y, cache)
    op.backward(cache, dy) -> dx

The methods check and convert their arguments, then call the plain functions of the op, which
contain only the mathematics.
"""

import inspect
from collections.abc import Callable
from typing import Any, Generic, Literal, ParamSpec

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core import checks, signatures
from purenn.core.cache import cotangent, make_cache, returned, to_jax
from purenn.core.functions import OpFunctions
from purenn.core.located import calling
from purenn.core.notation import PLAIN, Notation
from purenn.core.types import Cache, Fn
from purenn.core.value import Value

P = ParamSpec("P")


class Op(Value, Generic[P]):
    """A function with a hand-derived derivative with respect to its first argument.

    `op(x)`, `forward`, and `backward` check their arguments and then call the plain functions the
    op was made from. Pass arrays by position; options are keyword-only and static. An op is
    immutable. It is compared and hashed by identity, so it can be a static argument; it is not a
    pytree.

    Attributes:
        functions: the plain functions, without checks, such as `functions.backward`. The other
            arguments are available as attributes of the same names.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> square = pn.Op(
        ...     forward=lambda x: (x * x, x), backward=lambda x, dy: 2 * x * dy, name="square"
        ... )
        >>> print(square(jnp.array([3.0])), pn.check_gradients(square, jnp.array([3.0])).ok)
        [9.] True
    """

    functions: OpFunctions
    takes: Literal["float", "tree"]
    notation: Notation
    by_jax: bool
    of_classes: bool
    of_fractions: bool
    weighted: bool
    flops: Fn | None
    rule: Callable[["Op[Any]"], Fn] | None
    padded: Literal["rejects", "ignores"]

    def __init__(
        self,
        forward: Callable[P, tuple[Any, Any]],
        backward: Callable[[Any, Any], Any],
        apply: Callable[P, Any] | None = None,
        name: str = "op",
        takes: Literal["float", "tree"] = "float",
        notation: Notation = PLAIN,
        by_jax: bool = False,
        of_classes: bool = False,
        of_fractions: bool = False,
        weighted: bool = False,
        flops: Fn | None = None,
        rule: Callable[["Op[Any]"], Fn] | None = None,
        padded: Literal["rejects", "ignores"] = "rejects",
    ) -> None:
        """Make an op from plain functions.

        Args: What you write for your own op
            forward: `(x, ...) -> (y, cache)`; the cache holds the values that `backward` needs.
            backward: `(cache, dy) -> dx`, derived by hand.
            name: the name in error messages, `summary`, and `explain`.

        Args: Optional
            apply: `(x, ...) -> y`, which runs when you call the op. The default is `forward`
                without the cache.
            takes: "float" for an array, "tree" for a pytree, as in a penalty on the parameters.
            padded: "ignores" if the op treats each element or each row of the last axis
                independently, so that a model that contains it accepts a `Padded`; otherwise
                "rejects".
            notation: the formulas that `summary` and `explain` show, a
                `purenn.core.notation.Notation`.
            flops: `(x, y) -> int`, for `summary`, as for a layer.

        Args: For a loss
            of_classes: for a loss, whether integer targets are classes, that is, columns of the
                predictions.
            of_fractions: for a loss, whether targets are numbers between 0 and 1.
            weighted: for a loss, whether an optional third array gives weights to examples or
                elements.

        Args: What purenn sets
            by_jax: whether `jax.vjp` computes the derivative, as for a plain function.
            rule: `(op) -> apply`, which installs the hand-derived rule in JAX; see `by_hand`.

        Raises:
            TypeError: if a function does not take these arguments.
            ValueError: if an option is not one of those listed.
        """
        checks.function("Op", "forward", forward)
        checks.function("Op", "backward", backward)
        signatures.check_function(name, "backward", backward, signatures.OP_BACKWARD)
        if apply is not None:
            checks.function("Op", "apply", apply)
        checks.one_of("Op", "takes", takes, ("float", "tree"))
        checks.one_of("Op", "padded", padded, ("rejects", "ignores"))
        if flops is not None:
            checks.function("Op", "flops", flops)
        signature = signatures.signature_of(apply if apply is not None else forward)
        if signature is not None:
            signature = signature.replace(return_annotation=inspect.Signature.empty)
        super().__init__(
            functions=OpFunctions(forward, backward, apply),
            name=name,
            takes=takes,
            notation=notation,
            by_jax=by_jax,
            of_classes=of_classes,
            of_fractions=of_fractions,
            weighted=weighted,
            flops=flops,
            rule=rule,
            padded=padded,
            __doc__=_documented(
                name, signature, forward.__doc__ or getattr(apply, "__doc__", None)
            ),
        )
        if signature is not None:
            self.__dict__["__signature__"] = signature

    def __call__(self, *arguments: P.args, **options: P.kwargs) -> Array:
        """Return the value, computed by plain JAX code that is differentiable in every mode."""
        self._check_given(arguments)
        apply = self.functions.apply if self.rule is None else self.rule(self)
        if apply is None:
            return self.forward(*arguments, **options)[0]
        given = to_jax(arguments)
        with calling(self, given, options=options):
            return apply(*given, **options)

    def forward(self, *arguments: P.args, **options: P.kwargs) -> tuple[Array, Cache]:
        """Return the value and the cache for `backward`.

        Args:
            *arguments: the arrays. The derivative is with respect to the first.
            **options: static options, if the op has any.

        Returns:
            `(y, cache)`.

        Raises:
            TypeError: if an argument has the wrong type or dtype.
            ValueError: if shapes do not fit.
        """
        given = self._converted(arguments)
        with calling(self, given, options=options):
            result = self.functions.forward(*given, **options)
        y, saved = returned(self.name, "forward", result, "y", "cache")
        return y, make_cache(self.name, given[0], y, saved)

    def backward(self, cache: Cache, dy: Any) -> Any:
        """Return the derivative with respect to the first argument.

        Args:
            cache: the second value returned by `forward`.
            dy: the derivative of the loss with respect to `y`, of the same shape; None gives None.

        Returns:
            `dx`, an array like the first argument; None if the first argument is an integer array.

        Raises:
            TypeError: if an argument has the wrong type or dtype.
            ValueError: if shapes do not fit.
        """
        if dy is None:
            return None
        dy = cotangent(self.name, cache, dy)
        if cache.integer_x:
            return None
        with calling(self, (cache, dy), signatures.OP_BACKWARD):
            return self.functions.backward(cache.saved, dy)

    def replace(self, **changes: Any) -> "Op[P]":
        """Return a copy of this op with some of its arguments changed.

        If you change `forward` but not `apply`, a new `apply` is made from it.

        Args:
            **changes: new values for arguments of `Op`.

        Returns:
            An `Op`.

        Raises:
            TypeError: if `Op` has no such argument.

        Examples:
            >>> import jax.numpy as jnp
            >>> import purenn as pn
            >>> straight_through = pn.relu.replace(backward=lambda y, dy: dy, name="straight")
            >>> y, cache = straight_through.forward(jnp.array([-1.0, 1.0]))
            >>> print(y, straight_through.backward(cache, jnp.ones(2)))
            [0. 1.] [1. 1.]
        """
        given = {**self.functions._asdict(), **vars(self)}
        for name in ("functions", "first_name", "__doc__", "__signature__"):
            given.pop(name, None)
        return self._replace(given, changes)

    __replace__ = replace  # for copy.replace

    def _check_given(self, arguments: Any) -> None:
        if not arguments:
            raise TypeError(
                f"{self.name}: x is missing. Arrays go by position, {self.name}(x); where a "
                f"function is expected, pass {self.name} itself, not {self.name}()"
            )

    def _converted(self, arguments: Any) -> Any:
        """Return the arguments as JAX arrays, the first in a dtype that the op accepts."""
        self._check_given(arguments)
        x, *others = arguments
        if self.takes == "tree":
            return to_jax(arguments)
        if isinstance(x, (int, float)) and not isinstance(x, bool):
            x = jnp.asarray(x, float)
        if not (isinstance(x, jax.Array) and checks.is_float(x)):
            x = checks.float_array(self.name, signatures.first_argument(self), x)
        return x, *to_jax(others)


def _documented(name: str, signature: inspect.Signature | None, text: str | None) -> str:
    """Return the docstring of an op: its call, which `help` does not show, and its description."""
    call = "(...)"
    if signature is not None:
        parameters = signature.parameters.values()
        plain = [p.replace(annotation=p.empty) for p in parameters]
        call = str(signature.replace(parameters=plain))
    return f"{name}{call}\n\n{inspect.cleandoc(text or '')}".rstrip()
