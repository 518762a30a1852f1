"""Trials of a wrong backward pass with other cotangents and arguments, to find the mistake."""

import contextlib
import io
import operator
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import jax
import numpy as np

from purenn.core import numpy_arrays
from purenn.inspect.finite_differences import jacobian
from purenn.inspect.matching import is_nothing
from purenn.inspect.referee import Referee
from purenn.inspect.report import as_numbers

SMALL = 4096  # elements of y and of all inputs together; what is larger is not tried again
LONGEST = 16  # places along an axis that are tried one by one
PATIENCE = 20  # seconds, after which a slow backward is not tried any more


class Result(NamedTuple):
    """Two derivatives with respect to the same leaf."""

    yours: Any
    right: Any

    @property
    def agree(self) -> bool:
        """Tell whether the derivatives are equal, and not only because both are zero."""
        return bool(self.right.any()) and near(self.yours, self.right)


class Trials:
    """A wrong derivative of a case, and its values for other inputs and cotangents.

    Attributes:
        i: the index of the input leaf to which the derivative belongs.
        leaves: the inputs, and then the other arrays among the arguments.
        labels: the names of the leaves: x, p['w'].
        count: the number of leaves that are inputs.
        floats: which of the leaves are floating-point arrays.
        y: the result of forward.
        dy: the cotangent.
        yours, right: the two derivatives at these inputs, for this cotangent.
    """

    def __init__(self, referee: Referee, by_hand: Any, i: int, yours: Any, right: Any) -> None:
        self.case, self.by_hand, self.i = referee.case, by_hand, i
        self.labels = [name[1:] for name in referee.names] + list(self.case.more_labels)
        self.count = len(referee.names)
        self.leaves = [np.asarray(a) for a in (*jax.tree.leaves(self.case.inputs), *self.case.more)]
        self.floats = [i for i, leaf in enumerate(self.leaves) if leaf.dtype.kind == "f"]
        self.y, self.dy, self.yours, self.right = map(
            np.asarray, (referee.y, referee.dy, yours, right)
        )
        self.pull = referee.pull
        self.deadline = time.monotonic() + PATIENCE
        self.known: dict[bytes, Any] = {}

    @cached_property
    def small(self) -> bool:
        """Whether a few hundred calls of forward and backward are fast."""
        size = self.y.size + sum(leaf.size for leaf in self.leaves)
        return size <= (SMALL if self.case.traceable else SMALL // 8)

    @property
    def label(self) -> str:
        """The name of the leaf."""
        return self.labels[self.i]

    def at(self, changed: Mapping[int, Any]) -> list[Any]:
        """Return the inputs with some leaves changed."""
        return [changed.get(i, leaf) for i, leaf in enumerate(self.leaves)]

    def all(self, dy: Any = None, leaves: list[Any] | None = None) -> dict[int, Result]:
        """Return both derivatives of each leaf for which both exist and are finite.

        Args:
            dy: another cotangent.
            leaves: other inputs. Their shapes may differ, too, if `dy` has the shape of their y.
        """
        if time.monotonic() > self.deadline:
            return {}
        leaves = self.leaves if leaves is None else leaves
        if all(map(operator.is_, leaves[self.count :], self.leaves[self.count :])):
            leaves = leaves[: self.count]  # forward may not be traceable with respect to the rest
        inputs = self._inputs([numpy_arrays.to_jax(a) for a in leaves])
        dy = numpy_arrays.to_jax(np.asarray(self.dy if dy is None else dy))
        try:
            with _quietly():
                right = [np.asarray(d) for d in self._right(inputs, dy)[: self.count]]
                came = [None if is_nothing(d) else as_numbers(d) for d in self.by_hand(dy, inputs)]
        except Exception:  # code that is called with arguments that it is not made for
            return {}
        return {
            i: Result(mine, theirs)
            for i, (mine, theirs) in enumerate(zip(came[: self.count], right, strict=True))
            if mine is not None and mine.shape == theirs.shape
            if np.isfinite(mine).all() and np.isfinite(theirs).all()
        }

    def one(self, dy: Any = None, leaves: list[Any] | None = None) -> Result | None:
        """Return both derivatives of the leaf in question."""
        return self.all(dy, leaves).get(self.i)

    def agrees(self, dy: Any = None, leaves: list[Any] | None = None) -> bool:
        """Tell whether yours is right for these inputs, and not only because all is zero."""
        result = self.one(dy, leaves)
        return result is not None and result.agree

    def _inputs(self, leaves: list[Any]) -> tuple[Any, ...]:
        own: Any = jax.tree.structure(self.case.inputs)
        return (*own.unflatten(leaves[: self.count]), *leaves[self.count :])

    def _right(self, inputs: Any, dy: Any) -> list[Any]:
        if self.pull is not None:
            return self.pull(inputs, dy)
        leaves = jax.tree.leaves(inputs)
        key = b"".join(np.asarray(leaf).tobytes() for leaf in leaves)
        if key not in self.known:
            self.known[key] = jacobian(self.case, inputs)
        return [np.tensordot(np.asarray(dy), d, np.ndim(dy)) for d in self.known[key]]


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Suppress the output and the warnings of a backward pass, which has been called before."""
    with (
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield


def near(a: Any, b: Any) -> bool:
    """Tell whether two arrays of the same shape are equal, to finite differences' precision."""
    return np.shape(a) == np.shape(b) and bool(
        np.abs(a - b).max(initial=0) <= 1e-6 * np.abs(b).max(initial=0)
    )


def factor(yours: Any, right: Any) -> float | None:
    """Return c if yours is c times the right one, for a c other than 0 and 1."""
    if np.shape(yours) != np.shape(right) or not np.any(right):
        return None
    c = float((yours * right).sum() / (right * right).sum())
    return c if c and abs(c - 1) > 1e-5 and near(yours, c * right) else None


Hypothesis = Callable[[Trials], str]  # what the report says if it holds; nothing if it does not
