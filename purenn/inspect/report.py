"""Reports: a derivative compared with the right one, and the kind of mistake it looks like."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from purenn.core import html
from purenn.core.checks import describe
from purenn.core.text import printable
from purenn.inspect.factors import is_round, what_factor
from purenn.inspect.places import should_be_zero
from purenn.inspect.precision import decimals, near, precision_of
from purenn.inspect.shapes import shape_mistake


class LeafReport(NamedTuple):
    """The verdict on one derivative.

    Attributes:
        name: the name of the derivative, such as `dw`.
        ok: whether the derivative is correct.
        error: the largest difference from the correct derivative, divided by the largest element
            of the correct derivative unless that is zero.
        message: `ok`, or a description of the mistake.
    """

    name: str
    ok: bool
    error: float  # max|yours - referee| / max|referee|; absolute where the referee is zero
    message: str


class Report(NamedTuple):
    """The verdict of `check_gradients` or `compare`, printed as one line per derivative.

    Attributes:
        leaves: one `LeafReport` per derivative.
        note: how `backward` was called, if not in the usual way, and which derivatives it omits.
        ok: whether every derivative is correct; `bool(report)` is the same.
        worst: the largest error of any derivative.
    """

    leaves: tuple[LeafReport, ...]
    note: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether every derivative is right."""
        return all(leaf.ok for leaf in self.leaves)

    def __bool__(self) -> bool:
        """Return `ok`, so that `assert report` works."""
        return self.ok

    @property
    def worst(self) -> float:
        """Return the largest error of any derivative."""
        return max((leaf.error for leaf in self.leaves), default=0.0)

    def __repr__(self) -> str:
        """Return one line per derivative, and the note."""
        if not self.leaves:
            return "OK  nothing to differentiate"
        failed, of = sum(not leaf.ok for leaf in self.leaves), len(self.leaves)
        head = f"FAIL  {failed} of {of}" if failed else f"OK  {of} of {of}"
        width = max(len(leaf.name) for leaf in self.leaves)
        lines = [f" {x.name:<{width}} {x.message}" for x in self.leaves]
        notes = [f" {line}" for line in self.note.splitlines()]
        return printable("\n".join([head, *lines, *notes]))

    def _repr_html_(self) -> str:
        """Return the table that a notebook shows."""
        failed, of = sum(not leaf.ok for leaf in self.leaves), len(self.leaves)
        head = f"FAIL  {failed} of {of}" if failed else f"OK  {of} of {of}"
        rows = [(leaf.name, leaf.message, f"{leaf.error:.1e}") for leaf in self.leaves]
        table = html.table(("derivative", "verdict", "error"), rows, numbers=(2,))
        return html.paragraph(head) + table + html.paragraph(self.note)


def as_numbers(value: Any) -> Any:
    """Return real numbers as a float64 array, and None for anything else."""
    try:
        array = np.asarray(value)
        is_real = array.dtype.kind in "biufVO" and value is not None  # bfloat16 is a V
        return array.astype(np.float64) if is_real else None
    except (TypeError, ValueError):
        return None


def judge(
    name: str,
    yours: Any,
    referee: Any,
    *,
    m: int,
    tolerance: float,
    floor: float,
    dy: Any = None,
    ignore: Any = None,
    others: Mapping[str, Any] = MappingProxyType({}),
    mistakes: Callable[[], Mapping[str, Any]] = dict,
    explain: Callable[[Any, Any], str] = lambda yours, right: "",
) -> LeafReport:
    """Compare one derivative, element by element.

    Args:
        name: the name of the derivative in the report.
        yours: the derivative to judge.
        referee: the right derivative.
        m: the batch size, a common wrong factor.
        tolerance: the limit for the largest difference, relative to the largest element.
        floor: a referee no larger than this counts as zero, and the limit is then absolute.
        dy: the cotangent, which is easily forgotten if y is a scalar.
        ignore: a mask of elements at kinks, where more than one value is right.
        others: the other right values by name, with which yours may be confused.
        mistakes: returns the values that well-known mistakes give, by their descriptions.
        explain: describes the kind of mistake, given yours and the right derivative, if it
            recognizes one.
    """
    referee = np.asarray(referee, np.float64)
    if yours is None:
        return LeafReport(name, False, np.inf, "is missing: got None")
    came = describe(yours) if hasattr(yours, "dtype") else f"a {type(yours).__name__}"
    yours = as_numbers(yours)
    if yours is None:
        return LeafReport(name, False, np.inf, f"is not an array: got {came}")
    if not np.isfinite(yours).all():
        bad = int((~np.isfinite(yours)).sum())
        return LeafReport(name, False, np.inf, f"{bad} of {yours.size} elements are not finite")
    ignore = np.zeros(referee.shape, bool) if ignore is None else ignore
    referee = np.where(ignore, yours, referee) if ignore.any() else referee
    if not np.isfinite(referee).all():
        bad = int((~np.isfinite(referee)).sum())
        text = f"not judged: the right value is not finite at {bad} of {referee.size} elements"
        return LeafReport(name, False, np.inf, text)
    largest = float(np.abs(referee).max(initial=0))
    zero = largest <= floor
    scale, limit = (1.0, max(tolerance, floor)) if zero else (largest, tolerance)

    def words(yours: Any) -> str:
        """Say what is wrong with values of the right shape; nothing if they are right."""
        difference = np.abs(yours - referee)
        if float(difference.max(initial=0)) / scale <= limit:
            return ""
        if zero:
            return f"should be zero, yours is up to {np.abs(yours).max():.4g}"
        top = np.asarray(dy).item() if dy is not None and np.size(dy) == 1 else None

        def known() -> dict[str, Any]:
            return {text: np.where(ignore, yours, v) for text, v in mistakes().items()}

        return _value_mistake(yours, referee, m, top, difference, scale * limit, known, explain)

    twin = next((other for other, value in others.items() if _same(yours, value, limit)), "")
    swapped = f"yours is {twin}: two values swapped?"
    if yours.shape != referee.shape:
        text = f"shape {yours.shape}, expected {referee.shape}"
        mistake, mended = shape_mistake(yours, referee, m, dy)
        if twin and (mended is None or words(mended)):
            mistake, mended = swapped, None
        also = "" if mended is None else words(mended)
        text += f": {mistake}" * bool(mistake) + f"; and then {also}" * bool(also)
        return LeafReport(name, False, np.inf, text)
    error = float(np.abs(yours - referee).max(initial=0)) / scale
    message = swapped if twin and error > limit else words(yours)
    return LeafReport(name, not message, error, message or "ok")


