"""How `summary` and `explain` write a layer or an op."""

from typing import Any, NamedTuple

from purenn.core.types import Fn


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


PLAIN = Notation()
PASSED_ON = ("{dy}", lambda dy, ys: dy)  # for `inner_dy`: the output is a term of a sum, or is y
