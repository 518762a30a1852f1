"""`compare`: your own intermediate values, compared with those of `explain`."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np

from purenn.inspect.explanation import Explanation, find
from purenn.inspect.report import LeafReport, Report, as_numbers, judge

MASKED = -1e4  # scores below count as -inf: masks are often a large negative number


def compare(
    mine: Mapping[str, Any], explanation: Explanation, *, tolerance: float | None = None
) -> Report:
    """Compare values you computed yourself with those of `explain`, name by name.

    Args:
        mine: `{"Z1": ..., "dW1": ...}`, your values by the symbols of the printed explanation, in
            upper or lower case. `gamma`, `beta`, and `'` stand for γ, β, and ′. You can leave out
            the number at the end if only one value has the name. Without a number, `dz` is that
            of the last layer.
        explanation: the result of `explain` for the same parameters and batch.
        tolerance: the largest allowed difference, relative to the largest element. The default is
            1e-5 for float32 and 1e-9 for float64.

    Returns:
        A `Report` with `report.ok` and one line per name in `mine` that describes what looks wrong.

    Raises:
        KeyError: if the explanation has no value of that name.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> params = pn.DenseParams(w=jnp.array([[2.0]]), b=jnp.zeros(1))
        >>> x, targets = jnp.array([[0.5]]), jnp.array([[3.0]])
        >>> explanation = pn.explain(pn.dense(1), pn.mse, params, (), x, targets)
        >>> mine = {"dZ1": jnp.array([[-4.0]]), "dW1": jnp.array([[2.0]])}
        >>> print(pn.compare(mine, explanation))
        FAIL  1 of 2
         dZ1 ok
         dW1 yours = -1 × referee everywhere: the sign is wrong
    """
    if not isinstance(mine, Mapping):
        raise TypeError(f"compare: mine must be a dict of arrays, got {type(mine).__name__}")
    if not isinstance(explanation, Explanation):
        raise TypeError(
            f"compare: explanation must be what explain returned, got {type(explanation).__name__}"
        )
    referee = explanation.named()
    if tolerance is None:
        dtype = explanation.value.dtype
        tolerance = {8: 1e-9, 4: 1e-5}.get(dtype.itemsize, 3e-2)
    m = explanation[0].x.shape[0]
    if not mine:
        raise ValueError("compare: mine is empty, expected a value to judge, such as {'dW1': …}")
    leaves: list[LeafReport] = []
    for name, value in mine.items():
        if not isinstance(name, str):
            raise TypeError(f"compare: mine must have names as keys, got {name!r}")
        found = find("compare", name, referee)
        right, others = referee[found], {k: v for k, v in referee.items() if k != found}
        floor = 10 * float(jnp.finfo(explanation.value.dtype).eps)
        masked, yours = np.isneginf(np.asarray(right)), as_numbers(value)
        if masked.any() and np.shape(yours) == masked.shape:
            if seen := int((masked & ~(yours < MASKED)).sum()):
                text = f"{seen} of {masked.sum()} masked places are not -inf: is the mask missing?"
                leaves.append(LeafReport(name, False, np.inf, text))
                continue
            value, right = (jnp.where(masked, 0, a) for a in (yours, right))
        leaf = judge(
            name,
            value,
            right,
            m=m,
            tolerance=tolerance,
            floor=floor,
            others=others,
            mistakes=partial(_known, found, referee),
        )
        leaves.append(leaf)
    return Report(tuple(leaves))


def _known(symbol: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the derivatives with respect to attention's scores that well-known mistakes give."""
    wanted = [symbol.replace("dS", letter, 1) for letter in ("P", "dP", "D")]
    if not symbol.startswith("dS") or not set(wanted) <= set(values):
        return {}
    p, dp, d = (np.asarray(values[name], np.float64) for name in wanted)
    if p.shape != dp.shape:
        return {}
    return {
        f"the correction {wanted[2]} of the softmax is missing": p * dp,
        f"the sign of {wanted[2]} is wrong": p * (dp + d),
        "the softmax's Jacobian is taken for a diagonal": p * (1 - p) * dp,
    }
