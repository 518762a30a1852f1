"""`Layer`: an immutable value that holds the four pure functions of a layer."""

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

    The methods check their arguments and then call the plain functions the layer was made from. A
    layer is immutable. It is compared and hashed by identity, so it can be a static argument; it is
    not a pytree.

    Attributes:
        functions: the plain functions, without checks, such as `functions.backward`. The other
            arguments are available as attributes of the same names.

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

        Args: What you write for your own layer
            init: `(key, in_shape) -> (params, state)`; `in_shape` is the shape of one example.
            forward: `(params, state, x, *, train=False, key=None) -> (y, state, cache)`; the cache
                holds the values that `backward` needs.
            backward: `(params, cache, dy) -> (dparams, dx)`, derived by hand.
            name: the name in error messages, `summary`, and `explain`.

        Args: Optional, for its input and for how it is shown
            takes: the allowed dtypes of `x`: "float", "integer", or "any".
            vocabulary: the number of valid integers, 0 … vocabulary - 1; `fit` rejects others.
            padded: how to treat a `Padded` `x`. A layer that mixes positions "rejects" it. A layer
                that treats each position independently "ignores" the padding: its functions receive
                only the array. With "uses" they receive the `Padded`; `dy` and `dx` are arrays.
            notation: a `purenn.core.notation.Notation`, which `summary` and `explain` show.
            flops: `(params, x, y) -> int`, for `summary`: the operations of one example's forward
                pass, from the shapes, without `inner`. The default is one per value of `y`.

        Args: Optional, for other functions of purenn
            apply: `(params, state, x, *, train=False, key=None) -> (y, state)`. The default is
                `forward` without the cache.
            inner: layers used in any other way, as in `residual`; `summary` shows them.
            in_dtype: `(dtype) -> layer`, for `as_dtype`, if casting the parameters is not enough.
            stepwise: `(batch, length) -> layer`, which creates the layer that `stepwise` returns.

        Args: What purenn sets
            parts: the layers that this one applies in sequence, if it does nothing else.
            by_jax: whether `jax.vjp` computes the derivative, as for a plain function.
            rule: `(layer) -> apply`, which installs the hand-derived rule in JAX; see `by_hand`.
            batch: the number of examples in `x`, if the state fixes it, or None.

        Raises:
            TypeError: if a function does not take these arguments.
            ValueError: if an option is not one of those listed.
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
            TypeError: if an argument has the wrong type.
            ValueError: if the layer does not accept this shape.
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
        """Return the output, the new state, and the cache for `backward`.

        Args:
            params: the parameters, as `init` returns them.
            state: the state, as `init` returns it; `()` if there is none.
            x: a batch, as an array or a `Padded`; `y` is of the same kind.
            train: whether to run as in training; static.
            key: a PRNG key, for layers that draw random numbers in training.

        Returns:
            `(y, state, cache)`.

        Raises:
            TypeError: if an argument has the wrong type or dtype.
            ValueError: if shapes do not fit.
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
            params: the parameters passed to `forward`.
            cache: the third value returned by `forward`.
            dy: the derivative of the loss with respect to `y`, of its shape; None counts as zero.

        Returns:
            `(dparams, dx)`: a pytree like `params`, and an array like `x` (or like its array, if
            `x` is `Padded`). `dx` is None if `x` is an integer array.

        Raises:
            TypeError: if an argument has the wrong type or dtype.
            ValueError: if shapes do not fit.
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
        """Return the output and the new state: `forward` without the cache, in ordinary JAX code.

        Args:
            params: the parameters, as `init` returns them.
            state: the state, as `init` returns it; `()` if there is none.
            x: a batch, as an array or a `Padded`; `y` is of the same kind.
            train: whether to run as in training; static.
            key: a PRNG key, for layers that draw random numbers in training.

        Returns:
            `(y, state)`.

        Raises:
            TypeError: if an argument has the wrong type or dtype.
            ValueError: if shapes do not fit.
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

        If you change `forward` but not `apply`, a new `apply` is made from it. Changing `forward`,
        `backward`, or `padded` empties `parts` and `inner`, which would no longer be accurate.

        Args:
            **changes: new values for arguments of `Layer`.

        Returns:
            A `Layer`.

        Raises:
            TypeError: if `Layer` has no such argument.

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
        """Reject a call, with a hint for users of other libraries."""
        raise TypeError(
            f"{self.name}: a layer is not called: y, state = layer.apply(params, state, x)"
        )

    @property
    def first(self) -> "Layer":
        """Return the innermost layer that receives `x`, which determines the allowed dtypes."""
        return self.parts[0].first if self.parts else self

    def _converted(self, params: Any, state: Any, x: Any, train: Any) -> tuple[Any, Any, Any]:
        """Return the arguments as JAX arrays, and `x` in a form that the layer accepts."""
        checks.flag(self.name, "train", train)
        return *to_jax((params, state)), input_of(self, x)
