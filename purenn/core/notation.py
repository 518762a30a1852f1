"""How `summary` and `explain` write a layer or an op."""

from typing import Any, NamedTuple

from purenn.core.types import Fn


class Apart(NamedTuple):
    """An axis of a value along which a page shows it piece by piece.

    Attributes:
        axis: which one.
        names: what each piece is called, such as `head 1`.
        examples: whether the first axis counts examples, which then have lines of their own too.
    """

    axis: int
    names: tuple[str, ...]
    examples: bool = False


class Step(NamedTuple):
    """A value between a layer's `x` and `y`, or its derivative.

    Attributes:
        symbol: `S`; the derivative with respect to it is `dS`.
        formula: how it is computed, with `{x}`, `{dy}`, the parameters and other symbols filled in:
            `{Q}·{K}ᵀ`, `d{S}·{K}`.
        value: what it is.
        apart: how a page divides it; None for not at all.
    """

    symbol: str
    formula: str
    value: Any
    apart: Apart | None = None


class Steps(NamedTuple):
    """How `explain` computes the values between a layer's `x` and `y`, apart from its own passes.

    Attributes:
        symbols: those of all values, derivatives left out.
        forward: `(params, x) -> steps`, in order.
        backward: `(params, x, dy) -> steps`, in order.
    """

    symbols: tuple[str, ...]
    forward: Fn
    backward: Fn


class Notation(NamedTuple):
    """The formulas of a layer or an op; `{x}`, `{dy}`, `{w}` and so on are filled in.

    A formula must hold for any options; `{negative_slope}` is the value of one.
    """

    symbol: str = "A"  # of its output; Z, E and G begin a new layer number
    y: str = ""  # the right-hand side of the output's line
    dx: str = ""
    dparams: tuple[str, ...] = ()  # one for each leaf of the parameters
    targets: str = ""  # of a loss with options: how they make Y of the targets
    link: Any = None  # of a loss of logits: the op that turns them into probabilities
    note: str = ""  # what `explain` says after each of its formulas
    evaluated: Any = None  # the notation with train=False, where that is different
    # For each inner layer: how the derivative with respect to its output is written, and the
    # function `(dy, ys)` that computes it from the layer's own dy and the outputs of all inner
    # layers. Given, `explain` looks inside: each inner layer gets the layer's x. A single one gets
    # the layer's params, state and key; of several, number i gets entry i of params and of state,
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
