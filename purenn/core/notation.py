"""The notation of layers and ops in `summary` and `explain`."""

from typing import Any, NamedTuple

from purenn.core.types import Fn


class Apart(NamedTuple):
    """An axis along which a page shows a value in pieces.

    Attributes:
        axis: the number of the axis.
        names: the name of each piece, such as `head 1`.
        examples: whether the first axis counts examples, which then have separate lines as well.
    """

    axis: int
    names: tuple[str, ...]
    examples: bool = False


class Step(NamedTuple):
    """A value between a layer's `x` and `y`, or its derivative.

    Attributes:
        symbol: `S`; the derivative with respect to it is `dS`.
        formula: the formula of the value, with `{x}`, `{dy}`, the parameters, and other symbols to
            fill in: `{Q}·{K}ᵀ`, `d{S}·{K}`.
        value: the value.
        apart: the axis along which a page divides it; None if it does not.
    """

    symbol: str
    formula: str
    value: Any
    apart: Apart | None = None


class Steps(NamedTuple):
    """The computation of the values between a layer's `x` and `y` in `explain`.

    Attributes:
        symbols: the symbols of all values, without derivatives.
        forward: `(params, x) -> steps`, in order.
        backward: `(params, x, dy) -> steps`, in order.
    """

    symbols: tuple[str, ...]
    forward: Fn
    backward: Fn


class Notation(NamedTuple):
    """The formulas that `summary` and `explain` show for a layer or an op.

    Pass one as `notation=` to `Layer` or `Op`. A formula is the right-hand side of a line. The
    names in braces are filled in: `{x}` with the symbol of the input, `{dy}` with the derivative
    with respect to the output, `{w}` with the parameter of that name, and `{negative_slope}` with
    the value of that option. All fields are optional, and most layers need only the first four.

    Attributes:
        symbol: the letter of the output. `Z`, `E`, and `G` begin a new layer number.
        y: the formula of the output.
        dx: the formula of the derivative with respect to the input.
        dparams: one formula per leaf of the parameters.
        targets: for a loss with options, how they turn the targets into Y.
        link: for a loss of logits, the op that turns logits into probabilities.
        note: a remark that `explain` adds to each formula.
        evaluated: the `Notation` with `train=False`, if it differs.
        inner_dy: for each inner layer, how to write the derivative with respect to its output, and
            a function `(dy, ys)` that computes it. With it, `explain` looks inside the layer.
        times: how many times a single inner layer is applied, as in `repeat`.
        steps: the values between the input and the output, as in `attention`.
        short: the formula of the output where these steps are not shown.
        apart: for each leaf of the parameters, the axis along which `explain` shows it in pieces.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> from purenn.core.notation import Notation
        >>> sine = pn.Op(
        ...     lambda x: (jnp.sin(x), x),
        ...     lambda x, dy: dy * jnp.cos(x),
        ...     name="sine",
        ...     notation=Notation(y="sin({x})", dx="{dy}⊙cos({x})"),
        ... )
        >>> print(pn.summary(pn.serial(pn.dense(3), sine), (2,)).splitlines()[3])
        sine      A1 = sin(Z1)    (3,)        0      3
    """

    symbol: str = "A"
    y: str = ""
    dx: str = ""
    dparams: tuple[str, ...] = ()
    targets: str = ""
    link: Any = None
    note: str = ""
    evaluated: Any = None
    # For each inner layer: how the derivative with respect to its output is written, and the
    # function `(dy, ys)` that computes it from the layer's own dy and the outputs of all inner
    # layers. Given, `explain` looks inside: each inner layer gets the layer's x. A single one gets
    # the layer's params, state, and key; of several, number i gets entry i of params and of state,
    # and the key `fold_in(key, i)`.
    inner_dy: tuple[tuple[str, Fn], ...] = ()
    # How many times the single inner layer is applied, if it is repeated: params and state have a
    # first axis then, with one entry for each time, and number i gets the key `fold_in(key, i)`.
    times: int | None = None
    steps: Steps | None = None  # the values between x and y, whose symbols formulas may use
    short: str = ""  # the right-hand side of the output's line where steps are not shown
    apart: tuple[Apart | None, ...] = ()  # for each leaf of the parameters


PLAIN = Notation()
PASSED_ON = ("{dy}", lambda dy, ys: dy)  # for `inner_dy`: the output is a term of a sum, or is y
