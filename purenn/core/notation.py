"""How `summary` and `explain` write a layer or an op."""

from typing import Any, NamedTuple


class Notation(NamedTuple):
    """The formulas of a layer or an op; `{x}`, `{dy}`, `{w}` and so on are filled in.

    A formula must hold for any options; `{negative_slope}` is the value of one.
    """

    symbol: str = "A"  # of its output; Z begins a new layer number
    y: str = ""  # the right-hand side of the output's line
    dx: str = ""
    dparams: tuple[str, ...] = ()  # one for each leaf of the parameters
    link: Any = None  # of a loss of logits: the op that turns them into probabilities
    note: str = ""  # what `explain` says after each of its formulas
    evaluated: Any = None  # the notation with train=False, where that is different


PLAIN = Notation()