def _same(yours: Any, other: Any, limit: float) -> bool:
    """Tell whether yours is another of the right values; a single number is not enough evidence."""
    if np.shape(other) != yours.shape or yours.size < 2 or not np.asarray(other).any():
        return False
    apart = np.abs(yours - np.asarray(other, np.float64)).max()
    return bool(apart <= limit * np.abs(yours).max())


def _value_mistake(
    yours: Any,
    referee: Any,
    m: int,
    dy: float | None,  # of a loss
    difference: Any,
    limit: float,
    known: Callable[[], dict[str, Any]],
    explain: Callable[[Any, Any], str],
) -> str:
    if not yours.any():
        return "is zero everywhere"
    close = max(1e-6 * float(np.abs(yours).max()), limit, precision_of(yours))
    factor = float((yours * referee).sum() / (referee * referee).sum())
    is_rounding = float(difference.max()) <= close

    def fits(factor: float) -> bool:
        """Whether yours is this multiple; what has been rounded is multiplied as well."""
        allowed = close * min(max(1.0, abs(factor)), max(1, m))
        return bool(np.abs(yours - factor * referee).max() <= allowed)

    if fits(factor) and not is_rounding and abs(factor - 1) > 1e-5:
        rough = close > 1e-4 * np.abs(yours).max()
        if multiple := _multiple(factor, m, referee, fits, dy, rough=rough):
            return multiple
    wrong = difference > limit
    count = f"{int(wrong.sum())} of {wrong.size} elements differ"
    for words, value in {} if is_rounding else known().items():
        if value.any() and near(yours, value, close):
            return f"{count}: {words}"
    square = yours.ndim > 1 and yours.shape == yours.T.shape and not is_rounding
    if square and near(yours, referee.T, close):
        return "yours is the transpose"
    if yours.size > 1 and np.ptp(yours) <= close and not is_rounding:
        total = near(yours, referee.sum(), close)
        return f"every element is {yours.flat[0]:.6g}" + ": a sum without its axis?" * total
    # Rounding alone is right nearly everywhere, and looks as if backward were not linear in dy.
    far = float(difference.max()) > 1e-4 * float(np.abs(referee).max()) and decimals(yours) < 3
    kind = explain(yours, referee) if far and yours.size > 1 else ""  # a lone number fits many
    if kind:
        return f"{count}: {kind}"
    worst = np.unravel_index(int(difference.argmax()), difference.shape)
    place = f" {tuple(int(i) for i in worst)}" if worst else ""
    hint = should_be_zero(yours, referee) if wrong.sum() > 1 and yours.ndim > 1 else ""
    if float(difference.max()) < 1e-5 * float(np.abs(referee).max()):
        hint = "; is something computed in float32?"
    elif is_rounding and decimals(yours):
        hint = f"; yours is right to {decimals(yours)} decimals: is it rounded?"
    digits = 10 if hint.endswith("float32?") else 6
    values = f"yours {yours[worst]:.{digits}g}, referee {referee[worst]:.{digits}g}"
    return f"{count}; worst{place}: {values}{hint}"


def _multiple(
    factor: float,
    m: int,
    referee: Any,
    fits: Callable[[float], bool],
    dy: float | None,
    *,
    rough: bool,
) -> str:
    """Say that every element is the same multiple of the right one, and what that usually means.

    Every lone number is some multiple, so there it says nothing unless the factor is a usual one.
    """

    def of_this_sign(size: float) -> bool:
        return fits(np.copysign(size, factor))

    def reason_of(top: float) -> str:
        def explains(size: float) -> bool:
            return of_this_sign(size / abs(top))

        of_loss = dy is not None
        return what_factor(factor * top, m, referee, explains, of_loss=of_loss)

    reason = reason_of(1.0)
    if not reason and dy:
        without = reason_of(dy)
        if without or fits(1 / dy):
            reason = f": the incoming dy is left out{without.replace(':', ', and')}"
    if referee.size == 1 and not reason and not is_round(abs(factor), of_this_sign):
        return ""
    size = f"is about {factor:.3g}" if rough else f"= {factor:.4g}"
    return f"yours {size} × referee everywhere{reason}"
