"""`Layer`: an immutable value that holds the pure functions of a layer.

init(key, in_shape) -> (params, state)
forward(params, state, x, *, train=False, key=None) -> (y, state, cache)
backward(params, cache, dy) -> (dparams, dx)
apply(params, state, x, *, train=False, key=None) -> (y, state)
"""

from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core import checks, signatures
from purenn.core.cache import cotangent, make_cache, returned, to_jax
from purenn.core.functions import LayerFunctions
from purenn.core.inputs import input_of, output_of, seen
from purenn.core.located import calling
from purenn.core.notation import PLAIN, Notation
from purenn.core.padded import Padded
from purenn.core.sharding import reshard_like
from purenn.core.types import Cache, Fn, Input, Key, Params, Shape, State
from purenn.core.value import Value


class Layer(Value):
    """A layer: `init`, `forward`, `backward`, and `apply`, which is `forward` without the cache.

    These methods check their arguments and then call the plain functions that the layer was made
    from. A layer is immutable. It is compared and hashed by identity, so it can be a static
    argument; it is not a pytree.

    Attributes:
        functions: the plain functions, without checks, such as `functions.backward`. The other
            arguments are attributes of the same names.

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

    functions: LayerFunctions
    takes: Literal["float", "integer", "any"]
    vocabulary: int | None
    parts: tuple["Layer", ...]
    notation: Notation
    by_jax: bool
    inner: tuple["Layer", ...]
    flops: Fn | None
    in_dtype: Callable[[Any], "Layer"] | None
    rule: Callable[["Layer"], Fn] | None
    padded: Literal["rejects", "ignores", "uses"]
    stepwise: Callable[[int, int], "Layer"] | None
    batch: int | None

    def __init__(
        self,
        init: Fn,
        forward: Fn,
        backward: Fn,
        apply: Fn | None = None,
        name: str = "layer",
        takes: Literal["float", "integer", "any"] = "float",
        parts: tuple["Layer", ...] = (),
        notation: Notation = PLAIN,
        by_jax: bool = False,
        inner: tuple["Layer", ...] = (),
        flops: Fn | None = None,
        in_dtype: Callable[[Any], "Layer"] | None = None,
        rule: Callable[["Layer"], Fn] | None = None,
        padded: Literal["rejects", "ignores", "uses"] = "rejects",
        stepwise: Callable[[int, int], "Layer"] | None = None,
        batch: int | None = None,
        vocabulary: int | None = None,
    ) -> None:
        """Make a layer from plain functions.

        Args:
            init: `(key, in_shape) -> (params, state)`; `in_shape` is the shape of one example.
            forward: `(params, state, x, *, train=False, key=None) -> (y, state, cache)`; the cache
                is what `backward` needs.
            backward: `(params, cache, dy) -> (dparams, dx)`, derived by hand.
            apply: `(params, state, x, *, train=False, key=None) -> (y, state)`. The default is
                `forward` without the cache.
            name: the name in error messages, `summary` and `explain`.
            takes: which dtypes `x` may have: "float", "integer" or "any".
            parts: the layers that this one applies one after the other, if it does nothing else.
            notation: how `summary` and `explain` write the layer.
            by_jax: whether the derivative is left to `jax.vjp`, as for a plain function.
            inner: layers used in any other way, as in `residual`; `summary` shows them.
            flops: `(params, x, y) -> int`, for `summary`: one example's operations forward, from
                shapes alone, without `inner`. The default is one per value of `y`.
            in_dtype: `(dtype) -> layer`, for `as_dtype`, if casting the parameters is not enough.
            rule: `(layer) -> apply`, which installs the hand-derived rule in JAX; see `by_hand`.
            padded: what to do with a `Padded` `x`. A layer that mixes positions "rejects" it. One
                that works on each by itself "ignores" padding: its functions get the array alone.
                With "uses" they get the `Padded` itself; `dy` and `dx` are arrays.
            stepwise: `(batch, length) -> layer`, which makes the layer that `stepwise` returns.
            batch: the number of examples in `x`, if the state is made for it; None for any.
            vocabulary: the layer takes integers 0 … vocabulary - 1; `fit` rejects others.

        Raises:
            TypeError: a part is not a function that takes these arguments.
            ValueError: an option is not one of those listed.
        """
        signatures.check_layer(name, init, forward, backward, apply)
        checks.one_of("Layer", "takes", takes, ("float", "integer", "any"))
        checks.one_of("Layer", "padded", padded, ("rejects", "ignores", "uses"))
        for field, layers in (("parts", parts), ("inner", inner)):
            if not isinstance(layers, tuple) or not all(isinstance(x, Layer) for x in layers):
                raise TypeError(
                    f"Layer: {field} must be a tuple of layers, got {checks.describe(layers)}"
                )
        for field, optional in (("flops", flops), ("stepwise", stepwise)):
            if optional is not None:
                checks.function("Layer", field, optional)
        super().__init__(
            functions=LayerFunctions(init, forward, backward, apply),
            name=name,
            takes=takes,
            vocabulary=vocabulary,
            parts=parts,
            notation=notation,
            by_jax=by_jax,
            inner=inner,
            flops=flops,
            in_dtype=in_dtype,
            rule=rule,
            padded=padded,
            stepwise=stepwise,
            batch=batch,
        )

    def init(self, key: Key, in_shape: Shape) -> tuple[Params, State]:
        """Return initial parameters and the initial state.

        Args:
            key: a PRNG key.
            in_shape: the shape of one example, without the batch axis.

        Returns:
            `(params, state)`; each is `()` if there is none.

        Raises:
            TypeError: an argument has another type.
            ValueError: the layer does not take this shape.
        """
        in_shape = checks.shape_tuple(self.name, in_shape)
        with calling(self, (key, in_shape), signatures.INIT):
            result = self.functions.init(key, in_shape)
        return returned(self.name, "init", result, "params", "state")

    def forward(
        self,
        params: Params,
        state: State,
        x: Input,
        *,
        train: bool = False,
        key: Key | None = None,
    ) -> tuple[Array, State, Cache]:
        """Return the output, the new state, and what `backward` needs.

        Args:
            params: the parameters, as `init` returns them.
            state: the state, as `init` returns it; `()` if there is none.
            x: a batch, as an array or a `Padded`; `y` is of the same kind.
            train: whether to run as in training; static.
            key: a PRNG key, for layers that draw random numbers in training.

        Returns:
            `(y, state, cache)`.

        Raises:
            TypeError: an argument has another type or dtype.
            ValueError: shapes do not fit.
        """
        params, state, x = self._converted(params, state, x, train)
        with calling(self, (params, state, x, key), signatures.FORWARD_CALL):
            result = self.functions.forward(params, state, seen(self, x), train=train, key=key)
        y, new_state, saved = returned(self.name, "forward", result, "y", "state", "cache")
        cache = make_cache(self.name, x, y, saved)
        return output_of(self, x, y), reshard_like(new_state, state), cache

    def backward(self, params: Params, cache: Cache, dy: Any) -> tuple[Params, Array | None]:
        """Return the derivatives with respect to the parameters and to `x`.

        Args:
            params: the parameters that `forward` was called with.
            cache: the third value that `forward` returned.
            dy: the derivative with respect to `y`, of the same shape; None counts as zero.

        Returns:
            `(dparams, dx)`: a pytree like the parameters, and an array like `x` (or like its array,
            if `x` is `Padded`). `dx` is None if `x` is an integer array.

        Raises:
            TypeError: an argument has another type or dtype.
            ValueError: shapes do not fit.
        """
        params = to_jax(params)
        if dy is None:
            return jax.tree.map(jnp.zeros_like, params), None
        dy = cotangent(self.name, cache, dy)
        with calling(self, (params, cache, dy), signatures.BACKWARD):
            result = self.functions.backward(params, cache.saved, dy)
        dparams, dx = returned(self.name, "backward", result, "dparams", "dx")
        return reshard_like(dparams, params), None if cache.integer_x else dx

    def apply(
        self,
        params: Params,
        state: State,
        x: Input,
        *,
        train: bool = False,
        key: Key | None = None,
    ) -> tuple[Array, State]:
        """Return the output and the new state: `forward` without the cache, ordinary JAX code.

        Args:
            params: the parameters, as `init` returns them.
            state: the state, as `init` returns it; `()` if there is none.
            x: a batch, as an array or a `Padded`; `y` is of the same kind.
            train: whether to run as in training; static.
            key: a PRNG key, for layers that draw random numbers in training.

        Returns:
            `(y, state)`.

        Raises:
            TypeError: an argument has another type or dtype.
            ValueError: shapes do not fit.
        """
        apply = self.functions.apply
        if apply is None and self.rule is None:
            return self.forward(params, state, x, train=train, key=key)[:2]
        params, state, x = self._converted(params, state, x, train)
        if self.rule is not None:
            return self.rule(self)(params, state, x, train=train, key=key)
        assert apply is not None
        with calling(self, (params, state, x, key), signatures.FORWARD_CALL):
            result = apply(params, state, seen(self, x), train=train, key=key)
        return (output_of(self, x, result[0]), *result[1:]) if isinstance(x, Padded) else result

    def replace(self, **changes: Any) -> "Layer":
        """Return a copy of this layer with some of its arguments changed.

        If `forward` changes but not `apply`, a new `apply` is made from it. A change of `forward`,
        `backward` or `padded` empties `parts` and `inner`, which no longer hold.

        Args:
            **changes: new values for arguments of `Layer`.

        Returns:
            A `Layer`.

        Raises:
            TypeError: `Layer` has no such argument.

        Examples:
            >>> import purenn as pn
            >>> encoder = pn.serial(pn.dense(16), pn.relu).replace(name="encoder")
            >>> encoder
            encoder
        """
        given = {**self.functions._asdict(), **vars(self)}
        del given["functions"], given["first_name"]
        if changes.keys() & {"forward", "backward", "padded"}:
            given["parts"] = given["inner"] = ()
        if changes.keys() & {"init", "forward", "backward", "apply"}:
            given["in_dtype"] = given["stepwise"] = None
        return self._replace(given, changes)

    __replace__ = replace  # for copy.replace

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Reject the call that users of other libraries try first."""
        raise TypeError(
            f"{self.name}: a layer is not called: y, state = layer.apply(params, state, x)"
        )

    @property
    def first(self) -> "Layer":
        """The innermost layer that `x` reaches first, which decides on the dtype of `x`."""
        return self.parts[0].first if self.parts else self

    def _converted(self, params: Any, state: Any, x: Any, train: Any) -> tuple[Any, Any, Any]:
        """Return the arguments as JAX's arrays, and `x` of a kind that the layer takes."""
        checks.flag(self.name, "train", train)
        return *to_jax((params, state)), input_of(self, x)
