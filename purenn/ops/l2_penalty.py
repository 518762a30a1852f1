"""`l2_penalty`: weight decay as a term of the loss."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core import checks
from purenn.core.layer import Op
from purenn.core.precision import wide


def l2_penalty(strength: float) -> Op:
    r"""$L = \tfrac{\lambda}{2} \sum w^2$ over weights; $dw = \lambda\, w\, dL$.

    Weights are the leaves with two axes or more: biases, gamma and beta are left alone. `strength`
    is $\lambda$; the texts' $(\lambda / 2m) \sum W^2$ is this with `strength` = their λ/m. Under
    `adam` the term's gradient is scaled like any other, so it is not weight decay; `adamw` is.
    Squares overflow: in float32 the value is inf from a weight of about 1e19 on.

    Args:
        strength: λ, at least 0.

    Returns:
        An op of a pytree of parameters.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> params = pn.DenseParams(w=jnp.array([[3.0, 4.0]]), b=jnp.array([7.0, 7.0]))
        >>> print(pn.l2_penalty(0.1)(params))  # 0.05 (9 + 16), and nothing for b
        1.25
    """
    strength = checks.number("l2_penalty", "strength", strength, least=0)

    name = f"l2_penalty({strength:g})"

    def forward(params: Any) -> tuple[Array, Any]:
        leaves = checks.float_leaves(name, "params", params)
        weights = [wide(leaf) for leaf in leaves if leaf.ndim >= 2]
        total = sum((jnp.sum(w * w) for w in weights), start=0.0)
        return jnp.asarray(strength / 2 * total), params

    def backward(params: Any, dy: Array) -> Any:
        def leaf(w: Array) -> Array:
            if w.ndim < 2:
                return jnp.zeros_like(w)
            return (strength * wide(w) * dy.astype(wide(w).dtype)).astype(w.dtype)

        return jax.tree.map(leaf, params)

    return Op(forward, backward, name=name, takes="tree")
